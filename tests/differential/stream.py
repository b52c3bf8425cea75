"""One operation after another through all three implementations."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sotto import crypto
from sotto.protocol.epoch import replay
from sotto.protocol.transaction import Kind
from sotto.protocol.transfer_witness import check_transfer
from sotto.protocol.words import compute_m, decode_words
from tests.differential.epoch_lies import EpochLie
from tests.differential.rig import Rig, Settled, harness_client_proof, harness_proof
from tests.differential.transfer_lies import TransferLie
from tests.support.scenario import ClosedEpoch, Signed

_PROVEN = (Kind.TRANSFER, Kind.ACCOUNT)


def encoded(witness: dict[str, object]) -> bytes:
    """A witness file."""
    return json.dumps(witness).encode()


def check_client(signed: Signed) -> int:
    """h of a transaction, on which specification and transfer circuit agree."""
    witness = signed.witness()
    h = check_transfer(witness)
    assert crypto.check_witness("transfer", encoded(witness)) == [h] == [signed.transaction.h]
    return h


def settle_epoch(rig: Rig, lanes: int) -> tuple[ClosedEpoch, Settled]:
    """Make a random epoch and have it accepted by all three, with equal public inputs, roots and records."""
    closed = rig.scenario.random_epoch(lanes)
    result, beneficiary = closed.result, bytes.fromhex(rig.proposer[2:])
    signed = [entry for entry in closed.entries if isinstance(entry, Signed)]
    with ThreadPoolExecutor(2) as pool:
        rollup = pool.submit(crypto.check_witness, f"rollup{lanes}", encoded(result.witness(beneficiary)))
        hs = {entry.transaction.h: h for entry, h in zip(signed, pool.map(check_client, signed), strict=True)}
        rig.enqueue(closed.entries)
        public = rollup.result()
    m = compute_m(rig.scenario.domain, result.z, beneficiary)
    assert public == [result.c, result.z, result.y, 0, 0, m]
    links = [lane.link for lane in result.words.lanes if lane.kind in _PROVEN]
    settled = rig.settle(
        closed, b"".join(harness_client_proof(hs[link]) for link in links), harness_proof(public)
    )
    # A follower who has seen nothing but L1 arrives at the same state.
    words = decode_words(result.words.encode(), lanes)
    assert words.encode() in settled.calldata
    assert replay(closed.before, words).state.hash() == settled.record.new_state
    return closed, settled


def count_operations(closed: ClosedEpoch) -> int:
    """Lanes of an epoch that something took."""
    return sum(lane.kind != Kind.NO_OP for lane in closed.result.words.lanes)


def circuit_accepts(circuit: str, witness: bytes) -> bool:
    """Whether a witness satisfies a circuit."""
    try:
        crypto.check_witness(circuit, witness)
    except crypto.WitnessRejected:
        return False
    return True


def judge_transfer_lie(rig: Rig, lie: TransferLie) -> bool:
    """Tell a lie to specification and circuit; False when the scenario gives no occasion for it."""
    witness: Any = lie.make(rig.scenario)
    if witness is None:
        return False
    with pytest.raises(lie.error) as caught:
        check_transfer(witness)
    assert caught.type is lie.error
    assert not circuit_accepts("transfer", encoded(witness)), f"{lie.name}: the circuit accepts"
    return True


def judge_epoch_lie(rig: Rig, lie: EpochLie) -> bool:
    """Tell a lie to all three, none of which it changes; False when there is no occasion for it."""
    attempt = lie.make(rig)
    if attempt is None:
        return False
    if lie.python is None:
        attempt.python()
    else:
        with pytest.raises(lie.python) as caught:
            attempt.python()
        assert caught.type is lie.python
    assert circuit_accepts(attempt.circuit, attempt.witness) == lie.rollup, f"{lie.name}: rollup circuit"
    assert rig.judge(attempt.commit, attempt.proof) == lie.contract, f"{lie.name}: contract"
    return True
