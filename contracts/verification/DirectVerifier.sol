// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IEpochVerifier} from "../interfaces/IEpochVerifier.sol";
import {BatchedPairing, Workspace} from "../libraries/BatchedPairing.sol";
import {FIELD_MODULUS} from "../libraries/Field.sol";

/// @title Verifier of epochs in direct mode: one rollup proof and any number of client proofs in one pairing
/// @notice Both keys come from one phase 1, so they share alpha, beta and gamma and differ in delta.
/// @dev Sizes inherit and supply the keys as constants. Points of G1 are (x, y), of G2 (x imaginary, x real, y imaginary, y real).
abstract contract DirectVerifier is IEpochVerifier {
    uint256 private constant PUBLIC_INPUTS = 6;
    // Byte offsets in the keys below.
    uint256 private constant ALPHA = 0x00;
    uint256 private constant NEG_BETA = 0x40;
    uint256 private constant NEG_GAMMA = 0xc0;
    uint256 private constant NEG_DELTA = 0x00;
    uint256 private constant IC = 0x80;
    uint256 private constant G1_BYTES = 0x40;

    /// @inheritdoc IEpochVerifier
    bool public immutable localKeys;

    constructor(bytes32 transferPhase1, bytes32 rollupPhase1, bool local) {
        if (transferPhase1 != rollupPhase1) revert KeysOfDifferentSetups();
        if (local && block.chainid != 31337 && block.chainid != 1337) revert LocalKeysOnPublicChain(block.chainid);
        localKeys = local;
    }

    /// @inheritdoc IEpochVerifier
    function verifyEpoch(
        uint256[6] calldata publicInputs,
        uint256[] calldata h,
        bytes calldata clientProofs,
        bytes calldata rollupProof
    ) external view {
        _requireLengths(h.length, clientProofs.length);
        _requireLengths(1, rollupProof.length);
        (uint256 shared, uint256 transfer, uint256 rollup) = _keys();
        uint256 transcriptBytes = 192 + 288 * h.length + 256;
        (Workspace space, uint256 cursor) = BatchedPairing.open(h.length + 5, transcriptBytes);
        bytes32 seed;
        assembly ("memory-safe") {
            let at := space
            calldatacopy(at, publicInputs, 192)
            at := add(at, 192)
            calldatacopy(at, h.offset, shl(5, h.length))
            at := add(at, shl(5, h.length))
            calldatacopy(at, clientProofs.offset, clientProofs.length)
            at := add(at, clientProofs.length)
            calldatacopy(at, rollupProof.offset, 256)
            seed := keccak256(space, transcriptBytes)
        }
        space.clearSum();
        uint256 total;
        uint256 weighted;
        (cursor, total, weighted) = space.foldClients(cursor, seed, h, clientProofs);
        cursor = space.pairSum(cursor, transfer + NEG_DELTA);
        cursor = BatchedPairing.pairProof(cursor, rollupProof);
        cursor = BatchedPairing.pairC(cursor, rollupProof, rollup + NEG_DELTA);
        space.addScaled(shared + ALPHA, total + 1);
        cursor = space.pairSum(cursor, shared + NEG_BETA);
        _sumRollupInputs(space, rollup, publicInputs);
        _addClientInputs(space, transfer, total, weighted);
        cursor = space.pairSum(cursor, shared + NEG_GAMMA);
        space.requireOne(cursor);
    }

    /// @inheritdoc IEpochVerifier
    function verifyClients(uint256[] calldata h, bytes calldata clientProofs) external view {
        _requireLengths(h.length, clientProofs.length);
        (uint256 shared, uint256 transfer,) = _keys();
        uint256 transcriptBytes = 288 * h.length;
        (Workspace space, uint256 cursor) = BatchedPairing.open(h.length + 3, transcriptBytes);
        bytes32 seed;
        assembly ("memory-safe") {
            calldatacopy(space, h.offset, shl(5, h.length))
            calldatacopy(add(space, shl(5, h.length)), clientProofs.offset, clientProofs.length)
            seed := keccak256(space, transcriptBytes)
        }
        space.clearSum();
        uint256 total;
        uint256 weighted;
        (cursor, total, weighted) = space.foldClients(cursor, seed, h, clientProofs);
        cursor = space.pairSum(cursor, transfer + NEG_DELTA);
        space.addScaled(shared + ALPHA, total);
        cursor = space.pairSum(cursor, shared + NEG_BETA);
        _addClientInputs(space, transfer, total, weighted);
        cursor = space.pairSum(cursor, shared + NEG_GAMMA);
        space.requireOne(cursor);
    }

    /// @inheritdoc IEpochVerifier
    function verifyRollup(uint256[6] calldata publicInputs, bytes calldata rollupProof) external view {
        _requireLengths(1, rollupProof.length);
        (uint256 shared,, uint256 rollup) = _keys();
        (Workspace space, uint256 cursor) = BatchedPairing.open(4, 0);
        cursor = BatchedPairing.pairProof(cursor, rollupProof);
        cursor = BatchedPairing.pairC(cursor, rollupProof, rollup + NEG_DELTA);
        cursor = BatchedPairing.pair(cursor, shared + ALPHA, shared + NEG_BETA);
        _sumRollupInputs(space, rollup, publicInputs);
        cursor = space.pairSum(cursor, shared + NEG_GAMMA);
        space.requireOne(cursor);
    }

    /// @dev alpha, -beta, -gamma.
    function _sharedKey() internal pure virtual returns (uint256[10] memory);

    /// @dev -delta, IC0, IC1 of the transfer circuit.
    function _transferKey() internal pure virtual returns (uint256[8] memory);

    /// @dev -delta, IC0 .. IC6 of the rollup circuit.
    function _rollupKey() internal pure virtual returns (uint256[18] memory);

    /// @dev Memory addresses of the keys.
    function _keys() private pure returns (uint256 shared, uint256 transfer, uint256 rollup) {
        uint256[10] memory sharedKey = _sharedKey();
        uint256[8] memory transferKey = _transferKey();
        uint256[18] memory rollupKey = _rollupKey();
        assembly ("memory-safe") {
            shared := sharedKey
            transfer := transferKey
            rollup := rollupKey
        }
    }

    function _sumRollupInputs(Workspace space, uint256 rollup, uint256[6] calldata publicInputs) private view {
        space.setSum(rollup + IC);
        for (uint256 i = 0; i < PUBLIC_INPUTS; i++) {
            uint256 input = publicInputs[i];
            if (input >= FIELD_MODULUS) revert NonCanonicalField();
            // In calldata mode the two limbs of y_data are 0.
            if (input != 0) space.addScaled(rollup + IC + (i + 1) * G1_BYTES, input);
        }
    }

    function _addClientInputs(Workspace space, uint256 transfer, uint256 total, uint256 weighted) private view {
        space.addScaled(transfer + IC, total);
        space.addScaled(transfer + IC + G1_BYTES, weighted);
    }

    function _requireLengths(uint256 proofs, uint256 length) private pure {
        uint256 expected = proofs * BatchedPairing.PROOF_BYTES;
        if (length != expected) revert WrongProofLength(expected, length);
    }
}
