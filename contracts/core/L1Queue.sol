// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IL1Queue} from "../interfaces/IL1Queue.sol";
import {QueueItem, QueueItems} from "../libraries/QueueItems.sol";
import {AssetId} from "../types/AssetId.sol";

/// @title L1Queue
contract L1Queue is IL1Queue {
    /// @inheritdoc IL1Queue
    address public immutable bridge;

    QueueItem[] private _items;

    /// @param bridge_ Address that the bridge will be deployed to; its constructor checks that it is.
    // The bridge's constructor checks that it is this address.
    // slither-disable-next-line missing-zero-check
    constructor(address bridge_) {
        bridge = bridge_;
    }

    /// @inheritdoc IL1Queue
    function enqueueDeposit(
        address depositor,
        AssetId asset,
        uint128 value,
        uint256 notePartial,
        bytes calldata ciphertext
    ) external returns (uint256 index) {
        if (msg.sender != bridge) revert OnlyBridge(msg.sender);
        index = _items.length;
        bytes32 tail = QueueItems.depositTail(depositor, ciphertext);
        _items.push(
            QueueItems.pack(QueueItems.DEPOSIT, notePartial, AssetId.unwrap(asset), value, 0, tail, block.number)
        );
        emit DepositQueued(index, depositor, AssetId.unwrap(asset), value, notePartial, ciphertext);
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

    function _at(uint256 index) private view returns (QueueItem) {
        if (index >= _items.length) revert NoSuchItem(index, _items.length);
        return _items[index];
    }
}
