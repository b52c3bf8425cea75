// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AssetId} from "../types/AssetId.sol";
import {EpochRecord} from "../types/EpochRecord.sol";

/// @notice One note that leaves (docs/spec/13-exit.md).
struct ExitRequest {
    /// Of the note, below the field's modulus.
    uint256 nullifier;
    AssetId asset;
    /// Below 2^120, not 0.
    uint128 value;
    /// Gets value - fee.
    address recipient;
    /// Gets the fee. 0: nobody, and the fee is 0.
    address executor;
    uint128 fee;
}

/// @title The way out of a frozen rollup, note by note
interface IExit {
    event Exited(
        uint256 indexed nullifier, address indexed recipient, uint64 asset, uint128 value, address executor, uint128 fee
    );

    /// @notice The rollup is not frozen, or not in the state of this record.
    error NotFinal(bytes32 recordHash);
    error AlreadyExited(uint256 nullifier);
    /// @notice The nullifier is not below the field's modulus.
    error NonCanonicalField();
    error ZeroValue();
    error ValueTooLarge(uint256 value);
    /// @notice The recipient is 0.
    error BadRecipient();
    /// @notice The fee is above the value, or there is nobody to get it.
    error FeeInvalid(uint256 fee, uint256 value);
    error NothingRequested();
    /// @notice Constructor: the bridge does not name this contract or the rollup.
    error WiringMismatch();

    /// @notice Pays one note. Anyone may call. A payment that fails reverts, and the note stays.
    /// @param last Record of the last proven epoch.
    /// @param proof 256 bytes.
    function exit(EpochRecord calldata last, ExitRequest calldata request, bytes calldata proof) external;

    /// @notice Pays many. A false proof or a malformed request reverts all; one that was paid before, or whose payment fails, stays
    /// as it is and blocks no other. Each payment gets an equal share of the gas.
    /// @param proofs 256 bytes for each request.
    /// @return paid Which were paid.
    function exitMany(EpochRecord calldata last, ExitRequest[] calldata requests, bytes calldata proofs)
        external
        returns (bool[] memory paid);

    function rollup() external view returns (address);
    function bridge() external view returns (address);
    function verifier() external view returns (address);

    /// @notice Whether the note with this nullifier has left.
    function hasExited(uint256 nullifier) external view returns (bool);
}
