// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {IBridge} from "../interfaces/IBridge.sol";
import {IEpochVerifier} from "../interfaces/IEpochVerifier.sol";
import {IL1Queue} from "../interfaces/IL1Queue.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {FIELD_MODULUS} from "../libraries/Field.sol";
import {ForcedTransactions} from "../libraries/ForcedTransactions.sol";
import {QueueItem, QueueItems} from "../libraries/QueueItems.sol";
import {AssetId} from "../types/AssetId.sol";
import {EpochId} from "../types/EpochId.sol";
import {EpochRecord} from "../types/EpochRecord.sol";

/// @title L1Queue
contract L1Queue is IL1Queue {
    uint256 private constant LANE_GAS = 50_000;
    uint256 private constant FEE_SCALE = 64;
    uint256 private constant VALUE_BOUND = 1 << 120;
    uint256 private constant ADDRESS_BOUND = 1 << 160;

    IBridge private immutable _bridge;
    IRollup private immutable _rollup;
    IEpochVerifier private immutable _verifier;

    QueueItem[] private _items;
    mapping(uint256 index => uint256) private _fees;

    /// @param bridge_ Address that the bridge will be deployed to; its constructor checks that it is.
    /// @param rollup_ Address that the rollup will be deployed to; its constructor checks that it is.
    /// @param verifier_ Member of the rollup's fixed set, whose client proofs `force` takes; likewise.
    constructor(IBridge bridge_, IRollup rollup_, IEpochVerifier verifier_) {
        _bridge = bridge_;
        _rollup = rollup_;
        _verifier = verifier_;
    }

    /// @inheritdoc IL1Queue
    function force(
        bytes calldata transaction,
        bytes calldata proof,
        EpochRecord calldata anchorRecord,
        EpochRecord[] calldata successor
    ) external payable returns (uint256 index) {
        if (_rollup.isFrozen()) revert IRollup.RollupFrozen();
        _judgeWords(transaction);
        _judgeAnchor(ForcedTransactions.word(transaction, ForcedTransactions.ANCHOR), anchorRecord, successor);
        uint256 h = ForcedTransactions.hash(transaction, _rollup.domain());
        uint256[] memory links = new uint256[](1);
        links[0] = h;
        _verifier.verifyClients(links, proof);

        uint256 fee = forceFee();
        if (msg.value < fee) revert FeeTooLow(fee, msg.value);
        index = _push(
            QueueItems.FORCED,
            h,
            ForcedTransactions.word(transaction, ForcedTransactions.PUBLIC_ASSET),
            ForcedTransactions.word(transaction, ForcedTransactions.PUBLIC_VALUE),
            ForcedTransactions.word(transaction, ForcedTransactions.RECIPIENT),
            QueueItems.tailOf(msg.sender, keccak256(transaction))
        );
        _fees[index] = fee;
        emit ForcedQueued(index, msg.sender, fee, transaction);
        _bridge.holdQueueFee{value: fee}();
        // All is written; whoever calls back from here finds an item queued like any other.
        uint256 excess = msg.value - fee;
        if (excess != 0 && !LowLevelCall.callNoReturn(msg.sender, excess, "")) revert RefundFailed(msg.sender, excess);
    }

    /// @inheritdoc IL1Queue
    function enqueueDeposit(
        address depositor,
        AssetId asset,
        uint128 value,
        uint256 notePartial,
        bytes calldata ciphertext
    ) external returns (uint256 index) {
        if (msg.sender != address(_bridge)) revert OnlyBridge(msg.sender);
        bytes32 tail = QueueItems.tailOf(depositor, keccak256(ciphertext));
        index = _push(QueueItems.DEPOSIT, notePartial, AssetId.unwrap(asset), value, 0, tail);
        emit DepositQueued(index, depositor, AssetId.unwrap(asset), value, notePartial, ciphertext);
    }

    /// @inheritdoc IL1Queue
    function bridge() external view returns (address) {
        return address(_bridge);
    }

    /// @inheritdoc IL1Queue
    function rollup() external view returns (address) {
        return address(_rollup);
    }

    /// @inheritdoc IL1Queue
    function verifier() external view returns (address) {
        return address(_verifier);
    }

    /// @inheritdoc IL1Queue
    function length() external view returns (uint256) {
        return _items.length;
    }

    /// @inheritdoc IL1Queue
    function item(uint256 index) external view returns (QueueItem) {
        return _at(index);
    }

    /// @inheritdoc IL1Queue
    function matches(
        uint256 index,
        uint256 itemKind,
        uint256 link,
        uint256 asset,
        uint256 value,
        uint256 recipient,
        bytes32 tail
    ) external view returns (bool) {
        return _at(index).holds(itemKind, link, asset, value, recipient, tail);
    }

    /// @inheritdoc IL1Queue
    function read(uint256 start, uint256 count) external view returns (QueueItem[] memory taken, QueueItem following) {
        uint256 end = start + count;
        uint256 size = _items.length;
        if (end > size) revert NoSuchItem(end - 1, size);
        taken = new QueueItem[](count);
        for (uint256 i = 0; i < count; i++) {
            taken[i] = _items[start + i];
        }
        if (end < size) following = _items[end];
    }

    /// @inheritdoc IL1Queue
    function feesOf(uint256[] calldata indices) external view returns (uint256 total) {
        for (uint256 i = 0; i < indices.length; i++) {
            total += _fees[indices[i]];
        }
    }

    /// @inheritdoc IL1Queue
    function forceFee() public view returns (uint256) {
        uint256 load = FEE_SCALE + _items.length - _rollup.cursor();
        return block.basefee * LANE_GAS * load * load / (FEE_SCALE * FEE_SCALE);
    }

    /// @dev Rules 1, 3, 4 and 5 of docs/spec/06-l1.md: whatever passes can be processed by an epoch, in exactly one way.
    function _judgeWords(bytes calldata transaction) private view {
        if (transaction.length != ForcedTransactions.BYTES) {
            revert WrongTransactionLength(ForcedTransactions.BYTES, transaction.length);
        }
        for (uint256 i = 0; i < ForcedTransactions.FIELD_WORDS; i++) {
            if (ForcedTransactions.word(transaction, i) >= FIELD_MODULUS) revert NonCanonicalField();
        }
        uint256 first = ForcedTransactions.word(transaction, ForcedTransactions.NULLIFIER_0);
        uint256 second = ForcedTransactions.word(transaction, ForcedTransactions.NULLIFIER_1);
        if (first == 0 || second == 0 || first == second) revert NullifiersInvalid();

        uint256 value = ForcedTransactions.word(transaction, ForcedTransactions.PUBLIC_VALUE);
        uint256 asset = ForcedTransactions.word(transaction, ForcedTransactions.PUBLIC_ASSET);
        uint256 recipient = ForcedTransactions.word(transaction, ForcedTransactions.RECIPIENT);
        if (value == 0) {
            if (asset | recipient != 0) revert PublicWordsUnused(asset, recipient);
        } else {
            if (value >= VALUE_BOUND) revert ValueTooLarge(value);
            if (asset > type(uint64).max || !_bridge.isListed(AssetId.wrap(uint64(asset)))) {
                revert AssetUnlisted(asset);
            }
            if (recipient == 0 || recipient >= ADDRESS_BOUND) revert BadRecipient(recipient);
        }
        uint256 expiry = ForcedTransactions.word(transaction, ForcedTransactions.EXPIRY);
        if (expiry < block.number || expiry > type(uint64).max) revert ExpiryInvalid(expiry, block.number);
    }

    /// @dev Rule 2: the anchor is that of a proven epoch, and as young as an epoch would have to find it now.
    // Of the status only the head is needed.
    // slither-disable-next-line unused-return
    function _judgeAnchor(uint256 anchor, EpochRecord calldata record, EpochRecord[] calldata successor) private view {
        EpochId id = record.id;
        if (!_rollup.isProven(id, record.hashCalldata())) revert EpochNotProven(EpochId.unwrap(id));
        if (anchor != record.ownAnchor) revert AnchorMismatch(record.ownAnchor, anchor);
        (EpochId head,) = _rollup.status();
        if (successor.length != (id == head ? 0 : 1)) revert WrongSuccessorCount(successor.length);
        if (id == head) return;
        bytes32 expected = _rollup.epochs(id.next());
        bytes32 actual = successor[0].hashCalldata();
        if (actual != expected) revert SuccessorMismatch(expected, actual);
        uint256 committed = successor[0].commitBlock;
        if (committed + _rollup.parameters().anchorLife <= block.number) revert AnchorExpired(committed);
    }

    function _push(uint256 itemKind, uint256 link, uint256 asset, uint256 value, uint256 recipient, bytes32 tail)
        private
        returns (uint256 index)
    {
        index = _items.length;
        _items.push(QueueItems.pack(itemKind, link, asset, value, recipient, tail, block.number));
    }

    function _at(uint256 index) private view returns (QueueItem) {
        if (index >= _items.length) revert NoSuchItem(index, _items.length);
        return _items[index];
    }
}
