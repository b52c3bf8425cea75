// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {CommitInput, IRollup} from "../../contracts/interfaces/IRollup.sol";
import {IEpochVerifier} from "../../contracts/interfaces/IEpochVerifier.sol";
import {EpochId} from "../../contracts/types/EpochId.sol";
import {EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {Deployment} from "./support/Deployment.sol";
import {Epoch, EpochBuilder} from "./support/EpochBuilder.sol";

contract RollupCommitTest is Deployment {
    function setUp() public {
        deploy();
    }

    function test_StoresTheRecordOfTheSpec() public {
        Epoch memory epoch = emptyEpoch(16);
        for (uint256 l = 0; l < 16; l++) {
            epoch.lanes[l] = transferLane(l);
        }
        epoch.lanes[3] = withdrawalLane(3, 1, 5, 77);
        epoch.lanes[9] = withdrawalLane(9, 2, 6, 78);
        epoch.lanes[9].kind = 5;
        (epoch.operations[0], epoch.operations[7]) = (EpochBuilder.P - 1, 7);
        epoch.lanes[15] = withdrawalLane(15, 2, 7, 1 << 200);
        (epoch.header[6], epoch.header[10], epoch.header[7]) = (1, 16 * 10 ** 14, 2);
        EpochRecord memory record = expectedRecord(epoch, proposer);
        CommitInput memory input = inputFor(epoch);
        vm.expectEmit(true, true, true, true, address(rollup));
        emit IRollup.EpochCommitted(record.id, hashOf(record), record);
        vm.prank(proposer, proposer);
        rollup.commit(input);
        assertEq(rollup.epochs(record.id), hashOf(record), "stored");
        (EpochId head, EpochId proven) = rollup.status();
        assertEq(EpochId.unwrap(head), 1, "head");
        assertEq(EpochId.unwrap(proven), 0, "proven");
        assertFalse(rollup.isProven(record.id, rollup.epochs(record.id)), "pending only");
    }

    function test_ChainsPendingEpochs() public {
        commitEpoch(emptyEpoch(4));
        vm.roll(height() + 3);
        commitEpoch(emptyEpoch(16));
        commitEpoch(emptyEpoch(4));
    }

    function testFuzz_BindsAllWords(uint256 seed, uint8 kinds) public {
        uint256 lanes = kinds % 2 == 0 ? 4 : 16;
        Epoch memory epoch = emptyEpoch(lanes);
        for (uint256 l = 0; l < lanes; l++) {
            uint256 choice = uint256(keccak256(abi.encode(seed, l))) % 4;
            if (choice == 1) epoch.lanes[l] = transferLane(uint256(keccak256(abi.encode(seed, l, "lane"))));
            if (choice == 2) epoch.lanes[l] = withdrawalLane(l, 1, uint256(uint96(seed)) + 1, uint160(seed));
            if (choice == 3) {
                epoch.lanes[l] = transferLane(l);
                epoch.lanes[l].kind = 5;
                for (uint256 i = 0; i < 15; i++) {
                    epoch.lanes[l].dataByte[i] = type(uint248).max;
                }
                for (uint256 i = 0; i < 9; i++) {
                    epoch.lanes[l].dataField[i] = EpochBuilder.P - 1;
                }
            }
        }
        commitEpoch(epoch);
    }

    function test_RefusesUnknownVerifier() public {
        CommitInput memory input = inputFor(emptyEpoch(4));
        input.verifier = address(this);
        _refuse(input, abi.encodeWithSelector(IRollup.UnknownVerifier.selector, address(this)));
    }

    function test_RefusesWrongLengths() public {
        CommitInput memory input = inputFor(emptyEpoch(4));
        input.words = bytes.concat(input.words, hex"00");
        _refuse(input, abi.encodeWithSelector(IRollup.WrongWordsLength.selector, 4261, 4262));
        input = inputFor(emptyEpoch(4));
        input.verifier = address(large);
        _refuse(input, abi.encodeWithSelector(IRollup.WrongWordsLength.selector, 15361, 4261));
        input = inputFor(emptyEpoch(4));
        bytes memory words = input.words;
        assembly ("memory-safe") {
            mstore(words, sub(mload(words), 1))
        }
        _refuse(input, abi.encodeWithSelector(IRollup.WrongWordsLength.selector, 4261, 4260));
    }

    function test_RefusesWrongClientProofCount() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[1] = transferLane(1);
        CommitInput memory input = inputFor(epoch);
        input.clientProofs = "";
        _refuse(input, abi.encodeWithSelector(IRollup.WrongClientProofsLength.selector, 256, 0));
        input.clientProofs = new bytes(512);
        _refuse(input, abi.encodeWithSelector(IRollup.WrongClientProofsLength.selector, 256, 512));
        input.clientProofs = new bytes(257);
        _refuse(input, abi.encodeWithSelector(IRollup.WrongClientProofsLength.selector, 256, 257));
        input = inputFor(emptyEpoch(4));
        input.clientProofs = new bytes(256);
        _refuse(input, abi.encodeWithSelector(IRollup.WrongClientProofsLength.selector, 0, 256));
    }

    function test_RefusesFalseClientProof() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[1] = transferLane(1);
        epoch.lanes[2] = transferLane(2);
        CommitInput memory input = inputFor(epoch);
        (epoch.lanes[1], epoch.lanes[2]) = (epoch.lanes[2], epoch.lanes[1]);
        input.words = EpochBuilder.encode(epoch);
        _refuse(input, abi.encodeWithSelector(IEpochVerifier.ProofInvalid.selector));
    }

    function test_RefusesAnotherParent() public {
        EpochRecord memory genesis = tip;
        Epoch memory epoch = emptyEpoch(4);
        EpochRecord memory first = commitEpoch(epoch);
        CommitInput memory input = inputFor(epoch);
        input.parent = genesis;
        bytes32 expected = hashOf(first);
        _refuse(input, abi.encodeWithSelector(IRollup.ParentNotHead.selector, expected, hashOf(genesis)));
        input = inputFor(emptyEpoch(4));
        input.parent.newState += 1;
        _refuseAs(input, IRollup.ParentNotHead.selector);
    }

    function test_RefusesGapRepeatAndStaleState() public {
        commitEpoch(emptyEpoch(4));
        Epoch memory epoch = emptyEpoch(4);
        epoch.header[1] = 1;
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.WrongEpochId.selector, 2, 1));
        epoch.header[1] = 3;
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.WrongEpochId.selector, 2, 3));
        epoch.header[1] = 2 + (1 << 64);
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.WrongEpochId.selector, 2, 2 + (1 << 64)));
        epoch = emptyEpoch(4);
        epoch.oldState = GENESIS_STATE;
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.StaleState.selector, GENESIS_STATE + 1, GENESIS_STATE));
    }

    function test_RefusesAnotherDomain() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.header[0] ^= 1;
        _refuseAs(inputFor(epoch), IRollup.WrongDomain.selector);
        epoch = emptyEpoch(4);
        uint256 before = rollup.domain();
        vm.chainId(block.chainid + 1);
        assertTrue(rollup.domain() != before, "chain id is read at use");
        _refuseAs(inputFor(epoch), IRollup.WrongDomain.selector);
    }

    function test_DomainIsThatOfTheSpec() public view {
        bytes32 tag = keccak256("sotto.domain.v1");
        uint256 expected = uint256(keccak256(abi.encode(tag, block.chainid, address(rollup)))) >> 8;
        assertEq(rollup.domain(), expected, "domain");
    }

    function test_RefusesReservedWord() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.header[14] = 1;
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.ReservedWordUsed.selector, 1));
    }

    function test_RefusesFieldWordsAboveModulus() public {
        Epoch memory epoch = emptyEpoch(4);
        bytes memory words = EpochBuilder.encode(epoch);
        uint256 l1Bytes = (15 + 16) * 31;
        for (uint256 i = 0; i < 3 + 10 * 4 + 2; i++) {
            // Word 0 is compared with the parent's state before.
            if (i == 0) continue;
            uint256 offset = i < 7 ? 32 * i : 32 * i + l1Bytes;
            for (uint256 excess = 0; excess < 2; excess++) {
                CommitInput memory input = inputFor(epoch);
                input.words = _with(words, offset, excess == 0 ? EpochBuilder.P : type(uint256).max);
                _refuse(input, abi.encodeWithSelector(IRollup.NonCanonicalField.selector));
            }
        }
    }

    function test_RefusesOldStatePlusModulus() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.oldState += EpochBuilder.P;
        _refuseAs(inputFor(epoch), IRollup.StaleState.selector);
    }

    function test_RefusesCAboveModulus() public {
        CommitInput memory input = inputFor(emptyEpoch(4));
        input.c = EpochBuilder.P;
        _refuse(input, abi.encodeWithSelector(IRollup.NonCanonicalField.selector));
    }

    function test_JudgesTheClock() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.header[3] = height() + 1;
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.ClockInFuture.selector, height() + 1, height()));
        uint256 genesisBlock = height();
        vm.roll(genesisBlock + 10);
        epoch.header[3] = genesisBlock - 1;
        _refuse(
            inputFor(epoch), abi.encodeWithSelector(IRollup.ClockDecreased.selector, genesisBlock - 1, genesisBlock)
        );
        vm.roll(genesisBlock + CLOCK_WINDOW + 1);
        epoch.header[3] = genesisBlock;
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.ClockTooOld.selector, genesisBlock, genesisBlock + 1));
        vm.roll(genesisBlock + CLOCK_WINDOW);
        commitEpoch(epoch);
    }

    function test_JudgesTheOldestAnchor() public {
        uint256 start = height();
        commitEpoch(emptyEpoch(4));
        vm.roll(start + 100);
        commitEpoch(emptyEpoch(4));

        Epoch memory epoch = emptyEpoch(4);
        epoch.header[2] = 3;
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.OldestUnknown.selector, 3, 2));
        epoch.header[2] = 0;
        CommitInput memory input = inputFor(epoch);
        input.oldestSuccessor = new EpochRecord[](0);
        _refuse(input, abi.encodeWithSelector(IRollup.WrongOldestSuccessorCount.selector, 0));
        input.oldestSuccessor = new EpochRecord[](2);
        _refuse(input, abi.encodeWithSelector(IRollup.WrongOldestSuccessorCount.selector, 2));
        input.oldestSuccessor = new EpochRecord[](1);
        input.oldestSuccessor[0] = recordOf[2];
        _refuseAs(input, IRollup.OldestSuccessorMismatch.selector);
        input.oldestSuccessor[0] = recordOf[1];
        input.oldestSuccessor[0].commitBlock += 1000;
        _refuseAs(input, IRollup.OldestSuccessorMismatch.selector);
        input = inputFor(emptyEpoch(4));
        input.oldestSuccessor = new EpochRecord[](1);
        input.oldestSuccessor[0] = recordOf[2];
        _refuse(input, abi.encodeWithSelector(IRollup.WrongOldestSuccessorCount.selector, 1));

        // The anchor of epoch 0 dies `ANCHOR_LIFE` blocks after epoch 1 was committed; that of the head never.
        vm.roll(start + ANCHOR_LIFE);
        epoch.header[3] = height();
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.OldestExpired.selector, 0, start));
        epoch.header[3] = height() - 1;
        commitEpoch(epoch);
        // The parent itself is the successor of the epoch before it.
        epoch = emptyEpoch(4);
        epoch.header[2] = 2;
        input = inputFor(epoch);
        input.oldestSuccessor = new EpochRecord[](0);
        vm.prank(proposer, proposer);
        rollup.commit(input);
        remember(expectedRecord(epoch, proposer));
        vm.roll(start + 100_000);
        epoch = emptyEpoch(4);
        epoch.header[2] = 3;
        input = inputFor(epoch);
        input.oldestSuccessor = new EpochRecord[](0);
        _refuseAs(input, IRollup.OldestExpired.selector);
        commitEpoch(emptyEpoch(4));
    }

    function test_JudgesFeeSlots() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.header[11] = 1;
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.FeeWithoutAsset.selector, 1));
        epoch = emptyEpoch(4);
        epoch.header[8] = 3;
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.FeeAssetUnlisted.selector, 3));
        epoch.header[8] = 2 + (1 << 64);
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.FeeAssetUnlisted.selector, 2 + (1 << 64)));
        epoch = emptyEpoch(4);
        (epoch.header[6], epoch.header[9]) = (2, 2);
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.FeeAssetRepeated.selector, 2));
        (epoch.header[6], epoch.header[9], epoch.header[13]) = (1, 2, 9);
        commitEpoch(epoch);
    }

    function test_RefusesUnknownKinds() public {
        uint256[4] memory kinds = [uint256(6), 7, 255, 1 << 240];
        for (uint256 i = 0; i < kinds.length; i++) {
            Epoch memory epoch = emptyEpoch(4);
            epoch.lanes[i].kind = kinds[i];
            _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.LaneKindRefused.selector, i, kinds[i]));
        }
    }

    function _refuse(CommitInput memory input, bytes memory reason) private {
        vm.prank(proposer, proposer);
        vm.expectRevert(reason);
        rollup.commit(input);
    }

    function _refuseAs(CommitInput memory input, bytes4 selector) private {
        vm.prank(proposer, proposer);
        vm.expectPartialRevert(selector);
        rollup.commit(input);
    }

    function _with(bytes memory words, uint256 offset, uint256 word) private pure returns (bytes memory changed) {
        changed = bytes.concat(words);
        assembly ("memory-safe") {
            mstore(add(add(changed, 0x20), offset), word)
        }
    }
}
