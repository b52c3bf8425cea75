// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IRollup} from "../interfaces/IRollup.sol";

/// @title Calls to policies, which may advise but never block
library PolicyCalls {
    /// @dev Gas that a policy gets. It must be there in full: else a caller could starve a policy of gas and take its silence for
    /// consent.
    uint256 internal constant GAS_CAP = 200_000;
    uint256 private constant GAS_MARGIN = 10_000;

    /// @notice Answer of a view, true when the policy fails to answer.
    function allows(address policy, bytes memory data) internal view returns (bool) {
        _requireGas();
        bool answered;
        uint256 answer;
        assembly ("memory-safe") {
            answered := staticcall(GAS_CAP, policy, add(data, 0x20), mload(data), 0x00, 0x20)
            answered := and(answered, gt(returndatasize(), 0x1f))
            answer := mload(0x00)
        }
        return !answered || answer != 0;
    }

    /// @notice Tells a policy something. Its failure is its own.
    function inform(address policy, bytes memory data) internal {
        _requireGas();
        assembly ("memory-safe") {
            pop(call(GAS_CAP, policy, 0, add(data, 0x20), mload(data), 0x00, 0x00))
        }
    }

    function _requireGas() private view {
        uint256 left = gasleft();
        if (left - left / 64 < GAS_CAP + GAS_MARGIN) revert IRollup.GasTooLowForPolicy();
    }
}
