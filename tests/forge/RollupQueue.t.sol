// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {CommitInput, IRollup} from "../../contracts/interfaces/IRollup.sol";
import {IL1Queue} from "../../contracts/interfaces/IL1Queue.sol";
import {QueueItem} from "../../contracts/libraries/QueueItems.sol";
import {ETH} from "../../contracts/types/AssetId.sol";
import {Deployment} from "./support/Deployment.sol";
import {Epoch, Lane} from "./support/EpochBuilder.sol";

/// @title What epochs must do with the queue
contract RollupQueueTest is Deployment {
    Lane[] private waiting;
    bytes32[] private tails;

    function setUp() public {
        deploy();
        for (uint256 i = 0; i < 5; i++) {
            (Lane memory lane, bytes32 tail) =
                i % 2 == 0 ? depositWei(address(0xd0), 1 ether + i, i) : depositUsd(address(0xd1), 5e6 + i, i);
            waiting.push(lane);
            tails.push(tail);
        }
    }

    function test_ItemHoldsWhatTheSpecSays() public {
        bytes32 digest =
            keccak256(abi.encode(uint256(2), uint256(1), uint256(2), uint256(5e6 + 1), uint256(0), tails[1]));
        uint256 expected = (uint256(digest) >> 40 << 40) | height();
        assertEq(QueueItem.unwrap(queue.item(1)), expected, "item");
        assertTrue(queue.matches(1, 2, 1, 2, 5e6 + 1, 0, tails[1]), "matches");
        assertFalse(queue.matches(1, 3, 1, 2, 5e6 + 1, 0, tails[1]), "another kind");
        assertFalse(queue.matches(0, 2, 1, 2, 5e6 + 1, 0, tails[1]), "another item");
        assertEq(queue.length(), 5, "length");
        vm.expectRevert(abi.encodeWithSelector(IL1Queue.NoSuchItem.selector, 5, 5));
        queue.item(5);
    }

    function test_OnlyTheBridgeQueuesDeposits() public {
        vm.expectRevert(abi.encodeWithSelector(IL1Queue.OnlyBridge.selector, address(this)));
        queue.enqueueDeposit(address(this), ETH, 1, 1, ciphertextFor(1));
    }

    function test_TakesItemsInOrderAmongOtherLanes() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[0] = waiting[0];
        epoch.lanes[1] = transferLane(1);
        epoch.lanes[3] = waiting[1];
        epoch.header[5] = 2;
        commitEpoch(epoch, _tails(0, 2));
        epoch = emptyEpoch(4);
        for (uint256 i = 0; i < 3; i++) {
            epoch.lanes[i] = waiting[2 + i];
        }
        epoch.header[5] = 5;
        settleAfterProving(epoch, _tails(2, 3));
    }

    function test_RefusesWrongItems() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.header[5] = 1;
        epoch.lanes[2] = waiting[1];
        _refuse(inputFor(epoch, _tails(1, 1)), abi.encodeWithSelector(IRollup.QueueItemMismatch.selector, 2, 0));

        bytes32[] memory tail = _tails(0, 1);
        for (uint256 change = 0; change < 7; change++) {
            epoch = _firstItem();
            if (change == 0) epoch.lanes[0].link += 1;
            if (change == 1) epoch.lanes[0].asset = 2;
            if (change == 2) epoch.lanes[0].value += 1;
            if (change == 3) epoch.lanes[0].recipient = 1;
            if (change == 4) tail[0] = tails[1];
            if (change == 5) epoch.lanes[0].kind = 3;
            if (change == 6) epoch.lanes[0].kind = 4;
            _refuse(inputFor(epoch, tail), abi.encodeWithSelector(IRollup.QueueItemMismatch.selector, 0, 0));
            tail[0] = tails[0];
        }
        commitEpoch(_firstItem(), tail);
    }

    function test_RefusesAnItemTwice() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[0] = waiting[0];
        epoch.lanes[1] = waiting[0];
        epoch.header[5] = 2;
        bytes32[] memory twice = new bytes32[](2);
        (twice[0], twice[1]) = (tails[0], tails[0]);
        _refuse(inputFor(epoch, twice), abi.encodeWithSelector(IRollup.QueueItemMismatch.selector, 1, 1));

        commitEpoch(_firstItem(), _tails(0, 1));
        epoch = _firstItem();
        (epoch.header[4], epoch.header[5]) = (0, 1);
        _refuse(inputFor(epoch, _tails(0, 1)), abi.encodeWithSelector(IRollup.WrongQueueStart.selector, 1, 0));
        (epoch.header[4], epoch.header[5]) = (1, 2);
        _refuse(inputFor(epoch, _tails(0, 1)), abi.encodeWithSelector(IRollup.QueueItemMismatch.selector, 0, 1));
    }

    function test_RefusesWrongQueueEnd() public {
        Epoch memory epoch = _firstItem();
        epoch.header[5] = 0;
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.QueueItemMismatch.selector, 0, 0));
        epoch.header[5] = 2;
        _refuse(inputFor(epoch, _tails(0, 2)), abi.encodeWithSelector(IRollup.WrongQueueEnd.selector, 0, 2));
        epoch.header[5] = 5;
        _refuse(inputFor(epoch, _tails(0, 5)), abi.encodeWithSelector(IRollup.WrongQueueEnd.selector, 0, 5));
        commitEpoch(_firstItem(), _tails(0, 1));
        epoch = emptyEpoch(4);
        epoch.header[5] = 0;
        _refuse(inputFor(epoch), abi.encodeWithSelector(IRollup.WrongQueueEnd.selector, 1, 0));
    }

    function test_RefusesItemsThatAreNotThere() public {
        Epoch memory epoch = emptyEpoch(16);
        for (uint256 i = 0; i < 5; i++) {
            epoch.lanes[i] = waiting[i];
        }
        epoch.lanes[5] = waiting[4];
        epoch.header[5] = 6;
        bytes32[] memory many = new bytes32[](6);
        _refuse(inputFor(epoch, many), abi.encodeWithSelector(IL1Queue.NoSuchItem.selector, 5, 5));
    }

    function test_RefusesWrongTailCount() public {
        _refuse(inputFor(_firstItem()), abi.encodeWithSelector(IRollup.WrongQueueTailCount.selector, 1, 0));
        _refuse(
            inputFor(_firstItem(), _tails(0, 2)), abi.encodeWithSelector(IRollup.WrongQueueTailCount.selector, 1, 2)
        );
    }

    function test_RefusesToLeaveOverdueItems() public {
        uint256 queuedAt = height();
        vm.roll(queuedAt + FORCED_DEADLINE - 1);
        commitEpoch(emptyEpoch(4));
        vm.roll(queuedAt + FORCED_DEADLINE);
        _refuse(inputFor(emptyEpoch(4)), abi.encodeWithSelector(IRollup.OverdueItemsLeft.selector, 0, queuedAt));
        _refuse(
            inputFor(_firstItem(), _tails(0, 1)), abi.encodeWithSelector(IRollup.OverdueItemsLeft.selector, 1, queuedAt)
        );
        // Half of the lanes is enough, and so is everything there is.
        Epoch memory epoch = emptyEpoch(4);
        (epoch.lanes[1], epoch.lanes[2]) = (waiting[0], waiting[1]);
        epoch.header[5] = 2;
        commitEpoch(epoch, _tails(0, 2));
        epoch = emptyEpoch(16);
        for (uint256 i = 0; i < 3; i++) {
            epoch.lanes[i] = waiting[2 + i];
        }
        epoch.header[5] = 5;
        commitEpoch(epoch, _tails(2, 3));
        commitEpoch(emptyEpoch(4));
    }

    function test_DepositsAreNoWithdrawals() public {
        Epoch memory epoch = _firstItem();
        assertEq(commitEpoch(epoch, _tails(0, 1)).withdrawalRoot, bytes32(0), "no withdrawal");
    }

    function settleAfterProving(Epoch memory epoch, bytes32[] memory taken) private {
        proveEpoch(tip, feesOf(epoch));
        settle(epoch, taken);
    }

    function _firstItem() private view returns (Epoch memory epoch) {
        epoch = emptyEpoch(4);
        epoch.lanes[0] = waiting[0];
        epoch.header[5] = epoch.header[4] + 1;
    }

    function _tails(uint256 from, uint256 count) private view returns (bytes32[] memory list) {
        list = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            list[i] = tails[from + i];
        }
    }

    function _refuse(CommitInput memory input, bytes memory reason) private {
        vm.prank(proposer, proposer);
        vm.expectRevert(reason);
        rollup.commit(input);
    }
}
