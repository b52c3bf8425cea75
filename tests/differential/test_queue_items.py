"""Whatever `L1Queue.force` and `Bridge.deposit*` let in, an epoch can take it, and in one way only.

The contracts' half, with arbitrary bytes, is `testFuzz_WhatIsAcceptedHasItsLane` in Force.t.sol and
BridgeDeposit.t.sol of tests/forge.
"""

import json
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sotto import crypto
from sotto.protocol.epoch import EpochInputs, apply_epoch, replay
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.forced import decode_forced, encode_forced
from sotto.protocol.notes import Deposit
from sotto.protocol.transaction import Kind, Transaction
from sotto.protocol.words import compute_m, compute_y, compute_z, decode_words
from tests.support.scenario import FEE_ASSETS, Scenario

LANES = 4
BENEFICIARY = b"\x0b" * 20
QUARTER = MODULUS // 4
EDGES = [1, 2, MODULUS - 1, *(k * QUARTER + d for k in range(1, 4) for d in (-1, 0, 1))]
"""The nullifier tree begins with leaves at the quarters of the field."""

words_of_field = st.one_of(st.sampled_from(EDGES), st.integers(0, MODULUS - 1)).map(Field)


@cache
def world() -> Scenario:
    """Two epochs of everything."""
    crypto.install_hash_backend()
    scenario = Scenario(seed=3)
    for _ in range(2):
        scenario.random_epoch(LANES)
    return scenario


def spent() -> list[Field]:
    """All values in the nullifier tree."""
    return [leaf.value for leaf in world().state.nullifier.contents() if leaf is not None and leaf.value]


@st.composite
def forced(draw: st.DrawFn) -> Transaction:
    """Any that the queue may accept: new nullifiers, spent ones, and those that another one has, too."""
    new = st.one_of(words_of_field, st.integers(1, 5).map(Field)).filter(bool)
    first, second = draw(
        st.lists(st.one_of(new, st.sampled_from(spent())), min_size=2, max_size=2, unique=True)
    )
    leaving = draw(st.booleans())
    tx = Transaction(
        kind=Kind.FORCED,
        domain=world().domain,
        anchor=draw(words_of_field),
        named=(Field(0), Field(0)),
        nullifiers=(first, second),
        commitments=(draw(words_of_field), draw(words_of_field), draw(words_of_field)),
        public_value=draw(st.integers(1, 2**120 - 1)) if leaving else 0,
        public_asset=draw(st.integers(1, 2**64 - 1)) if leaving else 0,
        recipient=draw(st.integers(1, 2**160 - 1)) if leaving else 0,
        fee=0,
        fee_asset=0,
        expiry=draw(st.integers(0, 2**64 - 1)),
        operation=Field(0),
        ext=tuple(draw(st.lists(st.integers(0, 2**248 - 1), min_size=12, max_size=12))),
    )
    assert decode_forced(encode_forced(tx), tx.domain) == tx
    return tx


deposits = st.builds(Deposit, words_of_field, st.integers(1, 2**64 - 1), st.integers(1, 2**120 - 1))


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(forced(), forced(), deposits), min_size=1, max_size=LANES))
def test_each_item_has_one_outcome(items: list[Transaction | Deposit]) -> None:
    scenario = world()
    state = scenario.state
    inputs = EpochInputs(
        scenario.domain, LANES, state.epoch_id, scenario.now, scenario.queue_cursor, FEE_ASSETS
    )
    result = apply_epoch(state, items, inputs)

    known, expected = set(spent()), []
    for item in items:
        if isinstance(item, Deposit):
            expected.append(Kind.DEPOSIT)
        elif known & set(item.nullifiers):
            expected.append(Kind.SKIPPED)
        else:
            expected.append(Kind.FORCED)
            known |= set(item.nullifiers)
    kinds = [lane.kind for lane in result.words.lanes[: len(items)]]
    assert kinds == expected
    paid = [
        item.public_value
        for item, kind in zip(items, kinds, strict=True)
        if isinstance(item, Transaction) and kind == Kind.FORCED and item.public_value
    ]
    assert [withdrawal.value for withdrawal in result.withdrawals] == paid
    m = compute_m(scenario.domain, result.z, BENEFICIARY)
    public = crypto.check_witness("rollup4", json.dumps(result.witness(BENEFICIARY)).encode())
    assert public == [result.c, result.z, result.y, 0, 0, m]

    for number, kind in enumerate(kinds):
        if kind == Kind.DEPOSIT:
            continue
        other = Kind.SKIPPED if kind == Kind.FORCED else Kind.FORCED
        lane = replace(result.words.lanes[number], kind=other)
        lanes = (*result.words.lanes[:number], lane, *result.words.lanes[number + 1 :])
        words = replace(result.words, lanes=lanes)
        with pytest.raises(ProtocolError):
            replay(state, decode_words(words.encode(), LANES))
        c = words.c()
        z = compute_z(scenario.domain, c, words.encode())
        lie = result._witness.to_json(words, c, z, compute_y(words.values(), z), BENEFICIARY, 0)
        with pytest.raises(crypto.WitnessRejected):
            crypto.check_witness("rollup4", json.dumps(lie).encode())
