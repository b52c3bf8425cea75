"""Sparse 4-ary Merkle trees (spec 02).

Nodes are immutable and shared: a copy of a tree costs nothing, and changing the copy leaves the original
alone. So a state before an epoch stays usable after it, for prunes and for openings under old anchors.

The lowest levels of each 4^4 leaves are one string of bytes, level by level, so that a million leaves take
little more memory than their values.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from sotto.protocol.errors import TreeFull
from sotto.protocol.field import FIELD_WORD_BYTES, Field
from sotto.protocol.hash import ZERO_SUBTREES, Children, node, node_packed

ARITY: Final = 4

Path = list[Children]
"""Children of each node from a subtree's parent up to the root."""

_PACKED_HEIGHT: Final = 4
_WORD: Final = FIELD_WORD_BYTES
_ZEROS: Final = tuple(zero.to_bytes(_WORD) for zero in ZERO_SUBTREES)


class _Node:
    """A subtree above the packed ones that is not empty; an empty child is None."""

    __slots__ = ("children", "value")

    def __init__(self, value: bytes, children: "tuple[_Subtree, ...]") -> None:
        self.value = value
        self.children = children


_Subtree = _Node | bytes | None
"""Packed subtrees hold their levels from the leaves up: the last element is their root."""

_NOTHING: Final[tuple[_Subtree, ...]] = (None, None, None, None)


def _value(subtree: _Subtree, height: int) -> bytes:
    if subtree is None:
        return _ZEROS[height]
    return subtree[-_WORD:] if isinstance(subtree, bytes) else subtree.value


def _values(children: tuple[_Subtree, ...], height: int) -> bytes:
    return b"".join([_value(child, height) for child in children])


def _children(packed: bytes) -> Children:
    a, b, c, d = (Field(int.from_bytes(packed[at : at + _WORD])) for at in range(0, ARITY * _WORD, _WORD))
    return a, b, c, d


def _join(children: tuple[_Subtree, ...], height: int) -> _Node | None:
    """The parent of children of a height."""
    if children == _NOTHING:
        return None
    return _Node(node_packed(_values(children, height)), children)


