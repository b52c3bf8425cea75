// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {FIELD_MODULUS} from "./Field.sol";
import {
    POSEIDON2_DIAGONAL_0,
    POSEIDON2_DIAGONAL_1,
    POSEIDON2_DIAGONAL_2,
    POSEIDON2_DIAGONAL_3,
    POSEIDON2_ROUNDS
} from "./generated/Poseidon2Constants.sol";

/// @title The hash of the protocol (docs/spec/01-field-hash.md)
/// @dev 2^256 is above 5 p: sums of up to five elements stay unreduced where the next product or `addmod` reduces them.
library Poseidon2 {
    uint256 internal constant TRANSACTION = 17;
    uint256 internal constant EXTENSION = 19;

    /// @notice H(tag; inputs), about 17,000 gas for three inputs.
    /// @param inputs At least one, each below the field's modulus.
    function hash(uint256 tag, uint256[] memory inputs) internal pure returns (uint256 result) {
        bytes memory constants = POSEIDON2_ROUNDS;
        assembly ("memory-safe") {
            function fifth(x) -> y {
                y := mulmod(x, x, FIELD_MODULUS)
                y := mulmod(mulmod(y, y, FIELD_MODULUS), x, FIELD_MODULUS)
            }
            // Product with (5 7 1 3; 4 6 1 1; 1 3 5 7; 1 1 4 6). Takes elements below p; b and d come out below 5 p.
            function mix(a, b, c, d) -> e, f, g, h {
                let ab := add(a, b)
                let cd := add(c, d)
                let u := add(add(b, b), cd)
                let v := add(add(d, d), ab)
                f := add(mulmod(4, ab, FIELD_MODULUS), u)
                h := add(mulmod(4, cd, FIELD_MODULUS), v)
                e := addmod(v, f, FIELD_MODULUS)
                g := addmod(u, h, FIELD_MODULUS)
            }
            function fullRounds(a, b, c, d, at) -> e, f, g, h {
                for { let end := add(at, 0x200) } lt(at, end) { at := add(at, 0x80) } {
                    a := fifth(addmod(a, mload(at), FIELD_MODULUS))
                    b := fifth(addmod(b, mload(add(at, 0x20)), FIELD_MODULUS))
                    c := fifth(addmod(c, mload(add(at, 0x40)), FIELD_MODULUS))
                    d := fifth(addmod(d, mload(add(at, 0x60)), FIELD_MODULUS))
                    a, b, c, d := mix(a, b, c, d)
                }
                e := a
                f := mod(b, FIELD_MODULUS)
                g := c
                h := mod(d, FIELD_MODULUS)
            }
            function permute(a, b, c, d, at) -> e, f, g, h {
                a, b, c, d := mix(a, b, c, d)
                a, b, c, d := fullRounds(a, b, c, d, at)
                at := add(at, 0x200)
                for { let end := add(at, 0x700) } lt(at, end) { at := add(at, 0x20) } {
                    a := fifth(addmod(a, mload(at), FIELD_MODULUS))
                    let total := add(add(a, b), add(c, d))
                    a := add(mulmod(a, POSEIDON2_DIAGONAL_0, FIELD_MODULUS), total)
                    b := addmod(mulmod(b, POSEIDON2_DIAGONAL_1, FIELD_MODULUS), total, FIELD_MODULUS)
                    c := addmod(mulmod(c, POSEIDON2_DIAGONAL_2, FIELD_MODULUS), total, FIELD_MODULUS)
                    d := addmod(mulmod(d, POSEIDON2_DIAGONAL_3, FIELD_MODULUS), total, FIELD_MODULUS)
                }
                e, f, g, h := fullRounds(a, b, c, d, at)
            }

            let count := mload(inputs)
            let input := add(inputs, 0x20)
            let a := 0
            let b := 0
            let c := 0
            let d := add(shl(64, tag), count)
            for { let end := add(input, shl(5, count)) } lt(input, end) { input := add(input, 0x60) } {
                a := addmod(a, mload(input), FIELD_MODULUS)
                if lt(add(input, 0x20), end) { b := addmod(b, mload(add(input, 0x20)), FIELD_MODULUS) }
                if lt(add(input, 0x40), end) { c := addmod(c, mload(add(input, 0x40)), FIELD_MODULUS) }
                a, b, c, d := permute(a, b, c, d, add(constants, 0x20))
            }
            result := a
        }
    }
}
