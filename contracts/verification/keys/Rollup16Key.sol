// SPDX-License-Identifier: Apache-2.0
// Generated from a verifying key. Do not edit.
pragma solidity ^0.8.37;

/// @title Verifying key of a Groth16 circuit on BN254
library Rollup16Key {
    bytes32 internal constant CIRCUIT_HASH = 0xb1769fefd5f5bca019685d9106682d167e4a499aebaada4915975acf320417c3;
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
    uint256 internal constant NEG_DELTA_X1 = 0x262625aaf92c485805e9d301cf80c4bd556674fb5d6faa9d3cb9dde06c6247fa;
    uint256 internal constant NEG_DELTA_X0 = 0x08bde2e9687becbec04a0486e6b0f1bf7c04062a0613c3bff983433878e898a0;
    uint256 internal constant NEG_DELTA_Y1 = 0x00683e145512bad61491a0cc82a969968ff8253d7de0bb3193b926a5060fad58;
    uint256 internal constant NEG_DELTA_Y0 = 0x15deb960ea734899c888bc48ed73057862492872980e79b9166892199a0a2b87;
    uint256 internal constant IC0_X = 0x2ae2ddfd137da1da2a3390462b8599ada01c84e317c30b2ce65b375009353bfc;
    uint256 internal constant IC0_Y = 0x03833d4a31450150231cff6a96bd70aae17b48fa2b3efefb554b4a15af184fdf;
    uint256 internal constant IC1_X = 0x24ef96b01bcf8a22b7eb43113d2cb7d21642da9cb5306d6120fe90197cc15591;
    uint256 internal constant IC1_Y = 0x139c554d0d1b59e403113b1da5f3f2eec5ebd1b84b2010ec231a8dc109389758;
    uint256 internal constant IC2_X = 0x1d90a3abd287083b60db2c024247b6bfac9a011163debb0c2688d6d2b09604ed;
    uint256 internal constant IC2_Y = 0x1b8c3fcc835e4b0095864e77d2f9239d47754d1bad8f54daf959810d01f6ec4d;
    uint256 internal constant IC3_X = 0x1dc7711b302f9369f966a687e175aa34a191c8ca28c8817dd70d9d5529db441a;
    uint256 internal constant IC3_Y = 0x06ae7f7a62362080aac482cbb7678a10798586c0f685192872e1b205420d4c3c;
    uint256 internal constant IC4_X = 0x16cf6c0c846b281cc133801e9b55af290b02dad0af64c2eca556b163c93d4fbc;
    uint256 internal constant IC4_Y = 0x14c72706c5cd446f87c4e1e63b50451e44908399dfd3be9456ec99320ba4bc83;
    uint256 internal constant IC5_X = 0x0ef6a828494a16c9cfe458e6a56080bbb03111211587c8cdf5e51462c012f557;
    uint256 internal constant IC5_Y = 0x2e62c8a1d28063f73ba61c95259d855640853a08c041aaec3b648eb092003e9a;
    uint256 internal constant IC6_X = 0x15a9379cff82e94a3d5cb7264e7219d770c18ecbfacca0f19491172dfa301040;
    uint256 internal constant IC6_Y = 0x2838ad8927e6b44fa9292bbeca9d445c41bd49cba55e4b249ad29bdd92899781;
}
