// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @notice Identifier of an asset inside the rollup. 0 is no asset; an id names one token for ever.
type AssetId is uint64;

using {equals as ==, differs as !=} for AssetId global;

AssetId constant NO_ASSET = AssetId.wrap(0);
AssetId constant ETH = AssetId.wrap(1);

function equals(AssetId a, AssetId b) pure returns (bool) {
    return AssetId.unwrap(a) == AssetId.unwrap(b);
}

function differs(AssetId a, AssetId b) pure returns (bool) {
    return AssetId.unwrap(a) != AssetId.unwrap(b);
}
