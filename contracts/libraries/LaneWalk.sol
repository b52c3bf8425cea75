// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";
import {EpochWords} from "./EpochWords.sol";
import {QueueItem, QueueItems} from "./QueueItems.sol";
import {Withdrawals} from "./Withdrawals.sol";

/// @title What the lanes of an epoch do on L1 (docs/spec/05-epoch.md, table of kinds)
library LaneWalk {
    uint256 internal constant NO_OP = 0;
    uint256 internal constant TRANSFER = 1;
    uint256 internal constant DEPOSIT = 2;
    uint256 internal constant FORCED = 3;
    uint256 internal constant FORCED_SKIPPED = 4;
    uint256 internal constant ACCOUNT = 5;

    /// @notice Checks kinds and queue lanes, collects what client proofs are about and what is withdrawn.
    /// @param queueStart Index of `items[0]`.
    /// @param items What the queue holds from there on, one for each queue lane.
    /// @param tails Tail of each item.
    /// @return links Public inputs of the client proofs, in lane order.
    /// @return withdrawalRoot Root of the withdrawals.
    function walk(
        bytes calldata words,
        uint256 lanes,
        uint256 queueStart,
        QueueItem[] memory items,
        bytes32[] calldata tails
    ) internal pure returns (uint256[] memory links, bytes32 withdrawalRoot) {
        links = new uint256[](lanes);
        bytes32[] memory leaves = new bytes32[](lanes);
        uint256 linkCount;
        uint256 leafCount;
        uint256 taken;
        for (uint256 lane = 0; lane < lanes; lane++) {
            (uint256 kind, uint256 value, uint256 asset, uint256 recipient) = EpochWords.publicWords(words, lanes, lane);
            if (kind == NO_OP) continue;
            if (kind > ACCOUNT) revert IRollup.LaneKindRefused(lane, kind);
            uint256 link = EpochWords.link(words, lane);
            if (kind == TRANSFER || kind == ACCOUNT) {
                // A lane adds one at most, so there is room; checks would cost as much as the rest of the loop.
                assembly ("memory-safe") {
                    linkCount := add(linkCount, 1)
                    mstore(add(links, shl(5, linkCount)), link)
                }
            } else {
                uint256 itemKind = kind == DEPOSIT ? QueueItems.DEPOSIT : QueueItems.FORCED;
                if (taken == items.length || !items[taken].holds(itemKind, link, asset, value, recipient, tails[taken]))
                {
                    revert IRollup.QueueItemMismatch(lane, queueStart + taken);
                }
                taken++;
            }
            if (value != 0 && kind != DEPOSIT && kind != FORCED_SKIPPED) {
                leaves[leafCount++] = Withdrawals.leaf(lane, asset, value, recipient);
            }
        }
        if (taken != items.length) revert IRollup.WrongQueueEnd(queueStart, queueStart + items.length);
        assembly ("memory-safe") {
            mstore(links, linkCount)
            mstore(leaves, leafCount)
        }
        withdrawalRoot = Withdrawals.root(leaves);
    }

    /// @notice Indices of the forced items among `count` that an epoch takes, once its lanes are found to match them.
    // slither-disable-next-line unused-return
    function forcedItems(bytes calldata words, uint256 lanes, uint256 queueStart, uint256 count)
        internal
        pure
        returns (uint256[] memory indices)
    {
        indices = new uint256[](count);
        uint256 found;
        uint256 index = queueStart;
        for (uint256 lane = 0; lane < lanes; lane++) {
            (uint256 kind,,,) = EpochWords.publicWords(words, lanes, lane);
            if (kind == FORCED || kind == FORCED_SKIPPED) indices[found++] = index++;
            if (kind == DEPOSIT) index++;
        }
        assembly ("memory-safe") {
            mstore(indices, found)
        }
    }
}
