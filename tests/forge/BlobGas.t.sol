// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {CommitInput} from "../../contracts/interfaces/IRollup.sol";
import {EpochFees, EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {Blobbing, Lines} from "./support/Blobbing.sol";
import {OpenPolicy} from "./support/Deployment.sol";
import {Epoch, EpochBuilder} from "./support/EpochBuilder.sol";
import {ToyBlobVerifier, ToyProofs, ToyVerifier} from "./support/ToyVerifier.sol";
import {VerifierStub} from "./support/VerifierStub.sol";

/// @title Gas of transactions with a blob of 16 transfers, with true pairings and a true evaluation
/// @dev forge cannot give an isolated call a blob, so what a transaction costs before its first instruction is added here, and all
/// that it touches is cooled. Nothing is written before the call in the same test.
abstract contract BlobGas is Blobbing {
    uint256 internal constant LANES = 16;
    uint256 internal constant P = EpochBuilder.P;

    function makeLargeVerifier() internal override returns (VerifierStub) {
        return VerifierStub(address(new ToyVerifier(0, 0, true)));
    }

    function makeMoreVerifiers() internal override {
        blobVerifier = VerifierStub(address(new ToyBlobVerifier()));
    }

    /// @dev A rollup that has been used: no counter is 0.
    function use(address proposerPolicy) internal {
        deploy(proposerPolicy, address(0));
        depositWei(address(0xd1), 10 ether, 1);
        Epoch memory epoch = emptyEpoch(LANES);
        (epoch.header[6], epoch.header[10]) = (1, 5);
        EpochRecord memory record = expectedRecord(epoch, proposer);
        CommitInput memory input = inputFor(epoch);
        bytes memory proof = ToyProofs.rollup(7, publicInputs(record));
        vm.prank(proposer, proposer);
        rollup.commitAndProve(input, feeRecipient, proof);
        remember(record);
        vm.roll(height() + 5);
    }

    function transfers() internal view returns (Epoch memory epoch) {
        epoch = emptyEpoch(LANES);
        for (uint256 l = 0; l < LANES; l++) {
            epoch.lanes[l] = transferLane(l);
        }
        (epoch.header[6], epoch.header[10]) = (1, 16 * 10 ** 14);
        epoch.header[2] -= 1;
    }

    function inputOf(Epoch memory epoch) internal view returns (CommitInput memory input) {
        input = blobInput(epoch, Lines.first());
        // Its successor is the parent, which need not be supplied again.
        input.oldestSuccessor = new EpochRecord[](0);
        input.clientProofs = "";
        for (uint256 l = 0; l < LANES; l++) {
            input.clientProofs = bytes.concat(input.clientProofs, this.clientProof(l, epoch.lanes[l].link));
        }
    }

    /// @dev In a call of its own, for want of stack.
    function clientProof(uint256 seed, uint256 h) external view returns (bytes memory) {
        return ToyProofs.client(seed, h);
    }

    function publicInputs(EpochRecord memory record) internal view returns (uint256[6] memory) {
        bytes32 digest = keccak256(abi.encode(rollup.domain(), record.z, feeRecipient, uint256(0)));
        uint256 m = uint256(digest) % P;
        return [record.c, record.z, record.y, record.yData % 2 ** 128, record.yData / 2 ** 128, m];
    }

    /// @dev Sends `data` to the rollup as `proposer`; the gas of a transaction that does nothing else.
    function measure(bytes memory data) internal returns (uint256 gasUsed) {
        address[5] memory touched =
            [address(rollup), address(queue), address(bridge), address(blobVerifier), rollup.proposerPolicy()];
        for (uint256 i = 0; i < touched.length; i++) {
            vm.cool(touched[i]);
        }
        gasUsed = 21_000;
        for (uint256 i = 0; i < data.length; i++) {
            gasUsed += data[i] == 0 ? 4 : 16;
        }
        vm.prank(proposer, proposer);
        // The callee of a transaction is warm.
        uint256 before = gasleft();
        (bool done,) = address(rollup).call(data);
        gasUsed += before - gasleft() - 2_600;
        assertTrue(done, "accepted");
    }
}

contract BlobGasJointTest is BlobGas {
    uint256 private constant BLOB_GAS = 131_072;

    function setUp() public {
        use(address(0));
    }

    function test_CommitAndProve() public {
        Epoch memory epoch = transfers();
        EpochRecord memory record = blobRecord(epoch, Lines.first());
        bytes memory proof = ToyProofs.rollup(7, publicInputs(record));
        bytes memory data = abi.encodeCall(rollup.commitAndProve, (inputOf(epoch), feeRecipient, proof));
        carry(Lines.first());
        uint256 gasUsed = measure(data);
        assertEq(rollup.epochs(record.id), hashOf(record), "record");
        vm.snapshotValue("blob", "gas_blob_commit_and_prove_16_transfers", gasUsed);
        vm.snapshotValue("blob", "gas_blob_private_transfer_of_16", gasUsed / LANES);
        vm.snapshotValue("blob", "blob_gas_private_transfer_of_16", BLOB_GAS / LANES);
        vm.snapshotValue("blob", "bytes_of_calldata_16_transfers", data.length);
        assertAtMost(gasUsed / LANES, 82_000, "a private transfer");
    }
}

contract BlobGasApartTest is BlobGas {
    function setUp() public {
        use(address(new OpenPolicy()));
        CommitInput memory input = inputOf(transfers());
        EpochRecord memory record = blobRecord(transfers(), Lines.first());
        carry(Lines.first());
        vm.prank(proposer, proposer);
        rollup.commit(input);
        carryNothing();
        remember(record);
    }

    function test_Commit() public {
        bytes memory data = abi.encodeCall(rollup.commit, (inputOf(transfers())));
        carry(Lines.first());
        vm.snapshotValue("blob", "gas_blob_commit_16_transfers", measure(data));
    }

    function test_Prove() public {
        EpochRecord memory record = tip;
        EpochFees memory fees;
        (fees.assets[0], fees.totals[0]) = (1, 16 * 10 ** 14);
        bytes memory proof = ToyProofs.rollup(7, publicInputs(record));
        bytes memory data = abi.encodeCall(rollup.prove, (record, fees, feeRecipient, proof));
        vm.snapshotValue("blob", "gas_blob_prove", measure(data));
    }
}
