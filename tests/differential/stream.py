"""One operation after another through all three implementations."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from sotto import crypto
from sotto.protocol.data import read_blob
from sotto.protocol.epoch import replay
from sotto.protocol.transaction import Kind
from sotto.protocol.transfer_witness import check_transfer
from sotto.protocol.words import DataMode, compute_m, decode_words, split_y_data
from tests.differential import header_lies, lane_lies  # noqa: F401 - they fill EPOCH_LIES
from tests.differential.attempts import EPOCH_LIES, EpochLie
from tests.differential.rig import Rig, Settled, generator, harness_client_proof, harness_proof, open_rig
from tests.differential.settling import in_blob
from tests.differential.transfer_lies import TRANSFER_LIES, TransferLie
from tests.support.scenario import ClosedEpoch, Signed

TRANSFER_LIES_PER_EPOCH = 4
LARGE_EPOCHS = 0.85
"""Share of epochs with 16 lanes; the others have 4."""
BLOB_TURN = 4
"""Each fourth epoch has its data words in a blob, if it has 16 lanes."""
_PROVEN = (Kind.TRANSFER, Kind.ACCOUNT)


@dataclass
class Tally:
    """What went through all three: lanes by kind, and lies by name."""

    lanes: Counter[Kind] = field(default_factory=Counter)
    lies: Counter[str] = field(default_factory=Counter)
    epochs: int = 0
    blobs: int = 0
    seconds: float = 0

    @property
    def operations(self) -> int:
        """Valid and invalid ones."""
        return self.lanes.total() + self.lies.total()

    def add(self, other: "Tally") -> None:
        """Count another run's as well."""
        self.lanes += other.lanes
        self.lies += other.lies
        self.epochs += other.epochs
        self.blobs += other.blobs
        self.seconds += other.seconds


def encoded(witness: dict[str, object]) -> bytes:
    """A witness file."""
    return json.dumps(witness).encode()


def check_client(signed: Signed) -> int:
    """h of a transaction, on which specification and transfer circuit agree."""
    witness = signed.witness()
    h = check_transfer(witness)
    assert crypto.check_witness("transfer", encoded(witness)) == [h] == [signed.transaction.h]
    return h


def settle_epoch(
    rig: Rig, lanes: int, data_mode: DataMode = DataMode.CALLDATA
) -> tuple[ClosedEpoch, Settled]:
    """Make a random epoch and have it accepted by all three, with equal public inputs, roots and records."""
    closed = rig.scenario.random_epoch(lanes)
    if data_mode == DataMode.BLOB:
        closed = in_blob(closed)
    result, beneficiary = closed.result, bytes.fromhex(rig.proposer[2:])
    circuit = closed.result.layout.circuit
    signed = [entry for entry in closed.entries if isinstance(entry, Signed)]
    with ThreadPoolExecutor(2) as pool:
        rollup = pool.submit(crypto.check_witness, circuit, encoded(result.witness(beneficiary)))
        hs = {entry.transaction.h: h for entry, h in zip(signed, pool.map(check_client, signed), strict=True)}
        rig.enqueue(closed.entries)
        public = rollup.result()
    m = compute_m(rig.scenario.domain, result.z, beneficiary)
    assert public == [result.c, result.z, result.y, *split_y_data(result.y_data or 0), m]
    links = [lane.link for lane in result.words.lanes if lane.kind in _PROVEN]
    settled = rig.settle(
        closed, b"".join(harness_client_proof(hs[link]) for link in links), harness_proof(public)
    )
    # A follower who has seen nothing but L1 arrives at the same state.
    if result.blob is None:
        encoded_words = result.words.encode()
        assert encoded_words in settled.calldata
    else:
        encoded_words = result.words.encode_l1() + read_blob(result.blob.data, lanes)
        assert result.words.encode_l1() in settled.calldata
    words = decode_words(encoded_words, lanes)
    assert replay(closed.before, words).state.hash() == settled.record.new_state
    return closed, settled


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


def run(seed: int, operations: int) -> Tally:
    """At least so many operations on a chain of their own, all of them determined by the seed."""
    random, tally, begun = generator(seed, "stream"), Tally(), time.monotonic()
    with open_rig(seed, harness=True) as rig:
        while tally.operations < operations:
            large = random.random() < LARGE_EPOCHS
            mode = DataMode(large and tally.epochs % BLOB_TURN == 1)
            closed, _ = settle_epoch(rig, 16 if large else 4, mode)
            tally.epochs += 1
            tally.blobs += mode
            tally.lanes.update(lane.kind for lane in closed.result.words.lanes if lane.kind != Kind.NO_OP)
            for lie in random.sample(TRANSFER_LIES, TRANSFER_LIES_PER_EPOCH):
                tally.lies[lie.name] += judge_transfer_lie(rig, lie)
            told = random.choice(EPOCH_LIES)
            tally.lies[told.name] += judge_epoch_lie(rig, told)
    tally.seconds = time.monotonic() - begun
    return tally
