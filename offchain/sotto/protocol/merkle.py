"""Sparse 4-ary Merkle trees (spec 02).

Nodes are immutable and shared: a copy of a tree costs nothing, and changing the copy leaves the original
alone. So a state before an epoch stays usable after it, for prunes and for openings under old anchors.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from sotto.protocol.errors import TreeFull
from sotto.protocol.field import Field
from sotto.protocol.hash import ZERO_SUBTREES, Children, node, node_batch

ARITY: Final = 4

Path = list[Children]
"""Children of each node from a subtree's parent up to the root."""


class _Node:
    """A subtree that is not empty. `children` is None for a leaf; an empty child is None."""

    __slots__ = ("children", "value")

    def __init__(self, value: Field, children: "tuple[_Node | None, ...] | None" = None) -> None:
        self.value = value
        self.children = children


_NOTHING: Final[tuple[_Node | None, ...]] = (None, None, None, None)


def _value(subtree: _Node | None, height: int) -> Field:
    return ZERO_SUBTREES[height] if subtree is None else subtree.value


def _values(children: tuple[_Node | None, ...], height: int) -> Children:
    a, b, c, d = children
    return _value(a, height), _value(b, height), _value(c, height), _value(d, height)


def _build(leaves: Sequence[Field], height: int) -> _Node | None:
    """The subtree of the given height with these leaves first, hashed level by level."""
    level: list[_Node | None] = [_Node(leaf) if leaf else None for leaf in leaves]
    for below in range(height):
        level += [None] * (-len(level) % ARITY)
        groups = [tuple(level[i : i + ARITY]) for i in range(0, len(level), ARITY)]
        values = iter(node_batch([_values(g, below) for g in groups if g != _NOTHING]))
        level = [None if g == _NOTHING else _Node(next(values), g) for g in groups]
    return level[0] if level else None


class MerkleTree:
    """A tree of `4 ** depth` leaves, 0 where nothing was written, with a size that only appending changes."""

    __slots__ = ("_root", "depth", "size")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.size = 0
        self._root: _Node | None = None

    @classmethod
    def from_leaves(cls, depth: int, leaves: Sequence[Field]) -> "MerkleTree":
        """The tree whose size is the number of `leaves`. Raises TreeFull when they are too many."""
        tree = cls(depth)
        if len(leaves) > tree.capacity:
            raise TreeFull(f"{len(leaves)} leaves in a tree of depth {depth}")
        tree._root = _build(leaves, depth)
        tree.size = len(leaves)
        return tree

    @property
    def capacity(self) -> int:
        """Number of leaves that fit."""
        return 1 << 2 * self.depth

    @property
    def root(self) -> Field:
        """The root."""
        return _value(self._root, self.depth)

    def copy(self) -> "MerkleTree":
        """A tree that changes independently; takes constant time."""
        tree = MerkleTree(self.depth)
        tree.size, tree._root = self.size, self._root
        return tree

    def _descend(self, index: int, height: int) -> tuple[_Node | None, list[tuple[_Node | None, ...]]]:
        """The subtree at a place and the children lists above it, from the root downwards."""
        if not 0 <= index < 1 << 2 * (self.depth - height):
            raise TreeFull(f"index {index} of height {height} in a tree of depth {self.depth}")
        above: list[tuple[_Node | None, ...]] = []
        current = self._root
        for level in range(self.depth - 1, height - 1, -1):
            children = _NOTHING if current is None or current.children is None else current.children
            above.append(children)
            current = children[index >> 2 * (level - height) & 3]
        return current, above

    def leaf(self, index: int) -> Field:
        """The leaf at an index. Raises TreeFull beyond the capacity."""
        return _value(self._descend(index, 0)[0], 0)

    def leaves(self) -> Iterator[Field]:
        """All leaves below the size, in order."""
        return (self.leaf(index) for index in range(self.size))

    def subtree(self, index: int, height: int) -> Field:
        """Root of the `index`-th subtree of a height. Raises TreeFull beyond the capacity."""
        return _value(self._descend(index, height)[0], height)

    def path(self, index: int, height: int = 0) -> Path:
        """Opening of the `index`-th subtree of a height (0: leaf). Raises TreeFull beyond the capacity."""
        above = self._descend(index, height)[1]
        return [_values(children, height + i) for i, children in enumerate(reversed(above))]

    def set_leaf(self, index: int, leaf: Field) -> None:
        """Replace one leaf, whatever the size. Raises TreeFull beyond the capacity."""
        self._put(index, 0, _Node(leaf) if leaf else None)

    def _put(self, index: int, height: int, subtree: _Node | None) -> None:
        above = self._descend(index, height)[1]
        for i, old in enumerate(reversed(above)):
            digit = index >> 2 * i & 3
            children = (*old[:digit], subtree, *old[digit + 1 :])
            empty = children == _NOTHING
            subtree = None if empty else _Node(node(*_values(children, height + i)), children)
        self._root = subtree

    def next_subtree(self, count: int) -> int:
        """Number of the subtree of `count` leaves that `append` would write. Raises TreeFull, ValueError."""
        subtree_height(count)
        index = -(-self.size // count)
        if (index + 1) * count > self.capacity:
            raise TreeFull(f"no subtree of {count} leaves left in a tree of depth {self.depth}")
        return index

    def append(self, leaves: Sequence[Field], count: int) -> int:
        """Write one aligned subtree of `count` leaves, a power of 4, at the size rounded up to its multiple.

        Leaves beyond those given are 0. The new size is the end of the subtree. Returns the subtree's number.
        Raises TreeFull.
        """
        if len(leaves) > count:
            raise ValueError(f"{len(leaves)} leaves for a subtree of {count}")
        index, height = self.next_subtree(count), subtree_height(count)
        self._put(index, height, _build(leaves, height))
        self.size = (index + 1) * count
        return index


def subtree_height(count: int) -> int:
    """Height of a subtree of `count` leaves. Raises ValueError unless it is a power of 4."""
    height = (count.bit_length() - 1) // 2
    if count < 1 or 1 << 2 * height != count:
        raise ValueError(f"{count} is not a power of 4")
    return height


def fold(leaf: Field, index: int, path: Sequence[Children]) -> Field | None:
    """The root that an opening proves, or None when a children list does not hold the node below it."""
    value = leaf
    for level, children in enumerate(path):
        if children[index >> 2 * level & 3] != value:
            return None
        value = node(*children)
    return value
