"""The checker finds what it is for: honest evidence passes, every falsified one is named."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from sotto import crypto
from sotto.protocol.epoch import withdrawals_of
from sotto.protocol.field import Field, field_to_json
from sotto.protocol.l1 import genesis_record, withdrawal_root
from sotto.protocol.words import EpochWords
from tests.faults import checker
from tests.faults.checker import Checker
from tests.faults.evidence import (
    ApiEvidence,
    Holdings,
    Json,
    L1Evidence,
    Payment,
    ProvenEpoch,
    QueuedDeposit,
)
from tests.support.scenario import Queued, Scenario

ETH = 1
RECIPIENT = 0xC0FFEE


@dataclass(frozen=True)
class Evidence:
    """Both sides."""

    l1: L1Evidence
    api: ApiEvidence

    def violations(self) -> list[str]:
        """What the checker says."""
        return Checker().violations(self.l1, self.api)


def history() -> tuple[Scenario, list[Queued]]:
    """Two deposits, and a payment with a withdrawal and a fee."""
    world = Scenario()
    alice, bob, _ = world.users
    queued = [world.deposit(alice, 1000), world.deposit(bob, 500)]
    world.close([*queued, None, None], 4)
    note = world.take(world.spendable(alice)[0])
    paid = world.pay(alice, [note], bob, 100, fee=10, withdraw=200, recipient=RECIPIENT)
    world.close([paid, None, None, None], 4)
    return world, queued


@pytest.fixture(scope="module")
def honest() -> Evidence:
    """As L1 and an honest node show that history, with the withdrawal paid."""
    crypto.install_hash_backend()
    world, queued = history()
    records = [genesis_record(1)]
    epochs = {}
    for closed in world.epochs:
        words, state = closed.result.words, closed.result.state
        record = replace(
            records[0],
            id=words.header.epoch_id,
            parent=records[-1].hash(),
            new_state=state.hash(),
            own_anchor=words.header.own_anchor,
            withdrawal_root=withdrawal_root(withdrawals_of(words)),
            queue_end=words.header.queue_end,
        )
        records.append(record)
        epochs[record.id] = ProvenEpoch(record, words)
    l1 = L1Evidence(
        head=2,
        proven=2,
        genesis=records[0],
        deposits=tuple(
            QueuedDeposit(i, q.deposit.partial, q.deposit.asset, q.deposit.value)
            for i, q in enumerate(queued)
        ),
        queue_length=2,
        epochs=epochs,
        payments=(Payment(2, 0, ETH, 200, RECIPIENT),),
        holdings={ETH: Holdings(1300, 1300, 10)},
        recipients={(RECIPIENT, ETH): 200},
    )
    entries: list[Json] = [
        {
            "epoch": lane.epoch,
            "lane": lane.lane,
            "kind": int(lane.kind),
            "id": field_to_json(Field(lane.h)),
            "nullifiers": [field_to_json(Field(word)) for word in lane.nullifiers],
            "commitments": [field_to_json(Field(word)) for word in lane.commitments],
        }
        for lane in checker.lanes_of(l1)
    ]
    status = {"head": 2, "proven": 2, "state": field_to_json(Field(records[-1].new_state))}
    shown = [{"record_hash": "0x" + record.hash().hex()} for record in records]
    transactions: dict[str, Json] = {
        entries[2]["id"]: {"status": "proven", "epoch": 2, "lane": 0, "reason": None},
        field_to_json(Field(5)): {"status": "dropped", "epoch": None, "lane": None, "reason": "AnchorTooOld"},
    }
    return Evidence(l1, ApiEvidence(status, shown, entries, transactions))


def test_honest_evidence_holds(honest: Evidence) -> None:
    assert honest.violations() == []
    assert checker.owed(honest.l1) == {}
    assert list(checker.settled(honest.l1, {ETH: 1290})) == []
    assert "bridge owes" in " ".join(checker.settled(honest.l1, {ETH: 1289}))


def on_l1(**changes: Any) -> Callable[[Evidence], Evidence]:
    """Another L1."""
    return lambda evidence: replace(evidence, l1=replace(evidence.l1, **changes))


def with_lane(evidence: Evidence, epoch: int, lane: int, **changes: Any) -> Evidence:
    """Another lane in L1's words."""
    proven = evidence.l1.epochs[epoch]
    lanes = list(proven.words.lanes)
    lanes[lane] = replace(lanes[lane], **changes)
    words: EpochWords = replace(proven.words, lanes=tuple(lanes))
    return on_l1(epochs={**evidence.l1.epochs, epoch: replace(proven, words=words)})(evidence)


