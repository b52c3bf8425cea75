"""The note tree as a wallet needs it: packed nodes, and the leaves of all but its end on disk.

A million notes as objects of the interpreter take hundreds of megabytes. Here a segment, a subtree of fixed
height, is kept as its root once it is full; its leaves are read again when a note in it is spent.
"""

from typing import Final, Protocol

from sotto.crypto import compress_packed
from sotto.protocol.errors import TreeFull
from sotto.protocol.field import FIELD_WORD_BYTES, Field, encode_field
from sotto.protocol.hash import ZERO_SUBTREES
from sotto.protocol.merkle import ARITY, Path
from sotto.protocol.trees import NOTE_DEPTH
from sotto.wallet.errors import CacheDamaged

SEGMENT_HEIGHT: Final = 6
SEGMENT_LEAVES: Final = ARITY**SEGMENT_HEIGHT
SEGMENT_NODES: Final = SEGMENT_LEAVES // ARITY
"""Height-1 nodes, one for each lane of an epoch."""

_WORD: Final = FIELD_WORD_BYTES
_GROUP: Final = ARITY * _WORD
_ZEROS: Final = [encode_field(zero) for zero in ZERO_SUBTREES]


class SegmentStore(Protocol):
    """Where full segments lie."""

    def segment(self, number: int) -> bytes:
        """The SEGMENT_LEAVES leaves of a segment, packed. Raises CacheDamaged."""

    def drop_segment(self, number: int) -> None:
        """Forget a segment that is not the one that was checked, and what follows."""


class NoteTree:
    """Append-only, of depth NOTE_DEPTH. A copy changes independently and costs little.

    Level k holds the nodes of height k, from number 0 on at and above the segments, below them those of the
    last segment only.
    """

    __slots__ = ("_levels", "_segment", "_store", "size")

    def __init__(self, store: SegmentStore) -> None:
        self._store = store
        self._levels = [bytearray() for _ in range(NOTE_DEPTH + 1)]
        self._segment = 0
        self.size = 0

    @classmethod
    def restore(cls, roots: bytes, tail: bytes, store: SegmentStore) -> "NoteTree":
        """The tree with full segments of these roots, and the leaves of `tail` after them, less than one."""
        tree = cls(store)
        tree._segment = len(roots) // _WORD
        tree.size = tree._segment * SEGMENT_LEAVES
        tree._levels[SEGMENT_HEIGHT] = bytearray(roots)
        tree._rehash(0, SEGMENT_HEIGHT + 1)
        if tail:
            tree._extend(tail)
        return tree

    def copy(self) -> "NoteTree":
        """A tree that changes independently."""
        tree = NoteTree(self._store)
        tree._levels = [level.copy() for level in self._levels]
        tree._segment, tree.size = self._segment, self.size
        return tree

    @property
    def root(self) -> Field:
        """The root."""
        top = self._levels[NOTE_DEPTH]
        return Field(int.from_bytes(top)) if top else ZERO_SUBTREES[NOTE_DEPTH]

    def segment_root(self, number: int) -> bytes:
        """Root of a segment, 32 bytes; it is final once the segment is full."""
        return bytes(self._levels[SEGMENT_HEIGHT][_WORD * number : _WORD * (number + 1)])

    def append(self, leaves: bytes, count: int) -> None:
        """Write one aligned subtree of `count` leaves at the size rounded up to its multiple.

        `leaves` are packed; what is missing to `count` is 0. Raises TreeFull.
        """
        start = -(-self.size // count) * count
        if start + count > ARITY**NOTE_DEPTH:
            raise TreeFull(f"no subtree of {count} leaves left in the note tree")
        data = bytes(_WORD * (start - self.size)) + leaves.ljust(_WORD * count, b"\0")
        while data:
            room = _WORD * (SEGMENT_LEAVES - self.size % SEGMENT_LEAVES)
            self._extend(data[:room])
            data = data[room:]

    def path(self, index: int) -> Path:
        """Opening of a leaf below the size. Raises TreeFull, CacheDamaged."""
        if not 0 <= index < self.size:
            raise TreeFull(f"leaf {index} of a tree with {self.size}")
        segment, levels = index // SEGMENT_LEAVES, self._levels
        if segment != self._segment:
            levels = [*self._read_levels(segment), *self._levels[SEGMENT_HEIGHT:]]
        path: Path = []
        for height in range(NOTE_DEPTH):
            first = index >> 2 * height & ~(ARITY - 1)
            at = _WORD * (first - _base(segment, height))
            group = levels[height][at : at + _GROUP]
            group += _ZEROS[height] * (ARITY - len(group) // _WORD)
            a, b, c, d = (Field(int.from_bytes(group[i : i + _WORD])) for i in range(0, _GROUP, _WORD))
            path.append((a, b, c, d))
        return path

    def _extend(self, data: bytes) -> None:
        """Append leaves within one segment."""
        first = self.size
        if first // SEGMENT_LEAVES != self._segment:
            self._segment = first // SEGMENT_LEAVES
            for level in self._levels[:SEGMENT_HEIGHT]:
                level.clear()
        self._levels[0] += data
        self.size += len(data) // _WORD
        self._rehash(first, 1)

    def _rehash(self, first: int, lowest: int) -> None:
        """Compute the nodes of height `lowest` and more above the leaves from `first` on."""
        if not self.size:
            return
        for height in range(lowest, NOTE_DEPTH + 1):
            start, end = first >> 2 * height, -(-self.size >> 2 * height)
            below = self._levels[height - 1][_WORD * (ARITY * start - _base(self._segment, height - 1)) :]
            below += _ZEROS[height - 1] * (ARITY * (end - start) - len(below) // _WORD)
            at = _WORD * (start - _base(self._segment, height))
            self._levels[height][at:] = compress_packed(below)

    def _read_levels(self, segment: int) -> list[bytearray]:
        levels = [bytearray(self._store.segment(segment))]
        for _ in range(SEGMENT_HEIGHT):
            levels.append(bytearray(compress_packed(levels[-1])))
        if bytes(levels.pop()) != self.segment_root(segment):
            self._store.drop_segment(segment)
            raise CacheDamaged(f"segment {segment} of the note tree is not the one that was checked")
        return levels


def _base(segment: int, height: int) -> int:
    """Number of the first node of a level that is held."""
    return segment << 2 * (SEGMENT_HEIGHT - height) if height < SEGMENT_HEIGHT else 0
