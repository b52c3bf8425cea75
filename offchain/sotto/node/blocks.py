"""L2 blocks: what the sequencer has ordered, in one encoding with one hash (docs/spec/12-blocks.md). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sotto.node.errors import BlockMalformed
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import BYTE_WORD_BYTES, FIELD_WORD_BYTES, Field, decode_field

VERSION: Final = 1
HASH_BYTES: Final = 32
NO_PARENT: Final = bytes(HASH_BYTES)
"""Parent of block 1."""
MAX_CAUSE_BYTES: Final = 512

_TAG: Final = sha256(b"sotto/block/1").digest()
_TRANSACTION, _DEPOSIT, _ROLLBACK = 1, 2, 3


@dataclass(frozen=True, slots=True)
class OrderedTransaction:
    """A transaction takes the epoch's next lane."""

    h: Field


@dataclass(frozen=True, slots=True)
class OrderedDeposit:
    """A queue item of whatever kind takes the epoch's next lane. `h` tells it from another one that a
    reorganisation of L1 puts at the same index."""

    index: int
    h: Field


@dataclass(frozen=True, slots=True)
class Rollback:
    """Everything that earlier blocks ordered in epochs from `first` on is void."""

    first: int
    cause: str


BlockEntry = OrderedTransaction | OrderedDeposit | Rollback


@dataclass(frozen=True, slots=True)
class Block:
    """One block of the stream.

    Attributes:
        domain: of the deployment.
        number: from 1, without gaps.
        parent: hash of the block before.
        time: ms since 1970, never less than the parent's.
        epoch: id of the epoch that the entries belong to.
        l1_block: number of the last L1 block that the sequencer had applied.
        closes: whether the epoch ends with this block.
    """

    domain: int
    number: int
    parent: bytes
    time: int
    epoch: int
    l1_block: int
    closes: bool
    entries: tuple[BlockEntry, ...]

    def encode(self) -> bytes:
        """The one encoding of the block."""
        header = (
            bytes([VERSION])
            + self.domain.to_bytes(BYTE_WORD_BYTES)
            + self.number.to_bytes(8)
            + self.parent
            + b"".join(value.to_bytes(8) for value in (self.time, self.epoch, self.l1_block))
            + bytes([self.closes])
            + len(self.entries).to_bytes(4)
        )
        return header + b"".join(_encode_entry(entry) for entry in self.entries)

    def hash(self) -> bytes:
        """SHA-256 of the encoding, tagged as in BIP-340."""
        return block_hash(self.encode())

    @property
    def transactions(self) -> tuple[Field, ...]:
        """The h of each transaction in order."""
        return tuple(entry.h for entry in self.entries if isinstance(entry, OrderedTransaction))

    @property
    def lane_entries(self) -> tuple[OrderedTransaction | OrderedDeposit, ...]:
        """The entries that take a lane each, in order."""
        return tuple(entry for entry in self.entries if not isinstance(entry, Rollback))

    @property
    def deposits(self) -> tuple[OrderedDeposit, ...]:
        """The queue items in order."""
        return tuple(entry for entry in self.entries if isinstance(entry, OrderedDeposit))

    @property
    def rollback(self) -> Rollback | None:
        """What makes earlier blocks void, if this block does."""
        return next((entry for entry in self.entries if isinstance(entry, Rollback)), None)


def block_hash(encoded: bytes) -> bytes:
    """Hash of an encoded block."""
    return sha256(_TAG + _TAG + encoded).digest()


def _encode_entry(entry: BlockEntry) -> bytes:
    match entry:
        case OrderedTransaction():
            return bytes([_TRANSACTION]) + entry.h.to_bytes(FIELD_WORD_BYTES)
        case OrderedDeposit():
            return bytes([_DEPOSIT]) + entry.index.to_bytes(8) + entry.h.to_bytes(FIELD_WORD_BYTES)
        case Rollback():
            cause = entry.cause.encode()
            # Cut between characters, as the text must decode again.
            cause = cause[:MAX_CAUSE_BYTES].decode(errors="ignore").encode()
            return bytes([_ROLLBACK]) + entry.first.to_bytes(8) + len(cause).to_bytes(2) + cause


def decode_block(data: bytes) -> Block:
    """Inverse of `Block.encode`. Raises BlockMalformed for anything but that one encoding."""
    reader = _Reader(data)
    if reader.integer(1) != VERSION:
        raise BlockMalformed("unknown version")
    domain, number = reader.integer(BYTE_WORD_BYTES), reader.integer(8)
    parent = reader.bytes(HASH_BYTES)
    time, epoch, l1_block, closes = reader.integer(8), reader.integer(8), reader.integer(8), reader.integer(1)
    if closes > 1:
        raise BlockMalformed("the mark of the epoch's end is neither 0 nor 1")
    entries = tuple(reader.entry() for _ in range(reader.count()))
    reader.finish()
    return Block(domain, number, parent, time, epoch, l1_block, closes == 1, entries)


class _Reader:
    """Reads an encoding from its start to exactly its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def bytes(self, length: int) -> bytes:
        """So many bytes."""
        part = self._data[self._at : self._at + length]
        if len(part) != length:
            raise BlockMalformed("the encoding is too short")
        self._at += length
        return part

    def integer(self, length: int) -> int:
        """A big-endian integer."""
        return int.from_bytes(self.bytes(length))

    def count(self) -> int:
        """Number of entries, no more than there is room for."""
        count = self.integer(4)
        if count > len(self._data) - self._at:
            raise BlockMalformed(f"{count} entries do not fit")
        return count

    def field(self) -> Field:
        """A field word."""
        try:
            return decode_field(self.bytes(FIELD_WORD_BYTES))
        except ProtocolError as error:
            raise BlockMalformed(str(error)) from error

    def entry(self) -> BlockEntry:
        """One entry."""
        kind = self.integer(1)
        if kind == _TRANSACTION:
            return OrderedTransaction(self.field())
        if kind == _DEPOSIT:
            return OrderedDeposit(self.integer(8), self.field())
        if kind == _ROLLBACK:
            first, length = self.integer(8), self.integer(2)
            if length > MAX_CAUSE_BYTES:
                raise BlockMalformed(f"a cause of {length} bytes")
            try:
                return Rollback(first, self.bytes(length).decode())
            except UnicodeDecodeError as error:
                raise BlockMalformed("the cause is no UTF-8") from error
        raise BlockMalformed(f"entry of kind {kind}")

    def finish(self) -> None:
        """Raise BlockMalformed if anything is left."""
        if self._at != len(self._data):
            raise BlockMalformed(f"{len(self._data) - self._at} bytes too many")


def next_block(
    parent: Block | None,
    domain: int,
    time: int,
    epoch: int,
    l1_block: int,
    entries: Sequence[BlockEntry],
    closes: bool = False,
) -> Block:
    """The block after `parent`, None for the first. `time` is the clock's, in ms; see Block.time."""
    number, before, earliest = (
        (1, NO_PARENT, 0) if parent is None else (parent.number + 1, parent.hash(), parent.time)
    )
    return Block(domain, number, before, max(time, earliest), epoch, l1_block, closes, tuple(entries))
