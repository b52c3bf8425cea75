// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IBridge} from "../interfaces/IBridge.sol";
import {IEpochVerifier} from "../interfaces/IEpochVerifier.sol";
import {IL1Queue} from "../interfaces/IL1Queue.sol";
import {IProposerPolicy} from "../interfaces/IProposerPolicy.sol";
import {IProverPolicy} from "../interfaces/IProverPolicy.sol";
import {CommitInput, IRollup, RollupParameters} from "../interfaces/IRollup.sol";
import {EpochWords} from "../libraries/EpochWords.sol";
import {FIELD_MODULUS} from "../libraries/Field.sol";
import {LaneWalk} from "../libraries/LaneWalk.sol";
import {PolicyCalls} from "../libraries/PolicyCalls.sol";
import {QueueItem} from "../libraries/QueueItems.sol";
import {VectorBinding} from "../libraries/VectorBinding.sol";
import {Withdrawals} from "../libraries/Withdrawals.sol";
import {AssetId, ETH} from "../types/AssetId.sol";
import {EpochId, GENESIS} from "../types/EpochId.sol";
import {EpochFees, EpochRecord, hashFees} from "../types/EpochRecord.sol";

/// @notice What the rollup is deployed with.
/// @dev Bridge and queue are deployed before, with the address of the rollup to come.
struct RollupConfig {
    IL1Queue queue;
    IBridge bridge;
    address[] verifiers;
    /// 0: anyone may commit.
    address proposerPolicy;
    /// 0: anyone may prove.
    address proverPolicy;
    uint256 genesisState;
    uint256 genesisAnchor;
    RollupParameters parameters;
}

