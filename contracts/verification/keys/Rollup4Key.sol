// SPDX-License-Identifier: Apache-2.0
// Generated from a verifying key. Do not edit.
pragma solidity ^0.8.37;

/// @title Verifying key of a Groth16 circuit on BN254
library Rollup4Key {
    bytes32 internal constant CIRCUIT_HASH = 0x68cdf20b717b77416ab9db065a0a375c7c58c7c03b202a03dc6481083d5f8a94;
    bytes32 internal constant PHASE1_ID = 0xfbfe046fa50fc18e7f196388e4d6ed16b3e7c7b6e0e25326838660a108ddd768;
    bool internal constant LOCAL_KEYS = true;
    uint256 internal constant PUBLIC_INPUTS = 6;
    uint256 internal constant ALPHA_X = 0x1667afa5c2fa2b0623b4a3e1ca3ae45528b7059368641faa240f56b5674c8afe;
    uint256 internal constant ALPHA_Y = 0x054879d3a893a38f49bbe41a7fb82ec9aa3d7a94561bbe2e7b5c43ad258f9e7d;
    uint256 internal constant NEG_ALPHA_X = 0x1667afa5c2fa2b0623b4a3e1ca3ae45528b7059368641faa240f56b5674c8afe;
    uint256 internal constant NEG_ALPHA_Y = 0x2b1bd49f389dfc9a6e94619c01c92993ed43effd12560c5ec0c44869b2ed5eca;
    uint256 internal constant BETA_X1 = 0x1165828bcd8cea25002b827064c44a0251d972b185374f51c07fc8a03914e416;
    uint256 internal constant BETA_X0 = 0x23020a665368f3a6592d182ec949b2cbf09a602243618268b0f736fcd67b2adc;
    uint256 internal constant BETA_Y1 = 0x0ba567febdb035e5edc2329e930df649da8357e7629eb01c012ccd10c70fc96a;
    uint256 internal constant BETA_Y0 = 0x1a3f55a05afafc8f8757e2de92076a4cc666db73035e1bb6352f547a2a099c33;
    uint256 internal constant NEG_BETA_X1 = 0x1165828bcd8cea25002b827064c44a0251d972b185374f51c07fc8a03914e416;
    uint256 internal constant NEG_BETA_X0 = 0x23020a665368f3a6592d182ec949b2cbf09a602243618268b0f736fcd67b2adc;
    uint256 internal constant NEG_BETA_Y1 = 0x24bee67423816a43ca8e1317ee736213bcfe12aa05d31a713af3bf06116d33dd;
    uint256 internal constant NEG_BETA_Y0 = 0x1624f8d28636a39a30f862d7ef79ee10d11a8f1e6513aed706f1379cae736114;
    uint256 internal constant NEG_GAMMA_X1 = 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2;
    uint256 internal constant NEG_GAMMA_X0 = 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed;
    uint256 internal constant NEG_GAMMA_Y1 = 0x275dc4a288d1afb3cbb1ac09187524c7db36395df7be3b99e673b13a075a65ec;
    uint256 internal constant NEG_GAMMA_Y0 = 0x1d9befcd05a5323e6da4d435f3b617cdb3af83285c2df711ef39c01571827f9d;
    uint256 internal constant NEG_DELTA_X1 = 0x094b3775754de0b980b2b0eb1451afe634bcd778f76c664f25f08a902a69559b;
    uint256 internal constant NEG_DELTA_X0 = 0x0f36464a559fe83c59537cc3d3e91b063e41a4cc64432059a656f848477c8012;
    uint256 internal constant NEG_DELTA_Y1 = 0x1dfd060b9d55ae89dc5da94befa2c644d5814079429c9bf77f0698c240b2144f;
    uint256 internal constant NEG_DELTA_Y0 = 0x2002bb734184433427873a3cf323a91c96c093032b4b53fefb564f1399af5870;
    uint256 internal constant IC0_X = 0x1abf7f6614210028c2f30b37eebabf9dc211a74b46869e22a993429052c33559;
    uint256 internal constant IC0_Y = 0x1cdf7fa1aab8bb2e1b0b5da79d3397bc9e92e3fcc13546ad10d0d16fe8476df7;
    uint256 internal constant IC1_X = 0x0470b1ab93feb97ff859689b943b12d96a1cc4718acc64aaedec955ae965b53a;
    uint256 internal constant IC1_Y = 0x17c09e45fc1e04bd5be7ddc103c2d7c3f7abb7584b2fc4e30d27265fb3e0c0ad;
    uint256 internal constant IC2_X = 0x1467d323a8fb2d242c28e50dd8d033c0a4b74e95cd6ba4b303a4af6140c07cc9;
    uint256 internal constant IC2_Y = 0x22e57866ba45e1f2886ab75507301ce0cf7dd1964919553d02df6bd43caf6eb6;
    uint256 internal constant IC3_X = 0x1fb7e4c4bf8e24c967ce94fae42c6cfab266b675826048c5cd1cd017df74ded4;
    uint256 internal constant IC3_Y = 0x1da79f97aeb7aa159207f00a40f35abe68000fbdea21d1ccc634ccd571fa797e;
    uint256 internal constant IC4_X = 0x049b4f5c1569a07ccce746fb4d10ddfcb5c1596d150ca7c41d06afcc28bada1c;
    uint256 internal constant IC4_Y = 0x2b2349b690479db5b95b11f38fbda6ae750b5159d753b59baf6a79c8a675ac7b;
    uint256 internal constant IC5_X = 0x16ec7a2d8215692e80d45b93ff3d94278eb02e6a66cf4904a50a5501a748cf48;
    uint256 internal constant IC5_Y = 0x068f15dbcf1051f3b00a7c66fff45aa7868aedd0cca0d962900f5248e5c7b26d;
    uint256 internal constant IC6_X = 0x2709dca275fb27502bc6363fc7c1f4a11a0e91fc39c6c7890a0bfc2670f9f425;
    uint256 internal constant IC6_Y = 0x00c423885eecafb6eaa8e26671effdc9ec505f2266ed272a19168a86acafe763;
}
