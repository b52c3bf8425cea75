// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {BLOB_MODE, CALLDATA_MODE} from "../../../contracts/interfaces/IEpochVerifier.sol";
import {DirectVerifier} from "../../../contracts/verification/DirectVerifier.sol";

/// @title Keys whose secrets are small known numbers, so that tests can make proofs of anything
/// @dev Made with py_ecc. alpha 3, beta 5, gamma 1, delta 7 (transfer) and 11 (rollup); transfer IC 13, 17; rollup IC 19, 23, 29,
/// 31, 37, 41, 43; each times the generator.
contract ToyVerifier is DirectVerifier {
    constructor(bytes32 transferPhase1, bytes32 rollupPhase1, bool local)
        DirectVerifier(transferPhase1, rollupPhase1, local)
    {}

    function laneCount() external pure returns (uint256) {
        return 16;
    }

    function dataMode() external pure virtual returns (uint8) {
        return CALLDATA_MODE;
    }

    function circuitHashes() external pure returns (bytes32, bytes32) {
        return (bytes32(uint256(1)), bytes32(uint256(2)));
    }

    function _sharedKey() internal pure override returns (uint256[10] memory) {
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
            0x1d9befcd05a5323e6da4d435f3b617cdb3af83285c2df711ef39c01571827f9d
        ];
    }

    function _transferKey() internal pure override returns (uint256[8] memory) {
        return [
            0x2903ba015a9abde26a5d081e84551e63be0fd4516e46ee6d593edeba46362455,
            0x224bdc5d4327fcf8ed702e01de1c2f1657a253ba75e32a89c390142aaa28b308,
            0x2c9b96a53a7ec14e3d619656a73b0d8c274aabefa38ad2df81336d58d5471c6f,
            0x12d14e7db70b5011c98392439e03dde1c34fea829e48eab50dfea4119768da08,
            0x05e86f8cc8a7a4f10f56093465679f17f8b8c3fdb41469e408b529e030f52f3f,
            0x2857bd14bbc09767bed8e913d3ccb42b2bc8738f715417dd6f020725d22bcd90,
            0x1c6a451060210f3baad93fe1631753751da9857edae0468e8e4bee7dd33cfb2c,
            0x2331a64aa86c50d2d1e0237893ef7744a77228881ce73fcc2ad555a37d4ab405
        ];
    }

    function _rollupKey() internal pure override returns (uint256[18] memory) {
        return [
            0x228b515a17f28b89920873207477f8c7fc05582debaf3184febf1cfdedc5ce88,
            0x12bb1156a9f6b360fcb2614e15d8a3ff07f2c699dc69ca830b20d2df91fe9cd3,
            0x054e72103b67bcc420bef7dac1a30fdd2cf2bead0be48dc042c901464a776db5,
            0x2dbf50fc91df591b8880468421c7ef2e41aab1e0f082cbe337401ac423ab02b3,
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
            0x0073fc5dc2c193dccf5ad9592a351981cfaa6a3ad9cea2027fb2c21d6f361eeb
        ];
    }
}

/// @title Likewise for epochs with their data words in a blob
contract ToyBlobVerifier is ToyVerifier {
    constructor() ToyVerifier(0, 0, true) {}

    function dataMode() external pure override returns (uint8) {
        return BLOB_MODE;
    }
}

/// @title Points of G2 for proofs: the generator, its double, and a point of the curve outside the subgroup
library ToyPoints {
    function generator() internal pure returns (uint256[4] memory) {
        return [
            0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2,
            0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed,
            0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b,
            0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa
        ];
    }

    function doubled() internal pure returns (uint256[4] memory) {
        return [
            0x203e205db4f19b37b60121b83a7333706db86431c6d835849957ed8c3928ad79,
            0x27dc7234fd11d3e8c36c59277c3e6f149d5cd3cfa9a62aee49f8130962b4b3b9,
            0x195e8aa5b7827463722b8c153931579d3505566b4edf48d498e185f0509de152,
            0x04bb53b8977e5f92a0bc372742c4830944a59b4fe6b1c0466e2a6dad122b5d2e
        ];
    }

    function outsideSubgroup() internal pure returns (uint256[4] memory) {
        return [
            0x0000000000000000000000000000000000000000000000000000000000000000,
            0x0000000000000000000000000000000000000000000000000000000000000001,
            0x0d1271953ed9ea0836846e70a1934187998c7f790cb4d7511b7f8da82de048a4,
            0x2869111d5381f072f8e2728fdb825a51aadd70e52c9830e9ab4b871c0531f1bb
        ];
    }
}

/// @title Proofs under the keys of ToyVerifier
library ToyProofs {
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    function client(uint256 seed, uint256 h) internal view returns (bytes memory) {
        return proof(uint256(keccak256(abi.encode(seed, h))) % P, 1 + seed % 2, clientSum(h), 7, 0);
    }

    function rollup(uint256 seed, uint256[6] memory inputs) internal view returns (bytes memory) {
        return proof(uint256(keccak256(abi.encode(seed))) % P, 1 + seed % 2, rollupSum(inputs), 11, 0);
    }

    /// @dev Discrete logarithm of the transfer circuit's public inputs' point.
    function clientSum(uint256 h) internal pure returns (uint256) {
        return addmod(13, mulmod(17, h, P), P);
    }

    /// @dev Likewise for the rollup circuit.
    function rollupSum(uint256[6] memory inputs) internal pure returns (uint256 sum) {
        uint8[6] memory ic = [23, 29, 31, 37, 41, 43];
        sum = 19;
        for (uint256 i = 0; i < 6; i++) {
            sum = addmod(sum, mulmod(ic[i], inputs[i], P), P);
        }
    }

    /// @dev A = a G1, B = b G2 (b is 1 or 2); C solves a b = alpha beta + inputSum + c delta, and is then off by `mistake`.
    function proof(uint256 a, uint256 b, uint256 inputSum, uint256 delta, uint256 mistake)
        internal
        view
        returns (bytes memory)
    {
        uint256 c = addmod(mulmod(a, b, P), P - addmod(15, inputSum, P), P);
        c = addmod(mulmod(c, _inverse(delta), P), mistake, P);
        uint256[4] memory g2 = b == 1 ? ToyPoints.generator() : ToyPoints.doubled();
        return bytes.concat(_times(a), abi.encode(g2), _times(c));
    }

    function _times(uint256 scalar) private view returns (bytes memory) {
        (, bytes memory point) = address(7).staticcall(abi.encode(1, 2, scalar));
        return point;
    }

    function _inverse(uint256 x) private view returns (uint256) {
        (, bytes memory result) = address(5).staticcall(abi.encode(32, 32, 32, x, P - 2, P));
        return abi.decode(result, (uint256));
    }
}
