// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Exit} from "../../contracts/core/Exit.sol";
import {IBridge} from "../../contracts/interfaces/IBridge.sol";
import {IEpochVerifier} from "../../contracts/interfaces/IEpochVerifier.sol";
import {ExitRequest, IExit} from "../../contracts/interfaces/IExit.sol";
import {IExitVerifier} from "../../contracts/interfaces/IExitVerifier.sol";
import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {AssetId, ETH} from "../../contracts/types/AssetId.sol";
import {EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {EpochBuilder, Lane} from "./support/EpochBuilder.sol";
import {Forcing} from "./support/Forcing.sol";
import {BlacklistingToken} from "./support/OddTokens.sol";
import {GasBurner, MoodyReceiver, ReentrantReceiver, ReturnBomb} from "./support/Receivers.sol";

/// @title Notes that leave a frozen rollup
contract ExitTest is Forcing {
    AssetId private constant ODD = AssetId.wrap(3);

    BlacklistingToken private odd;
    EpochRecord private last;
    address private alice = address(0xa1);
    address private executor = address(0xe0);

    function setUp() public {
        deploy();
        odd = new BlacklistingToken();
        vm.prank(owner);
        bridge.listAsset(ODD, address(odd), type(uint128).max);
        odd.mint(address(this), 1e6);
        odd.approve(address(bridge), 1e6);
        (Lane[] memory lanes, bytes32[] memory tails) = (new Lane[](3), new bytes32[](3));
        (lanes[0], tails[0]) = depositWei(address(0xd0), 100 ether, 0);
        (lanes[1], tails[1]) = depositUsd(address(0xd0), 1e9, 1);
        bridge.deposit(ODD, 1e6, 2, ciphertextFor(2));
        (lanes[2], tails[2]) = (depositLane(2, 3, 1e6), tailOf(address(this), ciphertextFor(2)));
        last = settle(epochOf(lanes, 4), tails);
    }

    function test_PaysRecipientAndExecutor() public {
        freezeByAge();
        ExitRequest memory request = _request(1, ETH, 5 ether, alice, 1 ether);
        bytes memory proof = _proof(request);
        vm.expectEmit(true, true, true, true, address(way));
        emit IExit.Exited(request.nullifier, alice, 1, 5 ether, executor, 1 ether);
        vm.prank(address(0xdead));
        way.exit(last, request, proof);
        assertEq(alice.balance, 4 ether, "recipient");
        assertEq(executor.balance, 1 ether, "executor");
        assertTrue(way.hasExited(request.nullifier), "marked");
        (uint256 liabilities,,) = bridge.assets(ETH);
        assertEq(liabilities, 95 ether + 1, "liabilities");
        vm.expectRevert(abi.encodeWithSelector(IExit.AlreadyExited.selector, request.nullifier));
        way.exit(last, request, proof);
        request = _request(2, USD, 7e6, alice, 0);
        request.executor = address(0);
        way.exit(last, request, _proof(request));
        assertEq(usd.balanceOf(alice), 7e6, "token");
        request = _request(3, USD, 9, alice, 9);
        way.exit(last, request, _proof(request));
        assertEq(usd.balanceOf(executor), 9, "the fee may be all there is");
    }

    /// @dev The same note to another recipient is the same note.
    function test_ANoteLeavesOnce() public {
        freezeByAge();
        ExitRequest memory request = _request(1, ETH, 5 ether, alice, 0);
        way.exit(last, request, _proof(request));
        request.recipient = address(0xa2);
        bytes memory proof = _proof(request);
        vm.expectRevert(abi.encodeWithSelector(IExit.AlreadyExited.selector, request.nullifier));
        way.exit(last, request, proof);
        ExitRequest[] memory twice = new ExitRequest[](2);
        twice[0] = _request(7, ETH, 1 ether, alice, 0);
        twice[1] = _request(7, ETH, 1 ether, address(0xa2), 0);
        bool[] memory paid = way.exitMany(last, twice, bytes.concat(_proof(twice[0]), _proof(twice[1])));
        assertTrue(paid[0] && !paid[1], "once in a call");
        assertEq(address(0xa2).balance, 0, "nothing more");
    }

    function test_OnlyTheFinalStateCounts() public {
        ExitRequest memory request = _request(1, ETH, 5, alice, 0);
        bytes memory proof = _proof(request);
        vm.expectRevert(abi.encodeWithSelector(IExit.NotFinal.selector, hashOf(last)));
        way.exit(last, request, proof);
        EpochRecord memory pending = commitEpoch(emptyEpoch(4));
        freezeByAge();
        EpochRecord[4] memory others = [recordOf[0], pending, last, last];
        others[2] = abi.decode(abi.encode(last), (EpochRecord));
        others[2].newState += 1;
        others[3] = abi.decode(abi.encode(last), (EpochRecord));
        others[3].withdrawalRoot = bytes32(uint256(1));
        for (uint256 i = 0; i < 4; i++) {
            vm.expectRevert(abi.encodeWithSelector(IExit.NotFinal.selector, hashOf(others[i])));
            way.exit(others[i], request, proof);
        }
        way.exit(last, request, proof);
    }

    function test_RefusesWordsOutOfRange() public {
        freezeByAge();
        for (uint256 change = 0; change < 8; change++) {
            ExitRequest memory r = _request(1, ETH, 5, alice, 1);
            bytes memory reason = abi.encodeWithSelector(IExit.NonCanonicalField.selector);
            if (change == 0) r.nullifier = EpochBuilder.P;
            if (change == 1) r.nullifier += EpochBuilder.P;
            if (change == 2) (r.value, reason) = (0, abi.encodeWithSelector(IExit.ZeroValue.selector));
            if (change == 3) {
                (r.value, reason) = (1 << 120, abi.encodeWithSelector(IExit.ValueTooLarge.selector, 1 << 120));
            }
            if (change == 4) {
                (r.recipient, reason) = (address(0), abi.encodeWithSelector(IExit.BadRecipient.selector));
            }
            if (change == 5) (r.fee, reason) = (6, abi.encodeWithSelector(IExit.FeeInvalid.selector, 6, 5));
            if (change == 6) {
                (r.executor, reason) = (address(0), abi.encodeWithSelector(IExit.FeeInvalid.selector, 1, 5));
            }
            if (change == 7) {
                (r.value, r.fee) = (type(uint128).max, type(uint128).max);
                reason = abi.encodeWithSelector(IExit.ValueTooLarge.selector, type(uint128).max);
            }
            bytes memory proof = _proof(r);
            vm.expectRevert(reason);
            way.exit(last, r, proof);
            ExitRequest[] memory list = new ExitRequest[](1);
            list[0] = r;
            vm.expectRevert(reason);
            way.exitMany(last, list, proof);
        }
    }

    function test_ProofsBindEveryWord() public {
        freezeByAge();
        bytes memory proof = _proof(_request(1, ETH, 5, alice, 1));
        for (uint256 change = 0; change < 6; change++) {
            ExitRequest memory r = _request(1, ETH, 5, alice, 1);
            if (change == 0) r.nullifier += 1;
            if (change == 1) r.asset = USD;
            if (change == 2) r.value = 6;
            if (change == 3) r.recipient = address(this);
            if (change == 4) r.executor = address(this);
            if (change == 5) r.fee = 0;
            vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
            way.exit(last, r, proof);
        }
        vm.chainId(5);
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        way.exit(last, _request(1, ETH, 5, alice, 1), proof);
    }

    function test_ManyDoNotBlockEachOther() public {
        freezeByAge();
        address[6] memory recipients = [
            address(new MoodyReceiver()),
            alice,
            address(new GasBurner()),
            address(new ReturnBomb()),
            address(0xbad),
            address(0xa2)
        ];
        odd.setBlacklisted(address(0xbad), true);
        ExitRequest[] memory requests = new ExitRequest[](6);
        bytes memory proofs;
        for (uint256 i = 0; i < 6; i++) {
            requests[i] = _request(i, i == 4 ? ODD : ETH, uint128(10 + i), recipients[i], 1);
            proofs = bytes.concat(proofs, _proof(requests[i]));
        }
        // Somebody else has submitted one of them already.
        way.exit(last, requests[1], _proof(requests[1]));
        bool[] memory paid = way.exitMany{gas: 3_000_000}(last, requests, proofs);
        for (uint256 i = 0; i < 5; i++) {
            assertFalse(paid[i], "these fail");
            assertTrue(way.hasExited(requests[i].nullifier) == (i == 1), "and stay open");
        }
        assertTrue(paid[5], "this one is paid");
        assertEq(address(0xa2).balance, 14, "recipient");
        assertEq(executor.balance, 2, "executor of those that were paid");
        MoodyReceiver(payable(recipients[0])).setWilling(true);
        way.exit(last, requests[0], _proof(requests[0]));
        assertEq(recipients[0].balance, 9, "later");
    }

    function test_OneFalseProofRefusesAll() public {
        freezeByAge();
        ExitRequest[] memory requests = new ExitRequest[](2);
        (requests[0], requests[1]) = (_request(1, ETH, 5, alice, 0), _request(2, ETH, 5, alice, 0));
        bytes memory proofs = bytes.concat(_proof(requests[0]), _proof(requests[0]));
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        way.exitMany(last, requests, proofs);
        vm.expectRevert(abi.encodeWithSelector(IEpochVerifier.WrongProofLength.selector, 512, 256));
        way.exitMany(last, requests, new bytes(256));
        vm.expectRevert(IExit.NothingRequested.selector);
        way.exitMany(last, new ExitRequest[](0), "");
    }

    /// @dev A single exit whose payment fails reverts and leaves no trace.
    function test_FailedPaymentsStayOpen() public {
        freezeByAge();
        MoodyReceiver receiver = new MoodyReceiver();
        ExitRequest memory request = _request(1, ETH, 5, address(receiver), 1);
        bytes memory proof = _proof(request);
        vm.expectRevert(abi.encodeWithSelector(IBridge.PaymentFailed.selector, address(receiver), 4));
        way.exit(last, request, proof);
        // Half a payment is none: an executor that refuses reverts the recipient's part too.
        request = _request(1, ETH, 5, alice, 1);
        request.executor = address(receiver);
        proof = _proof(request);
        vm.expectRevert(abi.encodeWithSelector(IBridge.PaymentFailed.selector, address(receiver), 1));
        way.exit(last, request, proof);
        assertEq(alice.balance, 0, "nothing");
        receiver.setWilling(true);
        way.exit(last, request, proof);
        assertEq(alice.balance, 4, "all");
    }

    /// @dev While one note is paid, its recipient can neither have another paid nor the same again.
    function test_RecipientsCannotReenter() public {
        freezeByAge();
        ReentrantReceiver receiver = new ReentrantReceiver();
        ExitRequest[] memory requests = new ExitRequest[](2);
        requests[0] = _request(1, ETH, 5, address(receiver), 0);
        requests[1] = _request(2, ETH, 6, address(receiver), 0);
        bytes memory proofs = bytes.concat(_proof(requests[0]), _proof(requests[1]));
        receiver.setCall(address(way), abi.encodeCall(way.exit, (last, requests[1], _proof(requests[1]))));
        way.exit(last, requests[0], _proof(requests[0]));
        assertFalse(receiver.reentered(), "another one");
        assertEq(address(receiver).balance, 5, "once");

        requests[0] = _request(3, ETH, 7, address(receiver), 0);
        proofs = bytes.concat(_proof(requests[0]), _proof(requests[1]));
        receiver.setCall(address(way), abi.encodeCall(way.exitMany, (last, requests, proofs)));
        bool[] memory paid = way.exitMany(last, requests, proofs);
        assertTrue(paid[0] && paid[1], "paid");
        assertEq(address(receiver).balance, 18, "each once");
        assertTrue(way.hasExited(requests[0].nullifier) && way.hasExited(requests[1].nullifier), "marked");
    }

    function test_NothingBeyondTheLiabilitiesLeaves() public {
        freezeByAge();
        vm.deal(address(bridge), 200 ether);
        ExitRequest memory request = _request(1, ETH, 101 ether, alice, 0);
        bytes memory proof = _proof(request);
        vm.expectPartialRevert(IBridge.VaultBelowLiabilities.selector);
        way.exit(last, request, proof);
        request = _request(1, AssetId.wrap(9), 0, alice, 0);
        request.value = 1;
        proof = _proof(request);
        vm.expectPartialRevert(IBridge.VaultBelowLiabilities.selector);
        way.exit(last, request, proof);
    }

    function test_OnlyTheExitContractPays() public {
        vm.expectRevert(abi.encodeWithSelector(IBridge.OnlyExit.selector, address(this)));
        bridge.payExit(ETH, alice, 1, alice, 0);
    }

    function test_ConstructorChecksItsBridge() public {
        vm.expectRevert(IExit.WiringMismatch.selector);
        new Exit(rollup, bridge, IExitVerifier(address(0)));
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.mockCall(address(bridge), abi.encodeCall(bridge.exit, ()), abi.encode(next));
        vm.expectRevert(IExit.WiringMismatch.selector);
        new Exit(IRollup(address(this)), bridge, IExitVerifier(address(0)));
    }

    function _request(uint256 seed, AssetId asset, uint128 value, address recipient, uint128 fee)
        private
        view
        returns (ExitRequest memory)
    {
        uint256 nullifier = uint256(keccak256(abi.encode(seed, "nullifier"))) % EpochBuilder.P;
        return ExitRequest(nullifier, asset, value, recipient, executor, fee);
    }

    /// @dev Proof that the stub accepts for exactly these words, computed by the text of docs/spec/13-exit.md.
    function _proof(ExitRequest memory r) private view returns (bytes memory) {
        uint256[7] memory inputs = [
            rollup.domain(),
            last.newState,
            r.nullifier,
            uint256(AssetId.unwrap(r.asset)) * 2 ** 120 + r.value,
            uint160(r.recipient),
            uint160(r.executor),
            r.fee
        ];
        return bytes.concat(keccak256(abi.encode(inputs)), new bytes(224));
    }
}
