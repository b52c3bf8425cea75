// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Bridge} from "../../contracts/core/Bridge.sol";
import {L1Queue} from "../../contracts/core/L1Queue.sol";
import {IBridge, PermitSignature} from "../../contracts/interfaces/IBridge.sol";
import {IEpochVerifier} from "../../contracts/interfaces/IEpochVerifier.sol";
import {IL1Queue} from "../../contracts/interfaces/IL1Queue.sol";
import {AssetId, ETH, NO_ASSET} from "../../contracts/types/AssetId.sol";
import {EpochFees} from "../../contracts/types/EpochRecord.sol";
import {Deployment} from "./support/Deployment.sol";
import {Epoch, EpochBuilder} from "./support/EpochBuilder.sol";
import {FeeOnTransferToken, HookToken, NoReturnToken, RebasingToken} from "./support/OddTokens.sol";

contract BridgeDepositTest is Deployment {
    AssetId private constant ODD = AssetId.wrap(3);
    uint256 private constant KEY = 0xc0ffee;

    address private user = address(0xd0);

    function setUp() public {
        deploy();
        vm.deal(user, 1000 ether);
    }

    function test_DepositsEther() public {
        bytes memory ciphertext = ciphertextFor(1);
        vm.expectEmit(true, true, true, true, address(queue));
        emit IL1Queue.DepositQueued(0, user, 1, 5, 99, ciphertext);
        vm.prank(user);
        uint256 index = bridge.depositETH{value: 5}(99, ciphertext);
        assertEq(index, 0, "index");
        assertEq(_liabilities(ETH), 5, "liabilities");
        assertEq(address(bridge).balance, 5, "balance");
        assertTrue(queue.matches(0, 2, 99, 1, 5, 0, tailOf(user, ciphertext)), "queued");
        vm.prank(user);
        assertEq(bridge.depositETH{value: 5}(99, ciphertext), 1, "the same deposit again is another item");
    }

    function test_DepositsTokens() public {
        depositUsd(user, 7e6, 1);
        assertEq(_liabilities(USD), 7e6, "liabilities");
        assertEq(usd.balanceOf(address(bridge)), 7e6, "balance");
    }

    function test_RefusesBadDeposits() public {
        bytes memory ciphertext = ciphertextFor(1);
        vm.startPrank(user);
        vm.expectRevert(IBridge.ZeroValue.selector);
        bridge.depositETH(1, ciphertext);
        vm.expectRevert(IBridge.NonCanonicalField.selector);
        bridge.depositETH{value: 1}(EpochBuilder.P, ciphertext);
        bytes memory longer = bytes.concat(ciphertext, hex"00");
        vm.expectRevert(abi.encodeWithSelector(IBridge.WrongCiphertextLength.selector, 93, 94));
        bridge.depositETH{value: 1}(1, longer);
        vm.expectRevert(abi.encodeWithSelector(IBridge.WrongCiphertextLength.selector, 93, 0));
        bridge.depositETH{value: 1}(1, "");
        vm.expectRevert(abi.encodeWithSelector(IBridge.AssetUnlisted.selector, ODD));
        bridge.deposit(ODD, 1, 1, ciphertext);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AssetUnlisted.selector, ETH));
        bridge.deposit(ETH, 1, 1, ciphertext);
        vm.expectRevert(IBridge.ZeroValue.selector);
        bridge.deposit(USD, 0, 1, ciphertext);
        vm.expectRevert(abi.encodeWithSelector(IBridge.ValueTooLarge.selector, 1 << 120));
        bridge.deposit(USD, 1 << 120, 1, ciphertext);
        vm.stopPrank();
    }

    function test_EtherValueIsBounded() public {
        vm.deal(user, 1 << 120);
        vm.prank(user);
        bytes memory ciphertext = ciphertextFor(1);
        vm.expectRevert(abi.encodeWithSelector(IBridge.ValueTooLarge.selector, 1 << 120));
        bridge.depositETH{value: 1 << 120}(1, ciphertext);
    }

    function test_CapsBoundLiabilities() public {
        vm.prank(owner);
        bridge.setCap(ETH, 10);
        bytes memory ciphertext = ciphertextFor(1);
        vm.startPrank(user);
        bridge.depositETH{value: 10}(1, ciphertext);
        vm.expectRevert(abi.encodeWithSelector(IBridge.CapExceeded.selector, ETH, 11, 10));
        bridge.depositETH{value: 1}(1, ciphertext);
        vm.stopPrank();
        vm.prank(owner);
        bridge.setCap(ETH, 0);
    }

    function test_PermitReplacesApproval() public {
        PermitSignature memory signature = _permit(6e6);
        vm.prank(vm.addr(KEY));
        bridge.depositWithPermit(USD, 6e6, 1, ciphertextFor(1), signature);
        assertEq(_liabilities(USD), 6e6, "liabilities");
    }

    function test_PermitUsedByAnotherDoesNotBlock() public {
        PermitSignature memory s = _permit(6e6);
        usd.permit(vm.addr(KEY), address(bridge), 6e6, s.deadline, s.v, s.r, s.s);
        vm.prank(vm.addr(KEY));
        bridge.depositWithPermit(USD, 6e6, 1, ciphertextFor(1), s);
        assertEq(_liabilities(USD), 6e6, "liabilities");
    }

    function test_PermitOfAnotherGivesNothing() public {
        PermitSignature memory signature = _permit(6e6);
        vm.expectRevert();
        vm.prank(user);
        bridge.depositWithPermit(USD, 6e6, 1, ciphertextFor(1), signature);
    }

    function test_RefusesFeesOnTransfer() public {
        FeeOnTransferToken token = new FeeOnTransferToken();
        token.mint(user, 1000);
        _list(address(token));
        vm.startPrank(user);
        token.approve(address(bridge), 1000);
        bytes memory ciphertext = ciphertextFor(1);
        vm.expectRevert(abi.encodeWithSelector(IBridge.TransferMismatch.selector, 1000, 990));
        bridge.deposit(ODD, 1000, 1, ciphertext);
        vm.stopPrank();
        assertEq(queue.length(), 0, "nothing queued");
    }

    function test_RefusesDepositsIntoAHole() public {
        RebasingToken token = new RebasingToken();
        token.mint(user, 1000);
        _list(address(token));
        bytes memory ciphertext = ciphertextFor(1);
        vm.startPrank(user);
        token.approve(address(bridge), 1000);
        bridge.deposit(ODD, 100, 1, ciphertext);
        token.rebase(50);
        vm.expectRevert(abi.encodeWithSelector(IBridge.VaultBelowLiabilities.selector, ODD, 50, 100));
        bridge.deposit(ODD, 100, 1, ciphertext);
        token.rebase(100);
        bridge.deposit(ODD, 100, 1, ciphertext);
        vm.stopPrank();
    }

    function test_TakesTokensThatReturnNothing() public {
        NoReturnToken token = new NoReturnToken();
        token.mint(user, 1000);
        _list(address(token));
        vm.startPrank(user);
        token.approve(address(bridge), 1000);
        bridge.deposit(ODD, 1000, 1, ciphertextFor(1));
        vm.stopPrank();
        assertEq(_liabilities(ODD), 1000, "liabilities");
    }

    function test_TokensCannotReenter() public {
        HookToken token = new HookToken();
        token.mint(user, 1000);
        _list(address(token));
        token.setHook(address(bridge), abi.encodeCall(bridge.depositETH, (1, ciphertextFor(1))));
        vm.startPrank(user);
        token.approve(address(bridge), 1000);
        bridge.deposit(ODD, 1000, 1, ciphertextFor(1));
        vm.stopPrank();
        assertFalse(token.hookSucceeded(), "reentered");
        assertEq(queue.length(), 1, "one item");
    }

    function test_ListsEachTokenAndIdOnce() public {
        NoReturnToken token = new NoReturnToken();
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AssetReserved.selector, NO_ASSET));
        bridge.listAsset(NO_ASSET, address(token), 1);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AssetReserved.selector, ETH));
        bridge.listAsset(ETH, address(token), 1);
        vm.expectRevert(abi.encodeWithSelector(IBridge.NotAToken.selector, address(0)));
        bridge.listAsset(ODD, address(0), 1);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AssetTaken.selector, USD, address(token)));
        bridge.listAsset(USD, address(token), 1);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AssetTaken.selector, ODD, address(usd)));
        bridge.listAsset(ODD, address(usd), 1);
        bridge.listAsset(ODD, address(token), 9);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AssetUnlisted.selector, AssetId.wrap(4)));
        bridge.setCap(AssetId.wrap(4), 1);
        vm.stopPrank();
        (, uint128 cap, address listed) = bridge.assets(ODD);
        assertEq(listed, address(token), "token");
        assertEq(cap, 9, "cap");
        assertTrue(bridge.assetOf(address(token)) == ODD, "id");
    }

    function test_OnlyTheOwnerGoverns() public {
        bytes memory refusal = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this));
        vm.expectRevert(refusal);
        bridge.listAsset(ODD, address(usd), 1);
        vm.expectRevert(refusal);
        bridge.setCap(ETH, 1);
        vm.expectRevert(refusal);
        bridge.pauseDeposits(1);
        vm.expectRevert(refusal);
        bridge.resumeDeposits();
        EpochFees memory fees;
        vm.expectRevert(abi.encodeWithSelector(IBridge.OnlyRollup.selector, address(this)));
        bridge.creditFees(address(this), fees);
    }

    function test_PausesWithinTheBudget() public {
        uint64 longest = FREEZE_TIME / 4;
        uint256 start = height();
        bytes memory ciphertext = ciphertextFor(1);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IBridge.PauseTooLong.selector, longest + 1, longest));
        bridge.pauseDeposits(longest + 1);
        vm.expectRevert(IBridge.ZeroValue.selector);
        bridge.pauseDeposits(0);
        vm.expectRevert(IBridge.DepositsNotPaused.selector);
        bridge.resumeDeposits();
        bridge.pauseDeposits(longest);
        vm.stopPrank();

        vm.roll(start + longest - 1);
        uint64 untilBlock = uint64(start) + longest - 1;
        vm.prank(user);
        vm.expectRevert(abi.encodeWithSelector(IBridge.DepositsArePaused.selector, untilBlock));
        bridge.depositETH{value: 1}(1, ciphertext);
        settle(emptyEpoch(4)); // a pause stops no epoch
        vm.roll(start + longest);
        vm.prank(user);
        bridge.depositETH{value: 1}(1, ciphertext);

        vm.roll(start + FREEZE_TIME - 1);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IBridge.PauseTooSoon.selector, uint64(start) + FREEZE_TIME));
        bridge.pauseDeposits(1);
        vm.roll(start + FREEZE_TIME);
        vm.startPrank(owner);
        bridge.pauseDeposits(10);
        bridge.resumeDeposits();
        vm.stopPrank();
        vm.prank(user);
        bridge.depositETH{value: 1}(1, ciphertext);
        vm.prank(owner);
        vm.expectPartialRevert(IBridge.PauseTooSoon.selector);
        bridge.pauseDeposits(1);
    }

    function test_QueueMustNameTheBridge() public {
        L1Queue other = new L1Queue(IBridge(address(this)), rollup, IEpochVerifier(address(large)));
        vm.expectRevert(IBridge.WiringMismatch.selector);
        new Bridge(other, rollup, way, owner, 1);
    }

    function _list(address token) private {
        vm.prank(owner);
        bridge.listAsset(ODD, token, type(uint128).max);
    }

    function _liabilities(AssetId asset) private view returns (uint256 liabilities) {
        (liabilities,,) = bridge.assets(asset);
    }

    /// @dev Whatever a deposit may say, an epoch can take what is accepted as that deposit and in no other way.
    function testFuzz_WhatIsAcceptedHasItsLane(uint256 seed, uint256 notePartial, uint128 value, uint8 kind) public {
        uint256 asset = seed % 4;
        if (seed & 4 == 0) notePartial %= EpochBuilder.P;
        if (seed & 24 == 0) (value, notePartial) = (1, EpochBuilder.P - (seed >> 7) % 2);
        value %= 1 << 121;
        bytes memory ciphertext = ciphertextFor(seed);
        if (seed & 96 == 0) ciphertext = bytes.concat(ciphertext, bytes1(0));
        if (seed & 96 == 32) {
            assembly ("memory-safe") {
                mstore(ciphertext, mod(shr(7, seed), 93))
            }
        }
        bool valid = (asset == 1 || asset == 2) && value != 0 && value < 1 << 120;
        valid = valid && notePartial < EpochBuilder.P && ciphertext.length == 93;
        bool accepted = _accepts(asset, value, notePartial, ciphertext);
        assertTrue(accepted == valid, "accepts just the valid ones");
        if (!accepted) {
            assertEq(queue.length(), 0, "nothing queued");
            return;
        }
        Epoch memory epoch = emptyEpoch(4);
        epoch.lanes[0] = depositLane(notePartial, asset, value);
        epoch.lanes[0].kind = kind % 6;
        epoch.header[5] = 1;
        bytes32[] memory tails = one(tailOf(user, ciphertext));
        if (epoch.lanes[0].kind == 2) {
            settle(epoch, tails);
        } else {
            vm.prank(proposer, proposer);
            (bool taken,) = address(rollup).call(abi.encodeCall(rollup.commit, (inputFor(epoch, tails))));
            assertFalse(taken, "another kind took the item");
        }
    }

    function _accepts(uint256 asset, uint128 value, uint256 notePartial, bytes memory ciphertext)
        private
        returns (bool accepted)
    {
        vm.deal(user, value);
        usd.mint(user, value);
        vm.startPrank(user);
        usd.approve(address(bridge), value);
        bytes memory call = asset == 1
            ? abi.encodeCall(bridge.depositETH, (notePartial, ciphertext))
            : abi.encodeCall(bridge.deposit, (AssetId.wrap(uint64(asset)), value, notePartial, ciphertext));
        (accepted,) = address(bridge).call{value: asset == 1 ? value : 0}(call);
        vm.stopPrank();
    }

    function _permit(uint256 value) private returns (PermitSignature memory signature) {
        usd.mint(vm.addr(KEY), value);
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        signature.deadline = type(uint256).max;
        bytes32 message = keccak256(abi.encode(typeHash, vm.addr(KEY), address(bridge), value, 0, signature.deadline));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", usd.DOMAIN_SEPARATOR(), message));
        (signature.v, signature.r, signature.s) = vm.sign(KEY, digest);
    }
}