def _levels(leaves: bytes, height: int) -> list[bytes]:
    """The values of each height of a subtree that begins with these leaves, as far as they reach."""
    levels = [leaves]
    for below in range(height):
        group = ARITY * _WORD
        padded = levels[-1] + _ZEROS[below] * (-len(levels[-1]) % group // _WORD)
        levels.append(node_packed(padded))
    return levels


class MerkleTree:
    """A tree of `4 ** depth` leaves, 0 where nothing was written, with a size that only appending changes."""

    __slots__ = ("_empty", "_offsets", "_packed", "_root", "depth", "size")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.size = 0
        self._root: _Subtree = None
        self._packed = min(_PACKED_HEIGHT, depth)
        widths = [1 << 2 * (self._packed - height) for height in range(self._packed + 1)]
        self._offsets = [sum(widths[:height]) for height in range(self._packed + 1)]
        self._empty = b"".join([_ZEROS[height] * width for height, width in enumerate(widths)])

    @classmethod
    def from_leaves(cls, depth: int, leaves: Sequence[Field]) -> "MerkleTree":
        """The tree whose size is the number of `leaves`. Raises TreeFull when they are too many."""
        return cls.from_packed(depth, b"".join([leaf.to_bytes(_WORD) for leaf in leaves]))

    @classmethod
    def from_packed(cls, depth: int, leaves: bytes) -> "MerkleTree":
        """The same of leaves as 32 bytes each. Raises TreeFull, ValueError for a rest."""
        tree, (size, rest) = cls(depth), divmod(len(leaves), _WORD)
        if rest:
            raise ValueError(f"{len(leaves)} bytes are no leaves")
        if size > tree.capacity:
            raise TreeFull(f"{size} leaves in a tree of depth {depth}")
        if leaves:
            tree._root = tree._assemble(_levels(leaves, depth), depth)
        tree.size = size
        return tree

    @property
    def capacity(self) -> int:
        """Number of leaves that fit."""
        return 1 << 2 * self.depth

    @property
    def root(self) -> Field:
        """The root."""
        return Field(int.from_bytes(_value(self._root, self.depth)))

    def copy(self) -> "MerkleTree":
        """A tree that changes independently; takes constant time."""
        tree = MerkleTree.__new__(MerkleTree)
        tree.depth, tree.size, tree._root = self.depth, self.size, self._root
        tree._packed, tree._offsets, tree._empty = self._packed, self._offsets, self._empty
        return tree

    def _assemble(self, levels: list[bytes], height: int) -> _Subtree:
        """The subtree of a height, not below the packed ones, whose values are known."""
        subtrees: list[_Subtree] = []
        sizes = [(1 << 2 * (self._packed - level)) * _WORD for level in range(self._packed + 1)]
        for number in range(len(levels[self._packed]) // _WORD):
            parts = [
                _padded(levels[level][number * size : (number + 1) * size], size, level)
                for level, size in enumerate(sizes)
            ]
            packed = b"".join(parts)
            subtrees.append(None if packed == self._empty else packed)
        for level in range(self._packed, height):
            subtrees += [None] * (-len(subtrees) % ARITY)
            groups = [tuple(subtrees[at : at + ARITY]) for at in range(0, len(subtrees), ARITY)]
            values = levels[level + 1]
            subtrees = [
                None if group == _NOTHING else _Node(values[at * _WORD : (at + 1) * _WORD], group)
                for at, group in enumerate(groups)
            ]
        return subtrees[0]

    def _descend(self, index: int, height: int) -> tuple[_Subtree, list[tuple[_Subtree, ...]]]:
        """The subtree at a place, or the packed one around it, and the children above it from the root."""
        if not 0 <= index < 1 << 2 * (self.depth - height):
            raise TreeFull(f"index {index} of height {height} in a tree of depth {self.depth}")
        above: list[tuple[_Subtree, ...]] = []
        current = self._root
        for level in range(self.depth - 1, max(height, self._packed) - 1, -1):
            children = current.children if isinstance(current, _Node) else _NOTHING
            above.append(children)
            current = children[index >> 2 * (level - height) & 3]
        return current, above

    def _at(self, index: int, height: int) -> int:
        """Where in its packed subtree a value of a height stands, in bytes."""
        return (self._offsets[height] + index % (1 << 2 * (self._packed - height))) * _WORD

    def leaf(self, index: int) -> Field:
        """The leaf at an index. Raises TreeFull beyond the capacity."""
        return self.subtree(index, 0)

    def leaves(self) -> Iterator[Field]:
        """All leaves below the size, in order."""
        packed = self.packed_leaves()
        return (Field(int.from_bytes(packed[at : at + _WORD])) for at in range(0, len(packed), _WORD))

    def packed_leaves(self) -> bytes:
        """All leaves below the size as 32 bytes each, in order."""
        width = 1 << 2 * self._packed
        parts = []
        for number in range(-(-self.size // width)):
            packed, _ = self._descend(number, self._packed)
            parts.append((packed if isinstance(packed, bytes) else self._empty)[: width * _WORD])
        return b"".join(parts)[: self.size * _WORD]

    def subtree(self, index: int, height: int) -> Field:
        """Root of the `index`-th subtree of a height. Raises TreeFull beyond the capacity."""
        found, _ = self._descend(index, height)
        if height < self._packed and isinstance(found, bytes):
            at = self._at(index, height)
            return Field(int.from_bytes(found[at : at + _WORD]))
        return Field(int.from_bytes(_value(found, height)))

    def path(self, index: int, height: int = 0) -> Path:
        """Opening of the `index`-th subtree of a height (0: leaf). Raises TreeFull beyond the capacity."""
        packed, above = self._descend(index, height)
        opening: Path = []
        levels = packed if isinstance(packed, bytes) else self._empty
        for level in range(height, self._packed):
            at = self._at(index >> 2 * (level - height) & ~3, level)
            opening.append(_children(levels[at : at + ARITY * _WORD]))
        lowest = max(height, self._packed)
        opening += [_children(_values(group, lowest + i)) for i, group in enumerate(reversed(above))]
        return opening

    def set_leaf(self, index: int, leaf: Field) -> None:
        """Replace one leaf, whatever the size. Raises TreeFull beyond the capacity."""
        self._put(index, 0, [leaf.to_bytes(_WORD)])

    def _put(self, index: int, height: int, levels: list[bytes]) -> None:
        """Replace the subtree at a place by one whose values are known."""
        subtree, above = self._descend(index, height)
        if height < self._packed:
            subtree = self._patch(
                subtree if isinstance(subtree, bytes) else self._empty, index, height, levels
            )
        else:
            subtree = self._assemble(levels, height)
        lowest = max(height, self._packed)
        for i, old in enumerate(reversed(above)):
            digit = index >> 2 * (lowest - height + i) & 3
            subtree = _join((*old[:digit], subtree, *old[digit + 1 :]), lowest + i)
        self._root = subtree

    def _patch(self, packed: bytes, index: int, height: int, levels: list[bytes]) -> bytes | None:
        """A packed subtree with the values of one inside it replaced."""
        changed = bytearray(packed)
        for level, values in enumerate(levels):
            at = self._at(index << 2 * (height - level), level)
            changed[at : at + len(values)] = values
        for level in range(height, self._packed):
            index >>= 2
            at = self._at(index << 2, level)
            parent = self._at(index, level + 1)
            changed[parent : parent + _WORD] = node_packed(bytes(changed[at : at + ARITY * _WORD]))
        return None if changed == self._empty else bytes(changed)

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
        # Most epochs have no account operation and append nothing but zeros: nothing has to be hashed.
        if any(leaves) or self.subtree(index, height) != ZERO_SUBTREES[height]:
            packed = b"".join([leaf.to_bytes(_WORD) for leaf in leaves]).ljust(count * _WORD, b"\0")
            self._put(index, height, _levels(packed, height))
        self.size = (index + 1) * count
        return index


def _padded(values: bytes, size: int, height: int) -> bytes:
    return values + _ZEROS[height] * ((size - len(values)) // _WORD)


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
