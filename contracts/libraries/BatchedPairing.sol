// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IEpochVerifier} from "../interfaces/IEpochVerifier.sol";
import {FIELD_MODULUS} from "./Field.sol";

/// @notice Memory in which one pairing check is put together, by offset:
/// 0x00 seed, 0x20 index, 0x40 sum (x, y), 0x80 term (x, y), 0xc0 scalar, 0xe0 pairs of 192 bytes.
/// Sum and term lie side by side, so that they are the input of an addition; term and scalar that of a multiplication.
type Workspace is uint256;

using BatchedPairing for Workspace global;

/// @title Groth16 checks folded into one pairing (docs/spec/06-l1.md, batch verification)
/// @dev A failing precompile burns all gas it was given. Additions and multiplications get an eighth of what is left, which is
/// plenty since a pairing follows and leaves most of the gas to be refunded; the pairing comes last and gets all but the 64th
/// that the EVM withholds. No fixed amounts: prices change. Points off the curve, coordinates not below the base field's modulus
/// and points of G2 outside the subgroup are refused by the precompiles.
library BatchedPairing {
    uint256 internal constant PROOF_BYTES = 256;
    uint256 private constant PAIRS = 0xe0;
    uint256 private constant PAIR_BYTES = 192;

    /// @notice Memory for `pairs` pairs and for a transcript of `transcriptBytes`, which the pairs overwrite.
    function open(uint256 pairs, uint256 transcriptBytes) internal pure returns (Workspace space, uint256 cursor) {
        assembly ("memory-safe") {
            space := mload(0x40)
            cursor := add(space, PAIRS)
            let end := add(cursor, mul(pairs, PAIR_BYTES))
            let transcriptEnd := add(space, transcriptBytes)
            if gt(transcriptEnd, end) { end := transcriptEnd }
            mstore(0x40, end)
        }
    }

    /// @notice Folds client proof i with 128 bits of keccak256(seed, i): writes the pair (r_i A_i, B_i), adds r_i C_i to the sum.
    /// @param h Public input of each proof.
    /// @return end Where the next pair goes.
    /// @return total Sum of r_i.
    /// @return weighted Sum of r_i h_i, mod p.
    function foldClients(Workspace space, uint256 cursor, bytes32 seed, uint256[] calldata h, bytes calldata proofs)
        internal
        view
        returns (uint256 end, uint256 total, uint256 weighted)
    {
        bytes4 refusal = IEpochVerifier.ProofInvalid.selector;
        bool canonical = true;
        assembly ("memory-safe") {
            function refuse(selector) {
                mstore(0, selector)
                revert(0, 4)
            }
            mstore(space, seed)
            end := cursor
            let proof := proofs.offset
            for { let i := 0 } lt(i, h.length) { i := add(i, 1) } {
                mstore(add(space, 0x20), i)
                let coefficient := shr(128, keccak256(space, 0x40))
                mstore(add(space, 0xc0), coefficient)
                total := add(total, coefficient)
                let input := calldataload(add(h.offset, shl(5, i)))
                canonical := and(canonical, lt(input, FIELD_MODULUS))
                weighted := addmod(weighted, mulmod(coefficient, input, FIELD_MODULUS), FIELD_MODULUS)

                calldatacopy(add(space, 0x80), proof, 0x40)
                if iszero(or(mload(add(space, 0x80)), mload(add(space, 0xa0)))) { refuse(refusal) }
                if iszero(staticcall(shr(3, gas()), 7, add(space, 0x80), 0x60, end, 0x40)) {
                    refuse(refusal)
                }
                calldatacopy(add(end, 0x40), add(proof, 0x40), 0x80)
                if iszero(
                    or(
                        or(mload(add(end, 0x40)), mload(add(end, 0x60))),
                        or(mload(add(end, 0x80)), mload(add(end, 0xa0)))
                    )
                ) { refuse(refusal) }
                calldatacopy(add(space, 0x80), add(proof, 0xc0), 0x40)
                if iszero(or(mload(add(space, 0x80)), mload(add(space, 0xa0)))) { refuse(refusal) }
                if iszero(staticcall(shr(3, gas()), 7, add(space, 0x80), 0x60, add(space, 0x80), 0x40)) {
                    refuse(refusal)
                }
                if iszero(staticcall(shr(3, gas()), 6, add(space, 0x40), 0x80, add(space, 0x40), 0x40)) {
                    refuse(refusal)
                }
                end := add(end, PAIR_BYTES)
                proof := add(proof, PROOF_BYTES)
            }
        }
        if (!canonical) revert IEpochVerifier.NonCanonicalField();
    }

    /// @notice 128 bits of keccak256(seed, index).
    function weigh(Workspace space, bytes32 seed, uint256 index) internal pure returns (uint256 r) {
        assembly ("memory-safe") {
            mstore(space, seed)
            mstore(add(space, 0x20), index)
            r := shr(128, keccak256(space, 0x40))
        }
    }

    /// @notice Writes the pair (r A, B) of proof `index` and adds r C to the sum, for proofs with more than one public input.
    function foldProof(Workspace space, uint256 cursor, uint256 r, bytes calldata proofs, uint256 index)
        internal
        view
        returns (uint256 end)
    {
        bool valid;
        assembly ("memory-safe") {
            let proof := add(proofs.offset, shl(8, index))
            let term := add(space, 0x80)
            mstore(add(space, 0xc0), r)
            calldatacopy(term, proof, 0x40)
            let finite := or(mload(term), mload(add(space, 0xa0)))
            valid := staticcall(shr(3, gas()), 7, term, 0x60, cursor, 0x40)
            calldatacopy(add(cursor, 0x40), add(proof, 0x40), 0x80)
            finite := and(
                gt(finite, 0),
                gt(
                    or(
                        or(mload(add(cursor, 0x40)), mload(add(cursor, 0x60))),
                        or(mload(add(cursor, 0x80)), mload(add(cursor, 0xa0)))
                    ),
                    0
                )
            )
            calldatacopy(term, add(proof, 0xc0), 0x40)
            finite := and(finite, gt(or(mload(term), mload(add(space, 0xa0))), 0))
            if and(valid, finite) {
                valid := staticcall(shr(3, gas()), 7, term, 0x60, term, 0x40)
                if valid { valid := staticcall(shr(3, gas()), 6, add(space, 0x40), 0x80, add(space, 0x40), 0x40) }
            }
            valid := and(valid, finite)
            end := add(cursor, PAIR_BYTES)
        }
        if (!valid) revert IEpochVerifier.ProofInvalid();
    }

    /// @notice Writes the pair (A, B) of one proof, checks that C is a point too.
    function pairProof(uint256 cursor, bytes calldata proof) internal pure returns (uint256 end) {
        bool finite;
        assembly ("memory-safe") {
            calldatacopy(cursor, proof.offset, PAIR_BYTES)
            let a := or(mload(cursor), mload(add(cursor, 0x20)))
            let b :=
                or(
                    or(mload(add(cursor, 0x40)), mload(add(cursor, 0x60))),
                    or(mload(add(cursor, 0x80)), mload(add(cursor, 0xa0)))
                )
            let c := or(calldataload(add(proof.offset, 0xc0)), calldataload(add(proof.offset, 0xe0)))
            finite := and(and(gt(a, 0), gt(b, 0)), gt(c, 0))
            end := add(cursor, PAIR_BYTES)
        }
        if (!finite) revert IEpochVerifier.ProofInvalid();
    }

    /// @notice Writes the pair (C, g2) of one proof.
    function pairC(uint256 cursor, bytes calldata proof, uint256 g2) internal pure returns (uint256 end) {
        assembly ("memory-safe") {
            calldatacopy(cursor, add(proof.offset, 0xc0), 0x40)
            mcopy(add(cursor, 0x40), g2, 0x80)
            end := add(cursor, PAIR_BYTES)
        }
    }

    /// @notice Writes the pair (g1, g2) of points in memory.
    function pair(uint256 cursor, uint256 g1, uint256 g2) internal pure returns (uint256 end) {
        assembly ("memory-safe") {
            mcopy(cursor, g1, 0x40)
            mcopy(add(cursor, 0x40), g2, 0x80)
            end := add(cursor, PAIR_BYTES)
        }
    }

    /// @notice Makes the point at infinity the sum.
    function clearSum(Workspace space) internal pure {
        assembly ("memory-safe") {
            calldatacopy(add(space, 0x40), calldatasize(), 0x40)
        }
    }

    /// @notice Writes the pair (sum, g2) and takes a new sum, the point at infinity.
    function pairSum(Workspace space, uint256 cursor, uint256 g2) internal pure returns (uint256 end) {
        assembly ("memory-safe") {
            mcopy(cursor, add(space, 0x40), 0x40)
            mcopy(add(cursor, 0x40), g2, 0x80)
            end := add(cursor, PAIR_BYTES)
        }
        clearSum(space);
    }

    /// @notice Makes a point in memory the sum.
    function setSum(Workspace space, uint256 point) internal pure {
        assembly ("memory-safe") {
            mcopy(add(space, 0x40), point, 0x40)
        }
    }

    /// @notice Adds `scalar` times a point in memory to the sum.
    function addScaled(Workspace space, uint256 point, uint256 scalar) internal view {
        bool done;
        assembly ("memory-safe") {
            mcopy(add(space, 0x80), point, 0x40)
            mstore(add(space, 0xc0), scalar)
            if staticcall(shr(3, gas()), 7, add(space, 0x80), 0x60, add(space, 0x80), 0x40) {
                done := staticcall(shr(3, gas()), 6, add(space, 0x40), 0x80, add(space, 0x40), 0x40)
            }
        }
        if (!done) revert IEpochVerifier.ProofInvalid();
    }

    /// @notice Reverts unless the product of all pairs written up to `end` is 1.
    function requireOne(Workspace space, uint256 end) internal view {
        bool one;
        assembly ("memory-safe") {
            let start := add(space, PAIRS)
            if staticcall(gas(), 8, start, sub(end, start), 0, 0x20) { one := eq(mload(0), 1) }
        }
        if (!one) revert IEpochVerifier.ProofInvalid();
    }
}
