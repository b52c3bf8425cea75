// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {EpochId} from "../types/EpochId.sol";

/// @title Who may commit an epoch
/// @notice Called with a gas cap. A policy that fails to answer allows, so it can never stop the rollup by breaking.
interface IProposerPolicy {
    /// @param proposer Sender of the commit.
    /// @param id Epoch to be committed.
    /// @return Whether the rollup may accept the commit.
    function mayCommit(address proposer, EpochId id) external view returns (bool);
}
