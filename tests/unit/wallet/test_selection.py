"""Coin selection: never more than there is, never a unit lost, and bundles that the node takes."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotto.wallet.errors import InsufficientFunds, TooManyNotes
from sotto.wallet.selection import Joined, Request, Step, plan

LANES = 16


@dataclass(frozen=True, eq=False)
class Coin:
    """A note; two of the same value are different ones."""

    asset: int
    value: int
    chained: bool = False


def coins(*values: int, asset: int = 1, chained: bool = False) -> list[Coin]:
    """Notes of one asset."""
    return [Coin(asset, value, chained) for value in values]


def check(request: Request, steps: list[Step[Coin]]) -> None:
    """Every step balances, every note and join is used once, and the node's rule for fees holds."""
    used: list[int] = []
    paid = [0] * len(request.payments)
    public, unpaid = 0, 0
    for number, step in enumerate(steps):
        assert 1 <= len(step.inputs) <= 2
        assert len(step.outputs) <= 3
        assert all(output.value > 0 for output in step.outputs)
        assert step.fee_asset == (request.fee_asset if step.fee else 0)
        for asset in {entry.asset for entry in (*step.inputs, *step.outputs)}:
            spent = sum(entry.value for entry in step.inputs if entry.asset == asset)
            made = sum(output.value for output in step.outputs if output.asset == asset)
            leaves = step.public_value if asset == request.asset else 0
            assert spent == made + leaves + (step.fee if step.fee_asset == asset else 0)
        assets = {entry.asset for entry in (*step.inputs, *step.outputs)} | {step.fee_asset} - {0}
        assert len(assets) <= 2
        assert sum(output.payment in request.memos for output in step.outputs) <= 1
        used += [id(entry) for entry in step.inputs if isinstance(entry, Coin)]
        for entry in step.inputs:
            if isinstance(entry, Joined):
                assert entry.step < number
                assert any(
                    (o.asset, o.value, o.payment) == (entry.asset, entry.value, None)
                    for o in steps[entry.step].outputs
                )
        for output in step.outputs:
            if output.payment is not None:
                paid[output.payment] += output.value
        public += step.public_value
        if number < len(steps) - 1 and step.fee == 0 and request.price:
            following = steps[number + 1].inputs
            assert any(isinstance(entry, Joined) and entry.step == number for entry in following)
            unpaid += 1
        elif request.price:
            assert step.fee == request.price * (unpaid + 1)
            unpaid = 0
    assert len(set(used)) == len(used)
    assert paid == list(request.payments)
    assert public == request.public_value
    assert sum(step.fee for step in steps) == request.price * len(steps)


values = st.lists(st.integers(1, 200), max_size=10)


@given(
    eth=values,
    token=values,
    late=values,
    payments=st.lists(st.integers(1, 400), min_size=1, max_size=2)
    | st.lists(st.integers(1, 40), min_size=1, max_size=12),
    memos=st.frozensets(st.integers(0, 11)),
    withdraw=st.booleans(),
    price=st.integers(0, 20),
    asset=st.sampled_from([1, 2]),
    lanes=st.sampled_from([4, 16]),
)
def test_plans_are_exact_or_refused(
    eth: list[int],
    token: list[int],
    late: list[int],
    payments: list[int],
    memos: frozenset[int],
    withdraw: bool,
    price: int,
    asset: int,
    lanes: int,
) -> None:
    notes = [*coins(*eth), *coins(*token, asset=2), *coins(*late, chained=True)]
    public = payments[0] if withdraw else 0
    request = Request(asset, () if withdraw else tuple(payments), public, price, 1, memos)
    try:
        steps = plan(request, notes, lanes)
    except InsufficientFunds as error:
        refused = error
    except TooManyNotes:
        return
    else:
        check(request, steps)
        assert len(steps) <= lanes
        return
    have = sum(note.value for note in notes if note.asset == refused.asset)
    # Joins that cost more than they bring are the one reason to refuse although the sum suffices.
    assert have < refused.needed or price


def test_smallest_note_that_suffices_pays() -> None:
    steps = plan(Request(1, (30,), 0, 1, 1), coins(100, 40, 35), LANES)
    assert steps[0].inputs[0].value == 35


def test_dust_is_swept_along() -> None:
    (step,) = plan(Request(1, (30,), 0, 1, 1), coins(100, 2), LANES)
    assert sorted(entry.value for entry in step.inputs) == [2, 100]


def test_settled_notes_come_before_chained_ones() -> None:
    notes = [*coins(50, 50), *coins(100, chained=True)]
    (step,) = plan(Request(1, (90,), 0, 1, 1), notes, LANES)
    assert not any(entry.chained for entry in step.inputs if isinstance(entry, Coin))


def test_chained_notes_help_out() -> None:
    steps = plan(Request(1, (140,), 0, 1, 1), [*coins(50), *coins(100, chained=True)], LANES)
    check(Request(1, (140,), 0, 1, 1), steps)


def test_each_join_is_paid_for() -> None:
    with pytest.raises(InsufficientFunds):
        plan(Request(1, (29,), 0, 1, 1), coins(10, 10, 10), LANES)
    assert len(plan(Request(1, (28,), 0, 1, 1), coins(10, 10, 10), LANES)) == 2


def test_too_many_notes_name_what_is_reachable() -> None:
    with pytest.raises(TooManyNotes) as caught:
        plan(Request(1, (100,), 0, 1, 1), coins(*[10] * 12), 4)
    reachable = caught.value.reachable
    assert reachable == 46
    check(Request(1, (reachable,), 0, 1, 1), plan(Request(1, (reachable,), 0, 1, 1), coins(*[10] * 12), 4))


def test_two_token_payments_and_scattered_fees() -> None:
    request = Request(2, (10, 20), 0, 5, 1)
    notes = [*coins(15, 15, 15, asset=2), *coins(9, 9, 9, 9)]
    check(request, plan(request, notes, LANES))


@pytest.mark.parametrize("chained", [False, True])
@given(
    values=st.lists(st.integers(1, 100), min_size=2, max_size=8),
    target=st.integers(1, 60),
    price=st.integers(0, 3),
    data=st.data(),
)
def test_a_note_of_the_highest_rank_is_always_spent(
    chained: bool, values: list[int], target: int, price: int, data: st.DataObject
) -> None:
    """A refused transaction and its repetition spend a note in common, so that one excludes the other."""
    notes = coins(*values)
    contested = data.draw(st.sampled_from(range(len(notes))))
    notes[contested] = Coin(1, values[contested], chained)
    request = Request(1, (target,), 0, price, 1)
    try:
        steps = plan(request, notes, LANES, lambda note: int(note is notes[contested]))
    except (InsufficientFunds, TooManyNotes):
        return
    check(request, steps)
    assert any(entry is notes[contested] for step in steps for entry in step.inputs)


@pytest.mark.parametrize(("asset", "most"), [(1, 32), (2, 31)])
def test_a_bundle_pays_as_many_as_its_transactions_have_room_for(asset: int, most: int) -> None:
    notes = [*coins(10_000), *coins(10_000, asset=2)]
    request = Request(asset, (3,) * most, 0, 5, 1)
    steps = plan(request, notes, LANES)
    check(request, steps)
    assert len(steps) == LANES
    with pytest.raises(TooManyNotes):
        plan(Request(asset, (3,) * (most + 1), 0, 5, 1), notes, LANES)


def test_each_memo_has_a_transaction() -> None:
    request = Request(1, (1, 2, 3, 4), 0, 1, 1, frozenset({0, 1, 3}))
    steps = plan(request, coins(100), LANES)
    check(request, steps)
    assert len(steps) == 3
