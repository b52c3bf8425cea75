// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {FIELD_MODULUS} from "./Field.sol";

/// @title Binds the words of an epoch to the public inputs of its proof (docs/spec/05-epoch.md, 14-blobs.md)
library VectorBinding {
    /// @notice Challenge z and evaluation y of an epoch's words.
    /// @dev Loops are unrolled to the words of a lane or a few: the loop's own work would cost half as much as the evaluation again.
    /// Sums stay below 2 p < 2^256 as long as words are below p; a field word that is not makes the result false.
    /// @param words All words, or the L1 words if the others are in a blob; of the right length for `lanes` (EpochWords).
    /// @param versionedHash The blob's, 0 without one: a versioned hash begins with its version, 1.
    /// @return z keccak256(domain, c, words, versioned hash if there is one) cut to 248 bits.
    /// @return y sum of word i times z^i, mod p.
    /// @return canonical Whether all field words are below p.
    function bind(uint256 domain, uint256 c, bytes calldata words, uint256 lanes, bytes32 versionedHash)
        internal
        pure
        returns (uint256 z, uint256 y, bool canonical)
    {
        assembly ("memory-safe") {
            let transcript := mload(0x40)
            mstore(transcript, domain)
            mstore(add(transcript, 0x20), c)
            calldatacopy(add(transcript, 0x40), words.offset, words.length)
            let end := add(add(transcript, 0x40), words.length)
            mstore(end, versionedHash)
            end := add(end, shl(5, gt(versionedHash, 0)))
            z := shr(8, keccak256(transcript, sub(end, transcript)))

            canonical := 1
            let word
            let cursor := add(words.offset, words.length)
            if iszero(versionedHash) {
                // Data byte words, 15 a lane
                for { let start := sub(cursor, mul(lanes, 465)) } gt(cursor, start) {} {
                    cursor := sub(cursor, 465)
                    y := add(shr(8, calldataload(add(cursor, 434))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 403))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 372))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 341))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 310))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 279))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 248))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 217))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 186))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 155))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 124))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 93))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 62))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(add(cursor, 31))), mulmod(y, z, FIELD_MODULUS))
                    y := add(shr(8, calldataload(cursor)), mulmod(y, z, FIELD_MODULUS))
                }
                // Data field words of account operations, 2 for every fourth lane
                for { let start := sub(cursor, mul(lanes, 16)) } gt(cursor, start) {} {
                    cursor := sub(cursor, 64)
                    word := calldataload(add(cursor, 32))
                    canonical := and(canonical, lt(word, FIELD_MODULUS))
                    y := add(word, mulmod(y, z, FIELD_MODULUS))
                    word := calldataload(cursor)
                    canonical := and(canonical, lt(word, FIELD_MODULUS))
                    y := add(word, mulmod(y, z, FIELD_MODULUS))
                }
                // Data field words of lanes, 9 each
                for { let start := sub(cursor, mul(lanes, 288)) } gt(cursor, start) {} {
                    cursor := sub(cursor, 288)
                    word := calldataload(add(cursor, 256))
                    canonical := and(canonical, lt(word, FIELD_MODULUS))
                    y := add(word, mulmod(y, z, FIELD_MODULUS))
                    word := calldataload(add(cursor, 224))
                    canonical := and(canonical, lt(word, FIELD_MODULUS))
                    y := add(word, mulmod(y, z, FIELD_MODULUS))
                    word := calldataload(add(cursor, 192))
                    canonical := and(canonical, lt(word, FIELD_MODULUS))
                    y := add(word, mulmod(y, z, FIELD_MODULUS))
                    word := calldataload(add(cursor, 160))
                    canonical := and(canonical, lt(word, FIELD_MODULUS))
                    y := add(word, mulmod(y, z, FIELD_MODULUS))
                    word := calldataload(add(cursor, 128))
                    canonical := and(canonical, lt(word, FIELD_MODULUS))
                    y := add(word, mulmod(y, z, FIELD_MODULUS))
                    word := calldataload(add(cursor, 96))
                    canonical := and(canonical, lt(word, FIELD_MODULUS))
                    y := add(word, mulmod(y, z, FIELD_MODULUS))
                    word := calldataload(add(cursor, 64))
                    canonical := and(canonical, lt(word, FIELD_MODULUS))
                    y := add(word, mulmod(y, z, FIELD_MODULUS))
                    word := calldataload(add(cursor, 32))
                    canonical := and(canonical, lt(word, FIELD_MODULUS))
                    y := add(word, mulmod(y, z, FIELD_MODULUS))
                    word := calldataload(cursor)
                    canonical := and(canonical, lt(word, FIELD_MODULUS))
                    y := add(word, mulmod(y, z, FIELD_MODULUS))
                }
            }
            // L1 byte words, 4 a lane
            for { let start := sub(cursor, mul(lanes, 124)) } gt(cursor, start) {} {
                cursor := sub(cursor, 124)
                y := add(shr(8, calldataload(add(cursor, 93))), mulmod(y, z, FIELD_MODULUS))
                y := add(shr(8, calldataload(add(cursor, 62))), mulmod(y, z, FIELD_MODULUS))
                y := add(shr(8, calldataload(add(cursor, 31))), mulmod(y, z, FIELD_MODULUS))
                y := add(shr(8, calldataload(cursor)), mulmod(y, z, FIELD_MODULUS))
            }
            // L1 byte words of the header
            cursor := sub(cursor, 465)
            y := add(shr(8, calldataload(add(cursor, 434))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 403))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 372))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 341))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 310))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 279))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 248))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 217))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 186))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 155))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 124))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 93))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 62))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(add(cursor, 31))), mulmod(y, z, FIELD_MODULUS))
            y := add(shr(8, calldataload(cursor)), mulmod(y, z, FIELD_MODULUS))
            // Links, of four lanes at a time
            for { let start := add(words.offset, 96) } gt(cursor, start) {} {
                cursor := sub(cursor, 128)
                word := calldataload(add(cursor, 96))
                canonical := and(canonical, lt(word, FIELD_MODULUS))
                y := add(word, mulmod(y, z, FIELD_MODULUS))
                word := calldataload(add(cursor, 64))
                canonical := and(canonical, lt(word, FIELD_MODULUS))
                y := add(word, mulmod(y, z, FIELD_MODULUS))
                word := calldataload(add(cursor, 32))
                canonical := and(canonical, lt(word, FIELD_MODULUS))
                y := add(word, mulmod(y, z, FIELD_MODULUS))
                word := calldataload(cursor)
                canonical := and(canonical, lt(word, FIELD_MODULUS))
                y := add(word, mulmod(y, z, FIELD_MODULUS))
            }
            // L1 field words of the header
            cursor := words.offset
            word := calldataload(add(cursor, 64))
            canonical := and(canonical, lt(word, FIELD_MODULUS))
            y := add(word, mulmod(y, z, FIELD_MODULUS))
            word := calldataload(add(cursor, 32))
            canonical := and(canonical, lt(word, FIELD_MODULUS))
            y := add(word, mulmod(y, z, FIELD_MODULUS))
            word := calldataload(cursor)
            canonical := and(canonical, lt(word, FIELD_MODULUS))
            y := add(word, mulmod(y, z, FIELD_MODULUS))
            y := mod(y, FIELD_MODULUS)
        }
    }
}
