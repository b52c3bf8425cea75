// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {EpochId} from "../types/EpochId.sol";

/// @title Who may prove an epoch before its deadline
/// @notice Called with a gas cap and ignored after the deadline. A policy that fails to answer allows.
interface IProverPolicy {
    /// @param prover Sender of the proof.
    /// @param id Epoch to be proven.
    /// @param commitBlock L1 block of its commit.
    /// @return Whether the rollup may accept the proof.
    function mayProve(address prover, EpochId id, uint64 commitBlock) external view returns (bool);

    /// @notice Told after an epoch was proven; what it does or fails to do changes nothing in the rollup.
    /// @param beneficiary Address that the proof names.
    function onProven(EpochId id, address beneficiary) external;

    /// @notice Told after epochs were pruned; likewise.
    /// @param first The epoch that was not proven before its deadline.
    /// @param last Last committed epoch; all from `first` to `last` are gone.
    function onPruned(EpochId first, EpochId last) external;
}
