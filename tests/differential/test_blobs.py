"""Transactions with blobs on a real chain: what the rollup takes, and what it refuses whatever they carry."""

from dataclasses import replace
from typing import Any

import pytest

from sotto import crypto
from sotto.l1.rollup import CommitInput
from sotto.protocol.kzg import CommittedBlob
from sotto.protocol.transaction import Kind
from sotto.protocol.words import compute_m, compute_z, split_y_data
from tests.differential.rig import Rig, harness_client_proof, harness_proof, open_rig
from tests.differential.settling import in_blob

SEED = 4


def settle_call(rig: Rig, commit: CommitInput, proof: bytes) -> Any:
    """The call that commits and proves."""
    return rig.rollup.functions.commitAndProve(commit.to_abi(), rig.proposer, proof)


@pytest.mark.slow
def test_the_rollup_takes_the_blob_of_the_epoch_only() -> None:
    crypto.install_hash_backend()
    with open_rig(SEED, harness=True) as rig:
        closed = in_blob(rig.scenario.random_epoch(16))
        result, blob = closed.result, closed.result.blob
        assert blob is not None
        rig.enqueue(closed.entries)
        m = compute_m(rig.scenario.domain, result.z, bytes.fromhex(rig.proposer[2:]))
        proof = harness_proof([result.c, result.z, result.y, *split_y_data(result.y_data or 0), m])
        links = [lane.link for lane in result.words.lanes if lane.kind in (Kind.TRANSFER, Kind.ACCOUNT)]
        clients = b"".join(map(harness_client_proof, links))
        commit = rig.blob_input(result, clients)
        call = settle_call(rig, commit, proof)
        other = CommittedBlob.of([1, 2, 3])
        z = compute_z(rig.scenario.domain, result.c, result.words.encode_l1() + other.versioned_hash)
        value = other.open(z)
        foreign = replace(commit, blob=value.y.to_bytes(32) + other.commitment + value.proof)
        in_calldata = rig.commit_input(result.words, clients)

        assert rig.judge(commit, proof) == "BlobMissing"
        assert rig.judge(replace(commit, words=result.words.encode()), proof) == "BlobMissing"
        assert rig.judge(replace(in_calldata, blob=commit.blob), proof) == "WrongBlobInputLength"
        for refused, blobs in (
            (call, (blob, blob)),
            (call, (blob, other)),
            (call, (other,)),
            (settle_call(rig, foreign, proof), (blob,)),
            # True of the blob that the transaction carries, but its words are not the circuit's.
            (settle_call(rig, foreign, proof), (other,)),
            (settle_call(rig, in_calldata, proof), (blob,)),
        ):
            assert rig.transact_with_blobs(refused, *blobs)["status"] == 0
        assert tuple(rig.rollup.functions.status().call()) == (0, 0)
        rig.settle(closed, clients, proof)
