// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {BLOB_MODE, IEpochVerifier} from "../interfaces/IEpochVerifier.sol";
import {DirectVerifier} from "./DirectVerifier.sol";
import {Rollup16BlobKey} from "./keys/Rollup16BlobKey.sol";
import {TransferKey} from "./keys/TransferKey.sol";

/// @title Verifier of epochs of 16 lanes in direct mode, with their data words in a blob
contract BlobVerifier16 is DirectVerifier {
    constructor()
        DirectVerifier(
            TransferKey.PHASE1_ID, Rollup16BlobKey.PHASE1_ID, TransferKey.LOCAL_KEYS || Rollup16BlobKey.LOCAL_KEYS
        )
    {}

    /// @inheritdoc IEpochVerifier
    function laneCount() external pure returns (uint256) {
        return 16;
    }

    /// @inheritdoc IEpochVerifier
    function dataMode() external pure returns (uint8) {
        return BLOB_MODE;
    }

    /// @inheritdoc IEpochVerifier
    function circuitHashes() external pure returns (bytes32 transfer, bytes32 rollup) {
        return (TransferKey.CIRCUIT_HASH, Rollup16BlobKey.CIRCUIT_HASH);
    }

    function _sharedKey() internal pure override returns (uint256[10] memory) {
        return [
            TransferKey.ALPHA_X,
            TransferKey.ALPHA_Y,
            TransferKey.NEG_BETA_X1,
            TransferKey.NEG_BETA_X0,
            TransferKey.NEG_BETA_Y1,
            TransferKey.NEG_BETA_Y0,
            TransferKey.NEG_GAMMA_X1,
            TransferKey.NEG_GAMMA_X0,
            TransferKey.NEG_GAMMA_Y1,
            TransferKey.NEG_GAMMA_Y0
        ];
    }

    function _transferKey() internal pure override returns (uint256[8] memory) {
        return [
            TransferKey.NEG_DELTA_X1,
            TransferKey.NEG_DELTA_X0,
            TransferKey.NEG_DELTA_Y1,
            TransferKey.NEG_DELTA_Y0,
            TransferKey.IC0_X,
            TransferKey.IC0_Y,
            TransferKey.IC1_X,
            TransferKey.IC1_Y
        ];
    }

    function _rollupKey() internal pure override returns (uint256[18] memory) {
        return [
            Rollup16BlobKey.NEG_DELTA_X1,
            Rollup16BlobKey.NEG_DELTA_X0,
            Rollup16BlobKey.NEG_DELTA_Y1,
            Rollup16BlobKey.NEG_DELTA_Y0,
            Rollup16BlobKey.IC0_X,
            Rollup16BlobKey.IC0_Y,
            Rollup16BlobKey.IC1_X,
            Rollup16BlobKey.IC1_Y,
            Rollup16BlobKey.IC2_X,
            Rollup16BlobKey.IC2_Y,
            Rollup16BlobKey.IC3_X,
            Rollup16BlobKey.IC3_Y,
            Rollup16BlobKey.IC4_X,
            Rollup16BlobKey.IC4_Y,
            Rollup16BlobKey.IC5_X,
            Rollup16BlobKey.IC5_Y,
            Rollup16BlobKey.IC6_X,
            Rollup16BlobKey.IC6_Y
        ];
    }
}
