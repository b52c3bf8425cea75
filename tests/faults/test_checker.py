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
from sotto.protocol.transaction import Kind
from sotto.protocol.words import EpochWords
from tests.faults import checker
from tests.faults.checker import Checker
from tests.faults.evidence import (
    ETH,
    ApiEvidence,
    Holdings,
    Json,
    L1Evidence,
    PaidExit,
    Payment,
    ProvenEpoch,
    PulledBack,
    QueuedDeposit,
    QueuedForced,
    Step,
    StepKind,
)
from tests.support.scenario import Queued, Scenario, Signed

RECIPIENT, DEPOSITOR, EXECUTOR = 0xC0FFEE, 0xDE, 0xEE
OWNERS = {0xA1: {ETH: 740}, 0xB0: {ETH: 400}}
"""What alice and bob have at the end, by the address that they leave to."""


@dataclass(frozen=True)
class Evidence:
    """Both sides."""

    l1: L1Evidence
    api: ApiEvidence

    def violations(self) -> list[str]:
        """What the checker says."""
        return Checker().violations(self.l1, self.api)


@dataclass(frozen=True)
class History:
    """What has happened: items of the queue by index, and the users whose it is."""

    world: Scenario
    deposits: tuple[Queued, ...]
    forced: tuple[Signed, ...]


def history() -> History:
    """Two deposits; a payment with a withdrawal and a fee, a forced withdrawal, and a forced payment of what
    is spent."""
    world = Scenario()
    alice, bob, _ = world.users
    queued = (world.deposit(alice, 1000), world.deposit(bob, 500))
    world.close([*queued, None, None], 4)
    note, other = (world.take(world.spendable(user)[0]) for user in (alice, bob))
    paid = world.pay(alice, [note], bob, 100, fee=10, withdraw=200, recipient=RECIPIENT)
    forced = world.pay(bob, [other], alice, 50, withdraw=150, recipient=RECIPIENT, kind=Kind.FORCED)
    skipped = world.pay(alice, [note], bob, 1, kind=Kind.FORCED)
    world.close([paid, forced, skipped, None], 4)
    return History(world, queued, (forced, skipped))


@pytest.fixture(scope="module")
def past() -> History:
    """The same for both sides."""
    crypto.install_hash_backend()
    return history()


@pytest.fixture(scope="module")
def honest(past: History) -> Evidence:
    """As L1 and an honest node show that history, with both withdrawals paid. Epoch 2 was pruned once."""
    world = past.world
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
        frozen=False,
        genesis=records[0],
        steps=(
            Step(StepKind.COMMIT, 0, 0, records[0].hash()),
            Step(StepKind.COMMIT, 1, 1, records[1].hash()),
            Step(StepKind.COMMIT, 2, 2, b"\2" * 32),
            Step(StepKind.PROOF, 1, 1, records[1].hash()),
            Step(StepKind.PRUNING, 2, 2),
            Step(StepKind.COMMIT, 2, 2, records[2].hash()),
            Step(StepKind.PROOF, 2, 2, records[2].hash()),
        ),
        deposits=tuple(
            QueuedDeposit(i, q.deposit.partial, q.deposit.asset, q.deposit.value)
            for i, q in enumerate(past.deposits)
        ),
        forced=tuple(
            QueuedForced(2 + i, tx.h, tx.public_asset, tx.public_value, tx.recipient, 7 + i)
            for i, tx in enumerate(signed.transaction for signed in past.forced)
        ),
        queue_length=4,
        epochs=epochs,
        payments=(Payment(2, 0, ETH, 200, RECIPIENT), Payment(2, 1, ETH, 150, RECIPIENT)),
        exits=(),
        pulled=(),
        holdings={ETH: Holdings(1165, 1165, 25)},
        recipients={(RECIPIENT, ETH): 350},
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
    assert list(checker.settled(honest.l1, {ETH: 1140})) == []
    assert "bridge owes" in " ".join(checker.settled(honest.l1, {ETH: 1139}))
    assert Kind.SKIPPED in [lane.kind for lane in checker.lanes_of(honest.l1)]
    assert len(checker.landed(honest.l1)) == 4


