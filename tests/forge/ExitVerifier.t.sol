// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IEpochVerifier} from "../../contracts/interfaces/IEpochVerifier.sol";
import {Assertions} from "./support/Assertions.sol";
import {ToyExitProofs, ToyExitVerifier} from "./support/ToyExitVerifier.sol";
import {ToyPoints} from "./support/ToyVerifier.sol";

contract ExitVerifierTest is Assertions {
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 private constant Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;

    /// Plenty for three proofs; refused points burn what they are given.
    uint256 private constant GAS = 2_000_000;

    ToyExitVerifier private verifier;

    function setUp() public {
        verifier = new ToyExitVerifier(0, 0, true);
    }

    function testFuzz_AcceptsTrueProofs(uint256 seed) public view {
        (uint256[7][] memory inputs, bytes memory proofs) = _exits(seed, 1 + seed % 4);
        verifier.verifyExits(inputs, proofs);
    }

    function test_AcceptsInputsThatAreZero() public view {
        uint256[7][] memory inputs = new uint256[7][](1);
        verifier.verifyExits(inputs, ToyExitProofs.proof(5, inputs[0], 0));
    }

    function testFuzz_RefusesAnyChangedByte(uint256 seed, uint256 place) public {
        (uint256[7][] memory inputs, bytes memory proofs) = _exits(seed, 1 + seed % 3);
        proofs[place % proofs.length] ^= bytes1(uint8(1 << (seed % 8)));
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        verifier.verifyExits{gas: GAS}(inputs, proofs);
    }

    function testFuzz_RefusesAnyChangedInput(uint256 seed, uint256 place) public {
        (uint256[7][] memory inputs, bytes memory proofs) = _exits(seed, 1 + seed % 3);
        place = place % (7 * inputs.length);
        inputs[place / 7][place % 7] = addmod(inputs[place / 7][place % 7], 1, P);
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        verifier.verifyExits(inputs, proofs);
    }

    function test_RefusesInputsAboveModulus() public {
        (uint256[7][] memory inputs, bytes memory proofs) = _exits(9, 2);
        for (uint256 i = 0; i < 14; i++) {
            inputs[i / 7][i % 7] += P;
            vm.expectRevert(IEpochVerifier.NonCanonicalField.selector);
            verifier.verifyExits(inputs, proofs);
            inputs[i / 7][i % 7] -= P;
        }
    }

    /// @dev False proofs whose errors cancel when they are added with equal coefficients, and inputs that were swapped.
    function test_RefusesCancellingErrors() public {
        (uint256[7][] memory inputs,) = _exits(9, 2);
        bytes memory proofs =
            bytes.concat(ToyExitProofs.proof(2, inputs[0], 50), ToyExitProofs.proof(4, inputs[1], P - 50));
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        verifier.verifyExits(inputs, proofs);
        (inputs, proofs) = _exits(9, 2);
        (inputs[0], inputs[1]) = (inputs[1], inputs[0]);
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        verifier.verifyExits(inputs, proofs);
        (inputs, proofs) = _exits(9, 2);
        (inputs[0][2], inputs[1][2]) = (inputs[1][2], inputs[0][2]);
        vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
        verifier.verifyExits(inputs, proofs);
    }

    function test_RefusesPointsThatAreNone() public {
        (uint256[7][] memory inputs, bytes memory proofs) = _exits(9, 2);
        uint256[4] memory outside = ToyPoints.outsideSubgroup();
        for (uint256 target = 0; target < 2; target++) {
            for (uint256 kind = 0; kind < 6; kind++) {
                bytes memory bad = bytes.concat(proofs);
                uint256 start = 8 * target;
                if (kind == 0) _set(bad, start, 0, 2);
                if (kind == 1) _set(bad, start + 2, 0, 4);
                if (kind == 2) _set(bad, start + 6, 0, 2);
                if (kind == 3) _set(bad, start, _word(bad, start) + Q, 1);
                if (kind == 4) _set(bad, start, 1, 2);
                for (uint256 i = 0; kind == 5 && i < 4; i++) {
                    _set(bad, start + 2 + i, outside[i], 1);
                }
                vm.expectRevert(IEpochVerifier.ProofInvalid.selector);
                verifier.verifyExits{gas: GAS}(inputs, bad);
            }
        }
    }

    function test_RefusesWrongLengths() public {
        (uint256[7][] memory inputs, bytes memory proofs) = _exits(9, 2);
        bytes memory longer = bytes.concat(proofs, hex"00");
        vm.expectRevert(abi.encodeWithSelector(IEpochVerifier.WrongProofLength.selector, 512, 513));
        verifier.verifyExits(inputs, longer);
        vm.expectRevert(abi.encodeWithSelector(IEpochVerifier.WrongProofLength.selector, 512, 0));
        verifier.verifyExits(inputs, "");
        vm.expectRevert(abi.encodeWithSelector(IEpochVerifier.WrongProofLength.selector, 0, 0));
        verifier.verifyExits(new uint256[7][](0), "");
    }

    /// @dev Too little gas reverts and never passes for true.
    function testFuzz_OutOfGasReverts(uint256 gasLimit) public view {
        (uint256[7][] memory inputs, bytes memory proofs) = _exits(9, 1);
        gasLimit = bound(gasLimit, 1_000, 180_000);
        try verifier.verifyExits{gas: gasLimit}(inputs, proofs) {
            revert NotTrue("accepted without gas for the pairing");
        } catch {}
    }

    function test_LocalKeysStayOnLocalChains() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(IEpochVerifier.LocalKeysOnPublicChain.selector, 1));
        new ToyExitVerifier(0, 0, true);
        new ToyExitVerifier(0, 0, false);
        vm.chainId(1337);
        new ToyExitVerifier(0, 0, true);
    }

    function test_KeysShareASetup() public {
        vm.expectRevert(IEpochVerifier.KeysOfDifferentSetups.selector);
        new ToyExitVerifier(0, bytes32(uint256(1)), true);
    }

    function _exits(uint256 seed, uint256 n) private view returns (uint256[7][] memory inputs, bytes memory proofs) {
        inputs = new uint256[7][](n);
        for (uint256 i = 0; i < n; i++) {
            for (uint256 j = 0; j < 7; j++) {
                inputs[i][j] = uint256(keccak256(abi.encode(seed, i, j))) % P;
            }
            proofs = bytes.concat(proofs, ToyExitProofs.proof(seed % 1000 + i, inputs[i], 0));
        }
    }

    function _word(bytes memory data, uint256 index) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), shl(5, index)))
        }
    }

    function _set(bytes memory data, uint256 index, uint256 word, uint256 count) private pure {
        for (uint256 i = index; i < index + count; i++) {
            assembly ("memory-safe") {
                mstore(add(add(data, 0x20), shl(5, i)), word)
            }
        }
    }
}