def repeated_nullifier(evidence: Evidence) -> Evidence:
    """A second lane spends the note again."""
    spent = evidence.l1.epochs[2].words.lanes[0]
    return with_lane(evidence, 2, 1, kind=spent.kind, link=Field(9), nullifiers=spent.nullifiers)


def with_status(status: Json, of: int = 0) -> Callable[[Evidence], Evidence]:
    """Another answer for an accepted transaction."""

    def change(evidence: Evidence) -> Evidence:
        h = list(evidence.api.transactions)[of]
        transactions = {**evidence.api.transactions, h: {**evidence.api.transactions[h], **status}}
        return replace(evidence, api=replace(evidence.api, transactions=transactions))

    return change


def in_api(**changes: Any) -> Callable[[Evidence], Evidence]:
    """Another status of the node."""
    return lambda evidence: replace(
        evidence, api=replace(evidence.api, status={**evidence.api.status, **changes})
    )


FALSIFIED: dict[str, tuple[Callable[[Evidence], Evidence], str]] = {
    "the bridge holds less": (on_l1(holdings={ETH: Holdings(1299, 1300, 10)}), "holds 1299 and owes 1300"),
    "the bridge owes less": (on_l1(holdings={ETH: Holdings(1300, 1299, 10)}), "deposits less payments"),
    "a deposit not credited": (
        lambda e: on_l1(deposits=(*e.l1.deposits, QueuedDeposit(2, 1, ETH, 7)), queue_length=3)(e),
        r"not credited \[2\]",
    ),
    "a deposit without its event": (
        lambda e: on_l1(deposits=e.l1.deposits[:1])(e),
        r"credited without a deposit \[1\]",
    ),
    "a deposit credited with more": (
        lambda e: with_lane(e, 1, 0, public_value=1001),
        r"deposits not credited \[0\]",
    ),
    "a nullifier twice": (repeated_nullifier, "nullifier 0x[0-9a-f]* is in two lanes"),
    "a withdrawal paid twice": (lambda e: on_l1(payments=e.l1.payments * 2)(e), "paid twice"),
    "a payment out of nothing": (
        lambda e: on_l1(payments=(*e.l1.payments, Payment(1, 3, ETH, 1, 2)))(e),
        "no proven epoch has",
    ),
    "a recipient with less": (on_l1(recipients={(RECIPIENT, ETH): 199}), "holds 199"),
    "words that do not follow": (
        lambda e: with_lane(e, 2, 0, fee=11),
        "epoch 2 does not follow",
    ),
    "a record with another state": (
        lambda e: on_l1(
            epochs={
                **e.l1.epochs,
                2: replace(e.l1.epochs[2], record=replace(e.l1.epochs[2].record, new_state=Field(1))),
            }
        )(e),
        "another state than L1's record",
    ),
    "an epoch that L1 has not proven": (on_l1(head=3), "L1 has committed 3 and proven 2"),
    "a node that is behind": (in_api(proven=1), "the node says 2 and 1"),
    "another state root": (in_api(state=field_to_json(Field(7))), "the node's state root"),
    "a lost entry": (
        lambda e: replace(e, api=replace(e.api, entries=e.api.entries[:-1])),
        "the node's notes",
    ),
    "a lost epoch": (
        lambda e: replace(e, api=replace(e.api, epochs=e.api.epochs[:-1])),
        "the node's epochs",
    ),
    "a lost transaction": (
        with_status({"status": "unknown", "reason": "404"}),
        "was accepted and is unknown",
    ),
    "an endless one": (with_status({"status": "received"}), "was accepted and is received"),
    "proven elsewhere": (with_status({"lane": 1}), "L1 has it in"),
    "dropped but there": (with_status({"status": "dropped", "reason": "x"}), "but L1 has it"),
    "dropped without a reason": (with_status({"reason": ""}, of=1), "dropped without a reason"),
    "proven nowhere": (with_status({"status": "proven"}, of=1), "L1 has it in None"),
}


@pytest.mark.parametrize("case", FALSIFIED)
def test_falsified_evidence_is_named(honest: Evidence, case: str) -> None:
    change, expected = FALSIFIED[case]
    found = "\n".join(change(honest).violations())
    assert re.search(expected, found), found
