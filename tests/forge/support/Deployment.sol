// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Bridge} from "../../../contracts/core/Bridge.sol";
import {Exit} from "../../../contracts/core/Exit.sol";
import {L1Queue} from "../../../contracts/core/L1Queue.sol";
import {Rollup, RollupConfig} from "../../../contracts/core/Rollup.sol";
import {CommitInput, RollupParameters} from "../../../contracts/interfaces/IRollup.sol";
import {IBridge} from "../../../contracts/interfaces/IBridge.sol";
import {CALLDATA_MODE, IEpochVerifier} from "../../../contracts/interfaces/IEpochVerifier.sol";
import {IExit} from "../../../contracts/interfaces/IExit.sol";
import {IExitVerifier} from "../../../contracts/interfaces/IExitVerifier.sol";
import {IL1Queue} from "../../../contracts/interfaces/IL1Queue.sol";
import {IProposerPolicy} from "../../../contracts/interfaces/IProposerPolicy.sol";
import {IRollup} from "../../../contracts/interfaces/IRollup.sol";
import {TestToken} from "../../../contracts/mocks/TestToken.sol";
import {AssetId, ETH} from "../../../contracts/types/AssetId.sol";
import {EpochId} from "../../../contracts/types/EpochId.sol";
import {EpochFees, EpochRecord, EpochSummary} from "../../../contracts/types/EpochRecord.sol";
import {Assertions} from "./Assertions.sol";
import {Epoch, EpochBuilder, Lane} from "./EpochBuilder.sol";
import {ExitVerifierStub, VerifierStub} from "./VerifierStub.sol";

/// @title Lets everyone commit
contract OpenPolicy is IProposerPolicy {
    function mayCommit(address, EpochId) external pure returns (bool) {
        return true;
    }
}

