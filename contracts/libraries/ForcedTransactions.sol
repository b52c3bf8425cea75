// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {EpochWords} from "./EpochWords.sol";
import {Poseidon2} from "./Poseidon2.sol";
import {QueueItems} from "./QueueItems.sol";

/// @title Layout of a forced transaction (docs/spec/06-l1.md)
/// @dev Readers do not check bounds: the length is checked once, against `BYTES`.
library ForcedTransactions {
    uint256 internal constant BYTES = 692;

    // Words of 32 bytes
    uint256 internal constant ANCHOR = 0;
    uint256 internal constant NULLIFIER_0 = 1;
    uint256 internal constant NULLIFIER_1 = 2;
    uint256 internal constant PUBLIC_VALUE = 6;
    uint256 internal constant PUBLIC_ASSET = 7;
    uint256 internal constant RECIPIENT = 8;
    uint256 internal constant EXPIRY = 9;
    /// @dev Anchor, nullifiers and commitments: any element of the field. The words after them have smaller ranges.
    uint256 internal constant FIELD_WORDS = 6;

    uint256 private constant EXTENSION_OFFSET = 320;
    uint256 private constant EXTENSION_WORDS = 12;
    uint256 private constant TRANSACTION_FIELDS = 18;

    /// @notice Word `index` of 32 bytes.
    function word(bytes calldata transaction, uint256 index) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(add(transaction.offset, shl(5, index)))
        }
    }

    /// @notice h of docs/spec/04-transaction.md, with kind 3 and without fee, operation and named commitments.
    /// @dev All words below the field's modulus.
    function hash(bytes calldata transaction, uint256 domain) internal pure returns (uint256) {
        uint256[] memory extension = new uint256[](EXTENSION_WORDS);
        for (uint256 i = 0; i < EXTENSION_WORDS; i++) {
            uint256 offset = EXTENSION_OFFSET + i * EpochWords.BYTE_WORD_BYTES;
            assembly ("memory-safe") {
                mstore(add(add(extension, 0x20), shl(5, i)), shr(8, calldataload(add(transaction.offset, offset))))
            }
        }
        uint256[] memory fields = new uint256[](TRANSACTION_FIELDS);
        fields[0] = QueueItems.FORCED;
        fields[1] = domain;
        fields[2] = word(transaction, ANCHOR);
        for (uint256 i = 0; i < 8; i++) {
            fields[5 + i] = word(transaction, NULLIFIER_0 + i);
        }
        fields[15] = word(transaction, EXPIRY);
        fields[17] = Poseidon2.hash(Poseidon2.EXTENSION, extension);
        return Poseidon2.hash(Poseidon2.TRANSACTION, fields);
    }
}
