// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AssetId} from "../types/AssetId.sol";
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

    error OnlyBridge(address sender);
    /// @notice An item at or after `length` was asked for.
    error NoSuchItem(uint256 index, uint256 length);

    /// @notice The only contract that may queue deposits.
    function bridge() external view returns (address);

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
