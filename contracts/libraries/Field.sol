// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @dev Modulus p of the scalar field of BN254: words that mean field elements are below it.
uint256 constant FIELD_MODULUS = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
