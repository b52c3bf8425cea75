// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IBridge} from "../../contracts/interfaces/IBridge.sol";
import {CommitInput, IRollup} from "../../contracts/interfaces/IRollup.sol";
import {EpochFees, EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {Deployment} from "./support/Deployment.sol";

/// @title The owner's brakes on epochs, in the hands of a hostile owner
contract RollupBrakesTest is Deployment {
    EpochFees private none;

    function setUp() public {
        deploy();
    }

    function test_OnlyTheOwnerOfTheBridgeBrakes() public {
        bytes memory refusal = abi.encodeWithSelector(IRollup.OnlyOwner.selector, address(this));
        vm.expectRevert(refusal);
        rollup.pauseEpochs(1);
        vm.expectRevert(refusal);
        rollup.resumeEpochs();
        vm.expectRevert(refusal);
        rollup.scheduleVerifier(address(small), false);
        vm.prank(owner);
        bridge.transferOwnership(address(this));
        vm.expectRevert(refusal);
        rollup.pauseEpochs(1);
        bridge.acceptOwnership();
        rollup.pauseEpochs(1);
    }

    function test_PausesWithinTheBudget() public {
        uint64 longest = FREEZE_TIME / 4;
        uint256 start = height();
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IBridge.PauseTooLong.selector, longest + 1, longest));
        rollup.pauseEpochs(longest + 1);
        vm.expectRevert(IBridge.ZeroValue.selector);
        rollup.pauseEpochs(0);
        vm.expectRevert(IRollup.EpochsNotPaused.selector);
        rollup.resumeEpochs();
        rollup.pauseEpochs(longest);
        vm.stopPrank();
        (uint64 fromBlock, uint64 untilBlock) = rollup.lastPause();
        assertEq(fromBlock, start, "from");
        assertEq(untilBlock, start + longest - 1, "until");

        vm.roll(untilBlock);
        _refuseCommit(abi.encodeWithSelector(IRollup.EpochsArePaused.selector, untilBlock));
        _refuseSettling(abi.encodeWithSelector(IRollup.EpochsArePaused.selector, untilBlock));
        vm.roll(untilBlock + 1);
        commitEpoch(emptyEpoch(4));
        vm.roll(start + FREEZE_TIME - 1);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IBridge.PauseTooSoon.selector, uint64(start) + FREEZE_TIME));
        rollup.pauseEpochs(1);
        vm.roll(start + FREEZE_TIME);
        vm.startPrank(owner);
        rollup.pauseEpochs(10);
        rollup.resumeEpochs();
        vm.expectPartialRevert(IBridge.PauseTooSoon.selector);
        rollup.pauseEpochs(1);
        vm.stopPrank();
        commitEpoch(emptyEpoch(4));
    }

    function test_APauseStopsNeitherProofsNorPrunes() public {
        EpochRecord memory first = commitEpoch(emptyEpoch(4));
        EpochRecord memory second = commitEpoch(emptyEpoch(4));
        vm.prank(owner);
        rollup.pauseEpochs(FREEZE_TIME / 4);
        proveEpoch(first, none);
        vm.roll(second.deadline + 1);
        rollup.prune(second);
        tip = first;
        (, uint64 untilBlock) = rollup.lastPause();
        _refuseSettling(abi.encodeWithSelector(IRollup.EpochsArePaused.selector, untilBlock));
    }

    function test_SwitchesTakeTheirTime() public {
        uint64 delay = rollup.switchDelay();
        assertEq(delay, uint256(FORCED_DEADLINE) + PROVING_WINDOW + FREEZE_TIME + 50_400, "delay");
        _expectStatus(address(small), true, true, 0);
        _expectStatus(address(this), false, false, 0);
        EpochRecord memory pending = commitEpoch(emptyEpoch(4));
        uint64 fromBlock = uint64(height()) + delay;
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IRollup.UnknownVerifier.selector, address(this)));
        rollup.scheduleVerifier(address(this), true);
        vm.expectEmit(true, true, true, true, address(rollup));
        emit IRollup.VerifierScheduled(address(small), false, fromBlock);
        rollup.scheduleVerifier(address(small), false);
        vm.stopPrank();
        _expectStatus(address(small), true, false, fromBlock);
        vm.roll(fromBlock - 1);
        EpochRecord memory last = commitEpoch(emptyEpoch(4));
        vm.roll(fromBlock);
        _expectStatus(address(small), false, false, fromBlock);
        _refuseCommit(abi.encodeWithSelector(IRollup.VerifierClosed.selector, address(small)));
        commitEpoch(emptyEpoch(16));
        // What was committed for it is proven by it.
        proveEpoch(pending, none);
        proveEpoch(last, none);
    }

    function test_OneVerifierStaysOpen() public {
        uint64 delay = rollup.switchDelay();
        vm.startPrank(owner);
        rollup.scheduleVerifier(address(small), false);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NoVerifierLeft.selector, height() + delay));
        rollup.scheduleVerifier(address(large), false);
        vm.roll(height() + delay);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NoVerifierLeft.selector, height() + delay));
        rollup.scheduleVerifier(address(large), false);
        // Opened first, the other may close; then its opening can neither be cancelled nor put off.
        rollup.scheduleVerifier(address(small), true);
        uint256 opens = height() + delay;
        vm.roll(height() + 10);
        rollup.scheduleVerifier(address(large), false);
        uint256 closes = height() + delay;
        vm.expectRevert(abi.encodeWithSelector(IRollup.NoVerifierLeft.selector, closes));
        rollup.scheduleVerifier(address(small), false);
        vm.roll(height() + 10);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NoVerifierLeft.selector, closes));
        rollup.scheduleVerifier(address(small), true);
        vm.roll(opens);
        _expectStatus(address(small), true, true, uint64(opens));
        _expectStatus(address(large), true, false, uint64(closes));
        rollup.scheduleVerifier(address(small), true);
        vm.roll(closes);
        _expectStatus(address(large), false, false, uint64(closes));
        vm.stopPrank();
        commitEpoch(emptyEpoch(4));
    }

    /// @dev Whatever a hostile owner schedules, whenever: at no block is no verifier open.
    function testFuzz_OneVerifierStaysOpen(uint256 seed) public {
        for (uint256 i = 0; i < 24; i++) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            address member = random % 2 == 0 ? address(small) : address(large);
            vm.prank(owner);
            try rollup.scheduleVerifier(member, (random >> 8) % 2 == 0) {} catch {}
            vm.roll(height() + (random >> 16) % 60_000);
            (bool a,,) = rollup.verifierStatus(address(small));
            (bool b,,) = rollup.verifierStatus(address(large));
            assertTrue(a || b, "one is open");
        }
    }

    function _expectStatus(address member, bool open, bool scheduled, uint64 fromBlock) private view {
        (bool open_, bool scheduled_, uint64 fromBlock_) = rollup.verifierStatus(member);
        assertTrue(open_ == open, "open");
        assertTrue(scheduled_ == scheduled, "scheduled");
        assertEq(fromBlock_, fromBlock, "from");
    }

    function _refuseCommit(bytes memory reason) private {
        CommitInput memory input = inputFor(emptyEpoch(4));
        vm.prank(proposer, proposer);
        vm.expectRevert(reason);
        rollup.commit(input);
    }

    function _refuseSettling(bytes memory reason) private {
        CommitInput memory input = inputFor(emptyEpoch(4));
        bytes memory proof = goodProof(expectedRecord(emptyEpoch(4), proposer), feeRecipient);
        vm.prank(proposer, proposer);
        vm.expectRevert(reason);
        rollup.commitAndProve(input, feeRecipient, proof);
    }
}
