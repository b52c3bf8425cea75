// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {ForcedTransactions} from "../../../contracts/libraries/ForcedTransactions.sol";
import {AssetId, ETH} from "../../../contracts/types/AssetId.sol";
import {EpochId} from "../../../contracts/types/EpochId.sol";
import {EpochRecord} from "../../../contracts/types/EpochRecord.sol";
import {Deployment} from "./Deployment.sol";
import {Epoch, EpochBuilder, Lane} from "./EpochBuilder.sol";

/// @notice A forced transaction in parts.
struct Forced {
    uint256 anchor;
    uint256[2] nullifiers;
    uint256[3] commitments;
    uint256 value;
    uint256 asset;
    uint256 recipient;
    uint256 expiry;
    bytes extension;
}

/// @title Hashes outside of the caller, since the contracts read forced transactions from calldata
contract ForcedHasher {
    function hash(bytes calldata transaction, uint256 domain) external pure returns (uint256) {
        return ForcedTransactions.hash(transaction, domain);
    }
}

/// @title Forced transactions that the contracts accept, with the lanes and tails that take them
abstract contract Forcing is Deployment {
    ForcedHasher internal hasher = new ForcedHasher();

    /// @dev A transaction of the last proven epoch's anchor that withdraws a wei.
    function forcedFor(uint256 seed) internal view returns (Forced memory forced) {
        (, EpochId proven) = rollup.status();
        forced.anchor = recordOf[EpochId.unwrap(proven)].ownAnchor;
        for (uint256 i = 0; i < 5; i++) {
            uint256 word = uint256(keccak256(abi.encode(seed, "forced", i))) % EpochBuilder.P;
            if (i < 2) forced.nullifiers[i] = word;
            else forced.commitments[i - 2] = word;
        }
        (forced.value, forced.asset, forced.recipient) = (1, AssetId.unwrap(ETH), 0xee);
        forced.expiry = height() + 100;
        bytes32 filling = keccak256(abi.encode(seed, "extension"));
        for (uint256 i = 0; i < 12; i++) {
            forced.extension = bytes.concat(forced.extension, bytes31(filling));
        }
    }

    function encode(Forced memory f) internal pure returns (bytes memory) {
        return bytes.concat(
            abi.encode(f.anchor, f.nullifiers, f.commitments, f.value, f.asset, f.recipient, f.expiry), f.extension
        );
    }

    /// @dev Proof that the stub accepts.
    function clientProof(bytes memory transaction) internal view returns (bytes memory) {
        return bytes.concat(keccak256(abi.encode(hasher.hash(transaction, rollup.domain()))), new bytes(224));
    }

    /// @dev The record of the last proven epoch, and its successor if there is one.
    function anchorRecords() internal view returns (EpochRecord memory record, EpochRecord[] memory successor) {
        (EpochId head, EpochId proven) = rollup.status();
        uint64 id = EpochId.unwrap(proven);
        record = recordOf[id];
        successor = new EpochRecord[](head == proven ? 0 : 1);
        if (successor.length == 1) successor[0] = recordOf[id + 1];
    }

    /// @dev Forces as `sender` and returns the lane and tail that take it.
    function forceAs(address sender, Forced memory forced) internal returns (Lane memory lane, bytes32 tail) {
        bytes memory transaction = encode(forced);
        bytes memory proof = clientProof(transaction);
        (EpochRecord memory record, EpochRecord[] memory successor) = anchorRecords();
        uint256 fee = queue.forceFee();
        vm.deal(sender, sender.balance + fee);
        vm.prank(sender);
        uint256 index = queue.force{value: fee}(transaction, proof, record, successor);
        feeOf[index] = fee;
        lane.kind = 3;
        lane.link = hasher.hash(transaction, rollup.domain());
        (lane.value, lane.asset, lane.recipient) = (forced.value, forced.asset, forced.recipient);
        tail = tailOf(sender, transaction);
    }

    /// @dev An epoch of the first lanes, which are of the queue.
    function epochOf(Lane[] memory lanes, uint256 size) internal view returns (Epoch memory epoch) {
        epoch = emptyEpoch(size);
        for (uint256 i = 0; i < lanes.length; i++) {
            epoch.lanes[i] = lanes[i];
        }
        epoch.header[5] = epoch.header[4] + lanes.length;
    }

    function epochOf(Lane memory lane) internal view returns (Epoch memory) {
        Lane[] memory lanes = new Lane[](1);
        lanes[0] = lane;
        return epochOf(lanes, 4);
    }

    /// @dev Lets the first item get as old as the freeze time, and freezes.
    function freezeByAge() internal {
        depositWei(address(0xf0), 1, 0xf0);
        vm.roll(height() + FREEZE_TIME);
        rollup.freeze(new EpochRecord[](0));
    }
}
