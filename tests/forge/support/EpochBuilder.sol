// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @notice Public words of a lane.
struct Lane {
    uint256 kind;
    uint256 link;
    uint256 value;
    uint256 asset;
    uint256 recipient;
    /// 9 data field words and 15 data byte words; shorter arrays are filled up with zeros.
    uint256[9] dataField;
    uint256[15] dataByte;
}

/// @notice An epoch in parts, so that tests can change one of them.
struct Epoch {
    uint256 oldState;
    uint256 newState;
    uint256 ownAnchor;
    /// domain, id, oldest, now, queue start, queue end, 4 fee assets, 4 fee totals, reserved
    uint256[15] header;
    Lane[] lanes;
    /// id and new key set of each account operation: N/2 words, the rest is not encoded
    uint256[8] operations;
}

/// @title Encodes epochs by the text of docs/spec/05-epoch.md and 06-l1.md, apart from the contracts' own code
library EpochBuilder {
    uint256 internal constant P = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    function encode(Epoch memory epoch) internal pure returns (bytes memory words) {
        uint256 n = epoch.lanes.length;
        uint256[] memory d = numbers(epoch);
        uint256 length = (3 + 10 * n + n / 2) * 32 + (15 + 19 * n) * 31;
        words = new bytes(length + 32);
        uint256 offset;
        for (uint256 i = 0; i < d.length; i++) {
            bool isField = i < 3 + n || (i >= 18 + 5 * n && i < 18 + 14 * n + n / 2);
            uint256 word = isField ? d[i] : short(d[i]);
            assembly ("memory-safe") {
                mstore(add(add(words, 0x20), offset), word)
            }
            offset += isField ? 32 : 31;
        }
        assert(offset == length);
        assembly ("memory-safe") {
            mstore(words, length)
        }
    }

    /// @dev All words as numbers, in order.
    function numbers(Epoch memory epoch) internal pure returns (uint256[] memory d) {
        uint256 n = epoch.lanes.length;
        d = new uint256[](18 + 29 * n + n / 2);
        uint256 place = 3;
        (d[0], d[1], d[2]) = (epoch.oldState, epoch.newState, epoch.ownAnchor);
        for (uint256 l = 0; l < n; l++) {
            d[place++] = epoch.lanes[l].link;
        }
        for (uint256 i = 0; i < 15; i++) {
            d[place++] = epoch.header[i];
        }
        for (uint256 l = 0; l < n; l++) {
            Lane memory lane = epoch.lanes[l];
            (d[place], d[place + 1], d[place + 2], d[place + 3]) = (lane.kind, lane.value, lane.asset, lane.recipient);
            place += 4;
        }
        for (uint256 l = 0; l < n; l++) {
            for (uint256 i = 0; i < 9; i++) {
                d[place++] = epoch.lanes[l].dataField[i];
            }
        }
        for (uint256 i = 0; i < n / 2; i++) {
            d[place++] = epoch.operations[i];
        }
        for (uint256 l = 0; l < n; l++) {
            for (uint256 i = 0; i < 15; i++) {
                d[place++] = epoch.lanes[l].dataByte[i];
            }
        }
    }

    /// @dev The L1 words alone, as calldata holds them when the others are in a blob.
    function encodeL1(Epoch memory epoch) internal pure returns (bytes memory words) {
        uint256 length = (3 + epoch.lanes.length) * 32 + (15 + 4 * epoch.lanes.length) * 31;
        words = encode(epoch);
        assembly ("memory-safe") {
            mstore(words, length)
        }
    }

    function bind(uint256 domain, uint256 c, Epoch memory epoch) internal pure returns (uint256 z, uint256 y) {
        z = uint256(keccak256(bytes.concat(bytes32(domain), bytes32(c), encode(epoch)))) >> 8;
        y = evaluate(numbers(epoch), 18 + 29 * epoch.lanes.length + epoch.lanes.length / 2, z);
    }

    /// @dev Likewise with the data words in the blob that `versionedHash` names.
    function bindL1(uint256 domain, uint256 c, Epoch memory epoch, bytes32 versionedHash)
        internal
        pure
        returns (uint256 z, uint256 y)
    {
        bytes memory transcript = bytes.concat(bytes32(domain), bytes32(c), encodeL1(epoch), versionedHash);
        z = uint256(keccak256(transcript)) >> 8;
        y = evaluate(numbers(epoch), 18 + 5 * epoch.lanes.length, z);
    }

    /// @dev sum of d_i z^i over the first `count` words.
    function evaluate(uint256[] memory d, uint256 count, uint256 z) internal pure returns (uint256 y) {
        uint256 power = 1;
        for (uint256 i = 0; i < count; i++) {
            y = addmod(y, mulmod(d[i], power, P), P);
            power = mulmod(power, z, P);
        }
    }

    /// @dev Leaves of an epoch in lane order, with the lanes they belong to.
    function withdrawals(Epoch memory epoch) internal pure returns (bytes32[] memory leaves, uint256[] memory lanes) {
        uint256 count;
        leaves = new bytes32[](epoch.lanes.length);
        lanes = new uint256[](epoch.lanes.length);
        for (uint256 l = 0; l < epoch.lanes.length; l++) {
            Lane memory lane = epoch.lanes[l];
            if ((lane.kind == 1 || lane.kind == 3 || lane.kind == 5) && lane.value != 0) {
                leaves[count] = withdrawalLeaf(l, lane.asset, lane.value, lane.recipient);
                lanes[count++] = l;
            }
        }
        assembly ("memory-safe") {
            mstore(leaves, count)
            mstore(lanes, count)
        }
    }

    function withdrawalLeaf(uint256 lane, uint256 asset, uint256 value, uint256 recipient)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(bytes.concat(keccak256(abi.encode(lane, asset, value, recipient))));
    }

    /// @dev Root and the path of the leaf number `place`, by recursion over halves of a level.
    function prove(bytes32[] memory level, uint256 place) internal pure returns (bytes32 root, bytes32[] memory path) {
        if (level.length == 0) return (0, path);
        while (level.length > 1) {
            bytes32[] memory parents = new bytes32[]((level.length + 1) / 2);
            for (uint256 i = 0; i < level.length; i += 2) {
                if (i + 1 == level.length) parents[i / 2] = level[i];
                else if (level[i] < level[i + 1]) parents[i / 2] = keccak256(abi.encode(level[i], level[i + 1]));
                else parents[i / 2] = keccak256(abi.encode(level[i + 1], level[i]));
            }
            uint256 sibling = place ^ 1;
            if (sibling < level.length) path = _append(path, level[sibling]);
            place /= 2;
            level = parents;
        }
        root = level[0];
    }

    /// @dev Fake client proofs that the verifier stub accepts.
    function clientProofs(Epoch memory epoch) internal pure returns (bytes memory proofs) {
        for (uint256 l = 0; l < epoch.lanes.length; l++) {
            uint256 kind = epoch.lanes[l].kind;
            if (kind == 1 || kind == 5) {
                proofs = bytes.concat(proofs, keccak256(abi.encode(epoch.lanes[l].link)), new bytes(224));
            }
        }
    }

    /// @dev A byte word as the first 31 bytes of a word.
    function short(uint256 word) internal pure returns (uint256) {
        require(word < 1 << 248, "byte word too large");
        return word << 8;
    }

    function _append(bytes32[] memory list, bytes32 element) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; i++) {
            longer[i] = list[i];
        }
        longer[list.length] = element;
    }
}
