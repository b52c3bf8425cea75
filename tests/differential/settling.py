"""Epochs with real proofs under the real verifiers."""

import json
from collections.abc import Sequence
from dataclasses import replace

from sotto import crypto
from sotto.protocol.epoch import replay
from sotto.protocol.transaction import Kind
from sotto.protocol.words import DataMode, FeeQuad
from tests.differential.rig import Rig, Settled
from tests.support.scenario import ClosedEpoch, Entry, Signed

PROVEN = (Kind.TRANSFER, Kind.ACCOUNT)
"""Kinds of lanes with a client proof."""


def prove_clients(closed: ClosedEpoch) -> list[crypto.ProofResult]:
    """Proofs of the lanes of kinds 1 and 5, in lane order."""
    kinds = (lane.kind for lane in closed.result.words.lanes)
    return [
        crypto.prove("transfer", json.dumps(entry.witness()).encode())
        for entry, kind in zip(closed.entries, kinds, strict=False)
        if isinstance(entry, Signed) and kind in PROVEN
    ]


def prove_rollup(rig: Rig, closed: ClosedEpoch) -> crypto.ProofResult:
    """Proof of an epoch that names the proposer as beneficiary."""
    result = closed.result
    witness = json.dumps(result.witness(bytes.fromhex(rig.proposer[2:]))).encode()
    circuit = result.layout.circuit
    return crypto.prove(circuit, witness)


def in_blob(closed: ClosedEpoch) -> ClosedEpoch:
    """The same epoch with its data words in a blob."""
    return replace(closed, result=replay(closed.before, closed.result.words, DataMode.BLOB))


def settle_proven(
    rig: Rig, closed: ClosedEpoch
) -> tuple[Settled, list[crypto.ProofResult], crypto.ProofResult]:
    """Queue, prove, commit and prove on L1, and check what L1 then holds."""
    rig.enqueue(closed.entries)
    clients = prove_clients(closed)
    rollup = prove_rollup(rig, closed)
    return rig.settle(closed, b"".join(p.proof for p in clients), rollup.proof), clients, rollup


def settle_entries(
    rig: Rig, entries: Sequence[Entry], lanes: int, *, alike: FeeQuad | None = None
) -> tuple[ClosedEpoch, Settled]:
    """Close and settle an epoch of these entries.

    With `alike`, all transactions have the last anchor and pay fees in these assets, as in most epochs of a
    node; else the fourth last anchor is open and two fee assets are listed, which is dearer.
    """
    if alike is None:
        closed = rig.scenario.close(entries, lanes)
    else:
        closed = rig.scenario.close(entries, lanes, rig.scenario.state.epoch_id, alike)
    return closed, settle_proven(rig, closed)[0]
