// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IBridge} from "../../contracts/interfaces/IBridge.sol";
import {CommitInput, IRollup} from "../../contracts/interfaces/IRollup.sol";
import {AssetId, ETH} from "../../contracts/types/AssetId.sol";
import {EpochId} from "../../contracts/types/EpochId.sol";
import {EpochFees, EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {Epoch, EpochBuilder, Lane} from "./support/EpochBuilder.sol";
import {Forced, Forcing} from "./support/Forcing.sol";
import {MoodyReceiver, ReentrantReceiver} from "./support/Receivers.sol";

/// @title When the rollup ends, and what is left of it
contract RollupFreezeTest is Forcing {
    EpochFees private none;
    EpochRecord[] private nothing;
    address private user = address(0xd0);

    function setUp() public {
        deploy();
    }

    function test_AnItemThatWaitsTooLongFreezes() public {
        settle(emptyEpoch(4));
        depositWei(user, 1 ether, 1);
        uint256 queuedAt = height();
        vm.roll(queuedAt + FREEZE_TIME - 1);
        vm.expectRevert(IRollup.NothingToFreezeFor.selector);
        rollup.freeze(nothing);
        assertFalse(rollup.isFinal(tip.id, hashOf(tip)), "running");
        vm.roll(queuedAt + FREEZE_TIME);
        EpochId id = tip.id;
        bytes32 recordHash = hashOf(tip);
        vm.expectEmit(true, true, true, true, address(rollup));
        emit IRollup.Frozen(id, recordHash);
        vm.prank(address(0xdead));
        rollup.freeze(nothing);
        assertTrue(rollup.isFrozen(), "frozen");
        assertTrue(rollup.isFinal(id, recordHash), "in this state");
        assertFalse(rollup.isFinal(EpochId.wrap(0), hashOf(recordOf[0])), "in no other");
        assertFalse(rollup.isFinal(id, bytes32(uint256(1))), "with its record");
    }

    function test_IdleForAYearThenOneDepositFreezesNothing() public {
        vm.roll(height() + 2_628_000);
        vm.expectRevert(IRollup.NothingToFreezeFor.selector);
        rollup.freeze(nothing);
        (Lane memory lane, bytes32 tail) = depositWei(user, 1 ether, 1);
        vm.expectRevert(IRollup.NothingToFreezeFor.selector);
        rollup.freeze(nothing);
        settle(epochOf(lane), one(tail));
        vm.roll(height() + 2_628_000);
        vm.expectRevert(IRollup.NothingToFreezeFor.selector);
        rollup.freeze(nothing);
    }

    /// @dev Only what is proven counts: a pending epoch that took the item does not save it.
    function test_PendingEpochsProcessNothing() public {
        (Lane memory lane, bytes32 tail) = depositWei(user, 1 ether, 1);
        EpochRecord memory genesis = tip;
        uint256 queuedAt = height();
        vm.roll(queuedAt + 100);
        EpochRecord memory pending = commitEpoch(epochOf(lane), one(tail));
        vm.roll(queuedAt + FREEZE_TIME);
        rollup.freeze(nothing);
        (EpochId head,) = rollup.status();
        assertEq(EpochId.unwrap(head), 0, "void");
        assertTrue(rollup.isFinal(genesis.id, hashOf(genesis)), "the last proven state");
        assertFalse(rollup.isFinal(pending.id, hashOf(pending)), "not the pending one");
        assertEq(rollup.cursor(), 0, "cursor");
        vm.expectRevert(IRollup.RollupFrozen.selector);
        rollup.freeze(nothing);
    }

    function test_APendingEpochThatWaitsTooLongFreezes() public {
        EpochRecord memory genesis = tip;
        EpochRecord memory first = commitEpoch(emptyEpoch(4));
        vm.roll(height() + 10);
        EpochRecord memory second = commitEpoch(emptyEpoch(4));
        vm.roll(uint256(first.commitBlock) + FREEZE_TIME - 1);
        vm.expectRevert(IRollup.NothingToFreezeFor.selector);
        rollup.freeze(_list(first));
        vm.roll(uint256(second.commitBlock) + FREEZE_TIME);
        vm.expectRevert(IRollup.NothingToFreezeFor.selector);
        rollup.freeze(nothing);
        vm.expectPartialRevert(IRollup.NotNextToProve.selector);
        rollup.freeze(_list(second));
        vm.expectPartialRevert(IRollup.NotNextToProve.selector);
        rollup.freeze(_list(genesis));
        EpochRecord memory older = first;
        older.commitBlock -= 1;
        vm.expectPartialRevert(IRollup.NotNextToProve.selector);
        rollup.freeze(_list(older));
        older.commitBlock += 1;
        EpochRecord[] memory two = new EpochRecord[](2);
        vm.expectRevert(abi.encodeWithSelector(IRollup.WrongPendingCount.selector, 2));
        rollup.freeze(two);
        rollup.freeze(_list(first));
        assertTrue(rollup.isFinal(genesis.id, hashOf(genesis)), "frozen");
    }

    /// @dev What was pruned is no reason, however old it is.
    function test_PrunedEpochsFreezeNothing() public {
        EpochRecord memory genesis = tip;
        EpochRecord memory first = commitEpoch(emptyEpoch(4));
        vm.roll(uint256(first.commitBlock) + FREEZE_TIME);
        rollup.prune(first);
        vm.expectPartialRevert(IRollup.NotNextToProve.selector);
        rollup.freeze(_list(first));
        tip = genesis;
        commitEpoch(emptyEpoch(4));
        vm.expectPartialRevert(IRollup.NotNextToProve.selector);
        rollup.freeze(_list(first));
    }

    function test_NothingMovesAfterwards() public {
        Epoch memory epoch = emptyEpoch(4);
        EpochRecord memory pending = commitEpoch(epoch);
        EpochRecord memory proven = recordOf[0];
        freezeByAge();
        bytes memory frozen = abi.encodeWithSelector(IRollup.RollupFrozen.selector);
        bytes memory proof = goodProof(pending, address(this));
        vm.expectRevert(frozen);
        rollup.prove(pending, none, address(this), proof);
        vm.expectRevert(frozen);
        rollup.prune(pending);
        tip = proven;
        CommitInput memory input = inputFor(emptyEpoch(4));
        vm.prank(proposer, proposer);
        vm.expectRevert(frozen);
        rollup.commit(input);
        vm.prank(proposer, proposer);
        vm.expectRevert(frozen);
        rollup.commitAndProve(input, feeRecipient, proof);
        bytes memory ciphertext = ciphertextFor(1);
        vm.deal(address(this), 1);
        vm.expectRevert(frozen);
        bridge.depositETH{value: 1}(1, ciphertext);
        usd.mint(address(this), 1);
        usd.approve(address(bridge), 1);
        vm.expectRevert(frozen);
        bridge.deposit(USD, 1, 1, ciphertext);
    }

    function test_GovernanceEnds() public {
        vm.prank(owner);
        bridge.pauseDeposits(1);
        freezeByAge2();
        bytes memory frozen = abi.encodeWithSelector(IRollup.RollupFrozen.selector);
        vm.startPrank(owner);
        vm.expectRevert(frozen);
        bridge.listAsset(AssetId.wrap(9), address(this), 1);
        vm.expectRevert(frozen);
        bridge.setCap(ETH, 1);
        vm.expectRevert(frozen);
        bridge.pauseDeposits(1);
        vm.expectRevert(frozen);
        bridge.resumeDeposits();
        vm.expectRevert(frozen);
        rollup.pauseEpochs(1);
        vm.expectRevert(frozen);
        rollup.resumeEpochs();
        vm.expectRevert(frozen);
        rollup.scheduleVerifier(address(small), false);
        bridge.renounceOwnership();
        vm.stopPrank();
        assertEq(bridge.owner(), address(0), "ownership can still be given up");
    }

    function test_WithdrawalsAndFeesStayClaimable() public {
        vm.deal(address(this), 10 ether);
        (Lane memory lane, bytes32 tail) = depositWei(user, 10 ether, 3);
        Epoch memory epoch = epochOf(lane);
        epoch.lanes[1] = withdrawalLane(1, 1, 2 ether, 0xa1);
        (epoch.header[6], epoch.header[10]) = (1, 5);
        EpochRecord memory record = settle(epoch, one(tail));
        freezeByAge();
        (bytes32[] memory leaves,) = EpochBuilder.withdrawals(epoch);
        (, bytes32[] memory path) = EpochBuilder.prove(leaves, 0);
        bridge.claim(summaryOf(record), 1, ETH, 2 ether, 0xa1, path);
        assertEq(address(0xa1).balance, 2 ether, "claimed");
        vm.expectPartialRevert(IBridge.AlreadyClaimed.selector);
        bridge.claim(summaryOf(record), 1, ETH, 2 ether, 0xa1, path);
        vm.prank(feeRecipient);
        assertEq(bridge.withdrawFees(ETH, address(0xa2)), 5, "fees");
    }

    function test_PullsBackWhatWasNotTaken() public {
        vm.fee(1 gwei);
        (Lane memory first, bytes32 tail) = depositWei(user, 1 ether, 1);
        settle(epochOf(first), one(tail));
        (Lane memory dollars, bytes32 dollarTail) = depositUsd(user, 7e6, 2);
        (Lane memory forced,) = forceAs(address(0xd1), forcedFor(3));
        // A pending epoch takes the dollars, and is void.
        commitEpoch(epochOf(dollars), one(dollarTail));
        bytes32 hash = keccak256(ciphertextFor(2));
        vm.expectRevert(IBridge.RollupNotFrozen.selector);
        bridge.pullBack(1, 2, dollars.link, USD, 7e6, 0, user, hash);
        vm.roll(height() + FREEZE_TIME);
        rollup.freeze(nothing);

        vm.expectRevert(abi.encodeWithSelector(IBridge.ItemProcessed.selector, 0, 1));
        bridge.pullBack(0, 2, first.link, ETH, 1 ether, 0, user, keccak256(ciphertextFor(1)));
        _refusePullBack(1, 2, dollars.link, USD, 7e6, 1, user, hash);
        _refusePullBack(1, 2, dollars.link, USD, 7e6 + 1, 0, user, hash);
        _refusePullBack(1, 2, dollars.link, ETH, 7e6, 0, user, hash);
        _refusePullBack(1, 2, dollars.link + 1, USD, 7e6, 0, user, hash);
        _refusePullBack(1, 3, dollars.link, USD, 7e6, 0, user, hash);
        _refusePullBack(1, 2, dollars.link, USD, 7e6, 0, address(0xbad), hash);
        _refusePullBack(1, 2, dollars.link, USD, 7e6, 0, user, keccak256(ciphertextFor(3)));
        _refusePullBack(2, 2, dollars.link, USD, 7e6, 0, user, hash);

        vm.expectEmit(true, true, true, true, address(bridge));
        emit IBridge.PulledBack(1, user, USD, 7e6);
        bridge.pullBack(1, 2, dollars.link, USD, 7e6, 0, user, hash);
        assertEq(usd.balanceOf(user), 7e6, "the deposit is back");
        assertTrue(bridge.isPulledBack(1) && !bridge.isPulledBack(2), "marked");
        vm.expectRevert(abi.encodeWithSelector(IBridge.AlreadyPulledBack.selector, 1));
        bridge.pullBack(1, 2, dollars.link, USD, 7e6, 0, user, hash);

        // The forced one gets its fee, and nothing of what it would have withdrawn.
        bytes32 data = keccak256(encode(forcedAt(3)));
        bridge.pullBack(2, 3, forced.link, ETH, 1, 0xee, address(0xd1), data);
        assertEq(address(0xd1).balance, feeOf[2], "the fee is back");
        assertEq(address(0xee).balance, 0, "no withdrawal");
        vm.expectRevert(abi.encodeWithSelector(IBridge.AlreadyPulledBack.selector, 2));
        bridge.pullBack(2, 3, forced.link, ETH, 1, 0xee, address(0xd1), data);
    }

    function test_SendersThatRefuseOrCallBackHurtNobody() public {
        MoodyReceiver moody = new MoodyReceiver();
        ReentrantReceiver caller = new ReentrantReceiver();
        (Lane memory a,) = depositWei(address(moody), 3, 1);
        (Lane memory b,) = depositWei(address(caller), 4, 2);
        (Lane memory c,) = depositWei(address(caller), 5, 3);
        vm.roll(height() + FREEZE_TIME);
        rollup.freeze(nothing);
        bytes32 hash = keccak256(ciphertextFor(1));
        vm.expectRevert(abi.encodeWithSelector(IBridge.PaymentFailed.selector, address(moody), 3));
        bridge.pullBack(0, 2, a.link, ETH, 3, 0, address(moody), hash);
        moody.setWilling(true);
        bridge.pullBack(0, 2, a.link, ETH, 3, 0, address(moody), hash);
        caller.setCall(
            address(bridge),
            abi.encodeCall(bridge.pullBack, (2, 2, c.link, ETH, 5, 0, address(caller), keccak256(ciphertextFor(3))))
        );
        bridge.pullBack(1, 2, b.link, ETH, 4, 0, address(caller), keccak256(ciphertextFor(2)));
        assertFalse(caller.reentered(), "reentered");
        assertEq(address(caller).balance, 4, "once");
    }

    /// @dev Also right after a pause, which must not have run longer than it may.
    function freezeByAge2() private {
        vm.roll(height() + 1);
        freezeByAge();
    }

    /// @dev The transaction that was forced before the blocks rolled on.
    function forcedAt(uint256 seed) private returns (Forced memory forced) {
        uint256 now_ = height();
        vm.roll(queue.item(2).queuedAt());
        forced = forcedFor(seed);
        vm.roll(now_);
    }

    function _refusePullBack(
        uint256 index,
        uint256 itemKind,
        uint256 link,
        AssetId asset,
        uint256 value,
        uint256 recipient,
        address sender,
        bytes32 hash
    ) private {
        vm.expectRevert(abi.encodeWithSelector(IBridge.NotTheItem.selector, index));
        bridge.pullBack(index, itemKind, link, asset, value, recipient, sender, hash);
    }

    function _list(EpochRecord memory record) private pure returns (EpochRecord[] memory list) {
        list = new EpochRecord[](1);
        list[0] = record;
    }
}
