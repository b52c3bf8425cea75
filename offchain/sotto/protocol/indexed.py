"""Indexed Merkle trees: nullifiers and accounts (spec 02).

Each leaf names its value and the next greater one of the tree, the greatest names 0: a ring. So one leaf
proves that a value is absent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import Final, Self

from sotto.protocol.errors import ValueNotOnRing, ValueOnRing
from sotto.protocol.field import FIELD_WORD_BYTES, MODULUS, ZERO, Field
from sotto.protocol.hash import Tag, hash_packed
from sotto.protocol.merkle import MerkleTree, Path
from sotto.protocol.packed import Order, Rows

GENESIS_STEP: Final = MODULUS // 4
"""q: the genesis leaves have the values 0, q, 2q, 3q."""

PLACE_BYTES: Final = 40

_GAP_BITS: Final = 252
_WORD: Final = FIELD_WORD_BYTES


def strictly_between(low: int, value: int, following: int) -> bool:
    """Whether `value` lies strictly between two neighbours of the ring (spec 02)."""
    return (value - low - 1) % MODULUS < 1 << _GAP_BITS and (following - value - 1) % MODULUS < 1 << _GAP_BITS


def packed_place(value: Field, index: int) -> bytes:
    """A value in 32 bytes and its index in 8."""
    return value.to_bytes(_WORD) + index.to_bytes(PLACE_BYTES - _WORD)


@dataclass(frozen=True, slots=True)
class IndexedLeaf:
    """Content of a leaf. `key_set` is 0 in the nullifier tree, whose leaves have none."""

    value: Field
    next: Field
    key_set: Field = ZERO


class IndexedTree:
    """Base of both indexed trees. Copies change independently.

    A leaf of only zeros stands for an unused place: on a ring of several values, 0 never names itself.
    """

    DEPTH: int
    TAG: Tag
    WIDTH: int
    """Number of elements that a leaf hashes."""

    __slots__ = ("_order", "_rows", "tree")

    def __init__(self, contents: Sequence[IndexedLeaf | None]) -> None:
        self._rows = Rows(self.WIDTH * _WORD, b"".join([self._row(leaf) for leaf in contents]))
        self._order = Order(
            [(leaf.value.to_bytes(_WORD), i) for i, leaf in enumerate(contents) if leaf is not None]
        )
        self.tree = MerkleTree.from_packed(self.DEPTH, self._hashes(contents))

    @classmethod
    def genesis(cls) -> Self:
        """The tree with its four genesis leaves."""
        return cls.linked(b"".join([packed_place(Field(i * GENESIS_STEP), i) for i in range(4)]), 4)

    @classmethod
    def linked(cls, places: bytes, size: int, key_sets: Mapping[int, Field] | None = None) -> Self:
        """The tree of a size with the leaves of `packed_places`, in any order: the ring follows from them.

        Args:
            key_sets: by index, where they are not 0.

        Raises ValueOnRing, and ValueError when a place does not exist or is taken twice.
        """
        tree = cls.__new__(cls)
        tree._order = Order.of_packed(places)
        count = len(tree._order)
        width = cls.WIDTH * _WORD
        by_place, by_value = bytearray(size * width), bytearray()
        unused = bytes(width)
        for (key, index), (following, _) in pairwise(chain(tree._order, islice(tree._order, 1))):
            if key == following and count > 1:
                raise ValueOnRing(f"0x{key.hex()}")
            at, row = index * width, key + following
            if cls.WIDTH > 2:
                row += (key_sets or {}).get(index, ZERO).to_bytes(_WORD)
            if index >= size or by_place[at : at + width] != unused:
                raise ValueError(f"no place {index} for a leaf in a tree of size {size}")
            by_place[at : at + width] = row
            by_value += row
        tree._rows = Rows(width, bytes(by_place))
        del by_place
        digests, leaves = hash_packed(cls.TAG, cls.WIDTH, bytes(by_value)), bytearray(size * _WORD)
        for number, (_, index) in enumerate(tree._order):
            leaves[index * _WORD : (index + 1) * _WORD] = digests[number * _WORD : (number + 1) * _WORD]
        tree.tree = MerkleTree.from_packed(cls.DEPTH, bytes(leaves))
        return tree

    @classmethod
    def fields(cls, leaf: IndexedLeaf) -> tuple[Field, ...]:
        """What a leaf hashes."""
        raise NotImplementedError

    @classmethod
    def _row(cls, leaf: IndexedLeaf | None) -> bytes:
        if leaf is None:
            return bytes(cls.WIDTH * _WORD)
        return b"".join([element.to_bytes(_WORD) for element in cls.fields(leaf)])

    @classmethod
    def _hashes(cls, leaves: Sequence[IndexedLeaf | None]) -> bytes:
        """The Merkle leaf of each content as 32 bytes, 0 where there is none."""
        digests = hash_packed(cls.TAG, cls.WIDTH, b"".join([cls._row(leaf) for leaf in leaves if leaf]))
        places = iter(range(0, len(digests), _WORD))
        return b"".join(
            [bytes(_WORD) if leaf is None else digests[(at := next(places)) : at + _WORD] for leaf in leaves]
        )

    @property
    def root(self) -> Field:
        """The Merkle root."""
        return self.tree.root

    @property
    def size(self) -> int:
        """Number of leaves up to the end of the last subtree, used or not."""
        return self.tree.size

    def copy(self) -> Self:
        """A tree that changes independently; copies a reference for some hundreds of leaves."""
        copied = self.__class__.__new__(self.__class__)
        copied._rows, copied._order = self._rows.copy(), self._order.copy()
        copied.tree = self.tree.copy()
        return copied

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and self._find(value) is not None

    def contents(self) -> list[IndexedLeaf | None]:
        """What the constructor takes to rebuild this tree."""
        return [self._content(index) for index in range(self.size)]

    def packed_places(self) -> bytes:
        """`packed_place` of each leaf in use, by value."""
        return self._order.packed()

    @property
    def count(self) -> int:
        """Number of leaves in use."""
        return len(self._order)

    def _find(self, value: int) -> int | None:
        return self._order.find(value.to_bytes(_WORD)) if 0 <= value < MODULUS else None

    def index(self, value: Field) -> int:
        """Index of the leaf with a value. Raises ValueNotOnRing."""
        found = self._find(value)
        if found is None:
            raise ValueNotOnRing(f"{value:#x}")
        return found

    def low_index(self, value: Field) -> int:
        """Index of the leaf with the greatest value below. Raises ValueOnRing when the value has a leaf."""
        if self._find(value) is not None:
            raise ValueOnRing(f"{value:#x}")
        return self._order.below(value.to_bytes(_WORD))

    def _content(self, index: int) -> IndexedLeaf | None:
        row = self._rows[index]
        elements = [Field(int.from_bytes(row[at : at + _WORD])) for at in range(0, len(row), _WORD)]
        return IndexedLeaf(*elements) if any(elements) else None

    def content(self, index: int) -> IndexedLeaf:
        """Content of a used leaf. Raises ValueNotOnRing for an unused one."""
        leaf = self._content(index) if 0 <= index < self.size else None
        if leaf is None:
            raise ValueNotOnRing(f"index {index}")
        return leaf

    def path(self, index: int) -> Path:
        """Opening of a leaf."""
        return self.tree.path(index)

    def replace(self, index: int, leaf: IndexedLeaf) -> None:
        """Change next or key set of a leaf; its value must stay."""
        if self.content(index).value != leaf.value:
            raise ValueError("the value of a leaf never changes")
        self._rows.write(index, self._row(leaf))
        self.tree.set_leaf(index, Field(int.from_bytes(self._hashes([leaf]))))

    def append(self, leaves: Sequence[IndexedLeaf | None], count: int) -> int:
        """Write one aligned subtree of `count` leaves; the caller has linked them into the ring.

        Returns the subtree's number. Raises TreeFull, ValueOnRing.
        """
        for leaf in leaves:
            if leaf is not None and leaf.value in self:
                raise ValueOnRing(f"{leaf.value:#x}")
        hashes = self._hashes(leaves)
        elements = [Field(int.from_bytes(hashes[at : at + _WORD])) for at in range(0, len(hashes), _WORD)]
        subtree = self.tree.append(elements, count)
        start = subtree * count
        self._rows.write(start, b"".join([self._row(leaf) for leaf in leaves]))
        for offset, leaf in enumerate(leaves):
            if leaf is not None:
                self._order.insert(leaf.value.to_bytes(_WORD), start + offset)
        return subtree


class NullifierTree(IndexedTree):
    """Nullifiers ever inserted."""

    DEPTH = 16
    TAG = Tag.NULLIFIER_LEAF
    WIDTH = 2

    __slots__ = ()

    @classmethod
    def fields(cls, leaf: IndexedLeaf) -> tuple[Field, ...]:
        """See IndexedTree."""
        return leaf.value, leaf.next


class AccountTree(IndexedTree):
    """Accounts whose key set was ever changed, by id."""

    DEPTH = 14
    TAG = Tag.ACCOUNT_LEAF
    WIDTH = 3

    __slots__ = ()

    @classmethod
    def fields(cls, leaf: IndexedLeaf) -> tuple[Field, ...]:
        """See IndexedTree."""
        return leaf.value, leaf.next, leaf.key_set

    def key_set(self, account: Field) -> Field:
        """Key set hash of an account, 0 while it has no leaf."""
        return self.content(self.index(account)).key_set if account in self else ZERO
