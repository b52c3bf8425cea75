// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {BLOB_MODE, IEpochVerifier} from "../../contracts/interfaces/IEpochVerifier.sol";
import {CommitInput, IRollup} from "../../contracts/interfaces/IRollup.sol";
import {ETH} from "../../contracts/types/AssetId.sol";
import {EpochId} from "../../contracts/types/EpochId.sol";
import {EpochFees, EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {Blobbing, Line, Lines} from "./support/Blobbing.sol";
import {Epoch, EpochBuilder} from "./support/EpochBuilder.sol";

/// @title Epochs with their data words in a blob (docs/spec/14-blobs.md, section L1)
contract BlobsTest is Blobbing {
    using Lines for Line;

    /// An evaluation that the precompile refuses burns the gas that it is given.
    uint256 private constant GAS = 3_000_000;
    address private constant POINT_EVALUATION = address(0x0a);

    EpochFees private none;

    function setUp() public {
        deploy();
    }

    function test_StoresTheRecordOfTheSpec() public {
        Line memory line = Lines.first();
        Epoch memory epoch = _transfers(1);
        // A value that is no element of the circuit's field
        for (uint256 seed = 2; blobRecord(epoch, line).yData <= EpochBuilder.P; seed++) {
            epoch = _transfers(seed);
        }
        EpochRecord memory record = blobRecord(epoch, line);
        CommitInput memory input = blobInput(epoch, line);
        carry(line);
        vm.expectEmit(true, true, true, true, address(rollup));
        emit IRollup.EpochCommitted(record.id, hashOf(record), record);
        vm.prank(proposer, proposer);
        rollup.commit(input);
        assertEq(rollup.epochs(record.id), hashOf(record), "stored");
        assertEq(rollup.dataMode(address(blobVerifier)), BLOB_MODE, "mode");
        assertEq(rollup.dataMode(address(large)), 0, "mode of calldata");
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_BindsL1WordsAndBlob(uint256 seed) public {
        Epoch memory epoch = _transfers(seed);
        epoch.lanes[seed % 16] = withdrawalLane(seed, 1, uint256(uint96(seed)) + 1, uint160(seed));
        commitBlob(epoch, seed % 2 == 0 ? Lines.first() : Lines.second());
    }

    function test_CommitAndProve() public {
        Epoch memory epoch = _transfers(1);
        Line memory line = Lines.second();
        EpochRecord memory record = blobRecord(epoch, line);
        CommitInput memory input = blobInput(epoch, line);
        bytes memory proof = goodProof(record, feeRecipient);
        carry(line);
        vm.prank(proposer, proposer);
        assertEq(rollup.commitAndProve(input, feeRecipient, proof), hashOf(record), "record hash");
        assertTrue(rollup.isProven(record.id, hashOf(record)), "proven");
        assertEq(bridge.feesOwed(feeRecipient, ETH), 77, "fees");
        remember(record);
        // Both modes follow each other.
        carryNothing();
        settle(emptyEpoch(16));
        commitBlob(_transfers(2), Lines.first());
    }

    /// @dev An epoch of no-ops has only zeros in its blob, whose commitment is the point at infinity.
    function test_ABlobOfZeros() public {
        EpochRecord memory record = commitBlob(emptyEpoch(16), Lines.zero());
        assertEq(record.yData, 0, "value");
        proveEpoch(record, none);
    }

    /// @dev A prover publishes nothing: its transaction has no blob, and one of its own changes nothing.
    function test_ProvesApart() public {
        Epoch memory first = _transfers(1);
        EpochRecord memory record = commitBlob(first, Lines.first());
        EpochRecord memory next = commitBlob(emptyEpoch(16), Lines.second());
        EpochRecord memory last = commitEpoch(emptyEpoch(4));
        proveEpoch(record, feesOf(first));
        carry(Lines.first());
        proveEpoch(next, none);
        proveEpoch(last, none);
        assertTrue(rollup.isProven(last.id, hashOf(last)), "proven");
    }

    function test_TheProofIsAboutTheBlob() public {
        EpochRecord memory record = commitBlob(emptyEpoch(16), Lines.first());
        (uint256 yData, bytes memory proof) = (record.yData, goodProof(record, address(this)));
        // A proof of another blob, of none, or with exchanged limbs
        uint256[3] memory others = [Lines.second().valueAt(record.z), 0, yData << 128 | yData >> 128];
        for (uint256 i = 0; i < others.length; i++) {
            record.yData = others[i];
            bytes memory false_ = goodProof(record, address(this));
            record.yData = yData;
            vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
            rollup.prove(record, none, address(this), false_);
        }
        // The record says which blob it was
        record.yData = Lines.second().valueAt(record.z);
        _refuseRecord(record);
        record.yData = yData;
        record.dataMode = 0;
        _refuseRecord(record);
        record.dataMode = BLOB_MODE;
        rollup.prove(record, none, address(this), proof);
    }

    /// @dev The blob of another epoch, truly evaluated at this one's z, is like words that no proof exists for: it is pruned.
    function test_TheBlobOfAnotherEpochCannotBeProven() public {
        Epoch memory epoch = emptyEpoch(16);
        EpochRecord memory honest = blobRecord(epoch, Lines.first());
        bytes memory proof = goodProof(honest, address(this));
        EpochRecord memory pending = commitBlob(epoch, Lines.second());
        assertTrue(pending.z != honest.z, "z names the blob");
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        rollup.prove(pending, none, address(this), proof);
        vm.roll(pending.deadline + 1);
        rollup.prune(pending);
        remember(recordOf[0]);
        proveEpoch(commitBlob(emptyEpoch(16), Lines.first()), none);
    }

    function test_BlobsNeverBecomeTheOnlyWay() public {
        uint256 closes = height() + rollup.switchDelay();
        vm.startPrank(owner);
        rollup.scheduleVerifier(address(small), false);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NoVerifierLeft.selector, closes));
        rollup.scheduleVerifier(address(large), false);
        rollup.scheduleVerifier(address(blobVerifier), false);
        vm.stopPrank();
        vm.roll(closes);
        CommitInput memory input = blobInput(emptyEpoch(16), Lines.zero());
        carry(Lines.zero());
        _refuse(input, abi.encodeWithSelector(IRollup.VerifierClosed.selector, address(blobVerifier)));
        carryNothing();
        commitEpoch(emptyEpoch(16));
    }

    function test_PrunesEpochsOfBothModes() public {
        EpochRecord memory first = commitBlob(emptyEpoch(16), Lines.first());
        commitEpoch(emptyEpoch(4));
        EpochRecord memory second = commitBlob(emptyEpoch(16), Lines.second());
        vm.roll(first.deadline + 1);
        vm.expectEmit(true, true, true, true, address(rollup));
        emit IRollup.EpochsPruned(first.id, second.id);
        rollup.prune(first);
        _refuseRecord(first);
        (EpochId head,) = rollup.status();
        assertEq(EpochId.unwrap(head), 0, "head");
        // The same blob may come again
        remember(recordOf[0]);
        commitBlob(emptyEpoch(16), Lines.first());
    }

    function test_ABlobEpochCanBeTheReasonToFreeze() public {
        EpochRecord[] memory pending = new EpochRecord[](1);
        pending[0] = commitBlob(emptyEpoch(16), Lines.first());
        vm.roll(height() + FREEZE_TIME);
        rollup.freeze(pending);
        assertTrue(rollup.isFrozen(), "frozen");
    }

    function test_RefusesATransactionWithoutBlob() public {
        CommitInput memory input = blobInput(emptyEpoch(16), Lines.first());
        // Whoever copies the calldata lacks the blob.
        _refuse(input, abi.encodeWithSelector(IRollup.BlobMissing.selector));
        input.blob = "";
        _refuse(input, abi.encodeWithSelector(IRollup.BlobMissing.selector));
    }

    function test_RefusesASecondBlob() public {
        CommitInput memory input = blobInput(emptyEpoch(16), Lines.first());
        bytes32[] memory hashes = new bytes32[](2);
        (hashes[0], hashes[1]) = (Lines.first().versionedHash(), Lines.second().versionedHash());
        vm.blobhashes(hashes);
        _refuse(input, abi.encodeWithSelector(IRollup.TooManyBlobs.selector));
        hashes[1] = hashes[0];
        vm.blobhashes(hashes);
        _refuse(input, abi.encodeWithSelector(IRollup.TooManyBlobs.selector));
    }

    function test_RefusesABlobThatNobodyReads() public {
        CommitInput memory input = inputFor(emptyEpoch(16));
        carry(Lines.first());
        _refuse(input, abi.encodeWithSelector(IRollup.BlobUnexpected.selector));
        input.blob = Lines.first().input(0);
        _refuse(input, abi.encodeWithSelector(IRollup.BlobUnexpected.selector));
        carryNothing();
        _refuse(input, abi.encodeWithSelector(IRollup.WrongBlobInputLength.selector, 0, 128));
        input.blob = hex"00";
        _refuse(input, abi.encodeWithSelector(IRollup.WrongBlobInputLength.selector, 0, 1));
    }

    function test_RefusesOtherLengthsOfTheBlobInput() public {
        CommitInput memory input = blobInput(emptyEpoch(16), Lines.first());
        carry(Lines.first());
        bytes memory right = input.blob;
        input.blob = bytes.concat(right, hex"00");
        _refuse(input, abi.encodeWithSelector(IRollup.WrongBlobInputLength.selector, 128, 129));
        input.blob = "";
        _refuse(input, abi.encodeWithSelector(IRollup.WrongBlobInputLength.selector, 128, 0));
        assembly ("memory-safe") {
            mstore(right, 127)
        }
        input.blob = right;
        _refuse(input, abi.encodeWithSelector(IRollup.WrongBlobInputLength.selector, 128, 127));
    }

    function test_RefusesWordsOfTheOtherMode() public {
        Epoch memory epoch = _transfers(1);
        CommitInput memory input = blobInput(epoch, Lines.first());
        bytes memory all = EpochBuilder.encode(epoch);
        bytes memory l1 = input.words;
        // Data words in calldata too
        input.words = all;
        carry(Lines.first());
        _refuse(input, abi.encodeWithSelector(IRollup.WrongWordsLength.selector, 3057, 15361));
        input.words = bytes.concat(l1, hex"00");
        _refuse(input, abi.encodeWithSelector(IRollup.WrongWordsLength.selector, 3057, 3058));
        // L1 words alone for a verifier that reads all of them in calldata
        carryNothing();
        (input.words, input.verifier, input.blob) = (l1, address(large), "");
        _refuse(input, abi.encodeWithSelector(IRollup.WrongWordsLength.selector, 15361, 3057));
    }

    function test_RefusesFieldWordsAboveModulus() public {
        Epoch memory epoch = emptyEpoch(16);
        carry(Lines.first());
        for (uint256 place = 1; place < 19; place++) {
            CommitInput memory input = blobInput(epoch, Lines.first());
            bytes memory words = input.words;
            assembly ("memory-safe") {
                mstore(add(add(words, 0x20), mul(place, 0x20)), not(0))
            }
            _refuse(input, abi.encodeWithSelector(IRollup.NonCanonicalField.selector));
        }
    }

    function test_RefusesWhatTheBlobDoesNotSay() public {
        Epoch memory epoch = _transfers(1);
        (Line memory line, Line memory other) = (Lines.first(), Lines.second());
        CommitInput memory input = blobInput(epoch, line);
        uint256 value = uint256(bytes32(input.blob));
        carry(line);

        // The value at another epoch's z
        (uint256 z,) = EpochBuilder.bindL1(rollup.domain(), C, _transfers(2), line.versionedHash());
        _refuseBlob(input, line.input(line.valueAt(z)));
        // Not below the order
        _refuseBlob(input, line.input(value + Lines.ORDER));
        _refuseBlob(input, line.input(addmod(value, 1, Lines.ORDER)));
        _refuseBlob(input, line.input(0));
        // All of another blob: the commitment is not that of the versioned hash
        _refuseBlob(input, other.input(other.valueAt(z)));
        _refuseBlob(input, blobInput(epoch, other).blob);
        // Commitment or proof of another blob
        _refuseBlob(input, bytes.concat(bytes32(value), line.commitment, other.proof));
        _refuseBlob(input, bytes.concat(bytes32(value), other.commitment, line.proof));
        // Points that are none
        _refuseBlob(input, bytes.concat(bytes32(value), line.commitment, new bytes(48)));
        _refuseBlob(input, bytes.concat(bytes32(value), line.commitment, Lines.zero().proof));
        _refuseBlob(input, new bytes(128));

        input.blob = line.input(value);
        vm.prank(proposer, proposer);
        rollup.commit{gas: GAS}(input);
    }

    /// @dev The blob that an earlier epoch came with, brought again with all that was true then.
    function test_RefusesTheEvaluationOfAnEarlierEpoch() public {
        Line memory line = Lines.first();
        bytes memory earlier = blobInput(emptyEpoch(16), line).blob;
        proveEpoch(commitBlob(emptyEpoch(16), line), none);
        CommitInput memory input = blobInput(emptyEpoch(16), line);
        carry(line);
        _refuseBlob(input, earlier);
    }

    /// @dev Another blob in the transaction than the one that all of the input is about.
    function test_RefusesAnotherBlobInTheTransaction() public {
        CommitInput memory input = blobInput(emptyEpoch(16), Lines.first());
        carry(Lines.second());
        _refuseBlob(input, input.blob);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_RefusesAnyChangedBit(uint256 bit) public {
        CommitInput memory input = blobInput(emptyEpoch(16), Lines.first());
        bit = bit % 1024;
        bytes memory changed = bytes.concat(input.blob);
        changed[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        carry(Lines.first());
        _refuseBlob(input, changed);
    }

    /// @dev c and every L1 word move z, so nothing of the input can be exchanged under an evaluation.
    function test_RefusesOtherWordsUnderTheSameEvaluation() public {
        Epoch memory epoch = _transfers(1);
        CommitInput memory input = blobInput(epoch, Lines.first());
        carry(Lines.first());
        input.c = C + 1;
        _refuseBlob(input, input.blob);
        input.c = C;
        epoch.newState += 1;
        input.words = EpochBuilder.encodeL1(epoch);
        _refuseBlob(input, input.blob);
    }

    /// @dev A chain without the precompile answers with success and nothing; no other answer will do either.
    function test_RefusesStrangeAnswersOfThePrecompile() public {
        CommitInput memory input = blobInput(emptyEpoch(16), Lines.first());
        carry(Lines.first());
        bytes[6] memory answers = [
            bytes(""),
            new bytes(64),
            abi.encode(4096),
            abi.encode(4096, Lines.ORDER, 0),
            abi.encode(4096, Lines.ORDER - 1),
            abi.encode(8192, Lines.ORDER)
        ];
        for (uint256 i = 0; i < answers.length; i++) {
            vm.mockCall(POINT_EVALUATION, "", answers[i]);
            _refuseBlob(input, input.blob);
        }
        vm.clearMockedCalls();
        vm.prank(proposer, proposer);
        rollup.commit(input);
    }

    /// @dev Too little gas for the evaluation reverts and never passes for true.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_OutOfGasReverts(uint256 gasLimit) public {
        CommitInput memory input = blobInput(emptyEpoch(16), Lines.first());
        carry(Lines.first());
        gasLimit = bound(gasLimit, 20_000, 100_000);
        vm.prank(proposer, proposer);
        try rollup.commit{gas: gasLimit}(input) {
            revert NotTrue("accepted without gas for the evaluation");
        } catch {}
        (EpochId head,) = rollup.status();
        assertEq(EpochId.unwrap(head), 0, "head");
    }

    function _transfers(uint256 seed) private view returns (Epoch memory epoch) {
        epoch = emptyEpoch(16);
        for (uint256 l = 0; l < 16; l++) {
            epoch.lanes[l] = transferLane(uint256(keccak256(abi.encode(seed, l))));
        }
        (epoch.header[6], epoch.header[10]) = (1, 77);
    }

    function _refuse(CommitInput memory input, bytes memory reason) private {
        bytes memory proof = new bytes(256);
        vm.prank(proposer, proposer);
        vm.expectRevert(reason);
        rollup.commit{gas: GAS}(input);
        vm.prank(proposer, proposer);
        vm.expectRevert(reason);
        rollup.commitAndProve{gas: GAS}(input, feeRecipient, proof);
    }

    function _refuseBlob(CommitInput memory input, bytes memory blob) private {
        bytes memory before = input.blob;
        input.blob = blob;
        _refuse(input, abi.encodeWithSelector(IRollup.PointEvaluationFailed.selector));
        input.blob = before;
    }

    function _refuseRecord(EpochRecord memory record) private {
        vm.expectPartialRevert(IRollup.NotNextToProve.selector);
        rollup.prove(record, none, address(this), new bytes(256));
    }
}
