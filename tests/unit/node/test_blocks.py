"""The encoding and hash of blocks, and the open epoch that they tell."""

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.node.conftest import World, member

from sotto.node.blocks import (
    NO_PARENT,
    Block,
    OrderedDeposit,
    OrderedTransaction,
    Rollback,
    block_hash,
    decode_block,
    next_block,
)
from sotto.node.builder import Ordered
from sotto.node.errors import BlockMalformed
from sotto.node.open_epoch import OpenEpoch, block_entries, restore
from sotto.node.pool import Bundle
from sotto.protocol.field import MODULUS, Field

fields = st.integers(0, MODULUS - 1).map(Field)
numbers = st.integers(0, 2**64 - 1)
entries = st.one_of(
    st.builds(OrderedTransaction, fields),
    st.builds(OrderedDeposit, numbers, fields),
    st.builds(Rollback, numbers, st.text(st.characters(codec="utf-8"), max_size=100)),
)
blocks = st.builds(
    Block,
    domain=st.integers(0, 2**248 - 1),
    number=numbers,
    parent=st.binary(min_size=32, max_size=32),
    time=numbers,
    epoch=numbers,
    l1_block=numbers,
    closes=st.booleans(),
    entries=st.lists(entries, max_size=5).map(tuple),
)
SAMPLE = Block(7, 3, bytes(32), 5, 2, 9, True, (OrderedTransaction(Field(1)), OrderedDeposit(4, Field(2))))


@given(blocks)
def test_every_block_has_one_encoding(block: Block) -> None:
    assert decode_block(block.encode()) == block
    assert block.hash() == block_hash(block.encode())


@given(st.binary(max_size=300))
def test_other_bytes_are_refused_or_are_that_one_encoding(data: bytes) -> None:
    try:
        block = decode_block(data)
    except BlockMalformed:
        return
    assert block.encode() == data


def test_the_encoding_is_the_one_of_the_specification() -> None:
    encoded = (
        b"\x01" + (7).to_bytes(31) + (3).to_bytes(8) + bytes(32)
        + (5).to_bytes(8) + (2).to_bytes(8) + (9).to_bytes(8) + b"\x01" + (2).to_bytes(4)
        + b"\x01" + (1).to_bytes(32)
        + b"\x02" + (4).to_bytes(8) + (2).to_bytes(32)
    )  # fmt: skip
    assert SAMPLE.encode() == encoded
    tag = sha256(b"sotto/block/1").digest()
    assert SAMPLE.hash() == sha256(tag + tag + encoded).digest()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x02" + SAMPLE.encode()[1:],
        SAMPLE.encode()[:-1],
        SAMPLE.encode() + b"\x00",
        SAMPLE.encode().replace(b"\x01" + (2).to_bytes(4), b"\x02" + (2).to_bytes(4)),
        SAMPLE.encode().replace(b"\x01" + (2).to_bytes(4), b"\x01" + b"\xff" * 4),
        replace(SAMPLE, entries=(OrderedTransaction(Field(MODULUS)),)).encode(),
        replace(SAMPLE, entries=(Rollback(1, "x"),)).encode()[:-1] + b"\xff",
        replace(SAMPLE, entries=()).encode()[:-1] + b"\x01\x09" + bytes(32),
    ],
)
def test_malformed_blocks_are_refused(data: bytes) -> None:
    with pytest.raises(BlockMalformed):
        decode_block(data)


def test_blocks_form_a_chain_whose_time_does_not_run_backwards() -> None:
    first = next_block(None, 7, 1000, 1, 9, [])
    second = next_block(first, 7, 900, 1, 9, [])
    assert (first.number, first.parent, first.time) == (1, NO_PARENT, 1000)
    assert (second.number, second.parent, second.time) == (2, first.hash(), 1000)


def test_a_long_cause_is_cut_between_characters() -> None:
    block = replace(SAMPLE, entries=(Rollback(1, "é" * 600),))
    rollback = decode_block(block.encode()).rollback
    assert rollback is not None
    assert rollback.cause == "é" * 256


def test_blocks_tell_the_open_epoch(world: World) -> None:
    world.fund(3)
    scenario = world.scenario
    deposits = {5: scenario.deposit(scenario.users[0], 9).deposit}
    single = Bundle((member(world.pay()),))
    double = Bundle((member(world.pay()), member(world.pay())))
    added: list[Ordered] = [deposits[5], double, single]
    block = next_block(None, scenario.domain, 1, 2, 77, block_entries(scenario.domain, 5, added))
    transactions = {m.h: (bundle.id, m) for bundle in (single, double) for m in bundle.members}
    opened = restore([block], 5, transactions, deposits)
    assert opened is not None
    assert (opened.id, opened.now, opened.queue_end, opened.lanes) == (2, 77, 6, 4)
    assert opened.ordered == added
    assert restore([], 5, {}, {}) is None


def test_blocks_with_a_queue_item_that_l1_does_not_have_do_not_open_an_epoch(world: World) -> None:
    scenario = world.scenario
    deposit, other = (scenario.deposit(scenario.users[0], value).deposit for value in (9, 10))
    block = next_block(None, scenario.domain, 1, 2, 77, block_entries(scenario.domain, 5, [deposit]))
    assert restore([block], 5, {}, {5: deposit}) is not None
    for deposits in ({}, {5: other}):
        with pytest.raises(BlockMalformed):
            restore([block], 5, {}, deposits)
    with pytest.raises(BlockMalformed):
        restore([block], 4, {}, {5: deposit})


def test_an_open_epoch_knows_what_its_bundles_spend(world: World) -> None:
    world.fund(1)
    bundle = Bundle((member(world.pay()),))
    opened = OpenEpoch(2, 5, 0)
    opened.add([bundle])
    [paid] = bundle.members
    assert opened.pool.spender(paid.transaction.nullifiers[0]) == paid.h
    assert opened.pool.has_output(paid.transaction.commitments[2])
