"""Sequences of bytes that take little memory and whose copies share what did not change.

They hold the contents of the indexed trees, and the order of their values.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_PAGE_ROWS: Final = 256
_BLOCK_ENTRIES: Final = 512
_KEY: Final = 32
_INDEX: Final = 8
_ENTRY: Final = _KEY + _INDEX


class Rows:
    """Rows of one width by index; those never written are zero bytes."""

    __slots__ = ("_empty", "_pages", "_width")

    def __init__(self, width: int, data: bytes = b"") -> None:
        """Begin with `data` as the first rows."""
        self._width = width
        self._empty = bytes(width * _PAGE_ROWS)
        size = len(self._empty)
        self._pages = [data[at : at + size].ljust(size, b"\0") for at in range(0, len(data), size)]

    def copy(self) -> "Rows":
        """Rows that change independently; copies one reference a page."""
        copied = Rows(self._width)
        copied._pages = self._pages.copy()
        return copied

    def __getitem__(self, index: int) -> bytes:
        page, at = divmod(index, _PAGE_ROWS)
        if page >= len(self._pages):
            return self._empty[: self._width]
        return self._pages[page][at * self._width : (at + 1) * self._width]

    def write(self, index: int, rows: bytes) -> None:
        """Replace rows from an index on."""
        while rows:
            page, at = divmod(index, _PAGE_ROWS)
            self._pages += [self._empty] * (page + 1 - len(self._pages))
            part = rows[: (_PAGE_ROWS - at) * self._width]
            old, start = self._pages[page], at * self._width
            self._pages[page] = old[:start] + part + old[start + len(part) :]
            rows, index = rows[len(part) :], index + len(part) // self._width


class Order:
    """Keys of 32 bytes in their order, each with a number below 2^64."""

    __slots__ = ("_blocks", "_firsts")

    def __init__(self, entries: Iterable[tuple[bytes, int]] = ()) -> None:
        """Begin with entries in any order."""
        self._fill([key + number.to_bytes(_INDEX) for key, number in entries])

    @classmethod
    def of_packed(cls, data: bytes) -> "Order":
        """Begin with what `packed` returned, in any order. Raises ValueError for a rest."""
        if len(data) % _ENTRY:
            raise ValueError(f"{len(data)} bytes are no entries")
        order = cls()
        order._fill([data[at : at + _ENTRY] for at in range(0, len(data), _ENTRY)])
        return order

    def _fill(self, packed: list[bytes]) -> None:
        packed.sort()
        # Half full, so that the next entries find room.
        size = _BLOCK_ENTRIES // 2
        self._blocks = [b"".join(packed[at : at + size]) for at in range(0, len(packed), size)]
        self._firsts = [block[:_KEY] for block in self._blocks]

    def copy(self) -> "Order":
        """An order that changes independently; copies two references a block."""
        copied = Order()
        copied._blocks, copied._firsts = self._blocks.copy(), self._firsts.copy()
        return copied

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        for block in self._blocks:
            for at in range(0, len(block), _ENTRY):
                yield block[at : at + _KEY], int.from_bytes(block[at + _KEY : at + _ENTRY])

    def __len__(self) -> int:
        return sum(len(block) for block in self._blocks) // _ENTRY

    def packed(self) -> bytes:
        """All entries, each a key and eight bytes of its number."""
        return b"".join(self._blocks)

    def find(self, key: bytes) -> int | None:
        """The number of a key."""
        place = bisect_right(self._firsts, key) - 1
        if place < 0:
            return None
        block = self._blocks[place]
        at = _position(block, key) * _ENTRY
        return int.from_bytes(block[at + _KEY : at + _ENTRY]) if block[at : at + _KEY] == key else None

    def below(self, key: bytes) -> int:
        """The number of the greatest key below; of the greatest of all when none is. Raises IndexError when
        there is none."""
        place = bisect_left(self._firsts, key) - 1
        block = self._blocks[place]
        at = (_position(block, key) if place >= 0 else len(block) // _ENTRY) * _ENTRY
        return int.from_bytes(block[at - _INDEX : at])

    def insert(self, key: bytes, number: int) -> None:
        """Add a key that is not there."""
        entry = key + number.to_bytes(_INDEX)
        if not self._blocks:
            self._blocks, self._firsts = [entry], [key]
            return
        place = max(bisect_right(self._firsts, key) - 1, 0)
        block = self._blocks[place]
        at = _position(block, key) * _ENTRY
        block = block[:at] + entry + block[at:]
        half = _BLOCK_ENTRIES // 2 * _ENTRY
        parts = [block] if len(block) <= _BLOCK_ENTRIES * _ENTRY else [block[:half], block[half:]]
        self._blocks[place : place + 1] = parts
        self._firsts[place : place + 1] = [part[:_KEY] for part in parts]


def _position(block: bytes, key: bytes) -> int:
    """Number of entries of a block below a key."""
    entries: Sequence[int] = range(len(block) // _ENTRY)
    return bisect_left(entries, key, key=lambda i: block[i * _ENTRY : i * _ENTRY + _KEY])
