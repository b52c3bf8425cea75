// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @dev Data mode: all words of an epoch are calldata of its commit.
uint8 constant CALLDATA_MODE = 0;
/// @dev Data mode: the data words are in the one blob of the commit's transaction (docs/spec/14-blobs.md).
uint8 constant BLOB_MODE = 1;

/// @title Checks the proofs of epochs of one size
/// @notice Every function that checks a proof returns nothing and reverts when it does not hold. Running out of gas looks the
/// same as a false proof, so a revert is never evidence against anyone.
interface IEpochVerifier {
    /// @notice A pairing, a point or a length is wrong.
    error ProofInvalid();
    /// @notice A public input is not below the field's modulus.
    error NonCanonicalField();
    /// @notice Proof bytes are not 256 for each proof.
    error WrongProofLength(uint256 expected, uint256 actual);
    /// @notice Keys from the public local setup prove anything to whoever knows the seed, which is everyone.
    error LocalKeysOnPublicChain(uint256 chainId);
    /// @notice The keys were not made from one phase 1, so that one pairing cannot serve both.
    error KeysOfDifferentSetups();

    /// @notice Number of lanes N of the rollup circuit.
    function laneCount() external view returns (uint256);

    /// @notice Where the data words of its epochs are, as the rollup circuit reads them: CALLDATA_MODE or BLOB_MODE.
    function dataMode() external view returns (uint8);

    /// @notice Hashes that name the two circuits whose keys this contract holds.
    function circuitHashes() external view returns (bytes32 transfer, bytes32 rollup);

    /// @notice Whether the keys come from the insecure local setup.
    function localKeys() external view returns (bool);

    /// @notice Checks client proofs and rollup proof in one pairing.
    /// @param publicInputs c, z, y, y_data low, y_data high, m.
    /// @param h Public input of each client proof, in the order of the proofs.
    /// @param clientProofs 256 bytes a proof: A.x, A.y, B.x imaginary, real, B.y imaginary, real, C.x, C.y.
    /// @param rollupProof 256 bytes, likewise.
    function verifyEpoch(
        uint256[6] calldata publicInputs,
        uint256[] calldata h,
        bytes calldata clientProofs,
        bytes calldata rollupProof
    ) external view;

    /// @notice Checks client proofs only.
    function verifyClients(uint256[] calldata h, bytes calldata clientProofs) external view;

    /// @notice Checks a rollup proof only.
    function verifyRollup(uint256[6] calldata publicInputs, bytes calldata rollupProof) external view;
}
