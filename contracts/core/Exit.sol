// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IBridge} from "../interfaces/IBridge.sol";
import {ExitRequest, IExit} from "../interfaces/IExit.sol";
import {IExitVerifier} from "../interfaces/IExitVerifier.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {FIELD_MODULUS} from "../libraries/Field.sol";
import {AssetId} from "../types/AssetId.sol";
import {EpochRecord} from "../types/EpochRecord.sol";

/// @title Exit
contract Exit is IExit {
    uint256 private constant VALUE_BITS = 120;

    IRollup private immutable _rollup;
    IBridge private immutable _bridge;
    IExitVerifier private immutable _verifier;

    /// @inheritdoc IExit
    mapping(uint256 nullifier => bool) public hasExited;

    /// @param rollup_ Address that the rollup will be deployed to; its constructor checks that it is.
    /// @param bridge_ Deployed before, with the address of this contract.
    constructor(IRollup rollup_, IBridge bridge_, IExitVerifier verifier_) {
        if (bridge_.exit() != address(this) || bridge_.rollup() != address(rollup_)) revert WiringMismatch();
        _rollup = rollup_;
        _bridge = bridge_;
        _verifier = verifier_;
    }

    /// @inheritdoc IExit
    function exit(EpochRecord calldata last, ExitRequest calldata request, bytes calldata proof) external {
        if (hasExited[request.nullifier]) revert AlreadyExited(request.nullifier);
        uint256[7][] memory inputs = new uint256[7][](1);
        inputs[0] = _inputs(_requireFinal(last), last.newState, request);
        _verifier.verifyExits(inputs, proof);
        hasExited[request.nullifier] = true;
        _announce(request);
        _bridge.payExit(request.asset, request.recipient, request.value, request.executor, request.fee);
    }

    /// @inheritdoc IExit
    function exitMany(EpochRecord calldata last, ExitRequest[] calldata requests, bytes calldata proofs)
        external
        returns (bool[] memory paid)
    {
        uint256 count = requests.length;
        if (count == 0) revert NothingRequested();
        uint256 domain = _requireFinal(last);
        uint256[7][] memory inputs = new uint256[7][](count);
        for (uint256 i = 0; i < count; i++) {
            inputs[i] = _inputs(domain, last.newState, requests[i]);
        }
        _verifier.verifyExits(inputs, proofs);
        paid = new bool[](count);
        for (uint256 i = 0; i < count; i++) {
            // A recipient that burns all gas it gets must not take the share of those after it.
            paid[i] = _tryPay(requests[i], gasleft() / (count - i));
        }
    }

    /// @inheritdoc IExit
    function rollup() external view returns (address) {
        return address(_rollup);
    }

    /// @inheritdoc IExit
    function bridge() external view returns (address) {
        return address(_bridge);
    }

    /// @inheritdoc IExit
    function verifier() external view returns (address) {
        return address(_verifier);
    }

    /// @dev The mark is set before the payment and taken back if it fails, so that a recipient that calls back finds it.
    // slither-disable-next-line reentrancy-no-eth,reentrancy-events
    function _tryPay(ExitRequest calldata request, uint256 share) private returns (bool) {
        // Whoever sent one of the requests first must not void all others.
        if (hasExited[request.nullifier]) return false;
        hasExited[request.nullifier] = true;
        // slither-disable-next-line calls-loop
        try _bridge.payExit{gas: share}(
            request.asset, request.recipient, request.value, request.executor, request.fee
        ) {
            _announce(request);
            return true;
        } catch {
            hasExited[request.nullifier] = false;
            return false;
        }
    }

    function _announce(ExitRequest calldata request) private {
        emit Exited(
            request.nullifier,
            request.recipient,
            AssetId.unwrap(request.asset),
            request.value,
            request.executor,
            request.fee
        );
    }

    function _requireFinal(EpochRecord calldata last) private view returns (uint256 domain) {
        bytes32 recordHash = last.hashCalldata();
        if (!_rollup.isFinal(last.id, recordHash)) revert NotFinal(recordHash);
        return _rollup.domain();
    }

    /// @dev Public inputs of one request, whose words are in range.
    function _inputs(uint256 domain, uint256 state, ExitRequest calldata request)
        private
        pure
        returns (uint256[7] memory)
    {
        if (request.nullifier >= FIELD_MODULUS) revert NonCanonicalField();
        if (request.value == 0) revert ZeroValue();
        if (request.value >> VALUE_BITS != 0) revert ValueTooLarge(request.value);
        if (request.recipient == address(0)) revert BadRecipient();
        if (request.fee > request.value || (request.executor == address(0) && request.fee != 0)) {
            revert FeeInvalid(request.fee, request.value);
        }
        return [
            domain,
            state,
            request.nullifier,
            (uint256(AssetId.unwrap(request.asset)) << VALUE_BITS) | request.value,
            uint160(request.recipient),
            uint160(request.executor),
            request.fee
        ];
    }
}
