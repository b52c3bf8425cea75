// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {BLOB_MODE, IEpochVerifier} from "../interfaces/IEpochVerifier.sol";
import {IProposerPolicy} from "../interfaces/IProposerPolicy.sol";
import {IProverPolicy} from "../interfaces/IProverPolicy.sol";
import {CommitInput, IRollup} from "../interfaces/IRollup.sol";
import {Blobs} from "../libraries/Blobs.sol";
import {EpochWords} from "../libraries/EpochWords.sol";
import {FIELD_MODULUS} from "../libraries/Field.sol";
import {LaneWalk} from "../libraries/LaneWalk.sol";
import {PolicyCalls} from "../libraries/PolicyCalls.sol";
import {QueueItem} from "../libraries/QueueItems.sol";
import {VectorBinding} from "../libraries/VectorBinding.sol";
import {AssetId, ETH} from "../types/AssetId.sol";
import {EpochId} from "../types/EpochId.sol";
import {EpochFees, EpochRecord, hashFees} from "../types/EpochRecord.sol";
import {RollupConfig} from "./RollupBase.sol";
import {RollupBrakes} from "./RollupBrakes.sol";

/// @title Rollup
contract Rollup is RollupBrakes {
    /// @dev What an epoch is found to be when it is committed.
    struct Judgement {
        EpochRecord record;
        /// Public inputs of its client proofs.
        uint256[] links;
        EpochFees fees;
        /// L1 block in which the item at queue start was queued, NO_ITEM without one.
        uint256 firstQueuedAt;
    }

    uint256 private constant NO_ITEM = type(uint64).max;
    uint256 private constant PROOF_BYTES = 256;
    uint256 private constant POLICY_WORD = 0;

    constructor(RollupConfig memory config) RollupBrakes(config) {}

    /// @inheritdoc IRollup
    function commit(CommitInput calldata input) external returns (bytes32 recordHash) {
        if (proposerPolicy == address(0)) revert CommitNeedsPolicy();
        _requireDataInTransaction();
        Status memory current = _running();
        _requireNoPause(current);
        Judgement memory found = _judge(input, current.head, domain());
        // Else epochs that nobody proves could hold up the first item for ever.
        if (found.firstQueuedAt + _forcedDeadline + _provingWindow <= block.number) {
            revert CommitNeedsProof(found.firstQueuedAt);
        }
        _askProposer(found.record.id);
        if (found.links.length != 0) IEpochVerifier(input.verifier).verifyClients(found.links, input.clientProofs);
        _status.head = found.record.id;
        recordHash = _store(found.record);
    }

    /// @inheritdoc IRollup
    function prove(EpochRecord calldata record, EpochFees calldata fees, address beneficiary, bytes calldata proof)
        external
    {
        Status memory current = _running();
        (EpochId id, bytes32 recordHash) = _requireNextToProve(current, record);
        bool heard = proverPolicy != address(0) && block.number <= record.deadline;
        if (heard) _askProver(id, record.commitBlock);
        if (record.feesHash != 0) {
            bytes32 feesHash = hashFees(fees);
            if (feesHash != record.feesHash) revert FeesMismatch(record.feesHash, feesHash);
        }
        IEpochVerifier(record.verifier)
            .verifyRollup(_publicInputs(domain(), record.c, record.z, record.y, record.yData, beneficiary), proof);
        current.proven = id;
        current.cursor = uint40(record.queueEnd);
        _write(current);
        emit EpochProven(id, recordHash, beneficiary);
        if (record.feesHash != 0) _bridge.creditFees(record.feeRecipient, fees);
        if (heard) _informProver(id, beneficiary);
    }

    /// @inheritdoc IRollup
    function commitAndProve(CommitInput calldata input, address beneficiary, bytes calldata proof)
        external
        returns (bytes32 recordHash)
    {
        _requireDataInTransaction();
        if (input.feeRecipient != beneficiary) revert FeesNotForBeneficiary(input.feeRecipient, beneficiary);
        Status memory current = _running();
        if (current.head != current.proven) revert EpochsPending(current.head, current.proven);
        uint256 ownDomain = domain();
        Judgement memory found = _judge(input, current.head, ownDomain);
        EpochRecord memory record = found.record;
        // What only takes items that wait for too long is stopped by nobody.
        if (found.links.length != 0 || found.firstQueuedAt + _forcedDeadline > block.number) {
            _requireNoPause(current);
            _askProposer(record.id);
            if (proverPolicy != address(0)) _askProver(record.id, record.commitBlock);
        }
        IEpochVerifier(input.verifier)
            .verifyEpoch(
                _publicInputs(ownDomain, record.c, record.z, record.y, record.yData, beneficiary),
                found.links,
                input.clientProofs,
                proof
            );
        (current.head, current.proven, current.cursor) = (record.id, record.id, uint40(record.queueEnd));
        _write(current);
        recordHash = _store(record);
        emit EpochProven(record.id, recordHash, beneficiary);
        if (record.feesHash != 0) _bridge.creditFees(record.feeRecipient, found.fees);
        if (proverPolicy != address(0)) _informProver(record.id, beneficiary);
    }

    /// @inheritdoc IRollup
    function prune(EpochRecord calldata record) external {
        Status memory current = _running();
        (EpochId id,) = _requireNextToProve(current, record);
        if (block.number <= record.deadline) revert DeadlineAhead(record.deadline);
        _status.head = current.proven;
        emit EpochsPruned(id, current.head);
        if (proverPolicy != address(0)) {
            PolicyCalls.inform(proverPolicy, abi.encodeCall(IProverPolicy.onPruned, (id, current.head)));
        }
    }

    /// @dev Followers rebuild the state from the calldata of the transaction itself. A call from an account without code (a
    /// delegation by EIP-7702 is code) that began the transaction is its outermost call, so its words stand there.
    function _requireDataInTransaction() private view {
        // This is no authorization: anyone may call, but only directly.
        // slither-disable-next-line tx-origin
        if (msg.sender != tx.origin || msg.sender.code.length != 0) revert DataNotInTransaction(msg.sender);
    }

    /// @dev Everything that a commit must satisfy but its proofs (docs/spec/06-l1.md, rules 1 to 8; 14-blobs.md).
    function _judge(CommitInput calldata input, EpochId head, uint256 ownDomain)
        private
        view
        returns (Judgement memory found)
    {
        EpochRecord memory record = found.record;
        uint256 lanes;
        (lanes, record.dataMode) = _openMember(input.verifier);
        bytes32 versionedHash = _judgeSizes(input, lanes, record.dataMode);
        EpochRecord calldata parent = input.parent;
        record.parent = epochs[head];
        bytes32 parentHash = parent.hashCalldata();
        if (parentHash != record.parent) revert ParentNotHead(record.parent, parentHash);

        record.id = head.next();
        record.proposer = msg.sender;
        record.feeRecipient = input.feeRecipient;
        record.verifier = input.verifier;
        record.commitBlock = uint64(block.number);
        record.deadline = uint64(block.number) + _provingWindow;
        _judgeHeader(input, lanes, record, ownDomain);
        _judgeFees(input.words, lanes, found.fees);
        _judgeLanes(input, lanes, found);
        record.feesHash = hashFees(found.fees);

        record.c = input.c;
        bool canonical;
        (record.z, record.y, canonical) = VectorBinding.bind(ownDomain, input.c, input.words, lanes, versionedHash);
        if (!canonical || input.c >= FIELD_MODULUS) revert NonCanonicalField();
        if (versionedHash != 0) record.yData = Blobs.evaluate(versionedHash, record.z, input.blob);
        record.newState = EpochWords.l1Field(input.words, EpochWords.NEW_STATE);
        record.ownAnchor = EpochWords.l1Field(input.words, EpochWords.OWN_ANCHOR);
    }

    /// @dev Versioned hash of the blob that holds the data words, 0 when they are in calldata.
    // slither-disable-next-line incorrect-equality
    function _judgeSizes(CommitInput calldata input, uint256 lanes, uint8 mode)
        private
        view
        returns (bytes32 versionedHash)
    {
        uint256 expected;
        if (mode == BLOB_MODE) {
            versionedHash = Blobs.requireOne(input.blob);
            expected = EpochWords.l1ByteLength(lanes);
        } else {
            Blobs.requireNone(input.blob);
            expected = EpochWords.byteLength(lanes);
        }
        if (input.words.length != expected) revert WrongWordsLength(expected, input.words.length);
    }

    function _askProposer(EpochId id) private view {
        if (proposerPolicy == address(0)) return;
        if (!PolicyCalls.allows(proposerPolicy, abi.encodeCall(IProposerPolicy.mayCommit, (msg.sender, id)))) {
            revert ProposerRefused(msg.sender);
        }
    }

    function _judgeHeader(CommitInput calldata input, uint256 lanes, EpochRecord memory record, uint256 ownDomain)
        private
        view
    {
        bytes calldata words = input.words;
        EpochRecord calldata parent = input.parent;
        uint256 word = EpochWords.l1Byte(words, lanes, EpochWords.EPOCH_ID);
        if (word != EpochId.unwrap(record.id)) revert WrongEpochId(EpochId.unwrap(record.id), word);
        word = EpochWords.l1Field(words, EpochWords.OLD_STATE);
        if (word != parent.newState) revert StaleState(parent.newState, word);
        word = EpochWords.l1Byte(words, lanes, EpochWords.DOMAIN);
        if (word != ownDomain) revert WrongDomain(ownDomain, word);
        word = EpochWords.l1Byte(words, lanes, EpochWords.QUEUE_START);
        if (word != parent.queueEnd) revert WrongQueueStart(parent.queueEnd, word);
        word = EpochWords.l1Byte(words, lanes, EpochWords.RESERVED);
        if (word != 0) revert ReservedWordUsed(word);

        uint256 queueEnd = EpochWords.l1Byte(words, lanes, EpochWords.QUEUE_END);
        if (queueEnd < parent.queueEnd || queueEnd - parent.queueEnd > lanes) {
            revert WrongQueueEnd(parent.queueEnd, queueEnd);
        }
        record.queueEnd = uint64(queueEnd);

        uint256 clock = EpochWords.l1Byte(words, lanes, EpochWords.CLOCK);
        if (clock > block.number) revert ClockInFuture(clock, block.number);
        if (clock + _clockWindow < block.number) revert ClockTooOld(clock, block.number - _clockWindow);
        if (clock < parent.timestampBlock) revert ClockDecreased(clock, parent.timestampBlock);
        record.timestampBlock = uint64(clock);

        _judgeOldest(input, EpochWords.l1Byte(words, lanes, EpochWords.OLDEST), clock);
    }

    /// @dev An anchor dies `anchorLife` blocks after its successor was committed; without a successor it lives on, so nothing
    /// expires while the rollup idles.
    // Words of calldata are compared; none of them can drift as a balance does.
    // slither-disable-next-line incorrect-equality
    function _judgeOldest(CommitInput calldata input, uint256 oldest, uint256 clock) private view {
        uint256 head = EpochId.unwrap(input.parent.id);
        if (oldest > head) revert OldestUnknown(oldest, head);
        uint256 supplied = input.oldestSuccessor.length;
        if (supplied > 1 || (oldest == head && supplied != 0)) revert WrongOldestSuccessorCount(supplied);
        if (oldest == head) return;
        EpochRecord calldata successor = input.parent;
        if (supplied == 1) {
            successor = input.oldestSuccessor[0];
            bytes32 expected = epochs[EpochId.wrap(uint64(oldest + 1))];
            bytes32 actual = successor.hashCalldata();
            if (actual != expected) revert OldestSuccessorMismatch(expected, actual);
        } else if (oldest + 1 != head) {
            revert WrongOldestSuccessorCount(0);
        }
        if (uint256(successor.commitBlock) + _anchorLife <= clock) revert OldestExpired(oldest, successor.commitBlock);
    }

    // slither-disable-next-line incorrect-equality
    function _judgeFees(bytes calldata words, uint256 lanes, EpochFees memory fees) private view {
        for (uint256 slot = 0; slot < EpochWords.FEE_SLOTS; slot++) {
            uint256 asset = EpochWords.l1Byte(words, lanes, EpochWords.FEE_ASSETS + slot);
            uint256 total = EpochWords.l1Byte(words, lanes, EpochWords.FEE_TOTALS + slot);
            if (asset == 0) {
                if (total != 0) revert FeeWithoutAsset(slot);
                continue;
            }
            for (uint256 earlier = 0; earlier < slot; earlier++) {
                if (fees.assets[earlier] == asset) revert FeeAssetRepeated(asset);
            }
            // At most four, to our own bridge.
            // slither-disable-next-line calls-loop
            bool listed = asset == AssetId.unwrap(ETH)
                || (asset <= type(uint64).max && _bridge.isListed(AssetId.wrap(uint64(asset))));
            if (!listed) revert FeeAssetUnlisted(asset);
            fees.assets[slot] = asset;
            fees.totals[slot] = total;
        }
    }

    // slither-disable-next-line incorrect-equality
    function _judgeLanes(CommitInput calldata input, uint256 lanes, Judgement memory found) private view {
        uint256 queueStart = input.parent.queueEnd;
        uint256 count = found.record.queueEnd - queueStart;
        if (input.queueTails.length != count) revert WrongQueueTailCount(count, input.queueTails.length);
        (QueueItem[] memory items, QueueItem following) = _queue.read(queueStart, count);
        (found.links, found.record.withdrawalRoot) =
            LaneWalk.walk(input.words, lanes, queueStart, items, input.queueTails);
        if (count != 0) {
            uint256[] memory forced = LaneWalk.forcedItems(input.words, lanes, queueStart, count);
            if (forced.length != 0) found.fees.queueFees = _queue.feesOf(forced);
        }
        uint256 proofBytes = found.links.length * PROOF_BYTES;
        if (input.clientProofs.length != proofBytes) {
            revert WrongClientProofsLength(proofBytes, input.clientProofs.length);
        }
        if (count < lanes / 2 && !following.isNone() && following.queuedAt() + _forcedDeadline <= block.number) {
            revert OverdueItemsLeft(count, following.queuedAt());
        }
        QueueItem first = count == 0 ? following : items[0];
        found.firstQueuedAt = first.isNone() ? NO_ITEM : first.queuedAt();
    }

    function _publicInputs(uint256 ownDomain, uint256 c, uint256 z, uint256 y, uint256 yData, address beneficiary)
        private
        pure
        returns (uint256[6] memory)
    {
        uint256 m = uint256(keccak256(abi.encode(ownDomain, z, beneficiary, POLICY_WORD))) % FIELD_MODULUS;
        return [c, z, y, yData & type(uint128).max, yData >> 128, m];
    }

    function _askProver(EpochId id, uint64 commitBlock) private view {
        bytes memory question = abi.encodeCall(IProverPolicy.mayProve, (msg.sender, id, commitBlock));
        if (!PolicyCalls.allows(proverPolicy, question)) revert ProverRefused(msg.sender);
    }

    function _informProver(EpochId id, address beneficiary) private {
        PolicyCalls.inform(proverPolicy, abi.encodeCall(IProverPolicy.onProven, (id, beneficiary)));
    }
}
