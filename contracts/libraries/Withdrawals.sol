// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title Merkle tree of an epoch's withdrawals (docs/spec/06-l1.md)
library Withdrawals {
    /// @dev Largest number of lanes that claims can name.
    uint256 internal constant MAX_LANES = 64;

    /// @notice Leaf of one withdrawal. Hashed twice, so that no inner node can pass for a leaf.
    function leaf(uint256 lane, uint256 asset, uint256 value, uint256 recipient) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(lane, asset, value, recipient))));
    }

    /// @notice Root over leaves in lane order, 0 without leaves. Overwrites `nodes`.
    function root(bytes32[] memory nodes) internal pure returns (bytes32) {
        uint256 width = nodes.length;
        if (width == 0) return 0;
        while (width > 1) {
            uint256 pairs = width / 2;
            for (uint256 i = 0; i < pairs; i++) {
                nodes[i] = _parent(nodes[2 * i], nodes[2 * i + 1]);
            }
            if (width % 2 == 1) nodes[pairs] = nodes[width - 1];
            width = pairs + (width % 2);
        }
        return nodes[0];
    }

    function _parent(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(bytes.concat(a, b)) : keccak256(bytes.concat(b, a));
    }
}