/// @title The contracts wired together around verifier stubs, and the valid next step for each of them
abstract contract Deployment is Assertions {
    uint64 internal constant ANCHOR_LIFE = 300;
    uint64 internal constant CLOCK_WINDOW = 64;
    uint64 internal constant PROVING_WINDOW = 600;
    uint64 internal constant FORCED_DEADLINE = 7_200;
    uint64 internal constant FREEZE_TIME = 50_400;
    uint256 internal constant GENESIS_STATE = 0x5747;
    uint256 internal constant GENESIS_ANCHOR = 0xa0c4;
    AssetId internal constant USD = AssetId.wrap(2);
    uint256 internal constant C = 0xcc;

    VerifierStub internal small;
    VerifierStub internal large;
    L1Queue internal queue;
    Bridge internal bridge;
    Exit internal way;
    Rollup internal rollup;
    TestToken internal usd;
    address internal owner = address(0x0a11ce);
    address internal proposer = address(0xb0b);
    address internal feeRecipient = address(0xfee);

    /// Last committed record, and all before it by id.
    EpochRecord internal tip;
    mapping(uint64 id => EpochRecord) internal recordOf;
    /// What each forced item brought, in wei.
    mapping(uint256 index => uint256) internal feeOf;

    /// @dev With a proposer policy, since a commit without proof needs one.
    function deploy() internal {
        deploy(address(new OpenPolicy()), address(0));
    }

    /// @dev The record's hash as docs/spec/06-l1.md has it.
    function hashOf(EpochRecord memory record) internal pure returns (bytes32) {
        return keccak256(abi.encode(bodyHashOf(record), record.withdrawalRoot));
    }

    function bodyHashOf(EpochRecord memory record) internal pure returns (bytes32 bodyHash) {
        bytes memory encoded = abi.encode(record);
        assembly ("memory-safe") {
            bodyHash := keccak256(add(encoded, 32), 576)
        }
    }

    function summaryOf(EpochRecord memory record) internal pure returns (EpochSummary memory) {
        return EpochSummary(record.id, bodyHashOf(record), record.withdrawalRoot);
    }

    function deploy(address proposerPolicy, address proverPolicy) internal {
        vm.roll(1_000_000);
        small = new VerifierStub(4, CALLDATA_MODE);
        large = makeLargeVerifier();
        makeMoreVerifiers();
        IExitVerifier exitVerifier = makeExitVerifier();
        uint256 nonce = vm.getNonce(address(this));
        address bridgeAddress = vm.computeCreateAddress(address(this), nonce + 1);
        IExit exitAddress = IExit(vm.computeCreateAddress(address(this), nonce + 2));
        IRollup rollupAddress = IRollup(vm.computeCreateAddress(address(this), nonce + 3));
        queue = new L1Queue(IBridge(bridgeAddress), rollupAddress, IEpochVerifier(address(large)));
        bridge = new Bridge(queue, rollupAddress, exitAddress, owner, type(uint128).max);
        way = new Exit(rollupAddress, bridge, exitVerifier);
        rollup = new Rollup(config(proposerPolicy, proverPolicy));
        usd = new TestToken();
        vm.prank(owner);
        bridge.listAsset(USD, address(usd), type(uint128).max);
        EpochRecord memory genesis;
        genesis.newState = GENESIS_STATE;
        genesis.ownAnchor = GENESIS_ANCHOR;
        genesis.commitBlock = uint64(height());
        genesis.timestampBlock = uint64(height());
        remember(genesis);
    }

    function makeLargeVerifier() internal virtual returns (VerifierStub) {
        return new VerifierStub(16, CALLDATA_MODE);
    }

    function makeMoreVerifiers() internal virtual {}

    function makeExitVerifier() internal virtual returns (IExitVerifier) {
        return new ExitVerifierStub();
    }

    function config(address proposerPolicy, address proverPolicy) internal view returns (RollupConfig memory) {
        return RollupConfig({
            queue: queue,
            bridge: bridge,
            verifiers: verifierSet(),
            proposerPolicy: proposerPolicy,
            proverPolicy: proverPolicy,
            genesisState: GENESIS_STATE,
            genesisAnchor: GENESIS_ANCHOR,
            parameters: RollupParameters({
                anchorLife: ANCHOR_LIFE,
                clockWindow: CLOCK_WINDOW,
                provingWindow: PROVING_WINDOW,
                forcedDeadline: FORCED_DEADLINE,
                freezeTime: FREEZE_TIME
            })
        });
    }

    function verifierSet() internal view virtual returns (address[] memory members) {
        members = new address[](2);
        (members[0], members[1]) = (address(small), address(large));
    }

    function remember(EpochRecord memory record) internal {
        tip = record;
        recordOf[EpochId.unwrap(record.id)] = record;
    }

    /// @dev An epoch of no-op lanes that follows the tip.
    function emptyEpoch(uint256 lanes) internal view returns (Epoch memory epoch) {
        uint256 id = EpochId.unwrap(tip.id) + 1;
        epoch.oldState = tip.newState;
        epoch.newState = tip.newState + 1;
        epoch.ownAnchor = GENESIS_ANCHOR + id;
        epoch.header[0] = rollup.domain();
        epoch.header[1] = id;
        epoch.header[2] = id - 1;
        epoch.header[3] = height();
        epoch.header[4] = tip.queueEnd;
        epoch.header[5] = tip.queueEnd;
        epoch.lanes = new Lane[](lanes);
    }

    /// @dev A transfer lane with non-zero words everywhere.
    function transferLane(uint256 seed) internal pure returns (Lane memory lane) {
        lane.kind = 1;
        lane.link = uint256(keccak256(abi.encode(seed, "h"))) % EpochBuilder.P;
        for (uint256 i = 0; i < 9; i++) {
            if (i == 1 || i == 2 || i == 8) continue; // not chained, no operation
            lane.dataField[i] = uint256(keccak256(abi.encode(seed, "field", i))) % EpochBuilder.P;
        }
        lane.dataByte[0] = 10 ** 14;
        lane.dataByte[1] = 1;
        lane.dataByte[2] = 1_000_100;
        lane.dataByte[3] = 1;
        for (uint256 i = 6; i < 15; i++) {
            lane.dataByte[i] = uint256(keccak256(abi.encode(seed, "byte", i))) >> 8;
        }
    }

    function depositLane(uint256 notePartial, uint256 asset, uint256 value) internal pure returns (Lane memory lane) {
        (lane.kind, lane.link, lane.asset, lane.value) = (2, notePartial, asset, value);
        lane.dataField[5] = uint256(keccak256(abi.encode(notePartial, asset, value))) % EpochBuilder.P;
    }

    function withdrawalLane(uint256 seed, uint256 asset, uint256 value, uint256 recipient)
        internal
        pure
        returns (Lane memory lane)
    {
        lane = transferLane(seed);
        (lane.asset, lane.value, lane.recipient) = (asset, value, recipient);
    }

    /// @dev Input for an epoch that needs no older anchor than the tip's and takes no queue items.
    function inputFor(Epoch memory epoch) internal view returns (CommitInput memory input) {
        input = inputFor(epoch, new bytes32[](0));
    }

    function inputFor(Epoch memory epoch, bytes32[] memory tails) internal view returns (CommitInput memory input) {
        input.parent = tip;
        input.verifier = epoch.lanes.length == 4 ? address(small) : address(large);
        input.feeRecipient = feeRecipient;
        input.c = C;
        input.words = EpochBuilder.encode(epoch);
        input.queueTails = tails;
        input.clientProofs = EpochBuilder.clientProofs(epoch);
        uint256 oldest = epoch.header[2];
        if (oldest < EpochId.unwrap(tip.id)) {
            input.oldestSuccessor = new EpochRecord[](1);
            input.oldestSuccessor[0] = recordOf[uint64(oldest + 1)];
        }
    }

    /// @dev The record that the spec says follows from an epoch.
    function expectedRecord(Epoch memory epoch, address sender) internal view returns (EpochRecord memory record) {
        record.id = EpochId.wrap(uint64(epoch.header[1]));
        record.parent = hashOf(tip);
        record.proposer = sender;
        record.feeRecipient = feeRecipient;
        record.verifier = epoch.lanes.length == 4 ? address(small) : address(large);
        record.commitBlock = uint64(height());
        record.deadline = uint64(height()) + PROVING_WINDOW;
        record.timestampBlock = uint64(epoch.header[3]);
        record.queueEnd = uint64(epoch.header[5]);
        record.c = C;
        (record.z, record.y) = EpochBuilder.bind(rollup.domain(), C, epoch);
        record.newState = epoch.newState;
        record.ownAnchor = epoch.ownAnchor;
        (bytes32[] memory leaves,) = EpochBuilder.withdrawals(epoch);
        (record.withdrawalRoot,) = EpochBuilder.prove(leaves, 0);
        EpochFees memory fees = feesOf(epoch);
        if (fees.totals[0] + fees.totals[1] + fees.totals[2] + fees.totals[3] + fees.queueFees != 0) {
            record.feesHash = keccak256(abi.encode(fees));
        }
    }

    function feesOf(Epoch memory epoch) internal view returns (EpochFees memory fees) {
        for (uint256 i = 0; i < 4; i++) {
            fees.assets[i] = epoch.header[6 + i];
            fees.totals[i] = epoch.header[10 + i];
        }
        uint256 index = epoch.header[4];
        for (uint256 l = 0; l < epoch.lanes.length; l++) {
            uint256 kind = epoch.lanes[l].kind;
            if (kind == 2 || kind == 3 || kind == 4) fees.queueFees += feeOf[index++];
        }
    }

    /// @dev Commits as `proposer` and checks the stored hash against the spec's record.
    function commitEpoch(Epoch memory epoch, bytes32[] memory tails) internal returns (EpochRecord memory record) {
        record = expectedRecord(epoch, proposer);
        CommitInput memory input = inputFor(epoch, tails);
        vm.prank(proposer, proposer);
        bytes32 recordHash = rollup.commit(input);
        assertEq(recordHash, hashOf(record), "record hash");
        remember(record);
    }

    function commitEpoch(Epoch memory epoch) internal returns (EpochRecord memory record) {
        record = commitEpoch(epoch, new bytes32[](0));
    }

    function proveEpoch(EpochRecord memory record, EpochFees memory fees) internal {
        rollup.prove(record, fees, address(this), goodProof(record, address(this)));
    }

    /// @dev Proof that the stub accepts for exactly these public inputs.
    function goodProof(EpochRecord memory record, address beneficiary) internal view returns (bytes memory) {
        bytes32 digest = keccak256(abi.encode(rollup.domain(), record.z, beneficiary, uint256(0)));
        uint256 m = uint256(digest) % EpochBuilder.P;
        uint256 low = record.yData % 2 ** 128;
        uint256[6] memory publicInputs = [record.c, record.z, record.y, low, record.yData / 2 ** 128, m];
        return bytes.concat(keccak256(abi.encode(publicInputs)), new bytes(224));
    }

    /// @dev Commits and proves as `proposer`.
    function settle(Epoch memory epoch, bytes32[] memory tails) internal returns (EpochRecord memory record) {
        record = expectedRecord(epoch, proposer);
        CommitInput memory input = inputFor(epoch, tails);
        bytes memory proof = goodProof(record, feeRecipient);
        vm.prank(proposer, proposer);
        bytes32 recordHash = rollup.commitAndProve(input, feeRecipient, proof);
        assertEq(recordHash, hashOf(record), "record hash");
        remember(record);
    }

    function settle(Epoch memory epoch) internal returns (EpochRecord memory record) {
        record = settle(epoch, new bytes32[](0));
    }

    function ciphertextFor(uint256 seed) internal pure returns (bytes memory) {
        bytes32 filling = keccak256(abi.encode(seed, "ciphertext"));
        return bytes.concat(filling, filling, bytes29(filling));
    }

    function tailOf(address depositor, bytes memory ciphertext) internal pure returns (bytes32) {
        return keccak256(abi.encode(depositor, keccak256(ciphertext)));
    }

    /// @dev Deposits wei as `depositor` and returns the lane and tail that take it.
    function depositWei(address depositor, uint256 value, uint256 seed)
        internal
        returns (Lane memory lane, bytes32 tail)
    {
        vm.deal(depositor, depositor.balance + value);
        bytes memory ciphertext = ciphertextFor(seed);
        vm.prank(depositor);
        bridge.depositETH{value: value}(seed, ciphertext);
        return (depositLane(seed, AssetId.unwrap(ETH), value), tailOf(depositor, ciphertext));
    }

    /// @dev Likewise for the token.
    function depositUsd(address depositor, uint256 value, uint256 seed)
        internal
        returns (Lane memory lane, bytes32 tail)
    {
        usd.mint(depositor, value);
        bytes memory ciphertext = ciphertextFor(seed);
        vm.startPrank(depositor);
        usd.approve(address(bridge), value);
        bridge.deposit(USD, value, seed, ciphertext);
        vm.stopPrank();
        return (depositLane(seed, AssetId.unwrap(USD), value), tailOf(depositor, ciphertext));
    }

    function one(bytes32 element) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = element;
    }
}
