"""Leaves collected from words, against the state transition; packed containers against plain ones."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.scenario import Scenario

from sotto import crypto
from sotto.protocol import hash as hashing
from sotto.protocol.errors import LaneCountUnsupported, TreeFull, ValueOnRing, WordLengthWrong
from sotto.protocol.field import MODULUS, ZERO, Field
from sotto.protocol.growth import Growth
from sotto.protocol.hash import ZERO_SUBTREES, Tag, hash_batch, hash_packed, node_batch, node_packed
from sotto.protocol.indexed import AccountTree, NullifierTree, packed_place
from sotto.protocol.merkle import MerkleTree, fold
from sotto.protocol.packed import Order, Rows
from sotto.protocol.trees import genesis

DEPTH = 6
KEYS = st.integers(0, 40).map(lambda number: (number * 7).to_bytes(32))


@pytest.fixture(autouse=True)
def _native_hash() -> Iterator[None]:
    crypto.install_hash_backend()
    yield
    hashing.set_backend(None)


def test_words_give_the_state_of_the_transition() -> None:
    scenario, growth = Scenario(seed=5), Growth.genesis()
    assert growth.state().hash() == genesis().hash()
    for number in range(1, 13):
        epoch = scenario.random_epoch((4, 16)[number % 3 == 0])
        growth.add(epoch.result.encoded_words(), len(epoch.result.words.lanes))
        assert growth.epoch_id == number
        if number % 4 == 0:
            built, state = growth.state(), scenario.state
            assert built.hash() == state.hash()
            assert built.nullifier.contents() == state.nullifier.contents()
            assert built.account.contents() == state.account.contents()
            assert built.account.count == sum(leaf is not None for leaf in state.account.contents())
            growth = Growth.decode(Growth.of(state).encode())
    # What is built can be gone on from.
    built = growth.state()
    before = scenario.state.hash()
    built.note.append([Field(1)], 16)
    assert scenario.state.hash() == before != built.hash()


def test_words_of_the_wrong_length_are_refused() -> None:
    words = Scenario().random_epoch(4).result.encoded_words()
    with pytest.raises(WordLengthWrong):
        Growth.genesis().add(words[:-1], 4)
    with pytest.raises(WordLengthWrong):
        Growth.genesis().add(words, 16)
    with pytest.raises(LaneCountUnsupported):
        Growth.genesis().add(words, 5)


@pytest.mark.parametrize("cut", [0, 40, 48, -1, -33])
def test_cut_leaves_are_refused(cut: int) -> None:
    with pytest.raises(WordLengthWrong):
        Growth.decode(Growth.genesis().encode()[:cut])
    with pytest.raises(WordLengthWrong):
        Growth.decode(Growth.genesis().encode() + b"\0")


def test_a_ring_that_cannot_be_is_refused() -> None:
    places = packed_place(Field(0), 0) + packed_place(Field(5), 1)
    assert NullifierTree.linked(places, 4).content(1).next == 0
    with pytest.raises(ValueOnRing):
        NullifierTree.linked(places + packed_place(Field(5), 2), 4)
    with pytest.raises(ValueError, match="no place 1"):
        NullifierTree.linked(places + packed_place(Field(6), 1), 4)
    with pytest.raises(ValueError, match="no place 4"):
        NullifierTree.linked(places + packed_place(Field(6), 4), 4)
    with pytest.raises(ValueError, match="no entries"):
        NullifierTree.linked(places[:-1], 4)
    account = AccountTree.linked(packed_place(Field(9), 3) + packed_place(Field(0), 0), 4, {3: Field(8)})
    assert (account.key_set(Field(9)), account.content(3).next, account.content(0).next) == (8, 0, 9)


def test_a_tree_deeper_than_its_packed_levels() -> None:
    """Random changes at all heights, against leaves in a dictionary."""
    dice, tree = random.Random(3), MerkleTree(DEPTH)
    flat: dict[int, int] = {}
    for step in range(40):
        if dice.random() < 0.5:
            index, leaf = dice.randrange(4**DEPTH), dice.choice([0, dice.randrange(MODULUS)])
            tree.set_leaf(index, Field(leaf))
            flat[index] = leaf
        else:
            count = dice.choice([1, 4, 16, 64, 256, 1024])
            leaves = [Field(step * 2000 + i + 1) for i in range(dice.randrange(count + 1))]
            start = -(-tree.size // count) * count
            if start + count > 4**DEPTH:
                with pytest.raises(TreeFull):
                    tree.append(leaves, count)
                continue
            tree.append(leaves, count)
            flat |= dict.fromkeys(range(start, start + count), 0) | dict(enumerate(leaves, start))
        index = dice.randrange(4**DEPTH)
        assert tree.leaf(index) == flat.get(index, 0)
        for height in range(DEPTH):
            assert fold(tree.subtree(index >> 2 * height, height), index >> 2 * height, tree.path(
                index >> 2 * height, height)) == tree.root  # fmt: skip
    leaves = [Field(flat.get(index, 0)) for index in range(4**DEPTH)]
    assert MerkleTree.from_leaves(DEPTH, leaves).root == tree.root
    assert list(tree.leaves()) == leaves[: tree.size]
    for index, leaf in flat.items():
        if leaf:
            tree.set_leaf(index, ZERO)
    assert tree.root == ZERO_SUBTREES[DEPTH]
    with pytest.raises(ValueError, match="no leaves"):
        MerkleTree.from_packed(DEPTH, b"\0")


@settings(max_examples=30)
@given(st.lists(st.tuples(KEYS, st.booleans()), max_size=60))
def test_order_is_that_of_a_sorted_list(steps: list[tuple[bytes, bool]]) -> None:
    start = sorted({key for key, early in steps if early})
    order = Order([(key, number) for number, key in enumerate(start)])
    model = {key: number for number, key in enumerate(start)}
    before = list(order.copy())
    kept = order.copy()
    for number, (key, _) in enumerate(steps, 1000):
        assert order.find(key) == model.get(key)
        if key not in model:
            order.insert(key, number)
            model[key] = number
        below = [other for other in sorted(model) if other < key] or sorted(model)
        assert order.below(key) == model[below[-1]]
    assert list(order) == sorted(model.items())
    assert len(order) == len(model)
    assert list(kept) == before


def test_a_long_order_splits_its_blocks() -> None:
    dice, order = random.Random(4), Order()
    keys = [dice.randbytes(32) for _ in range(3_000)]
    for number, key in enumerate(keys):
        order.insert(key, number)
    assert [key for key, _ in order] == sorted(keys)
    assert all(order.find(key) == number for number, key in enumerate(keys))
    assert order.find(bytes(32)) is None


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 700), st.integers(1, 300)), max_size=8))
def test_rows_are_those_of_a_list(steps: list[tuple[int, int]]) -> None:
    rows, model = Rows(3, b"abc"), {0: b"abc"}
    for number, (index, count) in enumerate(steps, 1):
        written = [bytes([number, i % 256, 7]) for i in range(count)]
        kept = rows.copy()
        before = [kept[i] for i in range(1_100)]
        rows.write(index, b"".join(written))
        model |= dict(enumerate(written, index))
        assert [kept[i] for i in range(1_100)] == before
    assert all(rows[i] == model.get(i, bytes(3)) for i in range(1_100))


@pytest.mark.parametrize("native", [False, True])
def test_packed_hashes_are_the_others(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not native:
        hashing.set_backend(None)
    monkeypatch.setattr(hashing, "_PART_RUNS", 2)
    rows = [(i, i * i, MODULUS - i - 1, 5) for i in range(5)]
    data = b"".join(x.to_bytes(32) for row in rows for x in row)
    assert node_packed(data) == b"".join(x.to_bytes(32) for x in node_batch(rows))
    assert hash_packed(Tag.NOTE, 4, data) == b"".join(x.to_bytes(32) for x in hash_batch(Tag.NOTE, rows))
    assert node_packed(b"") == hash_packed(Tag.NOTE, 2, b"") == b""
    for function in (node_packed, lambda part: hash_packed(Tag.NOTE, 3, part)):
        with pytest.raises(ValueError, match="no runs"):
            function(data[:-32])
