// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title Layout of an epoch's words (docs/spec/05-epoch.md)
/// @dev Readers do not check bounds: the length of `words` is checked once, against `byteLength`.
library EpochWords {
    uint256 internal constant FIELD_BYTES = 32;
    uint256 internal constant BYTE_WORD_BYTES = 31;

    // L1 field words
    uint256 internal constant OLD_STATE = 0;
    uint256 internal constant NEW_STATE = 1;
    uint256 internal constant OWN_ANCHOR = 2;
    uint256 internal constant LINKS = 3;

    // L1 byte words
    uint256 internal constant DOMAIN = 0;
    uint256 internal constant EPOCH_ID = 1;
    uint256 internal constant OLDEST = 2;
    uint256 internal constant CLOCK = 3;
    uint256 internal constant QUEUE_START = 4;
    uint256 internal constant QUEUE_END = 5;
    uint256 internal constant FEE_ASSETS = 6;
    uint256 internal constant FEE_TOTALS = 10;
    uint256 internal constant RESERVED = 14;
    uint256 internal constant LANES = 15;
    uint256 internal constant WORDS_PER_LANE = 4;

    uint256 internal constant FEE_SLOTS = 4;

    /// @notice Length of the words of `lanes` lanes, in bytes.
    function byteLength(uint256 lanes) internal pure returns (uint256) {
        return (3 + 10 * lanes + lanes / 2) * FIELD_BYTES + (15 + 19 * lanes) * BYTE_WORD_BYTES;
    }

    /// @notice Length of their L1 words alone, in bytes.
    function l1ByteLength(uint256 lanes) internal pure returns (uint256) {
        return (3 + lanes) * FIELD_BYTES + (15 + 4 * lanes) * BYTE_WORD_BYTES;
    }

    /// @notice L1 field word `index`.
    function l1Field(bytes calldata words, uint256 index) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(words.offset, mul(index, 32)))
        }
    }

    /// @notice L1 byte word `index`.
    function l1Byte(bytes calldata words, uint256 lanes, uint256 index) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := shr(8, calldataload(add(add(words.offset, mul(add(lanes, 3), 32)), mul(index, 31))))
        }
    }

    /// @notice Link of a lane.
    function link(bytes calldata words, uint256 lane) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(words.offset, mul(add(lane, LINKS), 32)))
        }
    }

    /// @notice Kind, public value, public asset and recipient of a lane.
    function publicWords(bytes calldata words, uint256 lanes, uint256 lane)
        internal
        pure
        returns (uint256 kind, uint256 value, uint256 asset, uint256 recipient)
    {
        assembly ("memory-safe") {
            let at := add(add(words.offset, mul(add(lanes, 3), 32)), add(mul(lane, 124), 465))
            kind := shr(8, calldataload(at))
            value := shr(8, calldataload(add(at, 31)))
            asset := shr(8, calldataload(add(at, 62)))
            recipient := shr(8, calldataload(add(at, 93)))
        }
    }
}
