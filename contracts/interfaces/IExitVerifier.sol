// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title Checks the proofs of exits
/// @notice Reverts when a proof does not hold, with the errors of IEpochVerifier.
interface IExitVerifier {
    /// @notice Hash that names the circuit whose key this contract holds.
    function circuitHash() external view returns (bytes32);

    /// @notice Whether the key comes from the insecure local setup.
    function localKeys() external view returns (bool);

    /// @notice Checks any number of exit proofs, at least one, in one pairing.
    /// @param inputs Of each proof: domain, state, nullifier, asset * 2^120 + value, recipient, executor, fee.
    /// @param proofs 256 bytes a proof, in the form of IEpochVerifier.
    function verifyExits(uint256[7][] calldata inputs, bytes calldata proofs) external view;
}