/// @title Rollup
contract Rollup is IRollup {
    struct Status {
        EpochId head;
        EpochId proven;
    }

    bytes32 private constant DOMAIN_TAG = keccak256("sotto.domain.v1");
    uint256 private constant PROOF_BYTES = 256;
    uint256 private constant POLICY_WORD = 0;

    IL1Queue private immutable _queue;
    IBridge private immutable _bridge;
    /// @inheritdoc IRollup
    address public immutable proposerPolicy;
    /// @inheritdoc IRollup
    address public immutable proverPolicy;
    uint64 private immutable _anchorLife;
    uint64 private immutable _clockWindow;
    uint64 private immutable _provingWindow;
    uint64 private immutable _forcedDeadline;
    uint64 private immutable _freezeTime;

    /// @inheritdoc IRollup
    Status public status;
    /// @inheritdoc IRollup
    mapping(EpochId id => bytes32 recordHash) public epochs;
    /// @inheritdoc IRollup
    mapping(address verifier => uint256) public laneCount;
    address[] private _verifiers;

    constructor(RollupConfig memory config) {
        if (
            config.bridge.rollup() != address(this) || config.bridge.queue() != address(config.queue)
                || config.queue.bridge() != address(config.bridge)
        ) revert WiringMismatch();
        _queue = config.queue;
        _bridge = config.bridge;
        proposerPolicy = config.proposerPolicy;
        proverPolicy = config.proverPolicy;

        RollupParameters memory times = config.parameters;
        if (
            times.anchorLife == 0 || times.clockWindow == 0 || times.provingWindow == 0 || times.forcedDeadline == 0
                || times.freezeTime == 0
        ) revert BadParameters();
        _anchorLife = times.anchorLife;
        _clockWindow = times.clockWindow;
        _provingWindow = times.provingWindow;
        _forcedDeadline = times.forcedDeadline;
        _freezeTime = times.freezeTime;

        _fixVerifiers(config.verifiers);
        _storeGenesis(config.genesisState, config.genesisAnchor);
    }

    /// @inheritdoc IRollup
    function commit(CommitInput calldata input) external returns (bytes32 recordHash) {
        if (proposerPolicy == address(0)) revert CommitNeedsPolicy();
        _requireDataInTransaction();
        Status memory current = status;
        (EpochRecord memory record, uint256[] memory links,) = _judge(input, current.head, domain());
        if (links.length != 0) IEpochVerifier(input.verifier).verifyClients(links, input.clientProofs);
        status.head = record.id;
        recordHash = _store(record);
    }

    /// @inheritdoc IRollup
    function prove(EpochRecord calldata record, EpochFees calldata fees, address beneficiary, bytes calldata proof)
        external
    {
        Status memory current = status;
        EpochId id = record.id;
        bytes32 recordHash = record.hashCalldata();
        if (id != current.proven.next() || id > current.head || epochs[id] != recordHash) {
            revert NotNextToProve(id, recordHash);
        }
        bool heard = proverPolicy != address(0) && block.number <= record.deadline;
        if (heard) _askProver(id, record.commitBlock);
        if (record.feesHash != 0) {
            bytes32 feesHash = hashFees(fees);
            if (feesHash != record.feesHash) revert FeesMismatch(record.feesHash, feesHash);
        }
        IEpochVerifier(record.verifier)
            .verifyRollup(_publicInputs(domain(), record.c, record.z, record.y, beneficiary), proof);
        status.proven = id;
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
        Status memory current = status;
        if (current.head != current.proven) revert EpochsPending(current.head, current.proven);
        uint256 ownDomain = domain();
        (EpochRecord memory record, uint256[] memory links, EpochFees memory fees) =
            _judge(input, current.head, ownDomain);
        EpochId id = record.id;
        if (proverPolicy != address(0)) _askProver(id, record.commitBlock);
        IEpochVerifier(input.verifier)
            .verifyEpoch(
                _publicInputs(ownDomain, record.c, record.z, record.y, beneficiary), links, input.clientProofs, proof
            );
        status = Status({head: id, proven: id});
        recordHash = _store(record);
        emit EpochProven(id, recordHash, beneficiary);
        if (record.feesHash != 0) _bridge.creditFees(record.feeRecipient, fees);
        if (proverPolicy != address(0)) _informProver(id, beneficiary);
    }

    /// @inheritdoc IRollup
    function prune(EpochRecord calldata record) external {
        Status memory current = status;
        EpochId id = record.id;
        bytes32 recordHash = record.hashCalldata();
        if (id != current.proven.next() || id > current.head || epochs[id] != recordHash) {
            revert NotNextToProve(id, recordHash);
        }
        if (block.number <= record.deadline) revert DeadlineAhead(record.deadline);
        status.head = current.proven;
        emit EpochsPruned(id, current.head);
        if (proverPolicy != address(0)) {
            PolicyCalls.inform(proverPolicy, abi.encodeCall(IProverPolicy.onPruned, (id, current.head)));
        }
    }

    /// @inheritdoc IRollup
    function domain() public view returns (uint256) {
        return uint256(keccak256(abi.encode(DOMAIN_TAG, block.chainid, address(this)))) >> 8;
    }

    /// @inheritdoc IRollup
    function isProven(EpochId id, bytes32 recordHash) external view returns (bool) {
        return !(id > status.proven) && epochs[id] == recordHash;
    }

    /// @inheritdoc IRollup
    function bridge() external view returns (address) {
        return address(_bridge);
    }

    /// @inheritdoc IRollup
    function queue() external view returns (address) {
        return address(_queue);
    }

    /// @inheritdoc IRollup
    function parameters() external view returns (RollupParameters memory) {
        return RollupParameters({
            anchorLife: _anchorLife,
            clockWindow: _clockWindow,
            provingWindow: _provingWindow,
            forcedDeadline: _forcedDeadline,
            freezeTime: _freezeTime
        });
    }

    /// @inheritdoc IRollup
    function verifiers() external view returns (address[] memory) {
        return _verifiers;
    }

    /// @dev Followers rebuild the state from the calldata of the transaction itself. A call from an account without code (a
    /// delegation by EIP-7702 is code) that began the transaction is its outermost call, so its words stand there.
    function _requireDataInTransaction() private view {
        // This is no authorization: anyone may call, but only directly.
        // slither-disable-next-line tx-origin
        if (msg.sender != tx.origin || msg.sender.code.length != 0) revert DataNotInTransaction(msg.sender);
    }

    /// @dev Everything that a commit must satisfy but its proofs (docs/spec/06-l1.md, rules 1 to 8).
    function _judge(CommitInput calldata input, EpochId head, uint256 ownDomain)
        private
        view
        returns (EpochRecord memory record, uint256[] memory links, EpochFees memory fees)
    {
        uint256 lanes = laneCount[input.verifier];
        if (lanes == 0) revert UnknownVerifier(input.verifier);
        if (input.words.length != EpochWords.byteLength(lanes)) {
            revert WrongWordsLength(EpochWords.byteLength(lanes), input.words.length);
        }
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
        _judgeProposer(record.id);
        _judgeHeader(input, lanes, record, ownDomain);
        fees = _judgeFees(input.words, lanes);
        record.feesHash = hashFees(fees);
        (links, record.withdrawalRoot) = _judgeLanes(input, lanes, record.queueEnd);

        record.c = input.c;
        bool canonical;
        (record.z, record.y, canonical) = VectorBinding.bind(ownDomain, input.c, input.words, lanes);
        if (!canonical || input.c >= FIELD_MODULUS) revert NonCanonicalField();
        record.newState = EpochWords.l1Field(input.words, EpochWords.NEW_STATE);
        record.ownAnchor = EpochWords.l1Field(input.words, EpochWords.OWN_ANCHOR);
    }

    function _judgeProposer(EpochId id) private view {
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

    function _judgeFees(bytes calldata words, uint256 lanes) private view returns (EpochFees memory fees) {
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

    function _judgeLanes(CommitInput calldata input, uint256 lanes, uint256 queueEnd)
        private
        view
        returns (uint256[] memory links, bytes32 withdrawalRoot)
    {
        uint256 queueStart = input.parent.queueEnd;
        uint256 count = queueEnd - queueStart;
        if (input.queueTails.length != count) revert WrongQueueTailCount(count, input.queueTails.length);
        (QueueItem[] memory items, QueueItem following) = _queue.read(queueStart, count);
        (links, withdrawalRoot) = LaneWalk.walk(input.words, lanes, queueStart, items, input.queueTails);
        uint256 proofBytes = links.length * PROOF_BYTES;
        if (input.clientProofs.length != proofBytes) {
            revert WrongClientProofsLength(proofBytes, input.clientProofs.length);
        }
        if (count < lanes / 2 && !following.isNone() && following.queuedAt() + _forcedDeadline <= block.number) {
            revert OverdueItemsLeft(count, following.queuedAt());
        }
    }

    function _publicInputs(uint256 ownDomain, uint256 c, uint256 z, uint256 y, address beneficiary)
        private
        pure
        returns (uint256[6] memory)
    {
        uint256 m = uint256(keccak256(abi.encode(ownDomain, z, beneficiary, POLICY_WORD))) % FIELD_MODULUS;
        return [c, z, y, 0, 0, m];
    }

    function _askProver(EpochId id, uint64 commitBlock) private view {
        bytes memory question = abi.encodeCall(IProverPolicy.mayProve, (msg.sender, id, commitBlock));
        if (!PolicyCalls.allows(proverPolicy, question)) revert ProverRefused(msg.sender);
    }

    function _informProver(EpochId id, address beneficiary) private {
        PolicyCalls.inform(proverPolicy, abi.encodeCall(IProverPolicy.onProven, (id, beneficiary)));
    }

    function _store(EpochRecord memory record) private returns (bytes32 recordHash) {
        recordHash = record.hash();
        epochs[record.id] = recordHash;
        emit EpochCommitted(record.id, recordHash, record);
    }

    function _fixVerifiers(address[] memory members) private {
        if (members.length == 0) revert BadVerifierSet();
        for (uint256 i = 0; i < members.length; i++) {
            // Once, by the deployer.
            // slither-disable-next-line calls-loop
            uint256 lanes = IEpochVerifier(members[i]).laneCount();
            if (lanes == 0 || lanes > Withdrawals.MAX_LANES || laneCount[members[i]] != 0) revert BadVerifierSet();
            laneCount[members[i]] = lanes;
        }
        _verifiers = members;
    }

    function _storeGenesis(uint256 state, uint256 anchor) private {
        if (state == 0 || state >= FIELD_MODULUS || anchor == 0 || anchor >= FIELD_MODULUS) revert BadGenesis();
        // All other fields of genesis are 0.
        // slither-disable-next-line uninitialized-local
        EpochRecord memory genesis;
        genesis.id = GENESIS;
        genesis.newState = state;
        genesis.ownAnchor = anchor;
        genesis.commitBlock = uint64(block.number);
        genesis.timestampBlock = uint64(block.number);
        _store(genesis);
    }
}
