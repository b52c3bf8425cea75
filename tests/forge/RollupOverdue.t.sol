// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {ProposerList} from "../../contracts/policies/ProposerList.sol";
import {CommitInput, IRollup} from "../../contracts/interfaces/IRollup.sol";
import {EpochId} from "../../contracts/types/EpochId.sol";
import {EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {Epoch, Lane} from "./support/EpochBuilder.sol";
import {Forcing} from "./support/Forcing.sol";
import {MoodyPolicy} from "./support/MoodyPolicy.sol";

/// @title Nobody keeps what waits in the queue from being processed (docs/spec/06-l1.md, rules 5 and 7)
contract RollupOverdueTest is Forcing {
    address private anyone = address(0xa11);
    address private user = address(0xd0);
    MoodyPolicy private policy;
    Lane[] private lanes;
    bytes32[] private tails;

    function setUp() public {
        policy = new MoodyPolicy();
        deploy(address(policy), address(policy));
    }

    function test_OverdueEpochsAskNoPolicy() public {
        _deposit(1);
        policy.setMood(MoodyPolicy.Mood.Refuse);
        vm.roll(height() + FORCED_DEADLINE - 1);
        _refuseEpoch(_taking(1, 4), abi.encodeWithSelector(IRollup.ProposerRefused.selector, anyone));
        vm.roll(height() + 1);
        _settleAs(anyone, _taking(1, 4));
        assertEq(rollup.cursor(), 1, "processed");
        assertEq(policy.lastProven(), 1, "the policy is told all the same");
    }

    function test_OverdueEpochsPassAPause() public {
        _deposit(1);
        uint256 queuedAt = height();
        vm.roll(queuedAt + FORCED_DEADLINE - 10);
        vm.prank(owner);
        rollup.pauseEpochs(100);
        uint64 untilBlock = uint64(height()) + 99;
        bytes memory paused = abi.encodeWithSelector(IRollup.EpochsArePaused.selector, untilBlock);
        _refuseEpoch(_taking(1, 4), paused);
        vm.roll(queuedAt + FORCED_DEADLINE);
        CommitInput memory bare = inputFor(_taking(1, 4), _tailsOf(1));
        vm.prank(proposer, proposer);
        vm.expectRevert(paused);
        rollup.commit(bare);
        _settleAs(anyone, _taking(1, 4));
        // The next one has nothing overdue to take.
        _refuseEpoch(emptyEpoch(4), paused);
        vm.roll(untilBlock + 1);
        _settleAs(anyone, emptyEpoch(4));
    }

    /// @dev Transfers and account operations may not ride on what waits.
    function test_OnlyQueueLanesPassForNothing() public {
        _deposit(1);
        vm.roll(height() + FORCED_DEADLINE);
        policy.setMood(MoodyPolicy.Mood.Refuse);
        for (uint256 kind = 1; kind < 6; kind += 4) {
            Epoch memory epoch = _waiting(1);
            epoch.lanes[3] = transferLane(3);
            epoch.lanes[3].kind = kind;
            _refuseEpoch(epoch, abi.encodeWithSelector(IRollup.ProposerRefused.selector, anyone));
        }
        _settleAs(anyone, _waiting(1));
    }

    /// @dev An item that is overdue behind a young first one does not exist: the queue is in order of age.
    function test_AnEpochThatTakesNoneIsStopped() public {
        policy.setMood(MoodyPolicy.Mood.Refuse);
        _refuseEpoch(emptyEpoch(4), abi.encodeWithSelector(IRollup.ProposerRefused.selector, anyone));
        _deposit(1);
        _refuseEpoch(emptyEpoch(4), abi.encodeWithSelector(IRollup.ProposerRefused.selector, anyone));
        vm.roll(height() + FORCED_DEADLINE);
        _refuseEpoch(emptyEpoch(4), abi.encodeWithSelector(IRollup.OverdueItemsLeft.selector, 0, 1_000_000));
    }

    /// @dev A policy is asked about an epoch only if it must be, also when it fails or burns its gas.
    function test_BrokenPoliciesStopNothing() public {
        for (uint256 mood = 1; mood < 5; mood++) {
            policy.setMood(MoodyPolicy.Mood.Allow);
            _deposit(1);
            vm.roll(height() + FORCED_DEADLINE);
            policy.setMood(MoodyPolicy.Mood(mood));
            _settleAs(anyone, _taking(1, 4));
        }
    }

    /// @dev Epochs that nobody proves, over the items that wait, in every block that allows them.
    function test_GarbageCommitsCannotStarve() public {
        _deposit(3);
        uint256 queuedAt = height();
        uint256 late = queuedAt + FORCED_DEADLINE + PROVING_WINDOW;
        EpochRecord memory genesis = tip;
        // The last block in which garbage may come, and more on top of it.
        vm.roll(late - 1);
        EpochRecord memory garbage = commitEpoch(_taking(2, 4), _tailsOf(2));
        commitEpoch(_rest(1), _one(2));
        commitEpoch(emptyEpoch(16));
        vm.roll(uint256(garbage.deadline) + 1);
        vm.prank(anyone);
        rollup.prune(garbage);
        tip = genesis;
        CommitInput memory again = inputFor(_taking(2, 4), _tailsOf(2));
        vm.prank(proposer, proposer);
        vm.expectRevert(abi.encodeWithSelector(IRollup.CommitNeedsProof.selector, queuedAt));
        rollup.commit(again);
        policy.setMood(MoodyPolicy.Mood.Refuse);
        _settleAs(anyone, _taking(2, 4));
        again = inputFor(_rest(1), _one(2));
        vm.prank(proposer, proposer);
        vm.expectRevert(abi.encodeWithSelector(IRollup.CommitNeedsProof.selector, queuedAt));
        rollup.commit(again);
        _settleAs(anyone, _rest(1));
        assertEq(rollup.cursor(), 3, "all are processed");
        assertAtMost(height(), late + PROVING_WINDOW, "one proving window later");
        policy.setMood(MoodyPolicy.Mood.Allow);
        commitEpoch(emptyEpoch(4));
    }

    function test_TenTimesNOverdueItemsDrain() public {
        uint256 total = 160;
        for (uint256 i = 0; i < total; i++) {
            Lane memory lane;
            bytes32 tail;
            if (i % 3 == 0) (lane, tail) = forceAs(user, forcedFor(i));
            else (lane, tail) = depositWei(user, 1 ether + i, i);
            if (i % 6 == 0) lane.kind = 4;
            lanes.push(lane);
            tails.push(tail);
        }
        vm.roll(height() + FORCED_DEADLINE);
        policy.setMood(MoodyPolicy.Mood.Refuse);
        uint256 epochs;
        while (rollup.cursor() < total) {
            uint256 count = epochs % 2 == 0 ? 16 : 8;
            if (rollup.cursor() + count > total) count = total - rollup.cursor();
            _settleAs(anyone, _waiting(count));
            epochs++;
        }
        assertEq(queue.length(), total, "every item");
        assertAtMost(epochs, 2 * total / 16, "at least half of the lanes at a time");
    }

    function test_ProposerListsDecide() public {
        address[] memory proposers = new address[](1);
        proposers[0] = proposer;
        ProposerList list = new ProposerList(owner, proposers);
        deploy(address(list), address(0));
        commitEpoch(emptyEpoch(4));
        CommitInput memory input = inputFor(emptyEpoch(4));
        vm.prank(anyone, anyone);
        vm.expectRevert(abi.encodeWithSelector(IRollup.ProposerRefused.selector, anyone));
        rollup.commit(input);
        vm.expectRevert();
        list.setProposer(anyone, true);
        vm.startPrank(owner);
        list.setProposer(anyone, true);
        list.setProposer(proposer, false);
        vm.stopPrank();
        vm.prank(proposer, proposer);
        vm.expectRevert(abi.encodeWithSelector(IRollup.ProposerRefused.selector, proposer));
        rollup.commit(input);
        vm.prank(anyone, anyone);
        rollup.commit(input);
        assertTrue(list.mayCommit(anyone, EpochId.wrap(0)), "listed");
    }

    function _deposit(uint256 count) private {
        delete lanes;
        delete tails;
        for (uint256 i = 0; i < count; i++) {
            (Lane memory lane, bytes32 tail) = depositWei(user, 1 ether, queue.length());
            lanes.push(lane);
            tails.push(tail);
        }
    }

    /// @dev An epoch of the first of the items deposited last.
    function _taking(uint256 count, uint256 size) private view returns (Epoch memory) {
        Lane[] memory taken = new Lane[](count);
        for (uint256 i = 0; i < count; i++) {
            taken[i] = lanes[i];
        }
        return epochOf(taken, size);
    }

    function _rest(uint256 count) private view returns (Epoch memory) {
        Lane[] memory taken = new Lane[](count);
        for (uint256 i = 0; i < count; i++) {
            taken[i] = lanes[lanes.length - count + i];
        }
        return epochOf(taken, 4);
    }

    /// @dev An epoch of the items at the tip's cursor, in a setting where all were deposited here.
    function _waiting(uint256 count) private view returns (Epoch memory) {
        Lane[] memory taken = new Lane[](count);
        for (uint256 i = 0; i < count; i++) {
            taken[i] = lanes[tip.queueEnd + i];
        }
        return epochOf(taken, count > 4 ? 16 : 4);
    }

    function _tailsOf(uint256 count) private view returns (bytes32[] memory list) {
        list = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            list[i] = tails[i];
        }
    }

    function _one(uint256 index) private view returns (bytes32[] memory) {
        return one(tails[index]);
    }

    /// @dev Tails for the items that an epoch takes; `tails` ends with the last item of the queue.
    function _tailsFor(Epoch memory epoch) private view returns (bytes32[] memory list) {
        list = new bytes32[](epoch.header[5] - epoch.header[4]);
        uint256 first = queue.length() - tails.length;
        for (uint256 i = 0; i < list.length; i++) {
            list[i] = tails[epoch.header[4] + i - first];
        }
    }

    function _settleAs(address sender, Epoch memory epoch) private {
        EpochRecord memory record = expectedRecord(epoch, sender);
        CommitInput memory input = inputFor(epoch, _tailsFor(epoch));
        bytes memory proof = goodProof(record, feeRecipient);
        vm.prank(sender, sender);
        rollup.commitAndProve(input, feeRecipient, proof);
        remember(record);
    }

    function _refuseEpoch(Epoch memory epoch, bytes memory reason) private {
        CommitInput memory input = inputFor(epoch, _tailsFor(epoch));
        bytes memory proof = goodProof(expectedRecord(epoch, anyone), feeRecipient);
        vm.prank(anyone, anyone);
        vm.expectRevert(reason);
        rollup.commitAndProve(input, feeRecipient, proof);
    }
}
