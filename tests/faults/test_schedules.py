"""Schedules of reorganisations, and the judgement of the block stream after them."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from random import Random

import pytest
from eth_account import Account
from web3.types import Wei

from sotto.protocol.transaction import Kind
from tests.faults.checker import Lane
from tests.faults.evidence import Json
from tests.faults.schedules import DEEPEST, Act, Fate, Lost, draw, kept
from tests.faults.stream import stream
from tests.support.chain import KEYS

DEPTH = 10


def signed(key: str, nonce: int) -> bytes:
    """A transaction of somebody."""
    account = Account.from_key(key)
    transaction = {
        "chainId": 1,
        "nonce": nonce,
        "to": account.address,
        "value": Wei(0),
        "gas": 21_000,
        "maxFeePerGas": Wei(2),
        "maxPriorityFeePerGas": Wei(1),
    }
    return bytes(account.sign_transaction(transaction).raw_transaction)


LOST = [Lost(signed(KEYS[number % 3], number // 3), number) for number in range(9)]
SENDERS = {item.raw: number % 3 for number, item in enumerate(LOST)}


def test_draws_are_of_all_depths_acts_and_fates_and_the_same_again() -> None:
    drawn = [draw(Random(seed)) for seed in range(400)]
    assert drawn == [draw(Random(seed)) for seed in range(400)]
    assert {step for schedule in drawn for step in schedule.steps} == set(Act)
    assert {schedule.fate for schedule in drawn} == set(Fate)
    depths = Counter(schedule.depth for schedule in drawn)
    assert min(depths) == 1
    assert max(depths) == DEEPEST


@pytest.mark.parametrize("fate", Fate)
def test_senders_keep_their_order(fate: Fate) -> None:
    for seed in range(5):
        found = kept(fate, LOST, DEPTH, Random(seed), lambda raw: b"instead of " + raw)
        assert [place for _, place in found] == sorted(place for _, place in found)
        assert all(0 <= place < DEPTH for _, place in found)
        if fate == Fate.REPLACED:
            assert [raw for raw, _ in found] == [b"instead of " + item.raw for item in LOST[:3]]
            continue
        for sender in range(3):
            ours = [item.raw for item in LOST if SENDERS[item.raw] == sender]
            comes = [raw for raw, _ in found if SENDERS[raw] == sender]
            # Without gaps: what is missing is at the end.
            assert comes == ours[: len(comes)]
            if fate in (Fate.AGAIN, Fate.ORDER):
                assert comes == ours
    assert fate != Fate.GONE or not found


def test_other_orders_differ() -> None:
    orders = {
        tuple(raw for raw, _ in kept(Fate.ORDER, LOST, DEPTH, Random(seed), bytes)) for seed in range(2)
    }
    assert len(orders) == 2
    assert len({len(kept(Fate.SOME, LOST, DEPTH, Random(seed), bytes)) for seed in range(3)}) > 1


def named(number: int) -> str:
    """An h as the API has it."""
    return f"{number:#066x}"


LANES = [
    Lane(1, 0, Kind.DEPOSIT, 1, (), ()),
    Lane(1, 1, Kind.DEPOSIT, 2, (), ()),
    Lane(2, 0, Kind.TRANSFER, 3, (), ()),
]
ENTRIES: list[tuple[int, list[Json]]] = [
    (1, [{"id": named(1), "queue_index": 0}]),
    (1, [{"id": named(2), "queue_index": 1}]),
    (2, [{"id": named(4)}]),
    (3, [{"id": named(3)}]),
    (2, [{"rollback": 2, "reason": "pruned"}]),
    (2, [{"id": named(3)}]),
]


def blocks() -> list[Json]:
    """A stream in which two epochs became one."""
    return [
        {"number": number, "hash": f"{number}", "parent": f"{number - 1}", "epoch": epoch, "entries": entries}
        for number, (epoch, entries) in enumerate(deepcopy(ENTRIES), start=1)
    ]


FALSIFIED: dict[str, tuple[Callable[[list[Json]], object], str]] = {
    "a block undone": (lambda found: found.pop(2), "block 4 does not follow block 2"),
    "another parent": (lambda found: found[3].update(parent="x"), "block 4 does not follow block 3"),
    "another order": (lambda found: found[0].update(entries=found[1]["entries"]), "in epoch 1"),
    "no rollback": (lambda found: found[4].update(entries=[]), "in epoch 2"),
    "too short a rollback": (lambda found: found[4]["entries"][0].update(rollback=3), "in epoch 2"),
    "too far a rollback": (lambda found: found[4]["entries"][0].update(rollback=1), "in epoch 1"),
    "nothing ordered anew": (lambda found: found.pop(), "in epoch 2, L1 has"),
}


def test_honest_stream_holds() -> None:
    assert list(stream(LANES, blocks())) == []


@pytest.mark.parametrize("case", FALSIFIED)
def test_falsified_stream_is_named(case: str) -> None:
    change, expected = FALSIFIED[case]
    found = blocks()
    change(found)
    assert expected in "\n".join(stream(LANES, found))
