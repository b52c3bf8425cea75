// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {BLOB_MODE} from "../../../contracts/interfaces/IEpochVerifier.sol";
import {CommitInput} from "../../../contracts/interfaces/IRollup.sol";
import {EpochRecord} from "../../../contracts/types/EpochRecord.sol";
import {Deployment} from "./Deployment.sol";
import {Epoch, EpochBuilder} from "./EpochBuilder.sol";
import {VerifierStub} from "./VerifierStub.sol";

/// @notice The blob of the polynomial a + b X.
struct Line {
    uint256 a;
    uint256 b;
    bytes commitment;
    bytes proof;
}

/// @title Blobs with true KZG proofs at every z
/// @dev The quotient of a polynomial of degree 1 is its slope, so its proof is b times the generator wherever it is evaluated, and
/// no trusted setup is needed to prove here. Points made with c-kzg.
library Lines {
    uint256 internal constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    function first() internal pure returns (Line memory) {
        return Line(
            0xd84a2c913b938cfbff7e5cb5c4c3bf72fe4e8ff4309f64c4b38059af6cfd112,
            0x9dbc82442e6a69d46edad40909dc43ea7b0d16576d8519b9cac4aa5e72ec192,
            hex"93447c7cc0f80230eefe8c37c459711f5f490c32c2ab37ca7c858055764f0204ce33bcf137cdf9df04d24a7f216b50e4",
            hex"81145fc8dbd4fbcd1a9e4aa244fdace5c8faeb61b40ede561452b5fa18cdc2721bf96dcff06a142ffbb277c4255fc1ff"
        );
    }

    function second() internal pure returns (Line memory) {
        return Line(
            0x2c3a4249d77070058649dbd822dcaf7957586fce428cfb2ca88b94741eda8b07,
            0x4814d92093ac8a0f4a2163ab87dee509ba306a58f5888be0edcb2fcd0712028b,
            hex"81d618f1dc41da5877b40245fdc36c13b8f1f80f11315a7a58be0ed93da881e269e75dd1b35834839141aca52b017c42",
            hex"930b7070bcaf411b2c702fb593a24a29d3791907348d4ffe2fce957751e99349e24fa1e1f642ac5fa85f95a16886f158"
        );
    }

    /// @dev All data words 0: commitment and proof are the point at infinity.
    function zero() internal pure returns (Line memory) {
        bytes memory infinity = bytes.concat(hex"c0", new bytes(47));
        return Line(0, 0, infinity, infinity);
    }

    function versionedHash(Line memory line) internal pure returns (bytes32) {
        return sha256(line.commitment) & bytes32(type(uint256).max >> 8) | bytes32(bytes1(0x01));
    }

    function valueAt(Line memory line, uint256 z) internal pure returns (uint256) {
        return addmod(line.a, mulmod(line.b, z, ORDER), ORDER);
    }

    /// @dev What a commit supplies of a blob, with any value.
    function input(Line memory line, uint256 value) internal pure returns (bytes memory) {
        return bytes.concat(bytes32(value), line.commitment, line.proof);
    }
}

/// @title The contracts with a third verifier, for epochs of 16 lanes with their data words in a blob
abstract contract Blobbing is Deployment {
    using Lines for Line;

    VerifierStub internal blobVerifier;

    function makeMoreVerifiers() internal virtual override {
        blobVerifier = new VerifierStub(16, BLOB_MODE);
    }

    function verifierSet() internal view virtual override returns (address[] memory members) {
        members = new address[](3);
        (members[0], members[1], members[2]) = (address(small), address(large), address(blobVerifier));
    }

    /// @dev Makes the transaction carry a blob.
    function carry(Line memory line) internal {
        vm.blobhashes(one(line.versionedHash()));
    }

    function carryNothing() internal {
        vm.blobhashes(new bytes32[](0));
    }

    /// @dev What a proposer supplies for an epoch whose blob is `line`.
    function blobInput(Epoch memory epoch, Line memory line) internal view returns (CommitInput memory input) {
        input = inputFor(epoch);
        input.verifier = address(blobVerifier);
        input.words = EpochBuilder.encodeL1(epoch);
        (uint256 z,) = EpochBuilder.bindL1(rollup.domain(), C, epoch, line.versionedHash());
        input.blob = line.input(line.valueAt(z));
    }

    /// @dev The record that the spec says follows from it.
    function blobRecord(Epoch memory epoch, Line memory line) internal view returns (EpochRecord memory record) {
        record = expectedRecord(epoch, proposer);
        record.verifier = address(blobVerifier);
        record.dataMode = BLOB_MODE;
        (record.z, record.y) = EpochBuilder.bindL1(rollup.domain(), C, epoch, line.versionedHash());
        record.yData = line.valueAt(record.z);
    }

    /// @dev Commits as `proposer` in a transaction that carries the blob, and checks the stored hash.
    function commitBlob(Epoch memory epoch, Line memory line) internal returns (EpochRecord memory record) {
        record = blobRecord(epoch, line);
        CommitInput memory input = blobInput(epoch, line);
        carry(line);
        vm.prank(proposer, proposer);
        assertEq(rollup.commit(input), hashOf(record), "record hash");
        carryNothing();
        remember(record);
    }
}
