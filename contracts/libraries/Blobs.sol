// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";

/// @title The blob of a commit's transaction (EIP-4844; docs/spec/14-blobs.md)
library Blobs {
    /// y_data (32), KZG commitment (48), KZG proof (48).
    uint256 private constant INPUT_BYTES = 128;
    uint256 private constant FIELD_ELEMENTS = 4096;
    /// Order of the groups of BLS12-381.
    uint256 private constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    /// @notice Reverts unless there is no blob: one that nobody reads is paid for in vain.
    function requireNone(bytes calldata input) internal view {
        if (blobhash(0) != 0) revert IRollup.BlobUnexpected();
        if (input.length != 0) revert IRollup.WrongBlobInputLength(0, input.length);
    }

    /// @notice Versioned hash of the transaction's only blob. Reverts unless there is exactly one.
    function requireOne(bytes calldata input) internal view returns (bytes32 versionedHash) {
        versionedHash = blobhash(0);
        if (versionedHash == 0) revert IRollup.BlobMissing();
        if (blobhash(1) != 0) revert IRollup.TooManyBlobs();
        if (input.length != INPUT_BYTES) revert IRollup.WrongBlobInputLength(INPUT_BYTES, input.length);
    }

    /// @notice The value y_data in `input`, which must be that of the blob's polynomial at z. Reverts otherwise.
    /// @dev The precompile compares the commitment with the versioned hash, and refuses z and y_data that are not below ORDER. It is
    /// given all gas but the 64th that the EVM withholds: without the evaluation there is nothing to go on with.
    /// @param input As `requireOne` takes it.
    function evaluate(bytes32 versionedHash, uint256 z, bytes calldata input) internal view returns (uint256 yData) {
        bool holds;
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, versionedHash)
            mstore(add(at, 0x20), z)
            calldatacopy(add(at, 0x40), input.offset, 0x80)
            yData := mload(add(at, 0x40))
            holds := staticcall(gas(), 0x0a, at, 0xc0, 0, 0x40)
            // An address without code answers every call with success and nothing.
            holds := and(holds, eq(returndatasize(), 0x40))
            holds := and(holds, and(eq(mload(0), FIELD_ELEMENTS), eq(mload(0x20), ORDER)))
        }
        if (!holds) revert IRollup.PointEvaluationFailed();
    }
}
