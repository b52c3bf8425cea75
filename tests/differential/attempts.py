"""What lies about epochs are made of.

Each lie breaks one rule of docs/spec/05-epoch.md or 06-l1.md, as a dishonest proposer would, and says who has
to refuse it. Specification: the named rejection, or None where the rule is only the contract's. Rollup
circuit: whether the witness satisfies it. Contract: the name of its error when every proof holds, None where
the rule is only the circuit's.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eth_utils.crypto import keccak

from sotto.l1.rollup import CommitInput
from sotto.protocol.accounts import Operation
from sotto.protocol.epoch import (
    AccountChange,
    EpochInputs,
    EpochResult,
    LaneInput,
    apply_epoch,
    replay,
)
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import ZERO, Field
from sotto.protocol.rollup_witness import RollupWitness
from sotto.protocol.transaction import Kind, Transaction
from sotto.protocol.words import (
    EpochWords,
    LaneWords,
    compute_y,
    compute_z,
    decode_words,
)
from tests.differential.rig import Rig, harness_client_proof
from tests.support.scenario import FEE_ASSETS

LANES = 4
GOOD = keccak(b"good proof") + bytes(224)
"""The proof that the harness verifier accepts for whatever is proven."""
FAR = 10**9


@dataclass(frozen=True)
class Attempt:
    """A lie, told to each implementation in its own terms."""

    python: Callable[[], object]
    circuit: str
    witness: bytes
    commit: CommitInput
    proof: bytes = GOOD


Make = Callable[[Rig], Attempt | None]


@dataclass(frozen=True)
class EpochLie:
    """A broken rule, and who refuses it."""

    python: type[ProtocolError] | None
    rollup: bool
    """Whether the circuit accepts."""
    contract: str | None
    make: Make

    @property
    def name(self) -> str:
        """The name of the rejection and the lie's own."""
        return f"{self.python.__name__ if self.python else self.contract}-{self.make.__name__}"


EPOCH_LIES: list[EpochLie] = []


def tells(
    python: type[ProtocolError] | None, *, rollup: bool, contract: str | None
) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        EPOCH_LIES.append(EpochLie(python, rollup, contract, make))
        return make

    return register


def transaction(rig: Rig, **changes: Any) -> Transaction:
    """A transaction of nothing; its client proof is no matter here, so any word may be another."""
    scenario = rig.scenario
    tx = scenario.pay(scenario.users[0], [], scenario.users[1], 0).transaction
    return replace(tx, **changes)


def change_keys(rig: Rig, operation: Operation | None = None, **changes: Any) -> AccountChange:
    """A change of an account's keys, by default the insertion of a random id."""
    operation = operation or Operation(rig.scenario.element(), ZERO, rig.scenario.element())
    tx = transaction(rig, kind=Kind.ACCOUNT, operation=operation.word)
    return AccountChange(replace(tx, **changes), operation)


def epoch_inputs(rig: Rig, lanes: int = LANES, **changes: Any) -> EpochInputs:
    scenario = rig.scenario
    last = scenario.state.epoch_id
    inputs = EpochInputs(scenario.domain, lanes, last, scenario.now, scenario.queue_cursor, FEE_ASSETS)
    return replace(inputs, **changes)


def build(rig: Rig, entries: Sequence[LaneInput], inputs: EpochInputs | None = None) -> EpochResult:
    return apply_epoch(rig.scenario.state, entries, inputs or epoch_inputs(rig))


def honest_epoch(rig: Rig) -> EpochResult:
    """An epoch with a transfer, an account change and two empty lanes."""
    return build(rig, [transaction(rig), change_keys(rig)])


def applies_to(
    rig: Rig, entries: Sequence[LaneInput], inputs: EpochInputs | None = None
) -> Callable[[], object]:
    chosen = inputs or epoch_inputs(rig)
    state = rig.scenario.state
    return lambda: apply_epoch(state, entries, chosen)


def follows(rig: Rig, words: bytes, lanes: int = LANES) -> Callable[[], object]:
    """A follower who reads these bytes on L1."""
    state = rig.scenario.state
    return lambda: replay(state, decode_words(words, lanes))


def _client_proofs(words: EpochWords) -> bytes:
    proven = (Kind.TRANSFER, Kind.ACCOUNT)
    return b"".join(harness_client_proof(lane.link) for lane in words.lanes if lane.kind in proven)


def attempt(
    rig: Rig,
    result: EpochResult,
    words: EpochWords | None = None,
    witness: RollupWitness | None = None,
    *,
    python: Callable[[], object] | None = None,
    c: Field | None = None,
) -> Attempt:
    """Words and witness that are consistent with each other but for the lie: c, z, y and m fit the words."""
    words, witness = words or result.words, witness or result._witness
    encoded, lanes = words.encode(), len(words.lanes)
    if c is None:
        c = words.c()
    z = compute_z(words.header.domain, c, encoded)
    beneficiary = bytes.fromhex(rig.proposer[2:])
    file = witness.to_json(words, c, z, compute_y(words.values(), z), beneficiary, 0)
    commit = rig.commit_input(words, _client_proofs(words), c)
    return Attempt(python or follows(rig, encoded, lanes), f"rollup{lanes}", witness_bytes(file), commit)


def witness_bytes(file: object) -> bytes:
    return json.dumps(file).encode()


def with_header(result: EpochResult, **changes: Any) -> EpochWords:
    return replace(result.words, header=replace(result.words.header, **changes))


def with_lane(words: EpochWords, number: int, lane: LaneWords) -> EpochWords:
    return replace(words, lanes=(*words.lanes[:number], lane, *words.lanes[number + 1 :]))


def lane_of(tx: Transaction, kind: Kind | None = None) -> LaneWords:
    return LaneWords.of_transaction(tx, kind or tx.kind)
