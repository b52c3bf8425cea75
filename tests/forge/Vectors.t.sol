// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Rollup} from "../../contracts/core/Rollup.sol";
import {IRollup} from "../../contracts/interfaces/IRollup.sol";
import {Blobs} from "../../contracts/libraries/Blobs.sol";
import {QueueItem, QueueItems} from "../../contracts/libraries/QueueItems.sol";
import {VectorBinding} from "../../contracts/libraries/VectorBinding.sol";
import {Withdrawals} from "../../contracts/libraries/Withdrawals.sol";
import {EpochFees, EpochRecord, hashFees} from "../../contracts/types/EpochRecord.sol";
import {Deployment} from "./support/Deployment.sol";

/// @title The contracts against the vectors of the Python specification
contract VectorsTest is Deployment {
    string private l1;
    string private epochs;

    function setUp() public {
        deploy();
        l1 = vm.readFile("tests/vectors/l1.json");
        epochs = vm.readFile("tests/vectors/epoch.json");
    }

    function test_Domain() public {
        address elsewhere = vm.parseJsonAddress(l1, ".rollup");
        vm.etch(elsewhere, address(rollup).code);
        vm.chainId(vm.parseJsonUint(l1, ".chain_id"));
        assertEq(Rollup(elsewhere).domain(), vm.parseJsonUint(l1, ".domain"), "domain");
    }

    function test_QueueItems() public view {
        for (uint256 i = 0; i < 3; i++) {
            string memory key = string.concat(".queue_items[", vm.toString(i), "]");
            uint256 link = vm.parseJsonUint(l1, string.concat(key, ".link"));
            uint256 asset = vm.parseJsonUint(l1, string.concat(key, ".asset"));
            uint256 value = vm.parseJsonUint(l1, string.concat(key, ".value"));
            uint256 recipient = vm.parseJsonUint(l1, string.concat(key, ".recipient"));
            bytes32 tail = vm.parseJsonBytes32(l1, string.concat(key, ".tail"));
            uint256 itemKind = vm.parseJsonUint(l1, string.concat(key, ".item_kind"));
            QueueItem item = QueueItems.pack(
                itemKind, link, asset, value, recipient, tail, vm.parseJsonUint(l1, string.concat(key, ".block"))
            );
            assertEq(QueueItem.unwrap(item), vm.parseJsonUint(l1, string.concat(key, ".slot")), "slot");
            assertTrue(item.holds(itemKind, link, asset, value, recipient, tail), "holds");
        }
        address sender = vm.parseJsonAddress(l1, ".sender");
        for (uint256 i = 0; i < 2; i++) {
            bytes memory ciphertext = vm.parseJsonBytes(l1, string.concat(".deposit_ciphertexts[", vm.toString(i), "]"));
            bytes32 tail = vm.parseJsonBytes32(l1, string.concat(".queue_items[", vm.toString(i), "].tail"));
            assertEq(QueueItems.tailOf(sender, keccak256(ciphertext)), tail, "tail");
        }
    }

    function test_EpochRecords() public view {
        _checkRecord(l1, ".epoch_record");
        _checkRecord(l1, ".epoch_record_with_blob");
        _checkRecord(vm.readFile("tests/vectors/genesis.json"), ".record_at_block_1");
    }

    function test_WithdrawalTrees() public view {
        for (uint256 i = 0; i < 6; i++) {
            string memory key = string.concat(".withdrawal_trees[", vm.toString(i), "]");
            bytes32[] memory leaves = vm.parseJsonBytes32Array(l1, string.concat(key, ".leaves"));
            bytes32 root = vm.parseJsonBytes32(l1, string.concat(key, ".root"));
            for (uint256 place = 0; place < leaves.length; place++) {
                string memory path = string.concat(key, ".proofs[", vm.toString(place), "]");
                bytes32[] memory proof = vm.parseJsonBytes32Array(l1, path);
                assertTrue(MerkleProof.verify(proof, root, leaves[place]), "proof");
            }
            assertEq(Withdrawals.root(leaves), root, "root");
        }
    }

    function test_Epochs() public view {
        uint256 domain = vm.parseJsonUint(l1, ".domain");
        uint256 count;
        for (; vm.keyExistsJson(epochs, _key(count, ".words")); count++) {
            bytes memory words = vm.parseJsonBytes(epochs, _key(count, ".words"));
            uint256 lanes = vm.parseJsonUint(epochs, _key(count, ".lanes"));
            uint256 c = vm.parseJsonUint(epochs, _key(count, ".c"));
            (uint256 z, uint256 y, bool canonical) = this.bind(domain, c, words, lanes, 0);
            assertTrue(canonical, "canonical");
            assertEq(z, vm.parseJsonUint(epochs, _key(count, ".z")), "z");
            assertEq(y, vm.parseJsonUint(epochs, _key(count, ".y")), "y");
            EpochFees memory earned = this.fees(words, lanes);
            earned.queueFees = vm.parseJsonUint(epochs, _key(count, ".queue_fees"));
            assertEq(hashFees(earned), vm.parseJsonBytes32(epochs, _key(count, ".fees_hash")), "fees");
            _checkWithdrawals(count);
        }
        assertTrue(count >= 3, "vectors were read");
    }

    function test_Blobs() public {
        string memory blobs = vm.readFile("tests/vectors/blobs.json");
        uint256 count;
        for (; vm.keyExistsJson(blobs, _key(count, ".l1_words")); count++) {
            bytes32 versionedHash = vm.parseJsonBytes32(blobs, _key(count, ".versioned_hash"));
            bytes memory input = vm.parseJsonBytes(blobs, _key(count, ".commit_input"));
            (uint256 z, uint256 y, bool canonical) = this.bind(
                vm.parseJsonUint(blobs, _key(count, ".domain")),
                vm.parseJsonUint(blobs, _key(count, ".c")),
                vm.parseJsonBytes(blobs, _key(count, ".l1_words")),
                vm.parseJsonUint(blobs, _key(count, ".lanes")),
                versionedHash
            );
            assertTrue(canonical, "canonical");
            assertEq(z, vm.parseJsonUint(blobs, _key(count, ".z")), "z");
            assertEq(y, vm.parseJsonUint(blobs, _key(count, ".y")), "y");
            bytes32[] memory hashes = one(versionedHash);
            vm.blobhashes(hashes);
            assertEq(this.evaluate(z, input), vm.parseJsonUint(blobs, _key(count, ".y_data")), "y_data");
            vm.expectRevert(IRollup.PointEvaluationFailed.selector);
            this.evaluate{gas: 1_000_000}(z + 1, input);
        }
        assertTrue(count != 0, "vectors were read");
    }

    function evaluate(uint256 z, bytes calldata input) external view returns (uint256) {
        return Blobs.evaluate(Blobs.requireOne(input), z, input);
    }

    function bind(uint256 domain, uint256 c, bytes calldata words, uint256 lanes, bytes32 versionedHash)
        external
        pure
        returns (uint256, uint256, bool)
    {
        return VectorBinding.bind(domain, c, words, lanes, versionedHash);
    }

    function fees(bytes calldata words, uint256 lanes) external pure returns (EpochFees memory found) {
        uint256 start = (3 + lanes) * 32;
        for (uint256 i = 0; i < 4; i++) {
            found.assets[i] = uint248(bytes31(words[start + 31 * (6 + i):]));
            found.totals[i] = uint248(bytes31(words[start + 31 * (10 + i):]));
        }
    }

    function _checkRecord(string memory json, string memory key) private pure {
        EpochRecord memory record = abi.decode(vm.parseJsonBytes(json, string.concat(key, ".encoded")), (EpochRecord));
        assertEq(record.hash(), vm.parseJsonBytes32(json, string.concat(key, ".hash")), "record hash");
    }

    function _checkWithdrawals(uint256 number) private view {
        uint256 count;
        bytes32[] memory leaves = new bytes32[](16);
        for (; vm.keyExistsJson(epochs, _withdrawal(number, count, ".leaf")); count++) {
            leaves[count] = Withdrawals.leaf(
                vm.parseJsonUint(epochs, _withdrawal(number, count, ".lane")),
                vm.parseJsonUint(epochs, _withdrawal(number, count, ".asset")),
                vm.parseJsonUint(epochs, _withdrawal(number, count, ".value")),
                vm.parseJsonUint(epochs, _withdrawal(number, count, ".recipient"))
            );
            assertEq(leaves[count], vm.parseJsonBytes32(epochs, _withdrawal(number, count, ".leaf")), "leaf");
        }
        assembly ("memory-safe") {
            mstore(leaves, count)
        }
        assertEq(Withdrawals.root(leaves), vm.parseJsonBytes32(epochs, _key(number, ".withdrawal_root")), "root");
    }

    function _key(uint256 number, string memory field) private pure returns (string memory) {
        return string.concat("[", vm.toString(number), "]", field);
    }

    function _withdrawal(uint256 number, uint256 index, string memory field) private pure returns (string memory) {
        return string.concat(_key(number, ".withdrawals["), vm.toString(index), "]", field);
    }
}
