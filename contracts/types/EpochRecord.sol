// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {EpochId} from "./EpochId.sol";

using {hash, hashCalldata} for EpochRecord global;
using {hashSummary} for EpochSummary global;

/// @notice What L1 knows of an epoch. Only its hash is stored, callers pass the preimage. Order and types: docs/spec/06-l1.md.
struct EpochRecord {
    EpochId id;
    /// Hash of the record before this one.
    bytes32 parent;
    address proposer;
    address feeRecipient;
    /// Member of the rollup's fixed set that this epoch was built for.
    address verifier;
    /// Where the data words are: that of the verifier.
    uint8 dataMode;
    /// L1 block of the commit.
    uint64 commitBlock;
    /// Last L1 block in which the prover policy is heard.
    uint64 deadline;
    /// 0: the commit needed no bond.
    uint256 bond;
    /// L1 block that expiries were compared with (`now` of the header).
    uint64 timestampBlock;
    /// Queue cursor after the epoch.
    uint64 queueEnd;
    uint256 c;
    uint256 z;
    uint256 y;
    /// Evaluation of the blob at z, 0 without a blob (docs/spec/14-blobs.md).
    uint256 yData;
    /// State root after the epoch.
    uint256 newState;
    uint256 ownAnchor;
    /// Hash of the EpochFees, 0 when all totals and the queue fees are 0.
    bytes32 feesHash;
    bytes32 withdrawalRoot;
}

/// @notice What an epoch earns: fees that its lanes paid, by fee slot, and what its forced items paid the queue.
struct EpochFees {
    /// An unused slot has asset 0 and total 0.
    uint256[4] assets;
    uint256[4] totals;
    /// In wei.
    uint256 queueFees;
}

/// @notice What a claim needs of a record: its id, the hash of all fields but the last, and the last.
struct EpochSummary {
    EpochId id;
    bytes32 bodyHash;
    bytes32 withdrawalRoot;
}

/// @notice keccak256(bodyHash, withdrawalRoot), bodyHash = keccak256 of the 18 fields before, ABI-encoded.
/// @dev A record in memory is its own static ABI encoding.
function hash(EpochRecord memory record) pure returns (bytes32 result) {
    assembly ("memory-safe") {
        mstore(0x00, keccak256(record, 576))
        mstore(0x20, mload(add(record, 576)))
        result := keccak256(0x00, 64)
    }
}

/// @notice Like `hash` for a record in calldata. A word too large for its type changes the hash, so it matches no stored one.
function hashCalldata(EpochRecord calldata record) pure returns (bytes32 result) {
    assembly ("memory-safe") {
        let encoded := mload(0x40)
        calldatacopy(encoded, record, 608)
        mstore(add(encoded, 544), keccak256(encoded, 576))
        result := keccak256(add(encoded, 544), 64)
    }
}

/// @notice The hash of the record that `summary` is of.
function hashSummary(EpochSummary calldata summary) pure returns (bytes32) {
    return keccak256(abi.encode(summary.bodyHash, summary.withdrawalRoot));
}

/// @notice keccak256(abi.encode(assets, totals, queueFees)), or 0 when all totals and the queue fees are 0.
function hashFees(EpochFees memory fees) pure returns (bytes32) {
    if (fees.totals[0] | fees.totals[1] | fees.totals[2] | fees.totals[3] | fees.queueFees == 0) return 0;
    return keccak256(abi.encode(fees));
}
