// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {ClaimRequest, IBridge} from "../../contracts/interfaces/IBridge.sol";
import {AssetId, ETH} from "../../contracts/types/AssetId.sol";
import {EpochId} from "../../contracts/types/EpochId.sol";
import {EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {Deployment} from "./support/Deployment.sol";
import {Epoch, EpochBuilder, Lane} from "./support/EpochBuilder.sol";
import {BlacklistingToken, SenderFeeToken} from "./support/OddTokens.sol";
import {GasBurner, MoodyReceiver, ReentrantReceiver, ReturnBomb} from "./support/Receivers.sol";

contract BridgeClaimTest is Deployment {
    AssetId private constant ODD = AssetId.wrap(3);

    address private alice = address(0xa1);

    function setUp() public {
        deploy();
        vm.deal(address(this), 100 ether);
        bridge.depositETH{value: 50 ether}(1, ciphertextFor(1));
        usd.mint(address(this), 1e9);
        usd.approve(address(bridge), 1e9);
        bridge.deposit(USD, 1e9, 1, ciphertextFor(1));
    }

    function testFuzz_PaysAnyWithdrawalOnce(uint256 seed) public {
        Epoch memory epoch = emptyEpoch(16);
        uint256 count;
        for (uint256 l = 0; l < 16; l++) {
            uint256 random = uint256(keccak256(abi.encode(seed, l)));
            if (random % 3 == 0) continue;
            epoch.lanes[l] = withdrawalLane(l, 1 + random % 2, 1 + random % 1e6, 0x10000 + random % 1e9);
            if (random % 5 == 0) epoch.lanes[l].kind = 5;
            count++;
        }
        EpochRecord memory record = settle(epoch);
        for (uint256 l = 0; l < 16; l++) {
            if (epoch.lanes[l].kind == 0) continue;
            ClaimRequest memory request = requestFor(record, epoch, l);
            uint256 before = _balance(request);
            _claim(request);
            assertEq(_balance(request) - before, request.value, "paid");
            assertTrue(bridge.isClaimed(record.id, l), "claimed");
            vm.expectRevert(abi.encodeWithSelector(IBridge.AlreadyClaimed.selector, record.id, l));
            _claim(request);
        }
    }

    function test_RefusesPendingEpochs() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[2] = withdrawalLane(2, 1, 5, uint160(alice));
        EpochRecord memory record = commitEpoch(epoch);
        ClaimRequest memory request = requestFor(record, epoch, 2);
        vm.expectRevert(abi.encodeWithSelector(IBridge.EpochNotProven.selector, record.id));
        _claim(request);
        proveEpoch(record, feesOf(epoch));
        _claim(request);
    }

    function test_RefusesAnythingButTheWithdrawal() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[1] = withdrawalLane(1, 1, 5, uint160(alice));
        epoch.lanes[2] = withdrawalLane(2, 2, 6, uint160(alice));
        epoch.lanes[3] = withdrawalLane(3, 1, 7, uint160(alice));
        EpochRecord memory record = settle(epoch);
        for (uint256 change = 0; change < 6; change++) {
            ClaimRequest memory request = requestFor(record, epoch, 1);
            if (change == 0) request.lane = 2;
            if (change == 1) request.asset = USD;
            if (change == 2) request.value = 6;
            if (change == 3) request.recipient = uint160(address(this));
            if (change == 4) request.proof[0] ^= bytes32(uint256(1));
            if (change == 5) request.proof = new bytes32[](0);
            vm.expectRevert(abi.encodeWithSelector(IBridge.NotAWithdrawal.selector, record.id, request.lane));
            _claim(request);
        }
        ClaimRequest memory changed = requestFor(record, epoch, 1);
        changed.epoch = summaryOf(record);
        changed.epoch.withdrawalRoot = EpochBuilder.withdrawalLeaf(1, 1, 50 ether, uint160(alice));
        vm.expectRevert(abi.encodeWithSelector(IBridge.EpochNotProven.selector, record.id));
        _claim(changed);
    }

    /// @dev An inner node is 64 bytes like a leaf's preimage is not, and must never pass for one.
    function test_InnerNodesAreNoLeaves() public {
        Epoch memory epoch = emptyEpoch(4);
        for (uint256 l = 0; l < 4; l++) {
            epoch.lanes[l] = withdrawalLane(l, 1, 5 + l, uint160(alice));
        }
        EpochRecord memory record = settle(epoch);
        ClaimRequest memory request = requestFor(record, epoch, 0);
        bytes32 inner = request.proof[1];
        (request.lane, request.value) = (uint256(inner), uint256(inner));
        request.proof = new bytes32[](0);
        vm.expectPartialRevert(IBridge.NotAWithdrawal.selector);
        _claim(request);
    }

    function test_RecipientsThatAreNoAddressStayOpen() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[0] = withdrawalLane(0, 1, 5, 1 << 160);
        EpochRecord memory record = settle(epoch);
        ClaimRequest memory request = requestFor(record, epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IBridge.BadRecipient.selector, 1 << 160));
        _claim(request);
        assertFalse(bridge.isClaimed(record.id, 0), "open");
    }

    function test_FailedPaymentsStayOpen() public {
        MoodyReceiver receiver = new MoodyReceiver();
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[0] = withdrawalLane(0, 1, 5, uint160(address(receiver)));
        ClaimRequest memory request = requestFor(settle(epoch), epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IBridge.PaymentFailed.selector, address(receiver), 5));
        _claim(request);
        receiver.setWilling(true);
        _claim(request);
        assertEq(address(receiver).balance, 5, "paid later");
    }

    function test_BlacklistedRecipientsStayOpen() public {
        BlacklistingToken token = new BlacklistingToken();
        _fund(address(token));
        token.mint(address(this), 100);
        token.approve(address(bridge), 100);
        bridge.deposit(ODD, 100, 1, ciphertextFor(1));
        token.setBlacklisted(alice, true);
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[0] = withdrawalLane(0, 3, 5, uint160(alice));
        ClaimRequest memory request = requestFor(settle(epoch), epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(BlacklistingToken.Blacklisted.selector, alice));
        _claim(request);
        token.setBlacklisted(alice, false);
        _claim(request);
        assertEq(token.balanceOf(alice), 5, "paid later");
    }

    function test_TokensMayNotTakeMoreThanTheClaim() public {
        SenderFeeToken token = new SenderFeeToken();
        _fund(address(token));
        token.mint(address(this), 100);
        token.approve(address(bridge), 100);
        bridge.deposit(ODD, 100, 1, ciphertextFor(1));
        token.startCharging();
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[0] = withdrawalLane(0, 3, 5, uint160(alice));
        ClaimRequest memory request = requestFor(settle(epoch), epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IBridge.TransferMismatch.selector, 5, 6));
        _claim(request);
    }

    function test_NothingBeyondTheLiabilitiesLeaves() public {
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[0] = withdrawalLane(0, 1, 51 ether, uint160(alice));
        ClaimRequest memory request = requestFor(settle(epoch), epoch, 0);
        vm.deal(address(bridge), 60 ether);
        vm.expectPartialRevert(IBridge.VaultBelowLiabilities.selector);
        _claim(request);
    }

    function test_ManyClaimsDoNotBlockEachOther() public {
        address[4] memory recipients =
            [address(new MoodyReceiver()), address(new GasBurner()), address(new ReturnBomb()), alice];
        Epoch memory epoch = emptyEpoch(4);
        for (uint256 l = 0; l < 4; l++) {
            epoch.lanes[l] = withdrawalLane(l, 1, 5 + l, uint160(recipients[l]));
        }
        EpochRecord memory record = settle(epoch);
        ClaimRequest[] memory requests = new ClaimRequest[](4);
        for (uint256 l = 0; l < 4; l++) {
            requests[l] = requestFor(record, epoch, l);
        }
        bool[] memory paid = bridge.claimMany{gas: 2_000_000}(requests);
        assertFalse(paid[0] || paid[1] || paid[2], "those fail");
        assertTrue(paid[3], "this one is paid");
        assertEq(alice.balance, 8, "paid");
        assertFalse(bridge.isClaimed(record.id, 1), "open");
        assertEq(bridge.claimMany(requests)[3] ? 1 : 0, 0, "not twice");
    }

    function test_RecipientsCannotReenter() public {
        ReentrantReceiver receiver = new ReentrantReceiver();
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[0] = withdrawalLane(0, 1, 5, uint160(address(receiver)));
        epoch.lanes[1] = withdrawalLane(1, 1, 6, uint160(address(receiver)));
        EpochRecord memory record = settle(epoch);
        ClaimRequest memory other = requestFor(record, epoch, 1);
        receiver.setCall(
            address(bridge),
            abi.encodeCall(
                bridge.claim, (other.epoch, other.lane, other.asset, other.value, other.recipient, other.proof)
            )
        );
        _claim(requestFor(record, epoch, 0));
        assertFalse(receiver.reentered(), "reentered");
        assertEq(address(receiver).balance, 5, "paid once");
    }

    function test_PaysFeesToWhomTheyAreOwed() public {
        Epoch memory epoch = emptyEpoch(4);
        (epoch.header[6], epoch.header[10], epoch.header[7], epoch.header[11]) = (1, 30, 2, 40);
        settle(epoch);
        vm.expectRevert(IBridge.ZeroValue.selector);
        bridge.withdrawFees(ETH, alice);
        vm.startPrank(feeRecipient);
        assertEq(bridge.withdrawFees(ETH, alice), 30, "ether");
        assertEq(bridge.withdrawFees(USD, alice), 40, "token");
        vm.expectRevert(IBridge.ZeroValue.selector);
        bridge.withdrawFees(ETH, alice);
        vm.stopPrank();
        assertEq(alice.balance, 30, "ether paid");
        assertEq(usd.balanceOf(alice), 40, "token paid");
        (uint256 liabilities,,) = bridge.assets(ETH);
        assertEq(liabilities, 50 ether - 30, "liabilities");
    }

    function test_FailedFeePaymentsStayOwed() public {
        MoodyReceiver receiver = new MoodyReceiver();
        Epoch memory epoch = emptyEpoch(4);
        (epoch.header[6], epoch.header[10]) = (1, 30);
        settle(epoch);
        vm.prank(feeRecipient);
        vm.expectRevert(abi.encodeWithSelector(IBridge.PaymentFailed.selector, address(receiver), 30));
        bridge.withdrawFees(ETH, address(receiver));
        assertEq(bridge.feesOwed(feeRecipient, ETH), 30, "owed");
    }

    function requestFor(EpochRecord memory record, Epoch memory epoch, uint256 lane)
        private
        pure
        returns (ClaimRequest memory request)
    {
        (bytes32[] memory leaves, uint256[] memory lanes) = EpochBuilder.withdrawals(epoch);
        uint256 place;
        while (lanes[place] != lane) place++;
        Lane memory source = epoch.lanes[lane];
        request.epoch = summaryOf(record);
        request.lane = lane;
        request.asset = AssetId.wrap(uint64(source.asset));
        request.value = source.value;
        request.recipient = source.recipient;
        (, request.proof) = EpochBuilder.prove(leaves, place);
    }

    function _claim(ClaimRequest memory request) private {
        bridge.claim(request.epoch, request.lane, request.asset, request.value, request.recipient, request.proof);
    }

    function _balance(ClaimRequest memory request) private view returns (uint256) {
        address account = address(uint160(request.recipient));
        return request.asset == ETH ? account.balance : usd.balanceOf(account);
    }

    function _fund(address token) private {
        vm.prank(owner);
        bridge.listAsset(ODD, token, type(uint128).max);
    }
}
