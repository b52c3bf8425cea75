// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {CommitInput} from "../../contracts/interfaces/IRollup.sol";
import {AssetId} from "../../contracts/types/AssetId.sol";
import {EpochId} from "../../contracts/types/EpochId.sol";
import {EpochFees, EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {ExitRequest} from "../../contracts/interfaces/IExit.sol";
import {IExitVerifier} from "../../contracts/interfaces/IExitVerifier.sol";
import {OpenPolicy} from "./support/Deployment.sol";
import {Epoch, EpochBuilder, Lane} from "./support/EpochBuilder.sol";
import {Forced, Forcing} from "./support/Forcing.sol";
import {ToyExitProofs, ToyExitVerifier} from "./support/ToyExitVerifier.sol";
import {ToyProofs, ToyVerifier} from "./support/ToyVerifier.sol";
import {VerifierStub} from "./support/VerifierStub.sol";

/// @title Gas of whole transactions at 16 lanes, with true pairings
/// @dev Each call is a transaction of its own, so gas holds the base fee of 21,000 and calldata.
/// forge-config: default.isolate = true
contract GasTest is Forcing {
    uint256 private constant LANES = 16;
    uint256 private constant P = EpochBuilder.P;

    address private user = address(0xd0);

    function setUp() public {
        deploy(address(0), address(0));
        vm.deal(user, 100 ether);
        // A rollup that has been used: no counter is 0.
        depositWei(address(0xd1), 10 ether, 1);
        depositUsd(address(0xd1), 1e9, 2);
        Epoch memory epoch = emptyEpoch(LANES);
        (epoch.header[6], epoch.header[10]) = (1, 5);
        _settle(epoch, new bytes32[](0), "");
        vm.roll(height() + 5);
    }

    function makeLargeVerifier() internal override returns (VerifierStub) {
        return VerifierStub(address(new ToyVerifier(0, 0, true)));
    }

    function makeExitVerifier() internal override returns (IExitVerifier) {
        return new ToyExitVerifier(0, 0, true);
    }

    function test_PrivateTransfers() public {
        Epoch memory epoch = _transfers();
        uint256 gasUsed = _settle(epoch, new bytes32[](0), "commitAndProve, 16 transfers");
        vm.snapshotValue("sotto", "a private transfer of 16", gasUsed / LANES);
        assertAtMost(gasUsed / LANES, 88_000, "a private transfer");
    }

    function test_CommitAndProveApart() public {
        deployAgain(address(new OpenPolicy()));
        Epoch memory epoch = _transfers();
        EpochRecord memory record = expectedRecord(epoch, proposer);
        CommitInput memory input = _input(epoch, new bytes32[](0));
        vm.prank(proposer, proposer);
        rollup.commit(input);
        vm.snapshotGasLastCall("sotto", "commit, 16 transfers");
        EpochFees memory fees = feesOf(epoch);
        bytes memory proof = ToyProofs.rollup(7, _publicInputs(record));
        rollup.prove(record, fees, feeRecipient, proof);
        vm.snapshotGasLastCall("sotto", "prove");
    }

    function test_WorstEpoch() public {
        Epoch memory epoch = _transfers();
        for (uint256 l = 0; l < LANES; l++) {
            epoch.lanes[l].kind = l < 8 ? 1 : 5;
            (epoch.lanes[l].value, epoch.lanes[l].asset) = ((1 << 120) - 1, type(uint64).max);
            epoch.lanes[l].recipient = type(uint248).max;
            for (uint256 i = 0; i < 15; i++) {
                epoch.lanes[l].dataByte[i] = type(uint248).max;
            }
            for (uint256 i = 0; i < 9; i++) {
                epoch.lanes[l].dataField[i] = P - 1;
            }
        }
        (epoch.header[7], epoch.header[11]) = (2, type(uint120).max);
        uint256 gasUsed = _settle(epoch, new bytes32[](0), "commitAndProve, worst epoch");
        assertAtMost(gasUsed, 12_000_000, "worst epoch");
        bytes memory call =
            abi.encodeCall(rollup.commitAndProve, (_input(epoch, new bytes32[](0)), user, new bytes(256)));
        vm.snapshotValue("sotto", "bytes of calldata, worst epoch", call.length);
        assertAtMost(call.length, 120_000, "calldata");
    }

    function test_Deposits() public {
        bytes memory ciphertext = ciphertextFor(7);
        uint256 notePartial = uint256(keccak256("partial")) % P;
        vm.prank(user);
        bridge.depositETH{value: 1 ether}(notePartial, ciphertext);
        assertAtMost(vm.snapshotGasLastCall("sotto", "depositETH"), 80_000, "deposit of ether");
        usd.mint(user, 2e6);
        vm.prank(user);
        usd.approve(address(bridge), 1e6);
        vm.prank(user);
        bridge.deposit(USD, 1e6, notePartial, ciphertext);
        assertAtMost(vm.snapshotGasLastCall("sotto", "deposit of a token"), 120_000, "deposit of a token");
    }

    function test_Claims() public {
        vm.deal(address(0xa1), 1);
        usd.mint(address(0xa1), 1);
        Epoch memory epoch = emptyEpoch(LANES);
        for (uint256 l = 0; l < LANES; l++) {
            epoch.lanes[l] = withdrawalLane(l, 1 + l % 2, 1e6 + l, 0xa1);
        }
        _settle(epoch, new bytes32[](0), "");
        _claim(epoch, 0, "claim of ether, first in four epochs");
        assertAtMost(_claim(epoch, 2, "claim of ether"), 75_000, "claim of ether");
        assertAtMost(_claim(epoch, 1, "claim of a token"), 75_000, "claim of a token");
        // An epoch with one withdrawal, in another word of the bitmap
        for (uint256 i = 0; i < 3; i++) {
            epoch = emptyEpoch(LANES);
            epoch.lanes[i] = withdrawalLane(i, 1, 1e6, 0xa1);
            _settle(epoch, new bytes32[](0), "");
        }
        _claim(epoch, 2, "claim of ether, alone in its epoch");
    }

    function test_Queue() public {
        Epoch memory epoch = emptyEpoch(LANES);
        bytes32[] memory tails = new bytes32[](LANES);
        deployAgain(address(0));
        for (uint256 i = 0; i < LANES; i++) {
            (epoch.lanes[i], tails[i]) = depositWei(user, 1 ether, i);
        }
        Epoch memory next = emptyEpoch(LANES);
        next.lanes = epoch.lanes;
        next.header[5] = LANES;
        _settle(next, tails, "commitAndProve, 16 deposits");
    }

    function test_ForcedTransactions() public {
        vm.fee(1 gwei);
        Forced memory forced = forcedFor(1);
        forced.value = type(uint64).max;
        forced.recipient = type(uint160).max;
        // Its anchor's epoch has a successor, so both records are passed; what is paid above the fee comes back.
        deployAgain(address(new OpenPolicy()));
        forced.anchor = tip.ownAnchor;
        forced.expiry = height() + 100;
        bytes memory transaction = encode(forced);
        uint256 h = hasher.hash(transaction, rollup.domain());
        EpochRecord memory anchorRecord = tip;
        EpochRecord[] memory successor = new EpochRecord[](1);
        Epoch memory next = emptyEpoch(LANES);
        successor[0] = expectedRecord(next, proposer);
        CommitInput memory input = _input(next, new bytes32[](0));
        vm.prank(proposer, proposer);
        rollup.commit(input);
        depositWei(user, 1 ether, 1);
        bytes memory proof = ToyProofs.client(1, h);
        vm.prank(user);
        queue.force{value: 1 ether}(transaction, proof, anchorRecord, successor);
        assertAtMost(vm.snapshotGasLastCall("sotto", "force"), 900_000, "force");
    }

    function test_Exits() public {
        EpochRecord memory last = tip;
        usd.mint(address(0xa1), 1);
        (address recipient, address executor) = (address(0xa1), address(0xe0));
        vm.deal(recipient, 1);
        vm.deal(executor, 1);
        freezeByAge();
        for (uint64 asset = 1; asset < 3; asset++) {
            ExitRequest[] memory requests = new ExitRequest[](4);
            bytes memory proofs;
            bytes memory first;
            for (uint256 i = 0; i < 4; i++) {
                uint256 nullifier = uint256(keccak256(abi.encode(asset, i))) % P;
                requests[i] = ExitRequest(nullifier, AssetId.wrap(asset), 1e6, recipient, executor, 1e3);
                uint256[7] memory inputs = [
                    rollup.domain(),
                    last.newState,
                    nullifier,
                    uint256(asset) * 2 ** 120 + 1e6,
                    uint160(recipient),
                    uint160(executor),
                    1e3
                ];
                proofs = bytes.concat(proofs, ToyExitProofs.proof(i, inputs, 0));
                if (i == 0) first = proofs;
            }
            if (asset == 2) usd.mint(executor, 1);
            ExitRequest[] memory others = new ExitRequest[](3);
            for (uint256 i = 1; i < 4; i++) {
                others[i - 1] = requests[i];
            }
            string memory what = asset == 1 ? "ether" : "a token";
            way.exit(last, requests[0], first);
            uint256 gasOfOne = vm.snapshotGasLastCall("sotto", string.concat("exit of ", what));
            assertAtMost(gasOfOne, 450_000, "exit");
            bytes memory rest = new bytes(768);
            assembly ("memory-safe") {
                mcopy(add(rest, 0x20), add(proofs, 0x120), 768)
            }
            way.exitMany(last, others, rest);
            uint256 gasOfThree = vm.snapshotGasLastCall("sotto", string.concat("exitMany of 3, ", what));
            uint256 further = (gasOfThree - gasOfOne) / 2;
            vm.snapshotValue("sotto", string.concat("a further exit of ", what), further);
            assertAtMost(further, 110_000, "further exit");
        }
    }

    function deployAgain(address policy) private {
        deploy(policy, address(0));
        _settle(emptyEpoch(LANES), new bytes32[](0), "");
    }

    function _transfers() private view returns (Epoch memory epoch) {
        epoch = emptyEpoch(LANES);
        for (uint256 l = 0; l < LANES; l++) {
            epoch.lanes[l] = transferLane(l);
        }
        (epoch.header[6], epoch.header[10]) = (1, 16 * 10 ** 14);
        epoch.header[2] -= 1;
    }

    function _input(Epoch memory epoch, bytes32[] memory tails) private view returns (CommitInput memory input) {
        input = inputFor(epoch, tails);
        // Its successor is the parent here, which need not be supplied again.
        if (epoch.header[2] + 1 == EpochId.unwrap(tip.id)) input.oldestSuccessor = new EpochRecord[](0);
        input.clientProofs = "";
        for (uint256 l = 0; l < epoch.lanes.length; l++) {
            Lane memory lane = epoch.lanes[l];
            if (lane.kind != 1 && lane.kind != 5) continue;
            input.clientProofs = bytes.concat(input.clientProofs, ToyProofs.client(l, lane.link));
        }
    }

    function _publicInputs(EpochRecord memory record) private view returns (uint256[6] memory) {
        bytes32 digest = keccak256(abi.encode(rollup.domain(), record.z, feeRecipient, uint256(0)));
        return [record.c, record.z, record.y, 0, 0, uint256(digest) % P];
    }

    function _settle(Epoch memory epoch, bytes32[] memory tails, string memory name) private returns (uint256 gasUsed) {
        EpochRecord memory record = expectedRecord(epoch, proposer);
        CommitInput memory input = _input(epoch, tails);
        bytes memory proof = ToyProofs.rollup(7, _publicInputs(record));
        vm.prank(proposer, proposer);
        rollup.commitAndProve(input, feeRecipient, proof);
        if (bytes(name).length != 0) gasUsed = vm.snapshotGasLastCall("sotto", name);
        assertEq(rollup.epochs(record.id), hashOf(record), "record");
        remember(record);
    }

    function _claim(Epoch memory epoch, uint256 lane, string memory name) private returns (uint256) {
        (bytes32[] memory leaves, uint256[] memory lanes) = EpochBuilder.withdrawals(epoch);
        uint256 place;
        while (lanes[place] != lane) place++;
        (, bytes32[] memory proof) = EpochBuilder.prove(leaves, place);
        Lane memory source = epoch.lanes[lane];
        bridge.claim(summaryOf(tip), lane, AssetId.wrap(uint64(source.asset)), source.value, source.recipient, proof);
        return vm.snapshotGasLastCall("sotto", name);
    }
}
