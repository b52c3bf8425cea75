// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IEpochVerifier} from "../interfaces/IEpochVerifier.sol";
import {IExitVerifier} from "../interfaces/IExitVerifier.sol";
import {BatchedPairing, Workspace} from "../libraries/BatchedPairing.sol";
import {FIELD_MODULUS} from "../libraries/Field.sol";

/// @title Any number of exit proofs in one pairing (docs/spec/13-exit.md)
/// @dev The verifier inherits and supplies the key as constants. Points are laid out as in DirectVerifier.
abstract contract ExitBatch is IExitVerifier {
    uint256 private constant PUBLIC_INPUTS = 7;
    uint256 private constant INPUT_BYTES = 224;
    // Byte offsets in the key below.
    uint256 private constant ALPHA = 0x00;
    uint256 private constant NEG_BETA = 0x40;
    uint256 private constant NEG_GAMMA = 0xc0;
    uint256 private constant NEG_DELTA = 0x140;
    uint256 private constant IC = 0x1c0;
    uint256 private constant G1_BYTES = 0x40;

    /// @inheritdoc IExitVerifier
    bool public immutable localKeys;

    constructor(bytes32 exitPhase1, bytes32 transferPhase1, bool local) {
        if (exitPhase1 != transferPhase1) revert IEpochVerifier.KeysOfDifferentSetups();
        if (local && block.chainid != 31337 && block.chainid != 1337) {
            revert IEpochVerifier.LocalKeysOnPublicChain(block.chainid);
        }
        localKeys = local;
    }

    /// @inheritdoc IExitVerifier
    function verifyExits(uint256[7][] calldata inputs, bytes calldata proofs) external view {
        uint256 count = inputs.length;
        if (count == 0 || proofs.length != count * BatchedPairing.PROOF_BYTES) {
            revert IEpochVerifier.WrongProofLength(count * BatchedPairing.PROOF_BYTES, proofs.length);
        }
        uint256 key = _keyAddress();
        uint256 inputBytes = count * INPUT_BYTES;
        (Workspace space, uint256 cursor) = BatchedPairing.open(count + 3, inputBytes + proofs.length);
        bytes32 seed;
        assembly ("memory-safe") {
            calldatacopy(space, inputs.offset, inputBytes)
            calldatacopy(add(space, inputBytes), proofs.offset, proofs.length)
            seed := keccak256(space, add(inputBytes, proofs.length))
        }
        space.clearSum();
        uint256[PUBLIC_INPUTS] memory weighted;
        uint256 total;
        for (uint256 i = 0; i < count; i++) {
            uint256 r = i == 0 ? 1 : space.weigh(seed, i);
            total += r;
            for (uint256 j = 0; j < PUBLIC_INPUTS; j++) {
                uint256 input = inputs[i][j];
                if (input >= FIELD_MODULUS) revert IEpochVerifier.NonCanonicalField();
                weighted[j] = addmod(weighted[j], mulmod(r, input, FIELD_MODULUS), FIELD_MODULUS);
            }
            cursor = space.foldProof(cursor, r, proofs, i);
        }
        cursor = space.pairSum(cursor, key + NEG_DELTA);
        space.addScaled(key + ALPHA, total);
        cursor = space.pairSum(cursor, key + NEG_BETA);
        space.addScaled(key + IC, total);
        for (uint256 j = 0; j < PUBLIC_INPUTS; j++) {
            space.addScaled(key + IC + (j + 1) * G1_BYTES, weighted[j]);
        }
        cursor = space.pairSum(cursor, key + NEG_GAMMA);
        space.requireOne(cursor);
    }

    /// @dev alpha, -beta, -gamma, -delta, IC0 .. IC7.
    function _key() internal pure virtual returns (uint256[30] memory);

    function _keyAddress() private pure returns (uint256 key) {
        uint256[30] memory words = _key();
        assembly ("memory-safe") {
            key := words
        }
    }
}
