// SPDX-License-Identifier: Apache-2.0
// Generated from a verifying key. Do not edit.
pragma solidity ^0.8.37;

/// @title Verifying key of a Groth16 circuit on BN254
library TransferKey {
    bytes32 internal constant CIRCUIT_HASH = 0x5aaf00f4101bc8527ea30c078fbd18431afd8f5d1bdb1427ac77c7ba37dbe9bf;
    bytes32 internal constant PHASE1_ID = 0xfbfe046fa50fc18e7f196388e4d6ed16b3e7c7b6e0e25326838660a108ddd768;
    bool internal constant LOCAL_KEYS = true;
    uint256 internal constant PUBLIC_INPUTS = 1;
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
    uint256 internal constant NEG_DELTA_X1 = 0x2a0645c0e6cf77aaec0c7d916b23f29f8055ee65e8a6db316f71be1b8269ddf3;
    uint256 internal constant NEG_DELTA_X0 = 0x227d1d1fa49cba3d4df363b44fb228967457c6eacc0bfd05028e3d861d834a98;
    uint256 internal constant NEG_DELTA_Y1 = 0x1cc3a57af4d8d27a63e2736c720ced089aca6aeaddb7608f2715b1cc2617d917;
    uint256 internal constant NEG_DELTA_Y0 = 0x25be507941ec4cf109a5582fef5508105d1a6446b7549128cd1fe90cc1d341a1;
    uint256 internal constant IC0_X = 0x047b667d1d6112eabf963f57537ccea01d1ef3d4c734a206db17268f790ef921;
    uint256 internal constant IC0_Y = 0x1581daa3c10312d08b0b86255940bc0a69bf80423401f986c2ec03cd1a47d0ac;
    uint256 internal constant IC1_X = 0x254f2f657cd67835b84103f70b12e8d9134ddbda85dd5c3a0e35ffabdadb11e5;
    uint256 internal constant IC1_Y = 0x254d88b57bd173f981b8eb31e2502137ebb77fc36343d6020bf800bb29f6335b;
}
