// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IExitVerifier} from "../interfaces/IExitVerifier.sol";
import {ExitBatch} from "./ExitBatch.sol";
import {ExitKey} from "./keys/ExitKey.sol";
import {TransferKey} from "./keys/TransferKey.sol";

/// @title Verifier of exits
contract ExitVerifier is ExitBatch {
    constructor() ExitBatch(ExitKey.PHASE1_ID, TransferKey.PHASE1_ID, ExitKey.LOCAL_KEYS || TransferKey.LOCAL_KEYS) {}

    /// @inheritdoc IExitVerifier
    function circuitHash() external pure returns (bytes32) {
        return ExitKey.CIRCUIT_HASH;
    }

    function _key() internal pure override returns (uint256[30] memory) {
        return [
            ExitKey.ALPHA_X,
            ExitKey.ALPHA_Y,
            ExitKey.NEG_BETA_X1,
            ExitKey.NEG_BETA_X0,
            ExitKey.NEG_BETA_Y1,
            ExitKey.NEG_BETA_Y0,
            ExitKey.NEG_GAMMA_X1,
            ExitKey.NEG_GAMMA_X0,
            ExitKey.NEG_GAMMA_Y1,
            ExitKey.NEG_GAMMA_Y0,
            ExitKey.NEG_DELTA_X1,
            ExitKey.NEG_DELTA_X0,
            ExitKey.NEG_DELTA_Y1,
            ExitKey.NEG_DELTA_Y0,
            ExitKey.IC0_X,
            ExitKey.IC0_Y,
            ExitKey.IC1_X,
            ExitKey.IC1_Y,
            ExitKey.IC2_X,
            ExitKey.IC2_Y,
            ExitKey.IC3_X,
            ExitKey.IC3_Y,
            ExitKey.IC4_X,
            ExitKey.IC4_Y,
            ExitKey.IC5_X,
            ExitKey.IC5_Y,
            ExitKey.IC6_X,
            ExitKey.IC6_Y,
            ExitKey.IC7_X,
            ExitKey.IC7_Y
        ];
    }
}
