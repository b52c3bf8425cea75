// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IBridge} from "../../contracts/interfaces/IBridge.sol";
import {IEpochVerifier} from "../../contracts/interfaces/IEpochVerifier.sol";
import {IL1Queue} from "../../contracts/interfaces/IL1Queue.sol";
import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {AssetId, ETH} from "../../contracts/types/AssetId.sol";
import {EpochId} from "../../contracts/types/EpochId.sol";
import {EpochFees, EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {Epoch, EpochBuilder, Lane} from "./support/EpochBuilder.sol";
import {Forced, Forcing} from "./support/Forcing.sol";
import {MoodyReceiver, ReentrantReceiver} from "./support/Receivers.sol";

/// @title What the queue takes as a forced transaction, and what becomes of it
contract ForceTest is Forcing {
    EpochFees private none;
    address private user = address(0xd0);

    function setUp() public {
        deploy();
        vm.fee(1 gwei);
        vm.deal(user, 100 ether);
    }

    function test_QueuesTheItemOfTheSpec() public {
        Forced memory forced = forcedFor(1);
        bytes memory transaction = encode(forced);
        uint256 h = hasher.hash(transaction, rollup.domain());
        vm.expectEmit(true, true, true, true, address(queue));
        emit IL1Queue.ForcedQueued(0, user, 50_000 gwei, transaction);
        (, bytes32 tail) = forceAs(user, forced);
        assertTrue(queue.matches(0, 3, h, 1, 1, 0xee, tail), "item");
        assertEq(queue.item(0).queuedAt(), height(), "block");
        assertEq(queue.feesOf(_indices(0, 1)), 50_000 gwei, "fee");
        (uint256 liabilities,,) = bridge.assets(ETH);
        assertEq(liabilities, 50_000 gwei, "the bridge owes the fee");
        assertEq(address(bridge).balance, 50_000 gwei, "and holds it");
    }

    function test_FeesRiseWithTheQueueAndGoToWhoeverHasItemsProven() public {
        vm.deal(address(bridge), 1 ether);
        (Lane[] memory lanes, bytes32[] memory tails) = (new Lane[](3), new bytes32[](3));
        uint256 paid;
        for (uint256 i = 0; i < 3; i++) {
            assertEq(queue.forceFee(), 50_000 gwei * (64 + i) ** 2 / 4096, "fee");
            paid += queue.forceFee();
            (lanes[i], tails[i]) = forceAs(user, forcedFor(i));
        }
        lanes[1].kind = 4;
        Epoch memory epoch = epochOf(lanes, 4);
        (epoch.header[6], epoch.header[10]) = (1, 77);
        EpochRecord memory record = commitEpoch(epoch, tails);
        EpochFees memory fees = feesOf(epoch);
        assertEq(fees.queueFees, paid, "also for a skipped one");
        fees.queueFees += 1;
        bytes memory proof = goodProof(record, address(this));
        vm.expectPartialRevert(IRollup.FeesMismatch.selector);
        rollup.prove(record, fees, address(this), proof);
        assertEq(bridge.feesOwed(feeRecipient, ETH), 0, "pending");
        proveEpoch(record, feesOf(epoch));
        assertEq(bridge.feesOwed(feeRecipient, ETH), 77 + paid, "credited");
        assertEq(queue.forceFee(), 50_000 gwei, "the queue is empty again");
    }

    function test_QueueFeesAloneMakeAFeesHash() public {
        (Lane memory lane, bytes32 tail) = forceAs(user, forcedFor(1));
        EpochRecord memory record = settle(epochOf(lane), one(tail));
        assertTrue(record.feesHash != 0, "hash");
        assertEq(bridge.feesOwed(feeRecipient, ETH), 50_000 gwei, "credited at once");
    }

    function test_FreeQueuesAreFree() public {
        vm.fee(0);
        (Lane memory lane, bytes32 tail) = forceAs(user, forcedFor(1));
        assertEq(settle(epochOf(lane), one(tail)).feesHash, bytes32(0), "no fee, no hash");
    }

    function test_GivesBackWhatIsAboveTheFee() public {
        (bytes memory transaction, bytes memory proof) = _signed(forcedFor(1));
        uint256 before = user.balance;
        vm.prank(user);
        queue.force{value: 1 ether}(transaction, proof, tip, new EpochRecord[](0));
        assertEq(before - user.balance, 50_000 gwei, "paid");
        vm.prank(user);
        vm.expectRevert(abi.encodeWithSelector(IL1Queue.FeeTooLow.selector, _feeAt(1), _feeAt(1) - 1));
        queue.force{value: _feeAt(1) - 1}(transaction, proof, tip, new EpochRecord[](0));
        assertEq(address(queue).balance, 0, "the queue holds nothing");
    }

    function test_SendersThatTakeNoEtherSendTheFeeExactly() public {
        address receiver = address(new MoodyReceiver());
        (bytes memory transaction, bytes memory proof) = _signed(forcedFor(1));
        vm.deal(receiver, 1 ether);
        vm.prank(receiver);
        vm.expectRevert(abi.encodeWithSelector(IL1Queue.RefundFailed.selector, receiver, 1));
        queue.force{value: _feeAt(0) + 1}(transaction, proof, tip, new EpochRecord[](0));
        vm.prank(receiver);
        queue.force{value: _feeAt(0)}(transaction, proof, tip, new EpochRecord[](0));
    }

    /// @dev From the refund another one may be forced: it is an item like any other, and pays the higher fee.
    function test_RefundsMayForceAgain() public {
        ReentrantReceiver receiver = new ReentrantReceiver();
        vm.fee(0);
        (bytes memory transaction, bytes memory proof) = _signed(forcedFor(1));
        receiver.setCall(address(queue), abi.encodeCall(queue.force, (transaction, proof, tip, new EpochRecord[](0))));
        vm.deal(address(receiver), 1);
        vm.prank(address(receiver));
        queue.force{value: 1}(transaction, proof, tip, new EpochRecord[](0));
        assertTrue(receiver.reentered(), "called back");
        assertEq(queue.length(), 2, "two items");
    }

    function test_RefusesLengths() public {
        (bytes memory transaction, bytes memory proof) = _signed(forcedFor(1));
        _refuse(
            bytes.concat(transaction, hex"00"),
            proof,
            abi.encodeWithSelector(IL1Queue.WrongTransactionLength.selector, 692, 693)
        );
        _refuse("", proof, abi.encodeWithSelector(IL1Queue.WrongTransactionLength.selector, 692, 0));
        _refuse(transaction, "", abi.encodeWithSelector(IEpochVerifier.WrongProofLength.selector, 256, 0));
        bytes memory longer = bytes.concat(proof, hex"00");
        _refuse(transaction, longer, abi.encodeWithSelector(IEpochVerifier.WrongProofLength.selector, 256, 257));
    }

    function test_RefusesFalseProofs() public {
        (bytes memory transaction, bytes memory proof) = _signed(forcedFor(1));
        for (uint256 place = 0; place < 692; place += 11) {
            if (place >= 192 && place < 320) continue; // small words, judged before
            if (place < 32) continue; // the anchor, likewise
            if (place % 32 == 0 && place < 192) continue; // would leave the field
            bytes memory changed = bytes.concat(transaction);
            changed[place] ^= 0x01;
            _refuse(changed, proof, abi.encodeWithSelector(IEpochVerifier.ProofInvalid.selector));
        }
        bytes memory other = bytes.concat(proof);
        other[0] ^= 0x01;
        _refuse(transaction, other, abi.encodeWithSelector(IEpochVerifier.ProofInvalid.selector));
        vm.chainId(5);
        _refuse(transaction, proof, abi.encodeWithSelector(IEpochVerifier.ProofInvalid.selector));
    }

    function test_RefusesWordsOutOfRange() public {
        uint256 p = EpochBuilder.P;
        bytes memory field = abi.encodeWithSelector(IL1Queue.NonCanonicalField.selector);
        bytes memory nullifiers = abi.encodeWithSelector(IL1Queue.NullifiersInvalid.selector);
        for (uint256 change = 0; change < 22; change++) {
            Forced memory f = forcedFor(1);
            bytes memory reason = field;
            if (change == 0) f.anchor += p;
            if (change == 1) f.nullifiers[0] += p;
            if (change == 2) f.nullifiers[1] = p;
            if (change == 3) f.commitments[0] = p;
            if (change == 4) f.commitments[1] = type(uint256).max;
            if (change == 5) f.commitments[2] += p;
            if (change >= 6) reason = nullifiers;
            if (change == 6) f.nullifiers[0] = 0;
            if (change == 7) f.nullifiers[1] = 0;
            if (change == 8) f.nullifiers[1] = f.nullifiers[0];
            if (change == 9 || change == 10 || change == 11) {
                f.value = 0;
                if (change == 9) f.asset = 0;
                if (change == 10) f.recipient = 0;
                reason = abi.encodeWithSelector(IL1Queue.PublicWordsUnused.selector, f.asset, f.recipient);
            }
            if (change == 12) {
                f.value = 1 << 120;
                reason = abi.encodeWithSelector(IL1Queue.ValueTooLarge.selector, f.value);
            }
            if (change >= 13 && change < 17) {
                f.asset = [uint256(0), 3, (1 << 64) + 1, type(uint256).max][change - 13];
                reason = abi.encodeWithSelector(IL1Queue.AssetUnlisted.selector, f.asset);
            }
            if (change >= 17 && change < 19) {
                f.recipient = [uint256(0), 1 << 160][change - 17];
                reason = abi.encodeWithSelector(IL1Queue.BadRecipient.selector, f.recipient);
            }
            if (change >= 19) {
                f.expiry = [height() - 1, 1 << 64, 0][change - 19];
                reason = abi.encodeWithSelector(IL1Queue.ExpiryInvalid.selector, f.expiry, height());
            }
            bytes memory transaction = encode(f);
            _refuse(transaction, clientProof(transaction), reason);
        }
        Forced memory edge = forcedFor(2);
        (edge.value, edge.asset, edge.recipient, edge.expiry) = (0, 0, 0, height());
        forceAs(user, edge);
        edge = forcedFor(3);
        (edge.value, edge.asset, edge.expiry) = ((1 << 120) - 1, 2, type(uint64).max);
        edge.recipient = type(uint160).max;
        forceAs(user, edge);
    }

    function test_RefusesAnchorsThatAreNoProvenEpochs() public {
        EpochRecord memory genesis = tip;
        EpochRecord memory pending = commitEpoch(emptyEpoch(4));
        Forced memory f = forcedFor(1);
        f.anchor = pending.ownAnchor;
        (bytes memory transaction, bytes memory proof) = _signed(f);
        vm.expectRevert(abi.encodeWithSelector(IL1Queue.EpochNotProven.selector, 1));
        queue.force{value: 1 ether}(transaction, proof, pending, new EpochRecord[](0));
        genesis.ownAnchor = pending.ownAnchor;
        vm.expectRevert(abi.encodeWithSelector(IL1Queue.EpochNotProven.selector, 0));
        queue.force{value: 1 ether}(transaction, proof, genesis, new EpochRecord[](0));
        proveEpoch(pending, none);
        (transaction, proof) = _signed(forcedFor(2));
        vm.expectRevert(
            abi.encodeWithSelector(IL1Queue.AnchorMismatch.selector, recordOf[0].ownAnchor, pending.ownAnchor)
        );
        queue.force{value: 1 ether}(transaction, proof, recordOf[0], new EpochRecord[](0));
        queue.force{value: 1 ether}(transaction, proof, pending, new EpochRecord[](0));
    }

    /// @dev The anchor lives without a successor, and `ANCHOR_LIFE` blocks with one, be it proven or not.
    function test_AnchorsDieByTheirSuccessor() public {
        vm.roll(height() + 100_000);
        Forced memory f = forcedFor(1);
        f.expiry = type(uint64).max;
        (bytes memory transaction, bytes memory proof) = _signed(f);
        EpochRecord memory genesis = tip;
        EpochRecord[] memory two = new EpochRecord[](2);
        EpochRecord[] memory successor = new EpochRecord[](1);
        _refuse(transaction, proof, abi.encodeWithSelector(IL1Queue.WrongSuccessorCount.selector, 2), genesis, two);
        _refuse(
            transaction, proof, abi.encodeWithSelector(IL1Queue.WrongSuccessorCount.selector, 1), genesis, successor
        );
        EpochRecord memory pending = commitEpoch(emptyEpoch(4));
        uint256 committed = height();
        _refuse(
            transaction,
            proof,
            abi.encodeWithSelector(IL1Queue.WrongSuccessorCount.selector, 0),
            genesis,
            new EpochRecord[](0)
        );
        successor[0] = pending;
        successor[0].commitBlock += 1000;
        vm.expectPartialRevert(IL1Queue.SuccessorMismatch.selector);
        queue.force{value: 1 ether}(transaction, proof, genesis, successor);
        successor[0].commitBlock -= 1000;
        vm.roll(committed + ANCHOR_LIFE - 1);
        queue.force{value: 1 ether}(transaction, proof, genesis, successor);
        vm.roll(committed + ANCHOR_LIFE);
        _refuse(
            transaction, proof, abi.encodeWithSelector(IL1Queue.AnchorExpired.selector, committed), genesis, successor
        );
        // Once it is pruned, the anchor has no successor again.
        vm.roll(pending.deadline + 1);
        rollup.prune(pending);
        queue.force{value: 1 ether}(transaction, proof, genesis, new EpochRecord[](0));
    }

    function test_OnlyTheQueueHandsInFees() public {
        vm.expectRevert(abi.encodeWithSelector(IBridge.OnlyQueue.selector, address(this)));
        bridge.holdQueueFee{value: 1}();
    }

    function test_NothingIsForcedOnceFrozen() public {
        (bytes memory transaction, bytes memory proof) = _signed(forcedFor(1));
        freezeByAge();
        _refuse(transaction, proof, abi.encodeWithSelector(IRollup.RollupFrozen.selector));
    }

    /// @dev Whatever bytes the queue takes, an epoch can process the item, run or skipped, and in no other way.
    function testFuzz_WhatIsAcceptedHasItsLane(uint256 seed, uint8 kind, uint128 value, uint160 recipient) public {
        Forced memory f = forcedFor(seed);
        f.value = value % (1 << 121);
        f.asset = seed % 4;
        f.recipient = recipient;
        if (seed % 5 == 0) (f.value, f.asset, f.recipient) = (0, 0, 0);
        (bytes memory transaction, bytes memory proof) = _signed(f);
        uint256 fee = queue.forceFee();
        try queue.force{value: fee}(transaction, proof, tip, new EpochRecord[](0)) {
            feeOf[0] = fee;
            Lane memory lane;
            lane.kind = kind % 6;
            lane.link = hasher.hash(transaction, rollup.domain());
            (lane.value, lane.asset, lane.recipient) = (f.value, f.asset, f.recipient);
            bytes32[] memory tails = one(tailOf(address(this), transaction));
            if (lane.kind == 3 || lane.kind == 4) {
                bytes32 root = commitEpoch(epochOf(lane), tails).withdrawalRoot;
                assertTrue((root != 0) == (lane.kind == 3 && f.value != 0), "pays exactly when it runs");
            } else {
                Epoch memory epoch = epochOf(lane);
                vm.prank(proposer, proposer);
                (bool accepted,) = address(rollup).call(abi.encodeCall(rollup.commit, (inputFor(epoch, tails))));
                assertFalse(accepted, "another kind took the item");
            }
        } catch {
            bool valid = f.value == 0 && f.asset == 0 && f.recipient == 0;
            valid = valid || (f.value != 0 && f.value < 1 << 120 && (f.asset == 1 || f.asset == 2) && f.recipient != 0);
            assertFalse(valid, "a valid one was refused");
        }
    }

    function _feeAt(uint256 waiting) private pure returns (uint256) {
        return 50_000 gwei * (64 + waiting) ** 2 / 4096;
    }

    function _signed(Forced memory f) private view returns (bytes memory transaction, bytes memory proof) {
        transaction = encode(f);
        proof = clientProof(transaction);
    }

    function _indices(uint256 start, uint256 count) private pure returns (uint256[] memory indices) {
        indices = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            indices[i] = start + i;
        }
    }

    function _refuse(bytes memory transaction, bytes memory proof, bytes memory reason) private {
        _refuse(transaction, proof, reason, tip, new EpochRecord[](0));
    }

    function _refuse(
        bytes memory transaction,
        bytes memory proof,
        bytes memory reason,
        EpochRecord memory record,
        EpochRecord[] memory successor
    ) private {
        vm.expectRevert(reason);
        queue.force{value: 1 ether}(transaction, proof, record, successor);
    }

    receive() external payable {}
}
