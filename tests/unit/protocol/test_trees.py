"""Merkle trees against naive rebuilding, indexed trees against sorted sets."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sotto.protocol.errors import TreeFull, ValueNotOnRing, ValueOnRing
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.hash import ZERO_SUBTREES, H, Tag, node
from sotto.protocol.indexed import GENESIS_STEP, AccountTree, IndexedLeaf, NullifierTree, strictly_between
from sotto.protocol.insertion import IN_TREE, NullifierBatch
from sotto.protocol.merkle import MerkleTree, fold, subtree_height
from sotto.protocol.trees import anchor, genesis

DEPTH = 3
LEAVES = 4**DEPTH
ELEMENTS = st.integers(1, MODULUS - 1)


def naive_root(leaves: list[int]) -> int:
    while len(leaves) > 1:
        leaves = [int(node(*leaves[i : i + 4])) for i in range(0, len(leaves), 4)]
    return leaves[0]


@settings(max_examples=25)
@given(st.dictionaries(st.integers(0, LEAVES - 1), st.integers(0, MODULUS - 1), max_size=8))
def test_any_leaves_give_the_naive_root(leaves: dict[int, int]) -> None:
    tree, flat = MerkleTree(DEPTH), [0] * LEAVES
    for index, leaf in leaves.items():
        tree.set_leaf(index, Field(leaf))
        flat[index] = leaf
    assert tree.root == naive_root(flat)
    assert MerkleTree.from_leaves(DEPTH, [Field(x) for x in flat]).root == tree.root
    for index in leaves:
        assert fold(Field(flat[index]), index, tree.path(index)) == tree.root
        assert fold(Field(flat[index] ^ 1), index, tree.path(index)) is None


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from([1, 4, 16]), st.integers(0, 16)), max_size=6), st.randoms())
def test_appending_aligned_subtrees(steps: list[tuple[int, int]], random: object) -> None:
    tree, flat = MerkleTree(DEPTH), [0] * LEAVES
    for number, (count, used) in enumerate(steps):
        start = -(-tree.size // count) * count
        leaves = [Field(1000 * number + i + 1) for i in range(min(used, count))]
        if start + count > LEAVES:
            with pytest.raises(TreeFull):
                tree.append(leaves, count)
            continue
        height = subtree_height(count)
        before = tree.path(start // count, height)
        assert fold(ZERO_SUBTREES[height], start // count, before) == tree.root
        assert tree.append(leaves, count) == start // count
        flat[start : start + len(leaves)] = leaves
        assert tree.size == start + count
        assert tree.root == naive_root(flat)
        assert fold(tree.subtree(start // count, height), start // count, before) is None or not leaves
    assert list(tree.leaves()) == flat[: tree.size]


def test_copies_are_independent() -> None:
    tree = MerkleTree(DEPTH)
    tree.append([Field(1)], 4)
    copied, root = tree.copy(), tree.root
    copied.append([Field(2)], 4)
    copied.set_leaf(0, Field(9))
    assert (tree.root, tree.size, tree.leaf(0)) == (root, 4, 1)
    copied.set_leaf(0, Field(1))
    copied.set_leaf(4, Field(0))
    assert copied.root == root


def test_bounds() -> None:
    tree = MerkleTree(1)
    for call in (tree.leaf, tree.path):
        for index in (-1, 4):
            with pytest.raises(TreeFull):
                call(index)
    with pytest.raises(ValueError, match="power of 4"):
        tree.append([], 2)
    with pytest.raises(ValueError, match="leaves for a subtree"):
        tree.append([Field(1)] * 2, 1)
    with pytest.raises(TreeFull):
        MerkleTree.from_leaves(1, [Field(1)] * 5)


def test_a_hundred_thousand_leaves_share_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the shape is tested: one value for all nodes makes hashing free."""
    seven = Field(7).to_bytes(32)
    monkeypatch.setattr("sotto.protocol.merkle.node_packed", lambda nodes: seven * (len(nodes) // 128))
    tree = MerkleTree.from_leaves(16, [Field(5)] * 100_000)
    copies = [tree.copy() for _ in range(1_000)]
    copies[0].append([Field(6)] * 64, 64)
    assert copies[0].size == 100_096
    assert (tree.leaf(99_999), tree.leaf(100_000), copies[0].leaf(100_032)) == (5, 0, 6)


def assert_ring(tree: NullifierTree) -> None:
    """Following `next` from 0 visits every value once, in order."""
    contents = {leaf.value: leaf.next for leaf in tree.contents() if leaf}
    order, value = [], Field(0)
    while True:
        order.append(value)
        value = contents[value]
        if value == 0:
            break
    assert order == sorted(contents)


def test_genesis_ring() -> None:
    tree = NullifierTree.genesis()
    assert_ring(tree)
    assert [leaf.value for leaf in tree.contents() if leaf] == [i * GENESIS_STEP for i in range(4)]
    assert tree.size == 4


@settings(max_examples=8)
@given(st.lists(st.sets(ELEMENTS, max_size=6), max_size=3))
def test_batches_keep_the_ring(epochs: list[set[int]]) -> None:
    tree, values = NullifierTree.genesis(), {i * GENESIS_STEP for i in range(4)}
    for epoch in epochs:
        batch = NullifierBatch(tree)
        for number, value in enumerate(x for x in epoch if x not in values):
            assert Field(value) not in batch
            opening = batch.insert(Field(value), number)
            assert strictly_between(opening.leaf.value, value, opening.leaf.next)
            assert Field(value) in batch
        values |= epoch
        tree.append(batch.leaves(4), 16)
        assert_ring(tree)
        assert {leaf.value for leaf in tree.contents() if leaf} == values
    rebuilt = NullifierTree(tree.contents())
    assert (rebuilt.root, rebuilt.size) == (tree.root, tree.size)
    for value in values:
        leaf = tree.content(tree.index(Field(value)))
        proven = fold(
            H(Tag.NULLIFIER_LEAF, *tree.fields(leaf)),
            tree.index(leaf.value),
            tree.path(tree.index(leaf.value)),
        )
        assert proven == tree.root


@given(ELEMENTS, ELEMENTS, ELEMENTS)
def test_between_means_the_arc_of_the_ring(low: int, value: int, following: int) -> None:
    if strictly_between(low, value, following):
        arc, position = (following - low) % MODULUS, (value - low) % MODULUS
        assert 0 < position < arc or arc == 0
    assert not strictly_between(low, low, following)
    assert not strictly_between(low, following, following)


def test_pending_leaf_is_the_low_leaf_of_its_successor() -> None:
    batch = NullifierBatch(NullifierTree.genesis())
    first = batch.insert(Field(100), 0)
    second = batch.insert(Field(200), 1)
    third = batch.insert(Field(150), 2)
    assert (first.pending, second.pending, third.pending) == (IN_TREE, 0, 0)
    assert (second.leaf.next, third.leaf.next) == (GENESIS_STEP, 200)
    assert batch.open(Field(100)).leaf == IndexedLeaf(Field(100), Field(150))


def test_values_on_the_ring_are_neither_absent_nor_inserted_twice() -> None:
    tree = AccountTree.genesis()
    for value in range(4):
        with pytest.raises(ValueOnRing):
            tree.low_index(Field(value * GENESIS_STEP))
    with pytest.raises(ValueOnRing):
        tree.append([IndexedLeaf(Field(0), Field(1))], 1)
    with pytest.raises(ValueNotOnRing):
        tree.index(Field(5))
    with pytest.raises(ValueNotOnRing):
        tree.content(77)
    with pytest.raises(ValueError, match="never changes"):
        tree.replace(0, IndexedLeaf(Field(5), Field(1)))
    with pytest.raises(TypeError):
        tree.content("0")  # type: ignore[arg-type]


def test_genesis_state() -> None:
    state = genesis()
    assert state.epoch_id == 0
    assert (state.note.size, state.nullifier.size, state.root.size, state.account.size) == (0, 4, 1, 4)
    assert state.anchor() == anchor(0, ZERO_SUBTREES[16], state.account.root)
    copied = state.copy()
    copied.note.append([Field(1)], 1)
    assert genesis().hash() == state.hash() != copied.hash()