@pytest.fixture(scope="module")
def ended(past: History, honest: Evidence) -> L1Evidence:
    """Then an epoch is never proven, a deposit and a forced transaction are not taken, and all leave."""
    exits = [
        PaidExit(owned.note.nullifier(user.keys.viewing.nullifier_key), ETH, owned.note.value, address, 0, 0)
        for user, address in zip(past.world.users, OWNERS, strict=False)
        for owned in past.world.spendable(user)
        if owned.note.value
    ]
    exits[0] = replace(exits[0], executor=EXECUTOR, fee=1)
    received = {(address, ETH): notes[ETH] - (address == 0xA1) for address, notes in OWNERS.items()}
    last = honest.l1.epochs[2].record.hash()
    return replace(
        honest.l1,
        frozen=True,
        steps=(
            *honest.l1.steps,
            Step(StepKind.COMMIT, 3, 3, b"\3" * 32),
            Step(StepKind.FREEZE, 2, 2, last),
        ),
        deposits=(*honest.l1.deposits, QueuedDeposit(4, 1, ETH, 77)),
        forced=(*honest.l1.forced, QueuedForced(5, 6, ETH, 30, RECIPIENT, 9)),
        queue_length=6,
        exits=tuple(exits),
        pulled=(PulledBack(4, DEPOSITOR, ETH, 77), PulledBack(5, DEPOSITOR, ETH, 9)),
        holdings={ETH: Holdings(25, 25, 25)},
        recipients={**honest.l1.recipients, **received, (EXECUTOR, ETH): 1},
    )


def test_honest_end_holds(ended: L1Evidence) -> None:
    assert Checker().violations_of_l1(ended) == []
    assert list(checker.left(ended, OWNERS)) == []


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
    return with_lane(evidence, 2, 3, kind=spent.kind, link=Field(9), nullifiers=spent.nullifiers)


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
    "the bridge holds less": (on_l1(holdings={ETH: Holdings(1164, 1165, 25)}), "holds 1164 and owes 1165"),
    "the bridge owes less": (on_l1(holdings={ETH: Holdings(1165, 1164, 25)}), "deposits less payments"),
    "a deposit not credited": (
        lambda e: on_l1(deposits=(*e.l1.deposits, QueuedDeposit(4, 1, ETH, 7)), queue_length=5)(e),
        r"not credited \[4\]",
    ),
    "a deposit without its event": (
        lambda e: on_l1(deposits=e.l1.deposits[:1])(e),
        r"credited without a deposit \[1\]",
    ),
    "a deposit credited with more": (
        lambda e: with_lane(e, 1, 0, public_value=1001),
        r"deposits not credited \[0\]",
    ),
    "a forced transaction left out": (
        lambda e: on_l1(forced=(*e.l1.forced, QueuedForced(4, 6, ETH, 7, 8, 0)), queue_length=5)(e),
        r"forced transactions .*\(4, 6, 1, 7, 8\)\] are in the queue, epochs have",
    ),
    "a forced transaction that nobody queued": (
        lambda e: on_l1(forced=e.l1.forced[:1], queue_length=3)(e),
        "are in the queue, epochs have",
    ),
    "a forced transaction that pays another": (
        lambda e: with_lane(e, 2, 1, recipient=DEPOSITOR),
        "are in the queue, epochs have",
    ),
    "a fee that the vault did not take": (
        lambda e: on_l1(forced=(replace(e.l1.forced[0], fee=8), e.l1.forced[1]))(e),
        "deposits less payments",
    ),
    "skipped for nothing": (
        lambda e: with_lane(e, 2, 2, nullifiers=(Field(98), Field(99))),
        "was skipped, though its notes were unspent",
    ),
    "executed though it is spent": (
        lambda e: with_lane(e, 2, 2, kind=Kind.FORCED),
        "nullifier 0x[0-9a-f]* is in two lanes",
    ),
    "a pruned epoch that was proven": (
        lambda e: on_l1(steps=(*e.l1.steps[:5], *e.l1.steps[6:]))(e),
        "epoch 2 was proven when 1 was, and 1 committed",
    ),
    "a proof of the record that was pruned": (
        lambda e: on_l1(steps=(*e.l1.steps[:6], replace(e.l1.steps[6], record_hash=b"\2" * 32)))(e),
        "another record than it was committed with",
    ),
    "an epoch left out": (
        lambda e: on_l1(steps=(e.l1.steps[0], *e.l1.steps[2:]))(e),
        "epoch 2 was committed after epoch 0",
    ),
    "a pruning of what is proven": (
        lambda e: on_l1(steps=(*e.l1.steps[:4], Step(StepKind.PRUNING, 1, 2), *e.l1.steps[5:]))(e),
        "epochs 1 to 2 were pruned when 1 was proven",
    ),
    "another record stored than committed": (
        lambda e: on_l1(steps=(*e.l1.steps[:5], replace(e.l1.steps[5], record_hash=b"\4" * 32)))(e),
        "last commit of epoch 2 is not what L1 has proven",
    ),
    "an exit without a freeze": (
        on_l1(exits=(PaidExit(5, ETH, 1, RECIPIENT, 0, 0),)),
        "from a rollup that goes on",
    ),
    "a nullifier twice": (repeated_nullifier, "nullifier 0x[0-9a-f]* is in two lanes"),
    "a withdrawal paid twice": (lambda e: on_l1(payments=e.l1.payments * 2)(e), "paid twice"),
    "a payment out of nothing": (
        lambda e: on_l1(payments=(*e.l1.payments, Payment(1, 3, ETH, 1, 2)))(e),
        "no proven epoch has",
    ),
    "a recipient with less": (on_l1(recipients={(RECIPIENT, ETH): 349}), "holds 349"),
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


