// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Poseidon2} from "../../contracts/libraries/Poseidon2.sol";
import {QueueItem, QueueItems} from "../../contracts/libraries/QueueItems.sol";
import {EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {EpochBuilder} from "./support/EpochBuilder.sol";
import {Forcing} from "./support/Forcing.sol";

/// @title Hash and forced transactions against the vectors of the Python specification
contract Poseidon2Test is Forcing {
    function test_Hashes() public view {
        string memory json = vm.readFile("tests/vectors/hash.json");
        uint256 count;
        for (; vm.keyExistsJson(json, _key(".H", count, ".tag")); count++) {
            uint256[] memory inputs = vm.parseJsonUintArray(json, _key(".H", count, ".in"));
            uint256 expected = vm.parseJsonUint(json, _key(".H", count, ".out"));
            uint256 tag = vm.parseJsonUint(json, _key(".H", count, ".value"));
            assertEq(Poseidon2.hash(tag, inputs), expected, "hash");
        }
        assertTrue(count > 20, "vectors were read");
    }

    function test_ForcedTransactions() public view {
        string memory json = vm.readFile("tests/vectors/forced.json");
        uint256 domain = vm.parseJsonUint(json, ".domain");
        address sender = vm.parseJsonAddress(json, ".sender");
        uint256 count;
        for (; vm.keyExistsJson(json, _key(".accepted", count, ".data")); count++) {
            bytes memory transaction = vm.parseJsonBytes(json, _key(".accepted", count, ".data"));
            uint256 h = vm.parseJsonUint(json, _key(".accepted", count, ".h"));
            assertEq(hasher.hash(transaction, domain), h, "h");
            bytes32 tail = QueueItems.tailOf(sender, keccak256(transaction));
            assertEq(tail, vm.parseJsonBytes32(json, _key(".accepted", count, ".tail")), "tail");
            (uint256 value, uint256 asset, uint256 recipient) =
                (_word(transaction, 6), _word(transaction, 7), _word(transaction, 8));
            QueueItem item = QueueItems.pack(3, h, asset, value, recipient, tail, 0);
            uint256 digest = vm.parseJsonUint(json, _key(".accepted", count, ".digest"));
            assertEq(QueueItem.unwrap(item) >> 40, digest, "digest");
        }
        assertTrue(count > 2, "vectors were read");
    }

    /// @dev The words alone are refused: each of these has a proof that the verifier accepts.
    function test_RefusedForcedTransactions() public {
        deploy();
        string memory json = vm.readFile("tests/vectors/forced.json");
        uint256 count;
        for (; vm.keyExistsJson(json, _key(".refused", count, ".data")); count++) {
            bytes memory transaction = vm.parseJsonBytes(json, _key(".refused", count, ".data"));
            // Words that only lack the anchor would be refused too, so that one is given.
            if (transaction.length == 692 && _word(transaction, 0) < EpochBuilder.P) {
                uint256 anchor = tip.ownAnchor;
                assembly ("memory-safe") {
                    mstore(add(transaction, 0x20), anchor)
                }
            }
            bytes memory proof = transaction.length == 692 ? clientProof(transaction) : new bytes(256);
            (bool accepted,) =
                address(queue).call(abi.encodeCall(queue.force, (transaction, proof, tip, new EpochRecord[](0))));
            assertFalse(accepted, "refused by the specification");
        }
        assertTrue(count > 10, "vectors were read");
    }

    function test_QueueFees() public {
        deploy();
        string memory json = vm.readFile("tests/vectors/forced.json");
        bytes memory cursorCall = abi.encodeCall(rollup.cursor, ());
        uint256 count;
        for (; vm.keyExistsJson(json, _key(".fees", count, ".fee")); count++) {
            uint256 waiting = vm.parseJsonUint(json, _key(".fees", count, ".waiting"));
            vm.fee(vm.parseJsonUint(json, _key(".fees", count, ".base_fee")));
            vm.store(address(queue), bytes32(0), bytes32(7 + waiting));
            vm.mockCall(address(rollup), cursorCall, abi.encode(7));
            assertEq(queue.forceFee(), vm.parseJsonUint(json, _key(".fees", count, ".fee")), "fee");
        }
        assertTrue(count > 4, "vectors were read");
    }

    function _word(bytes memory data, uint256 index) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), shl(5, index)))
        }
    }

    function _key(string memory list, uint256 number, string memory field) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(number), "]", field);
    }
}
