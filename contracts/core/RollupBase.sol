// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IBridge} from "../interfaces/IBridge.sol";
import {IExit} from "../interfaces/IExit.sol";
import {IL1Queue} from "../interfaces/IL1Queue.sol";
import {IRollup, RollupParameters} from "../interfaces/IRollup.sol";
import {FIELD_MODULUS} from "../libraries/Field.sol";
import {EpochId, GENESIS} from "../types/EpochId.sol";
import {EpochRecord} from "../types/EpochRecord.sol";

/// @notice What the rollup is deployed with.
/// @dev Queue, bridge and exit are deployed before, with the address of the rollup to come.
struct RollupConfig {
    IL1Queue queue;
    IBridge bridge;
    address[] verifiers;
    /// 0: anyone may commit, with the proof only.
    address proposerPolicy;
    /// 0: anyone may prove.
    address proverPolicy;
    uint256 genesisState;
    uint256 genesisAnchor;
    RollupParameters parameters;
}

/// @title What the rollup knows, and what it was deployed with
abstract contract RollupBase is IRollup {
    /// @dev One slot. An id is pending when proven < id <= head.
    struct Status {
        EpochId head;
        EpochId proven;
        /// queueEnd of the last proven record.
        uint40 cursor;
        uint40 pausedFrom;
        uint40 pausedUntil;
        bool frozen;
    }

    bytes32 private constant DOMAIN_TAG = keccak256("sotto.domain.v1");

    IL1Queue internal immutable _queue;
    IBridge internal immutable _bridge;
    /// @inheritdoc IRollup
    address public immutable proposerPolicy;
    /// @inheritdoc IRollup
    address public immutable proverPolicy;
    uint64 internal immutable _anchorLife;
    uint64 internal immutable _clockWindow;
    uint64 internal immutable _provingWindow;
    uint64 internal immutable _forcedDeadline;
    uint64 internal immutable _freezeTime;

    Status internal _status;
    /// @inheritdoc IRollup
    mapping(EpochId id => bytes32 recordHash) public epochs;

    constructor(RollupConfig memory config) {
        IExit way = IExit(config.bridge.exit());
        if (
            config.bridge.rollup() != address(this) || config.bridge.queue() != address(config.queue)
                || config.queue.bridge() != address(config.bridge) || config.queue.rollup() != address(this)
                || way.rollup() != address(this) || way.bridge() != address(config.bridge)
        ) revert WiringMismatch();
        _queue = config.queue;
        _bridge = config.bridge;
        proposerPolicy = config.proposerPolicy;
        proverPolicy = config.proverPolicy;

        RollupParameters memory times = config.parameters;
        _anchorLife = _requireLength(times.anchorLife);
        _clockWindow = _requireLength(times.clockWindow);
        _provingWindow = _requireLength(times.provingWindow);
        _forcedDeadline = _requireLength(times.forcedDeadline);
        _freezeTime = _requireLength(times.freezeTime);

        if (
            config.genesisState == 0 || config.genesisState >= FIELD_MODULUS || config.genesisAnchor == 0
                || config.genesisAnchor >= FIELD_MODULUS
        ) revert BadGenesis();
        // All other fields of genesis are 0.
        // slither-disable-next-line uninitialized-local
        EpochRecord memory genesis;
        genesis.id = GENESIS;
        genesis.newState = config.genesisState;
        genesis.ownAnchor = config.genesisAnchor;
        genesis.commitBlock = uint64(block.number);
        genesis.timestampBlock = uint64(block.number);
        _store(genesis);
    }

    /// @inheritdoc IRollup
    function status() external view returns (EpochId head, EpochId proven) {
        return (_status.head, _status.proven);
    }

    /// @inheritdoc IRollup
    function cursor() external view returns (uint64) {
        return _status.cursor;
    }

    /// @inheritdoc IRollup
    function lastPause() external view returns (uint64 fromBlock, uint64 untilBlock) {
        return (_status.pausedFrom, _status.pausedUntil);
    }

    /// @inheritdoc IRollup
    function isFrozen() external view returns (bool) {
        return _status.frozen;
    }

    /// @inheritdoc IRollup
    function isProven(EpochId id, bytes32 recordHash) external view returns (bool) {
        return !(id > _status.proven) && epochs[id] == recordHash;
    }

    /// @inheritdoc IRollup
    function isFinal(EpochId id, bytes32 recordHash) external view returns (bool) {
        Status memory current = _status;
        return current.frozen && id == current.proven && epochs[id] == recordHash;
    }

    /// @inheritdoc IRollup
    function bridge() external view returns (address) {
        return address(_bridge);
    }

    /// @inheritdoc IRollup
    function queue() external view returns (address) {
        return address(_queue);
    }

    /// @inheritdoc IRollup
    function parameters() external view returns (RollupParameters memory) {
        return RollupParameters({
            anchorLife: _anchorLife,
            clockWindow: _clockWindow,
            provingWindow: _provingWindow,
            forcedDeadline: _forcedDeadline,
            freezeTime: _freezeTime
        });
    }

    /// @inheritdoc IRollup
    function domain() public view returns (uint256) {
        return uint256(keccak256(abi.encode(DOMAIN_TAG, block.chainid, address(this)))) >> 8;
    }

    /// @dev The status, unless the rollup has ended. Read and written as one word, where the compiler takes each field alone.
    function _running() internal view returns (Status memory current) {
        uint256 word;
        assembly ("memory-safe") {
            word := sload(_status.slot)
        }
        current.head = EpochId.wrap(uint64(word));
        current.proven = EpochId.wrap(uint64(word >> 64));
        current.cursor = uint40(word >> 128);
        current.pausedFrom = uint40(word >> 168);
        current.pausedUntil = uint40(word >> 208);
        if (word >> 248 != 0) revert RollupFrozen();
    }

    /// @dev Inverse of `_running`.
    function _write(Status memory next) internal {
        uint256 word = EpochId.unwrap(next.head) | uint256(EpochId.unwrap(next.proven)) << 64 | uint256(next.cursor)
            << 128 | uint256(next.pausedFrom) << 168 | uint256(next.pausedUntil) << 208;
        if (next.frozen) word |= 1 << 248;
        assembly ("memory-safe") {
            sstore(_status.slot, word)
        }
    }

    /// @dev The record must be that of the oldest pending epoch.
    function _requireNextToProve(Status memory current, EpochRecord calldata record)
        internal
        view
        returns (EpochId id, bytes32 recordHash)
    {
        id = record.id;
        recordHash = record.hashCalldata();
        if (id != current.proven.next() || id > current.head || epochs[id] != recordHash) {
            revert NotNextToProve(id, recordHash);
        }
    }

    function _store(EpochRecord memory record) internal returns (bytes32 recordHash) {
        recordHash = record.hash();
        epochs[record.id] = recordHash;
        emit EpochCommitted(record.id, recordHash, record);
    }

    function _requireLength(uint64 blocks) private pure returns (uint64) {
        if (blocks == 0 || blocks > type(uint32).max) revert BadParameters();
        return blocks;
    }
}
