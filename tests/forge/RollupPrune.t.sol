// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IBridge} from "../../contracts/interfaces/IBridge.sol";
import {CommitInput, IRollup} from "../../contracts/interfaces/IRollup.sol";
import {AssetId} from "../../contracts/types/AssetId.sol";
import {EpochId} from "../../contracts/types/EpochId.sol";
import {EpochFees, EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {Deployment} from "./support/Deployment.sol";
import {Epoch, EpochBuilder, Lane} from "./support/EpochBuilder.sol";

/// @title A pending epoch that nobody proves holds nothing up for longer than its deadline
contract RollupPruneTest is Deployment {
    EpochFees private none;

    function setUp() public {
        deploy();
    }

    function test_BareCommitNeedsAPolicy() public {
        deploy(address(0), address(0));
        CommitInput memory input = inputFor(emptyEpoch(4));
        vm.expectRevert(abi.encodeWithSelector(IRollup.CommitNeedsPolicy.selector));
        rollup.commit(input);
        settle(emptyEpoch(4));
    }

    function test_NothingIsPrunedBeforeItsDeadline() public {
        EpochRecord memory genesis = tip;
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotNextToProve.selector, genesis.id, hashOf(genesis)));
        rollup.prune(genesis);
        EpochRecord memory first = commitEpoch(emptyEpoch(4));
        EpochRecord memory second = commitEpoch(emptyEpoch(4));
        vm.roll(first.deadline);
        vm.expectRevert(abi.encodeWithSelector(IRollup.DeadlineAhead.selector, first.deadline));
        rollup.prune(first);
        vm.roll(first.deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotNextToProve.selector, second.id, hashOf(second)));
        rollup.prune(second);
        proveEpoch(first, none);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotNextToProve.selector, first.id, hashOf(first)));
        rollup.prune(first);
    }

    function test_PruneReturnsToTheLastProvenEpoch() public {
        EpochRecord memory proven = settle(emptyEpoch(4));
        EpochRecord memory first = commitEpoch(emptyEpoch(4));
        EpochRecord memory second = commitEpoch(emptyEpoch(4));
        vm.roll(first.deadline + 1);
        vm.expectEmit(true, true, true, true, address(rollup));
        emit IRollup.EpochsPruned(first.id, second.id);
        vm.prank(address(0xdead));
        rollup.prune(first);
        (EpochId head, EpochId last) = rollup.status();
        assertEq(EpochId.unwrap(head), 1, "head");
        assertEq(EpochId.unwrap(last), 1, "proven");

        bytes memory proof = goodProof(first, address(this));
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotNextToProve.selector, first.id, hashOf(first)));
        rollup.prove(first, none, address(this), proof);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotNextToProve.selector, first.id, hashOf(first)));
        rollup.prune(first);

        tip = proven;
        EpochRecord memory again = settle(emptyEpoch(4));
        assertTrue(rollup.isProven(again.id, hashOf(again)), "another epoch in its place");
        assertFalse(rollup.isProven(second.id, hashOf(second)), "what was pruned stays so");
    }

    /// @dev The item comes back with its old age, is credited once, and a withdrawal of the pruned epoch is never paid.
    function test_QueueItemsReturnAndWithdrawalsAreVoid() public {
        (Lane memory item, bytes32 tail) = depositWei(address(0xd0), 1 ether, 3);
        bytes32[] memory tails = new bytes32[](1);
        tails[0] = tail;
        EpochRecord memory genesis = tip;
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[0] = item;
        epoch.lanes[1] = withdrawalLane(1, 1, 0.5 ether, 0xa1);
        epoch.header[5] += 1;
        EpochRecord memory first = commitEpoch(epoch, tails);
        vm.roll(first.deadline + 1);
        rollup.prune(first);

        (bytes32[] memory leaves,) = EpochBuilder.withdrawals(epoch);
        (, bytes32[] memory proof) = EpochBuilder.prove(leaves, 0);
        vm.expectRevert(abi.encodeWithSelector(IBridge.EpochNotProven.selector, first.id));
        bridge.claim(summaryOf(first), 1, AssetId.wrap(1), 0.5 ether, 0xa1, proof);

        tip = genesis;
        Epoch memory next = emptyEpoch(4);
        next.lanes[0] = item;
        next.header[5] += 1;
        EpochRecord memory second = settle(next, tails);
        assertEq(second.queueEnd, 1, "cursor");
        vm.expectRevert(abi.encodeWithSelector(IBridge.EpochNotProven.selector, first.id));
        bridge.claim(summaryOf(first), 1, AssetId.wrap(1), 0.5 ether, 0xa1, proof);
    }
}
