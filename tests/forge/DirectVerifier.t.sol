// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IEpochVerifier} from "../../contracts/interfaces/IEpochVerifier.sol";
import {Assertions} from "./support/Assertions.sol";
import {ToyPoints, ToyProofs, ToyVerifier} from "./support/ToyVerifier.sol";

contract DirectVerifierTest is Assertions {
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 private constant Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;

    /// Plenty for three proofs; refused points burn what they are given.
    uint256 private constant GAS = 2_000_000;

    ToyVerifier private verifier;

    function setUp() public {
        verifier = new ToyVerifier(0, 0, true);
    }

    function testFuzz_AcceptsTrueProofs(uint256 seed) public view {
        uint256 n = seed % 5;
        (uint256[] memory h, bytes memory proofs) = _clients(seed, n);
        (uint256[6] memory inputs, bytes memory proof) = _rollup(seed);
        verifier.verifyEpoch(inputs, h, proofs, proof);
        verifier.verifyRollup(inputs, proof);
        if (n != 0) verifier.verifyClients(h, proofs);
    }

    function test_AcceptsInputsThatAreZero() public view {
        uint256[6] memory inputs;
        verifier.verifyRollup(inputs, ToyProofs.proof(5, 1, ToyProofs.rollupSum(inputs), 11, 0));
    }

    function testFuzz_RefusesAnyChangedByte(uint256 seed, uint256 place) public {
        (uint256[] memory h, bytes memory proofs) = _clients(seed, 2);
        (uint256[6] memory inputs, bytes memory proof) = _rollup(seed);
        place = place % 768;
        bytes memory changed = place < 512 ? proofs : proof;
        changed[place % (place < 512 ? 512 : 256)] ^= bytes1(uint8(1 << (seed % 8)));
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        verifier.verifyEpoch{gas: GAS}(inputs, h, proofs, proof);
    }

    function testFuzz_RefusesAnyChangedInput(uint256 seed, uint256 place) public {
        (uint256[] memory h, bytes memory proofs) = _clients(seed, 2);
        (uint256[6] memory inputs, bytes memory proof) = _rollup(seed);
        place = place % 8;
        if (place < 2) h[place] = addmod(h[place], 1, P);
        else inputs[place - 2] = addmod(inputs[place - 2], 1, P);
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        verifier.verifyEpoch(inputs, h, proofs, proof);
    }

    function test_RefusesSwappedInputs() public {
        (uint256[] memory h, bytes memory proofs) = _clients(9, 2);
        (h[0], h[1]) = (h[1], h[0]);
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        verifier.verifyClients(h, proofs);
    }

    function test_RefusesInputsAboveModulus() public {
        (uint256[] memory h, bytes memory proofs) = _clients(9, 2);
        (uint256[6] memory inputs, bytes memory proof) = _rollup(9);
        for (uint256 i = 0; i < 6; i++) {
            inputs[i] += P;
            vm.expectRevert(IEpochVerifier.NonCanonicalField.selector);
            verifier.verifyEpoch(inputs, h, proofs, proof);
            vm.expectRevert(IEpochVerifier.NonCanonicalField.selector);
            verifier.verifyRollup(inputs, proof);
            inputs[i] -= P;
        }
        for (uint256 i = 0; i < 2; i++) {
            h[i] += P;
            vm.expectRevert(IEpochVerifier.NonCanonicalField.selector);
            verifier.verifyEpoch(inputs, h, proofs, proof);
            vm.expectRevert(IEpochVerifier.NonCanonicalField.selector);
            verifier.verifyClients(h, proofs);
            h[i] -= P;
        }
    }

    /// @dev Two false proofs whose errors cancel when they are added with equal coefficients.
    function test_RefusesCancellingErrors() public {
        (uint256[] memory h,) = _clients(9, 2);
        bytes memory proofs = bytes.concat(
            ToyProofs.proof(100, 1, ToyProofs.clientSum(h[0]), 7, 50),
            ToyProofs.proof(200, 1, ToyProofs.clientSum(h[1]), 7, P - 50)
        );
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        verifier.verifyClients(h, proofs);
        (uint256[6] memory inputs, bytes memory proof) = _rollup(9);
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        verifier.verifyEpoch(inputs, h, proofs, proof);
        // The rollup proof's coefficient is 1; a client's error must not cancel against it either.
        uint256[] memory single = new uint256[](1);
        single[0] = h[0];
        bytes memory client = ToyProofs.proof(100, 1, ToyProofs.clientSum(h[0]), 7, 11 * 9);
        proof = ToyProofs.proof(5, 1, ToyProofs.rollupSum(inputs), 11, P - 7 * 9);
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        verifier.verifyEpoch(inputs, single, client, proof);
    }

    function test_RefusesNegatedPoints() public {
        (uint256[] memory h, bytes memory proofs) = _clients(9, 1);
        bytes memory negated = bytes.concat(proofs);
        _set(negated, 1, Q - _word(proofs, 1));
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        verifier.verifyClients(h, negated);
        // Both A and B negated is another true proof: proof bytes are no identity.
        _set(negated, 4, Q - _word(proofs, 4));
        _set(negated, 5, Q - _word(proofs, 5));
        verifier.verifyClients(h, negated);
    }

    function test_RefusesPointsThatAreNone() public {
        (uint256[] memory h, bytes memory proofs) = _clients(9, 2);
        (uint256[6] memory inputs, bytes memory proof) = _rollup(9);
        uint256[4] memory outside = ToyPoints.outsideSubgroup();
        for (uint256 kind = 0; kind < 6; kind++) {
            for (uint256 target = 0; target < 2; target++) {
                bytes memory bad = bytes.concat(target == 0 ? proofs : proof);
                if (kind == 0) {
                    _set(bad, 0, 0);
                    _set(bad, 1, 0);
                }
                if (kind == 1) {
                    for (uint256 i = 2; i < 6; i++) {
                        _set(bad, i, 0);
                    }
                }
                if (kind == 2) {
                    _set(bad, 6, 0);
                    _set(bad, 7, 0);
                }
                if (kind == 3) _set(bad, 0, _word(bad, 0) + Q);
                if (kind == 4) {
                    _set(bad, 0, 1);
                    _set(bad, 1, 1);
                }
                if (kind == 5) {
                    for (uint256 i = 0; i < 4; i++) {
                        _set(bad, 2 + i, outside[i]);
                    }
                }
                vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
                verifier.verifyEpoch{gas: GAS}(inputs, h, target == 0 ? bad : proofs, target == 0 ? proof : bad);
                vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
                if (target == 0) verifier.verifyClients{gas: GAS}(h, bad);
                else verifier.verifyRollup{gas: GAS}(inputs, bad);
            }
        }
    }

    function test_RefusesWrongLengths() public {
        (uint256[] memory h, bytes memory proofs) = _clients(9, 2);
        (uint256[6] memory inputs, bytes memory proof) = _rollup(9);
        bytes memory longer = bytes.concat(proofs, hex"00");
        vm.expectRevert(abi.encodeWithSelector(IEpochVerifier.WrongProofLength.selector, 512, 513));
        verifier.verifyClients(h, longer);
        vm.expectRevert(abi.encodeWithSelector(IEpochVerifier.WrongProofLength.selector, 512, 256));
        verifier.verifyEpoch(inputs, h, proof, proof);
        vm.expectRevert(abi.encodeWithSelector(IEpochVerifier.WrongProofLength.selector, 256, 512));
        verifier.verifyEpoch(inputs, h, proofs, proofs);
        vm.expectRevert(abi.encodeWithSelector(IEpochVerifier.WrongProofLength.selector, 256, 0));
        verifier.verifyRollup(inputs, "");
    }

    /// @dev A proof that a precompile refuses must leave the caller gas to go on with.
    function test_FailingPrecompileLeavesGas() public view {
        (uint256[] memory h, bytes memory proofs) = _clients(9, 2);
        _set(proofs, 0, 1);
        _set(proofs, 1, 1);
        uint256 before = gasleft();
        try verifier.verifyClients{gas: 8_000_000}(h, proofs) {
            revert NotTrue("accepted");
        } catch {}
        assertAtMost(before - gasleft(), 1_200_000, "an eighth and what led to it");
    }

    /// @dev Too little gas reverts and never passes for true.
    function testFuzz_OutOfGasReverts(uint256 gasLimit) public view {
        (uint256[] memory h, bytes memory proofs) = _clients(9, 1);
        gasLimit = bound(gasLimit, 1_000, 150_000);
        try verifier.verifyClients{gas: gasLimit}(h, proofs) {
            revert NotTrue("accepted without gas for the pairing");
        } catch {}
    }

    function test_LocalKeysStayOnLocalChains() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(IEpochVerifier.LocalKeysOnPublicChain.selector, 1));
        new ToyVerifier(0, 0, true);
        new ToyVerifier(0, 0, false);
        vm.chainId(1337);
        new ToyVerifier(0, 0, true);
    }

    function test_KeysShareASetup() public {
        vm.expectRevert(IEpochVerifier.KeysOfDifferentSetups.selector);
        new ToyVerifier(0, bytes32(uint256(1)), true);
    }

    function _clients(uint256 seed, uint256 n) private view returns (uint256[] memory h, bytes memory proofs) {
        h = new uint256[](n);
        for (uint256 i = 0; i < n; i++) {
            h[i] = uint256(keccak256(abi.encode(seed, i))) % P;
            uint256 a = uint256(keccak256(abi.encode(seed, i, "a"))) % P;
            proofs = bytes.concat(proofs, ToyProofs.proof(a, 1 + i % 2, ToyProofs.clientSum(h[i]), 7, 0));
        }
    }

    function _rollup(uint256 seed) private view returns (uint256[6] memory inputs, bytes memory proof) {
        for (uint256 i = 0; i < 6; i++) {
            if (i != 3 && i != 4) inputs[i] = uint256(keccak256(abi.encode(seed, "input", i))) % P;
        }
        uint256 a = uint256(keccak256(abi.encode(seed, "rollup a"))) % P;
        proof = ToyProofs.proof(a, 2, ToyProofs.rollupSum(inputs), 11, 0);
    }

    function _word(bytes memory data, uint256 index) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), mul(index, 0x20)))
        }
    }

    function _set(bytes memory data, uint256 index, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 0x20), mul(index, 0x20)), word)
        }
    }
}
