// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @notice Number of an epoch: its index in the root tree. 0 is genesis.
type EpochId is uint64;

using {next, equals as ==, differs as !=, isAfter as >} for EpochId global;

EpochId constant GENESIS = EpochId.wrap(0);

function next(EpochId id) pure returns (EpochId) {
    return EpochId.wrap(EpochId.unwrap(id) + 1);
}

function equals(EpochId a, EpochId b) pure returns (bool) {
    return EpochId.unwrap(a) == EpochId.unwrap(b);
}

function differs(EpochId a, EpochId b) pure returns (bool) {
    return EpochId.unwrap(a) != EpochId.unwrap(b);
}

function isAfter(EpochId a, EpochId b) pure returns (bool) {
    return EpochId.unwrap(a) > EpochId.unwrap(b);
}
