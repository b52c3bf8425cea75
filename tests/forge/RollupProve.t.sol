// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Rollup, RollupConfig} from "../../contracts/core/Rollup.sol";
import {CommitInput, IRollup} from "../../contracts/interfaces/IRollup.sol";
import {BLOB_MODE, CALLDATA_MODE, IEpochVerifier} from "../../contracts/interfaces/IEpochVerifier.sol";
import {L1Queue} from "../../contracts/core/L1Queue.sol";
import {ETH} from "../../contracts/types/AssetId.sol";
import {EpochId} from "../../contracts/types/EpochId.sol";
import {EpochFees, EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {Deployment} from "./support/Deployment.sol";
import {Epoch, EpochBuilder} from "./support/EpochBuilder.sol";
import {VerifierStub} from "./support/VerifierStub.sol";

contract RollupProveTest is Deployment {
    EpochFees private none;

    function setUp() public {
        deploy();
    }

    function test_ProvesInOrderAndCreditsFees() public {
        Epoch memory first = emptyEpoch(4);
        first.lanes[0] = transferLane(1);
        (first.header[6], first.header[10], first.header[8], first.header[12]) = (2, 30, 1, 40);
        EpochRecord memory one_ = commitEpoch(first);
        EpochRecord memory two = commitEpoch(emptyEpoch(16));
        bytes memory proof = goodProof(one_, address(0xbe));
        bytes32 recordHash = hashOf(one_);
        vm.expectEmit(true, true, true, true, address(rollup));
        emit IRollup.EpochProven(one_.id, recordHash, address(0xbe));
        rollup.prove(one_, feesOf(first), address(0xbe), proof);
        assertTrue(rollup.isProven(one_.id, recordHash), "proven");
        assertFalse(rollup.isProven(one_.id, bytes32(uint256(1))), "by hash");
        assertFalse(rollup.isProven(two.id, hashOf(two)), "not the next");
        assertEq(bridge.feesOwed(feeRecipient, USD), 30, "token fees");
        assertEq(bridge.feesOwed(feeRecipient, ETH), 40, "ether fees");
        proveEpoch(two, none);
        assertTrue(rollup.isProven(two.id, hashOf(two)), "second");
    }

    function test_RefusesRecordsOutOfTurn() public {
        EpochRecord memory genesis = tip;
        EpochRecord memory first = commitEpoch(emptyEpoch(4));
        EpochRecord memory second = commitEpoch(emptyEpoch(4));
        _refuseRecord(second);
        _refuseRecord(genesis);
        EpochRecord memory changed = abi.decode(abi.encode(first), (EpochRecord));
        changed.newState += 1;
        _refuseRecord(changed);
        proveEpoch(first, none);
        _refuseRecord(first);
        proveEpoch(second, none);
        EpochRecord memory next;
        next.id = EpochId.wrap(3);
        _refuseRecord(next);
    }

    function test_RefusesFalseProofsAndOtherBeneficiaries() public {
        EpochRecord memory record = commitEpoch(emptyEpoch(4));
        bytes memory proof = goodProof(record, address(0xbe));
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        rollup.prove(record, none, address(this), proof);
        proof[0] ^= 0x01;
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        rollup.prove(record, none, address(0xbe), proof);
        (, EpochId proven) = rollup.status();
        assertEq(EpochId.unwrap(proven), 0, "nothing proven");
    }

    function test_ProofOfAnotherChainIsFalse() public {
        EpochRecord memory record = commitEpoch(emptyEpoch(4));
        bytes memory proof = goodProof(record, address(this));
        vm.chainId(5);
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        rollup.prove(record, none, address(this), proof);
    }

    function test_RefusesOtherFees() public {
        Epoch memory epoch = emptyEpoch(4);
        (epoch.header[6], epoch.header[10]) = (1, 40);
        EpochRecord memory record = commitEpoch(epoch);
        EpochFees memory fees = feesOf(epoch);
        bytes memory proof = goodProof(record, address(this));
        fees.totals[0] = 41;
        vm.expectPartialRevert(IRollup.FeesMismatch.selector);
        rollup.prove(record, fees, address(this), proof);
        vm.expectPartialRevert(IRollup.FeesMismatch.selector);
        rollup.prove(record, none, address(this), proof);
    }

    function test_CommitAndProve() public {
        Epoch memory epoch = emptyEpoch(16);
        epoch.lanes[2] = transferLane(2);
        (epoch.header[7], epoch.header[11]) = (1, 77);
        EpochRecord memory record = settle(epoch);
        assertTrue(rollup.isProven(record.id, hashOf(record)), "proven");
        assertEq(bridge.feesOwed(feeRecipient, ETH), 77, "fees");
        settle(emptyEpoch(4));
    }

    function test_CommitAndProveDemandsThatNothingIsPending() public {
        commitEpoch(emptyEpoch(4));
        Epoch memory epoch = emptyEpoch(4);
        CommitInput memory input = inputFor(epoch);
        bytes memory proof = goodProof(expectedRecord(epoch, proposer), feeRecipient);
        vm.prank(proposer, proposer);
        vm.expectRevert(abi.encodeWithSelector(IRollup.EpochsPending.selector, EpochId.wrap(1), EpochId.wrap(0)));
        rollup.commitAndProve(input, feeRecipient, proof);
    }

    function test_CommitAndProveRefusesFalseProofs() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[0] = transferLane(1);
        CommitInput memory input = inputFor(epoch);
        bytes memory proof = goodProof(expectedRecord(epoch, proposer), feeRecipient);
        bytes memory clients = input.clientProofs;
        clients[0] ^= 0x01;
        vm.prank(proposer, proposer);
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        rollup.commitAndProve(input, feeRecipient, proof);
        clients[0] ^= 0x01;
        vm.prank(proposer, proposer);
        rollup.commitAndProve(input, feeRecipient, proof);
    }

    /// @dev Who copies the call finds the fees bound to the proof's beneficiary.
    function test_CommitAndProveCannotBeCopiedForItsFees() public {
        address thief = address(0xbad);
        Epoch memory epoch = emptyEpoch(4);
        CommitInput memory input = inputFor(epoch);
        bytes memory proof = goodProof(expectedRecord(epoch, proposer), feeRecipient);
        input.feeRecipient = thief;
        vm.prank(thief, thief);
        vm.expectRevert(abi.encodeWithSelector(IRollup.FeesNotForBeneficiary.selector, thief, feeRecipient));
        rollup.commitAndProve(input, feeRecipient, proof);
        vm.prank(thief, thief);
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        rollup.commitAndProve(input, thief, proof);
    }

    /// @dev Through another contract, or from an account with a delegation (code 0xef0100 and an address), followers would
    /// not find the words in the transaction.
    function test_EpochsComeInDirectCalls() public {
        Epoch memory epoch = emptyEpoch(4);
        CommitInput memory input = inputFor(epoch);
        bytes memory proof = goodProof(expectedRecord(epoch, proposer), feeRecipient);
        bytes memory reason = abi.encodeWithSelector(IRollup.DataNotInTransaction.selector, proposer);
        vm.prank(proposer, address(0xb0b2));
        vm.expectRevert(reason);
        rollup.commit(input);
        vm.prank(proposer, address(0xb0b2));
        vm.expectRevert(reason);
        rollup.commitAndProve(input, feeRecipient, proof);
        vm.etch(proposer, abi.encodePacked(hex"ef0100", address(bridge)));
        vm.prank(proposer, proposer);
        vm.expectRevert(reason);
        rollup.commit(input);
        vm.prank(proposer, proposer);
        vm.expectRevert(reason);
        rollup.commitAndProve(input, feeRecipient, proof);
    }

    function test_GenesisIsProven() public view {
        assertTrue(rollup.isProven(EpochId.wrap(0), hashOf(tip)), "genesis");
        assertFalse(rollup.isProven(EpochId.wrap(1), bytes32(0)), "an epoch that is not there");
    }

    function test_ConstructorChecksItsArguments() public {
        RollupConfig memory arguments = config(address(0), address(0));
        vm.expectRevert(IRollup.WiringMismatch.selector);
        new Rollup(arguments);
        _refuseConfig(0, IRollup.BadGenesis.selector);
        _refuseConfig(1, IRollup.BadGenesis.selector);
        _refuseConfig(2, IRollup.BadGenesis.selector);
        _refuseConfig(3, IRollup.BadGenesis.selector);
        _refuseConfig(4, IRollup.BadVerifierSet.selector);
        _refuseConfig(5, IRollup.BadVerifierSet.selector);
        _refuseConfig(6, IRollup.BadVerifierSet.selector);
        _refuseConfig(7, IRollup.BadParameters.selector);
        _refuseConfig(8, IRollup.WiringMismatch.selector);
        _refuseConfig(9, IRollup.BadParameters.selector);
        _refuseConfig(10, IRollup.BadVerifierSet.selector);
        _refuseConfig(11, IRollup.BadVerifierSet.selector);
        _refuseConfig(17, IRollup.BadVerifierSet.selector);
        _refuseConfig(18, IRollup.BadVerifierSet.selector);
        for (uint256 change = 12; change < 17; change++) {
            _refuseConfig(change, IRollup.WiringMismatch.selector);
        }
    }

    function test_ShowsItsWiring() public view {
        assertEq(rollup.bridge(), address(bridge), "bridge");
        assertEq(rollup.queue(), address(queue), "queue");
        assertEq(bridge.rollup(), address(rollup), "bridge's rollup");
        assertEq(bridge.queue(), address(queue), "bridge's queue");
        assertEq(queue.bridge(), address(bridge), "queue's bridge");
        assertEq(queue.rollup(), address(rollup), "queue's rollup");
        assertEq(queue.verifier(), address(large), "queue's verifier");
        assertEq(bridge.exit(), address(way), "exit");
        assertEq(way.rollup(), address(rollup), "exit's rollup");
        assertEq(way.bridge(), address(bridge), "exit's bridge");
        assertEq(rollup.verifiers().length, 2, "verifiers");
        assertEq(rollup.laneCount(rollup.verifiers()[1]), 16, "lanes");
        assertEq(rollup.parameters().freezeTime, FREEZE_TIME, "freeze time");
    }

    function _refuseConfig(uint256 change, bytes4 reason) private {
        RollupConfig memory arguments = config(address(0), address(0));
        if (change == 0) arguments.genesisState = 0;
        if (change == 1) arguments.genesisState = EpochBuilder.P;
        if (change == 2) arguments.genesisAnchor = 0;
        if (change == 3) arguments.genesisAnchor = EpochBuilder.P;
        if (change == 4) arguments.verifiers = new address[](0);
        if (change == 5) arguments.verifiers[1] = arguments.verifiers[0];
        if (change == 6) arguments.verifiers[1] = address(new VerifierStub(65, CALLDATA_MODE));
        if (change == 7) arguments.parameters.freezeTime = 0;
        if (change == 8) arguments.queue = new L1Queue(bridge, rollup, IEpochVerifier(address(large)));
        if (change == 9) arguments.parameters.provingWindow = 1 << 32;
        if (change == 10) arguments.verifiers[1] = address(new VerifierStub(6, CALLDATA_MODE));
        if (change == 17) arguments.verifiers[1] = address(new VerifierStub(16, BLOB_MODE + 1));
        if (change == 18) {
            vm.mockCall(address(large), abi.encodeCall(IEpochVerifier.dataMode, ()), abi.encode(BLOB_MODE));
        }
        if (change == 11) arguments.verifiers[1] = address(new VerifierStub(8, CALLDATA_MODE)); // the queue's is missing
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        if (change != 12) vm.mockCall(address(bridge), abi.encodeCall(bridge.rollup, ()), abi.encode(next));
        if (change != 13) vm.mockCall(address(queue), abi.encodeCall(queue.rollup, ()), abi.encode(next));
        if (change != 14) vm.mockCall(address(way), abi.encodeCall(way.rollup, ()), abi.encode(next));
        if (change == 15) vm.mockCall(address(way), abi.encodeCall(way.bridge, ()), abi.encode(next));
        if (change == 16) vm.mockCall(address(queue), abi.encodeCall(queue.bridge, ()), abi.encode(next));
        vm.expectRevert(reason);
        new Rollup(arguments);
        vm.clearMockedCalls();
    }

    function _refuseRecord(EpochRecord memory record) private {
        vm.expectPartialRevert(IRollup.NotNextToProve.selector);
        rollup.prove(record, none, address(this), new bytes(256));
    }
}
