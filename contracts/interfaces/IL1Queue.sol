// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AssetId} from "../types/AssetId.sol";
import {EpochRecord} from "../types/EpochRecord.sol";
import {QueueItem} from "../libraries/QueueItems.sol";

/// @title Messages from L1 in the order in which epochs must take them
/// @notice An item is one storage slot: the upper 216 bits of its digest and the L1 block of queueing (docs/spec/06-l1.md).
/// Items are never removed; the rollup's cursor in its epoch records says which are taken.
interface IL1Queue {
    /// @param notePartial The note without asset, value and rho.
    /// @param ciphertext 93 bytes for the receiver.
    event DepositQueued(
        uint256 indexed index,
        address indexed depositor,
        uint64 asset,
        uint128 value,
        uint256 notePartial,
        bytes ciphertext
    );

    /// @param fee Wei that the item brought.
    /// @param transaction As given to `force`.
    event ForcedQueued(uint256 indexed index, address indexed sender, uint256 fee, bytes transaction);

    error OnlyBridge(address sender);
    /// @notice An item at or after `length` was asked for.
    error NoSuchItem(uint256 index, uint256 length);
    error WrongTransactionLength(uint256 expected, uint256 actual);
    /// @notice A field word of the transaction is not below the field's modulus.
    error NonCanonicalField();
    /// @notice The record given is not that of a proven epoch.
    error EpochNotProven(uint256 epoch);
    /// @notice The transaction's anchor is not that of the epoch.
    error AnchorMismatch(uint256 expected, uint256 actual);
    /// @notice Not one record was supplied for the epoch after the anchor's, or one though there is none.
    error WrongSuccessorCount(uint256 actual);
    error SuccessorMismatch(bytes32 expected, bytes32 actual);
    error AnchorExpired(uint256 successorCommitBlock);
    /// @notice A nullifier is 0, or both are the same.
    error NullifiersInvalid();
    /// @notice Without a public value there is neither asset nor recipient.
    error PublicWordsUnused(uint256 asset, uint256 recipient);
    error ValueTooLarge(uint256 value);
    error AssetUnlisted(uint256 asset);
    /// @notice The recipient is 0 or no address.
    error BadRecipient(uint256 recipient);
    error ExpiryInvalid(uint256 expiry, uint256 blockNumber);
    error FeeTooLow(uint256 fee, uint256 paid);
    /// @notice What was paid above the fee cannot be given back: send the fee exactly.
    error RefundFailed(address sender, uint256 value);

    /// @notice The only contract that may queue deposits.
    function bridge() external view returns (address);

    function rollup() external view returns (address);

    /// @notice Checks the client proofs of forced transactions; a member of the rollup's fixed set.
    function verifier() external view returns (address);

    /// @notice Number of items ever queued.
    function length() external view returns (uint256);

    /// @notice Slot of one item.
    function item(uint256 index) external view returns (QueueItem);

    /// @notice Whether an item has the given contents.
    /// @param itemKind 2 (deposit) or 3 (forced).
    function matches(
        uint256 index,
        uint256 itemKind,
        uint256 link,
        uint256 asset,
        uint256 value,
        uint256 recipient,
        bytes32 tail
    ) external view returns (bool);

    /// @notice Slots of `count` items from `start` on, and of the one after them.
    /// @return taken The items.
    /// @return following The item after them, 0 when there is none.
    function read(uint256 start, uint256 count) external view returns (QueueItem[] memory taken, QueueItem following);

    /// @notice Wei that a forced transaction pays now: basefee * 50,000 * (64 + n)^2 / 64^2 with n waiting items.
    function forceFee() external view returns (uint256);

    /// @notice Wei that items brought, in total. A deposit brings none.
    function feesOf(uint256[] calldata indices) external view returns (uint256 total);

    /// @notice Queues a transaction that operators would not take. What is paid above the fee goes back to the sender.
    /// @param transaction 692 bytes: anchor, nullifiers, commitments, public value, public asset, recipient and expiry as 32 bytes
    /// each, then the 12 extension words as 31 bytes each (docs/spec/06-l1.md).
    /// @param proof Client proof of it, 256 bytes.
    /// @param anchorRecord Record of the proven epoch that the anchor is of.
    /// @param successor Record of the epoch after that one. Empty when that one is the last committed.
    /// @return index Place of the item.
    function force(
        bytes calldata transaction,
        bytes calldata proof,
        EpochRecord calldata anchorRecord,
        EpochRecord[] calldata successor
    ) external payable returns (uint256 index);

    /// @notice Queues a deposit whose funds the bridge already holds.
    /// @return index Place of the item.
    function enqueueDeposit(
        address depositor,
        AssetId asset,
        uint128 value,
        uint256 notePartial,
        bytes calldata ciphertext
    ) external returns (uint256 index);
}