def first_exit(**changes: Any) -> Callable[[L1Evidence], L1Evidence]:
    """Another first exit."""
    return lambda l1: replace(l1, exits=(replace(l1.exits[0], **changes), *l1.exits[1:]))


def spent_note(l1: L1Evidence) -> L1Evidence:
    """A note leaves that a payment has spent."""
    nullifier = l1.epochs[2].words.lanes[0].nullifiers[0]
    return replace(l1, exits=(*l1.exits, replace(l1.exits[0], nullifier=nullifier)))


FALSE_ENDS: dict[str, tuple[Callable[[L1Evidence], L1Evidence], str]] = {
    "a note leaves twice": (lambda l1: replace(l1, exits=l1.exits + l1.exits[:1]), "left twice"),
    "a spent note leaves": (spent_note, "left that was spent in epoch 2"),
    "a note leaves with more": (
        lambda l1: first_exit(value=l1.exits[0].value + 1)(l1),
        r"left with \{1: 741\}, its notes are \{1: 740\}",
    ),
    "a note stays": (lambda l1: replace(l1, exits=l1.exits[1:]), "0000a1 left with"),
    "a note leaves to another": (first_exit(recipient=DEPOSITOR), "0000de left with .*, its notes are {}"),
    "an executor gets more": (
        lambda l1: replace(l1, recipients={**l1.recipients, (EXECUTOR, ETH): 2}),
        "0000ee was paid 1 of asset 1 and holds 2",
    ),
    "a recipient gets less": (
        lambda l1: replace(l1, recipients={**l1.recipients, (0xA1, ETH): 738}),
        "0000a1 was paid 739",
    ),
    "an item comes back twice": (
        lambda l1: replace(l1, pulled=l1.pulled + l1.pulled[:1]),
        "item 4 was pulled back twice",
    ),
    "an item comes back that was processed": (
        lambda l1: replace(l1, pulled=(*l1.pulled, PulledBack(1, DEPOSITOR, ETH, 500))),
        "item 1 was pulled back, and is in a proven epoch",
    ),
    "an item comes back with more": (
        lambda l1: replace(l1, pulled=(replace(l1.pulled[0], value=78), *l1.pulled[1:])),
        r"item 4 brought \(1, 77\)",
    ),
    "a forced transaction brings its value back": (
        lambda l1: replace(l1, pulled=(l1.pulled[0], replace(l1.pulled[1], value=30))),
        r"item 5 brought \(1, 9\)",
    ),
    "an item stays": (lambda l1: replace(l1, pulled=l1.pulled[:1]), r"items \[5\] are not pulled back"),
    "a withdrawal is not paid": (
        lambda l1: replace(l1, payments=l1.payments[:1]),
        r"withdrawals of \{1: 150\} are not paid",
    ),
    "something is left": (
        lambda l1: replace(l1, holdings={ETH: Holdings(26, 26, 25)}),
        "all have left, fees are 25, owed 26",
    ),
    "a commit after the freeze": (
        lambda l1: replace(l1, steps=(*l1.steps, Step(StepKind.COMMIT, 3, 3, b"\4" * 32))),
        "EpochCommitted of epoch 3 after the freeze",
    ),
    "frozen in another epoch": (
        lambda l1: replace(l1, steps=(*l1.steps[:-1], replace(l1.steps[-1], first=3))),
        "it was frozen in epoch 3, and proven up to 2",
    ),
    "frozen without its event": (
        lambda l1: replace(l1, steps=l1.steps[:-2]),
        "frozen False; it says 2, 2, True",
    ),
}


@pytest.mark.parametrize("case", FALSE_ENDS)
def test_false_end_is_named(ended: L1Evidence, case: str) -> None:
    change, expected = FALSE_ENDS[case]
    l1 = change(ended)
    found = "\n".join([*Checker().violations_of_l1(l1), *checker.left(l1, OWNERS)])
    assert re.search(expected, found), found
