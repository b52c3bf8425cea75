// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IBridge} from "../interfaces/IBridge.sol";

/// @title How long and how often something may be paused (docs/spec/06-l1.md, brakes)
library Pauses {
    /// @notice Last block of a pause that starts now.
    /// @param fromBlock First block of the last pause.
    /// @param untilBlock Last block of it, 0 when there was none.
    /// @param blocks Length that is asked for, in L1 blocks.
    function begin(uint256 fromBlock, uint256 untilBlock, uint64 blocks, uint64 freezeTime)
        internal
        view
        returns (uint64)
    {
        if (blocks == 0) revert IBridge.ZeroValue();
        if (blocks > freezeTime / 4) revert IBridge.PauseTooLong(blocks, freezeTime / 4);
        if (untilBlock != 0 && block.number < fromBlock + freezeTime) {
            revert IBridge.PauseTooSoon(uint64(fromBlock + freezeTime));
        }
        return uint64(block.number) + blocks - 1;
    }
}
