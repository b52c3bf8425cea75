"""Indexed Merkle trees: nullifiers and accounts (spec 02).

Each leaf names its value and the next greater one of the tree, the greatest names 0: a ring. So one leaf
proves that a value is absent.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from sotto.protocol.errors import ValueNotOnRing, ValueOnRing
from sotto.protocol.field import MODULUS, ZERO, Field
from sotto.protocol.hash import Tag, hash_batch
from sotto.protocol.merkle import MerkleTree, Path

GENESIS_STEP: Final = MODULUS // 4
"""q: the genesis leaves have the values 0, q, 2q, 3q."""

_GAP_BITS: Final = 252


def strictly_between(low: int, value: int, following: int) -> bool:
    """Whether `value` lies strictly between two neighbours of the ring (spec 02)."""
    return (value - low - 1) % MODULUS < 1 << _GAP_BITS and (following - value - 1) % MODULUS < 1 << _GAP_BITS


@dataclass(frozen=True, slots=True)
class IndexedLeaf:
    """Content of a leaf. `key_set` is 0 in the nullifier tree, whose leaves have none."""

    value: Field
    next: Field
    key_set: Field = ZERO


class IndexedTree:
    """Base of both indexed trees. Copies change independently."""

    DEPTH: int
    TAG: Tag

    __slots__ = ("_contents", "_order", "tree")

    def __init__(self, contents: Sequence[IndexedLeaf | None]) -> None:
        self._contents = list(contents)
        self._order = sorted((leaf.value, i) for i, leaf in enumerate(contents) if leaf is not None)
        self.tree = MerkleTree.from_leaves(self.DEPTH, self.hashes(contents))

    @classmethod
    def genesis(cls) -> Self:
        """The tree with its four genesis leaves."""
        values = [Field(i * GENESIS_STEP) for i in range(4)]
        return cls([IndexedLeaf(value, values[(i + 1) % 4]) for i, value in enumerate(values)])

    @classmethod
    def fields(cls, leaf: IndexedLeaf) -> tuple[Field, ...]:
        """What a leaf hashes."""
        raise NotImplementedError

    @classmethod
    def hashes(cls, leaves: Sequence[IndexedLeaf | None]) -> list[Field]:
        """The Merkle leaf of each content, 0 where there is none."""
        digests = iter(hash_batch(cls.TAG, [cls.fields(leaf) for leaf in leaves if leaf is not None]))
        return [Field(0) if leaf is None else next(digests) for leaf in leaves]

    @property
    def root(self) -> Field:
        """The Merkle root."""
        return self.tree.root

    @property
    def size(self) -> int:
        """Number of leaves up to the end of the last subtree, used or not."""
        return self.tree.size

    def copy(self) -> Self:
        """A tree that changes independently; copies two lists, whatever the depth."""
        copied = self.__class__.__new__(self.__class__)
        copied._contents, copied._order = self._contents.copy(), self._order.copy()
        copied.tree = self.tree.copy()
        return copied

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and self._find(value) is not None

    def contents(self) -> list[IndexedLeaf | None]:
        """What the constructor takes to rebuild this tree."""
        return self._contents.copy()

    def _find(self, value: int) -> int | None:
        at = bisect_left(self._order, (value,))
        return self._order[at][1] if at < len(self._order) and self._order[at][0] == value else None

    def index(self, value: Field) -> int:
        """Index of the leaf with a value. Raises ValueNotOnRing."""
        found = self._find(value)
        if found is None:
            raise ValueNotOnRing(f"{value:#x}")
        return found

    def low_index(self, value: Field) -> int:
        """Index of the leaf with the greatest value below. Raises ValueOnRing when the value has a leaf."""
        at = bisect_left(self._order, (value,))
        if at < len(self._order) and self._order[at][0] == value:
            raise ValueOnRing(f"{value:#x}")
        return self._order[at - 1][1]

    def content(self, index: int) -> IndexedLeaf:
        """Content of a used leaf. Raises ValueNotOnRing for an unused one."""
        leaf = self._contents[index] if 0 <= index < len(self._contents) else None
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
        self._contents[index] = leaf
        self.tree.set_leaf(index, self.hashes([leaf])[0])

    def append(self, leaves: Sequence[IndexedLeaf | None], count: int) -> int:
        """Write one aligned subtree of `count` leaves; the caller has linked them into the ring.

        Returns the subtree's number. Raises TreeFull, ValueOnRing.
        """
        for leaf in leaves:
            if leaf is not None and leaf.value in self:
                raise ValueOnRing(f"{leaf.value:#x}")
        subtree = self.tree.append(self.hashes(leaves), count)
        start = subtree * count
        self._contents += [None] * (start - len(self._contents))
        self._contents += [*leaves, *[None] * (count - len(leaves))]
        for offset, leaf in enumerate(leaves):
            if leaf is not None:
                insort(self._order, (leaf.value, start + offset))
        return subtree


class NullifierTree(IndexedTree):
    """Nullifiers ever inserted."""

    DEPTH = 16
    TAG = Tag.NULLIFIER_LEAF

    __slots__ = ()

    @classmethod
    def fields(cls, leaf: IndexedLeaf) -> tuple[Field, ...]:
        """See IndexedTree."""
        return leaf.value, leaf.next


class AccountTree(IndexedTree):
    """Accounts whose key set was ever changed, by id."""

    DEPTH = 14
    TAG = Tag.ACCOUNT_LEAF

    __slots__ = ()

    @classmethod
    def fields(cls, leaf: IndexedLeaf) -> tuple[Field, ...]:
        """See IndexedTree."""
        return leaf.value, leaf.next, leaf.key_set

    def key_set(self, account: Field) -> Field:
        """Key set hash of an account, 0 while it has no leaf."""
        return self.content(self.index(account)).key_set if account in self else ZERO
