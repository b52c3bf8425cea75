// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IEpochVerifier} from "../../../contracts/interfaces/IEpochVerifier.sol";
import {IExitVerifier} from "../../../contracts/interfaces/IExitVerifier.sol";

/// @title Accepts a proof exactly when it says so, to test what surrounds proofs
/// @dev A proof is 256 bytes beginning with keccak256 of what it proves, or with GOOD. Lives in tests only.
contract VerifierStub is IEpochVerifier {
    bytes32 public constant GOOD = keccak256("good proof");

    uint256 public immutable laneCount;
    uint8 public immutable dataMode;
    bool public constant localKeys = true;

    constructor(uint256 lanes, uint8 mode) {
        (laneCount, dataMode) = (lanes, mode);
    }

    function circuitHashes() external pure returns (bytes32, bytes32) {
        return (bytes32(uint256(1)), bytes32(uint256(2)));
    }

    function verifyEpoch(
        uint256[6] calldata publicInputs,
        uint256[] calldata h,
        bytes calldata clientProofs,
        bytes calldata rollupProof
    ) external pure {
        _clients(h, clientProofs);
        _rollup(publicInputs, rollupProof);
    }

    function verifyClients(uint256[] calldata h, bytes calldata clientProofs) external pure {
        _clients(h, clientProofs);
    }

    function verifyRollup(uint256[6] calldata publicInputs, bytes calldata rollupProof) external pure {
        _rollup(publicInputs, rollupProof);
    }

    function _clients(uint256[] calldata h, bytes calldata proofs) private pure {
        if (proofs.length != 256 * h.length) revert WrongProofLength(256 * h.length, proofs.length);
        for (uint256 i = 0; i < h.length; i++) {
            if (bytes32(proofs[256 * i:]) != keccak256(abi.encode(h[i]))) revert ProofInvalid();
        }
    }

    function _rollup(uint256[6] calldata publicInputs, bytes calldata proof) private pure {
        if (proof.length != 256) revert WrongProofLength(256, proof.length);
        if (bytes32(proof) != GOOD && bytes32(proof) != keccak256(abi.encode(publicInputs))) revert ProofInvalid();
    }
}

/// @title Likewise for exits: a proof begins with keccak256 of its inputs
contract ExitVerifierStub is IExitVerifier {
    bool public constant localKeys = true;

    function circuitHash() external pure returns (bytes32) {
        return bytes32(uint256(3));
    }

    function verifyExits(uint256[7][] calldata inputs, bytes calldata proofs) external pure {
        if (proofs.length != 256 * inputs.length) {
            revert IEpochVerifier.WrongProofLength(256 * inputs.length, proofs.length);
        }
        for (uint256 i = 0; i < inputs.length; i++) {
            if (bytes32(proofs[256 * i:]) != keccak256(abi.encode(inputs[i]))) revert IEpochVerifier.ProofInvalid();
        }
    }
}
