"""Native hashes against the executable specification."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotto import crypto
from sotto.crypto.backend import NativeHasher
from sotto.protocol import hash as reference
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.merkle import MerkleTree
from sotto.protocol.poseidon2 import permute

element = st.integers(0, MODULUS - 1)
quadruple = st.tuples(element, element, element, element)


@given(quadruple)
def test_permutation_is_the_specified_one(state: tuple[int, int, int, int]) -> None:
    assert crypto.permute(state) == list(permute(state))


@given(st.sampled_from(list(reference.Tag)), st.lists(st.lists(element, min_size=1, max_size=8), max_size=5))
def test_hashes_are_the_specified_ones(tag: reference.Tag, rows: list[list[int]]) -> None:
    assert crypto.hash_many(tag, rows) == reference.ReferenceHasher().sum_batch(tag, rows)


@given(st.lists(quadruple, max_size=5))
def test_nodes_are_the_specified_ones(rows: list[tuple[int, int, int, int]]) -> None:
    assert crypto.compress_many(rows) == reference.ReferenceHasher().compress_batch(rows)


def test_parallel_batches_keep_their_order() -> None:
    rows = [(i, 1, 2, 3) for i in range(1000)]
    assert crypto.compress_many(rows) == [crypto.compress(*row) for row in rows]
    assert crypto.hash_many(4, rows) == [crypto.hash1(4, *row) for row in rows]


def test_backend_replaces_the_reference() -> None:
    slow = reference.H(reference.Tag.NOTE, 1, 2, 3)
    try:
        crypto.install_hash_backend()
        assert isinstance(reference._hasher, NativeHasher)
        assert slow == reference.H(reference.Tag.NOTE, 1, 2, 3)
        assert reference.node_batch([]) == []
        with pytest.raises(ValueError):
            reference.H(reference.Tag.NOTE)
    finally:
        reference.set_backend(None)


@given(
    st.integers(1, 4),
    st.dictionaries(st.integers(0, 63), element, max_size=6),
    st.dictionaries(st.integers(0, 63), element, min_size=1, max_size=6),
)
def test_tree_update_gives_the_tree_s_own_nodes(depth: int, old: dict[int, int], new: dict[int, int]) -> None:
    try:
        reference.set_backend(NativeHasher())
        places = 4**depth
        tree = MerkleTree(depth)
        for index, leaf in old.items():
            tree.set_leaf(index % places, Field(leaf))
        changes = {index % places: leaf for index, leaf in new.items()}
        levels = crypto.tree_update(depth, list(changes.items()), [tree.path(index) for index in changes])
        for index, leaf in changes.items():
            tree.set_leaf(index, Field(leaf))
    finally:
        reference.set_backend(None)
    assert [set(level) for level in levels] == [
        {index >> 2 * height for index in changes} for height in range(1, depth + 1)
    ]
    for height, level in enumerate(levels, start=1):
        for number, node in level.items():
            assert tree.subtree(number, height) == node
    assert levels[-1] == {0: tree.root}


ZEROS = [[[0] * 4]]


@pytest.mark.parametrize(
    ("depth", "leaves", "paths"),
    [
        (0, [(0, 1)], ZEROS),
        (32, [(0, 1)], [[[0] * 4] * 32]),
        (2**40, [(0, 1)], ZEROS),
        (1, [], []),
        (1, [(4, 1)], ZEROS),
        (1, [(2**64, 1)], ZEROS),
        (1, [(-1, 1)], ZEROS),
        (1, [(0, 1), (0, 2)], ZEROS * 2),
        (1, [(0, 1)], []),
        (1, [(0, 1)], [[[0] * 3]]),
        (1, [(0, 1)], [[[0] * 4] * 2]),
        (1, [(0, MODULUS)], ZEROS),
        (1, [(0, 1)], [[[MODULUS, 0, 0, 0]]]),
        (1, [(0, 1), (1, 1)], [[[0] * 4], [[0, 0, 0, 9]]]),
        (1, [0], ZEROS),
        (1, None, None),
    ],
)
def test_tree_update_refuses(depth: int, leaves: list[tuple[int, int]], paths: list[list[list[int]]]) -> None:
    with pytest.raises(crypto.MalformedInput):
        crypto.tree_update(depth, leaves, paths)


@pytest.mark.parametrize("bad", [-1, MODULUS, 2**256 - 1, 2**256, "1", None, 1.5, b"1"])
def test_what_is_no_field_element_is_refused(bad: object) -> None:
    for call in (
        lambda: crypto.hash1(1, bad),  # type: ignore[arg-type]
        lambda: crypto.hash_many(1, [[1], [2, bad]]),  # type: ignore[list-item]
        lambda: crypto.compress(bad, 0, 0, 0),  # type: ignore[arg-type]
        lambda: crypto.permute([0, 0, 0, bad]),  # type: ignore[list-item]
    ):
        with pytest.raises(crypto.MalformedInput):
            call()


def test_shapes_are_checked() -> None:
    for call in (
        lambda: crypto.hash1(1),
        lambda: crypto.hash_many(1, [[1], []]),
        lambda: crypto.hash_many(-1, [[1]]),
        lambda: crypto.hash_many(2**64, [[1]]),
        lambda: crypto.hash_many(1, None),  # type: ignore[arg-type]
        lambda: crypto.hash_many(1, [1]),  # type: ignore[list-item]
        lambda: crypto.compress_many([[1, 2, 3]]),
        lambda: crypto.compress_many([[1, 2, 3], [1, 2, 3, 4, 5]]),
        lambda: crypto.permute([]),
        lambda: crypto.permute([0] * 5),
    ):
        with pytest.raises(crypto.MalformedInput):
            call()
    assert crypto.hash_many(1, []) == []
    assert crypto.compress_many([]) == []
