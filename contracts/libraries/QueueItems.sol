// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @notice Upper 216 bits: digest. Lower 40 bits: L1 block of queueing. 0: no item.
type QueueItem is uint256;

using QueueItems for QueueItem global;

/// @title Queue items (docs/spec/06-l1.md)
library QueueItems {
    uint256 internal constant DEPOSIT = 2;
    uint256 internal constant FORCED = 3;
    uint256 private constant BLOCK_BITS = 40;

    /// @notice The item with these contents, queued in L1 block `atBlock`.
    function pack(
        uint256 itemKind,
        uint256 link,
        uint256 asset,
        uint256 value,
        uint256 recipient,
        bytes32 tail,
        uint256 atBlock
    ) internal pure returns (QueueItem) {
        uint256 digest = _digest(itemKind, link, asset, value, recipient, tail);
        return QueueItem.wrap((digest << BLOCK_BITS) | atBlock);
    }

    /// @notice Whether `self` was made from these contents.
    function holds(
        QueueItem self,
        uint256 itemKind,
        uint256 link,
        uint256 asset,
        uint256 value,
        uint256 recipient,
        bytes32 tail
    ) internal pure returns (bool) {
        return QueueItem.unwrap(self) >> BLOCK_BITS == _digest(itemKind, link, asset, value, recipient, tail);
    }

    /// @notice L1 block of queueing.
    function queuedAt(QueueItem self) internal pure returns (uint256) {
        return QueueItem.unwrap(self) & ((1 << BLOCK_BITS) - 1);
    }

    /// @notice Whether there is no item in the place that `self` was read from.
    function isNone(QueueItem self) internal pure returns (bool) {
        return QueueItem.unwrap(self) == 0;
    }

    /// @notice Binds an item to who sent it and to the hash of the data in its event.
    function tailOf(address sender, bytes32 dataHash) internal pure returns (bytes32) {
        return keccak256(abi.encode(sender, dataHash));
    }

    function _digest(uint256 itemKind, uint256 link, uint256 asset, uint256 value, uint256 recipient, bytes32 tail)
        private
        pure
        returns (uint256)
    {
        return uint256(keccak256(abi.encode(itemKind, link, asset, value, recipient, tail))) >> BLOCK_BITS;
    }
}
