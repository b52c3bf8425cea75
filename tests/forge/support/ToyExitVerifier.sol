// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {ExitBatch} from "../../../contracts/verification/ExitBatch.sol";
import {ToyProofs} from "./ToyVerifier.sol";

/// @title Like ToyVerifier, for exits
/// @dev alpha 3, beta 5, gamma 1, delta 7; IC 19, 23, 29, 31, 37, 41, 43, 13; each times the generator.
contract ToyExitVerifier is ExitBatch {
    constructor(bytes32 exitPhase1, bytes32 transferPhase1, bool local) ExitBatch(exitPhase1, transferPhase1, local) {}

    function circuitHash() external pure returns (bytes32) {
        return bytes32(uint256(3));
    }

    function _key() internal pure override returns (uint256[30] memory) {
        return [
            0x0769bf9ac56bea3ff40232bcb1b6bd159315d84715b8e679f2d355961915abf0,
            0x2ab799bee0489429554fdb7c8d086475319e63b40b9c5b57cdf1ff3dd9fe2261,
            0x0a09ccf561b55fd99d1c1208dee1162457b57ac5af3759d50671e510e428b2a1,
            0x2e539c423b302d13f4e5773c603948eaf5db5df8ae8a9a9113708390a06410d8,
            0x16aceb21a80cf8f2d36188a908b83c41d5ab129284508a356a0c7815bb8035e4,
            0x00d6aed828fa78623e2059b044c9a177ac5e6644991e6fb89ed9b881dd0d9151,
            0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2,
            0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed,
            0x275dc4a288d1afb3cbb1ac09187524c7db36395df7be3b99e673b13a075a65ec,
            0x1d9befcd05a5323e6da4d435f3b617cdb3af83285c2df711ef39c01571827f9d,
            0x2903ba015a9abde26a5d081e84551e63be0fd4516e46ee6d593edeba46362455,
            0x224bdc5d4327fcf8ed702e01de1c2f1657a253ba75e32a89c390142aaa28b308,
            0x2c9b96a53a7ec14e3d619656a73b0d8c274aabefa38ad2df81336d58d5471c6f,
            0x12d14e7db70b5011c98392439e03dde1c34fea829e48eab50dfea4119768da08,
            0x15514de6a136158ef7b2bc22bed59866743bc401edd63ae857d44f4c71edc28d,
            0x095e28f5ba5d73440c0e504b624afabfedb9387320817b62e9168b6868d8952e,
            0x1e28260f0ee971dec1e84cf81ff2776ad314d2cfb9ef81d4c970620c29b811f1,
            0x28fc8a72d4ff12654c3c39dab54eaef9638d28de738959779fcd3e7ac918b396,
            0x1605ffc1ea2e1aef15d774d3207176420c5cc454b19b55558562b0c7ddf00a7d,
            0x0cf605873faa8028df38ec2d0800d5ddc67f1776338d675491fe87f6bb7354b3,
            0x14b4fa251277a6f4cbbfe379a152a976641f58a4a2bffd3b677ea093bdad853c,
            0x28ce094a6d16280abcf8d84efa062c85511819dd87d8da255885ce0580ebee36,
            0x24f253a56d4badbe5f105ae102f14cf23ecb3a3892640ed1edb49c9d9e45d063,
            0x1392ab50e020ade3c6069f16bf09d1ac4ebe686a3063ce392a0ea2b7ec03f6b1,
            0x235658752a7ef475c544c746269813ac4192b73534cc667df0cfa5b4a76589b3,
            0x0106c4ad7d200e59f40aa8d0ae719339319fd3dd3bad23e3d396b46fdc166d18,
            0x234747f9e4dc9fce767bceda070fe9806ce76ebf5f4c01642e77ec9477f7fbfa,
            0x0073fc5dc2c193dccf5ad9592a351981cfaa6a3ad9cea2027fb2c21d6f361eeb,
            0x05e86f8cc8a7a4f10f56093465679f17f8b8c3fdb41469e408b529e030f52f3f,
            0x2857bd14bbc09767bed8e913d3ccb42b2bc8738f715417dd6f020725d22bcd90
        ];
    }
}

/// @title Proofs under the key of ToyExitVerifier
library ToyExitProofs {
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    function proof(uint256 seed, uint256[7] memory inputs, uint256 mistake) internal view returns (bytes memory) {
        uint256 a = uint256(keccak256(abi.encode(seed, inputs))) % P;
        return ToyProofs.proof(a, 1 + seed % 2, inputSum(inputs), 7, mistake);
    }

    /// @dev Discrete logarithm of the public inputs' point.
    function inputSum(uint256[7] memory inputs) internal pure returns (uint256 sum) {
        uint8[7] memory ic = [23, 29, 31, 37, 41, 43, 13];
        sum = 19;
        for (uint256 i = 0; i < 7; i++) {
            sum = addmod(sum, mulmod(ic[i], inputs[i], P), P);
        }
    }
}
