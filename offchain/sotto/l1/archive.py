"""Archive files: the data words of a rollup's epochs, for the time when nobody else has its blobs (spec 14).

Whoever wrote a file is not believed. It is read beside what L1 holds: each epoch's words are compared with
the hash of its blob or with the calldata, and the leaves of all must give the state of L1's record.
"""

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from sotto.l1.blobs import BlobReader, BlobReference
from sotto.l1.errors import ArchiveInvalid, HistoryMismatch
from sotto.l1.history import CommittedRecord, HistoricEpoch, History
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import (
    Field,
    byte_word_from_json,
    byte_word_to_json,
    field_from_json,
    field_to_json,
    to_byte_word,
)
from sotto.protocol.growth import Growth
from sotto.protocol.words import data_words_length, l1_words_length

FORMAT: Final = "sotto/archive/1"

_MAX_HEADER: Final = 1024
_ID_BYTES: Final = 8
_KEYS: Final = ("format", "domain", "first", "last", "state")
_MAX_ID: Final = 2**64

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class ArchiveHeader:
    """What an archive says of itself: it has the epochs from `first` to `last`, and `state` is the new state
    of the last one."""

    domain: int
    first: int
    last: int
    state: Field

    def encode(self) -> bytes:
        """The first line, with its end; the one form that `decode` takes."""
        values = (
            FORMAT,
            byte_word_to_json(to_byte_word(self.domain)),
            self.first,
            self.last,
            field_to_json(self.state),
        )
        return json.dumps(dict(zip(_KEYS, values, strict=True)), separators=(",", ":")).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Self:
        """Inverse of `encode`. Raises ArchiveInvalid."""
        try:
            data: dict[str, Any] = json.loads(line)
            if data.get("format") != FORMAT:
                raise ArchiveInvalid(f"the file is not of the format {FORMAT}")
            header = cls(
                byte_word_from_json(data["domain"]),
                data["first"],
                data["last"],
                field_from_json(data["state"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ProtocolError) as error:
            raise ArchiveInvalid("the file does not begin with the header of an archive") from error
        ids = (header.first, header.last)
        if any(type(number) is not int for number in ids) or not 1 <= ids[0] <= ids[1] < _MAX_ID:
            raise ArchiveInvalid(f"an archive cannot hold the epochs {ids[0]} to {ids[1]}")
        if header.encode() != line:
            raise ArchiveInvalid("the header is not in the one form that it has")
        return header


class ArchiveFile:
    """An archive as source of data words. Make it with `open`, and close it.

    Attributes:
        header: as the file says; `check_archives` compares it with L1.
    """

    def __init__(self, file: BinaryIO, header: ArchiveHeader, places: Mapping[int, tuple[int, int]]) -> None:
        self.name = f"archive {file.name}"
        self.header = header
        self._file = file
        self._places = places

    @classmethod
    def open(cls, path: Path, domain: int, lanes: Mapping[int, int]) -> Self:
        """An archive whose ids and length are right. Raises ArchiveInvalid.

        Args:
            lanes: of each epoch by id, from L1; they fix the length of its words.
        """
        try:
            # Closed with the archive, or below.
            file = path.open("rb")
        except OSError as error:
            raise ArchiveInvalid(f"{path}: {error.strerror}") from error
        try:
            header = read_header(file, path)
            if header.domain != domain:
                raise ArchiveInvalid(f"{path} is of another rollup or chain")
            if header.last not in lanes:
                raise ArchiveInvalid(f"{path} goes to epoch {header.last}, which L1 has not proven")
            return cls(file, header, _places(file, path, header, lanes))
        except OSError as error:
            file.close()
            raise ArchiveInvalid(f"{path}: {error.strerror}") from error
        except ArchiveInvalid:
            file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def words(self, epoch: int) -> bytes | None:
        """What the file has as data words of an epoch, None without that epoch. Raises ArchiveInvalid."""
        if epoch not in self._places:
            return None
        start, length = self._places[epoch]
        try:
            data = os.pread(self._file.fileno(), length, start)
        except OSError as error:
            raise ArchiveInvalid(f"{self.name}: {error.strerror}") from error
        if len(data) != length:
            raise ArchiveInvalid(f"{self.name} was cut off while it was read")
        return data

    async def find(self, wanted: BlobReference) -> Sequence[bytes]:
        """See BlobSource."""
        words = await asyncio.to_thread(self.words, wanted.epoch)
        return [] if words is None else [words]


def read_header(file: BinaryIO, path: Path) -> ArchiveHeader:
    """The header of a file that is read from its start. Raises ArchiveInvalid."""
    try:
        return ArchiveHeader.decode(file.readline(_MAX_HEADER))
    except ArchiveInvalid as error:
        raise ArchiveInvalid(f"{path}: {error}") from error


async def lanes_of(history: History, records: Sequence[CommittedRecord]) -> dict[int, int]:
    """Number of lanes of each epoch but genesis, from L1."""
    return {
        committed.record.id: (await history.layout(committed.record)).lanes
        for committed in records
        if committed.record.id
    }


async def export_archive(
    history: History, path: Path, first: int = 1, first_block: int | None = None
) -> ArchiveHeader:
    """Write the data words of all proven epochs from one on; the file appears when it is complete.

    Raises ArchiveInvalid if there is nothing to write or no place to write it, and as History.
    """
    records = (await history.records(first_block))[: history.proven + 1]
    if not 1 <= first <= history.proven:
        raise ArchiveInvalid(f"no epoch from {first} on is proven: the last one is {history.proven}")
    header = ArchiveHeader(history.domain, first, history.proven, records[-1].record.new_state)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(header.encode())
            async for epoch in history.epochs(records[first:]):
                data = epoch.words[l1_words_length(epoch.lanes) :]
                file.write(epoch.record.id.to_bytes(_ID_BYTES) + data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise ArchiveInvalid(f"{path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    return header


async def check_archives(
    history: History,
    records: Sequence[CommittedRecord],
    archives: Sequence[ArchiveFile],
    progress: Progress = lambda _phase, _share: None,
) -> None:
    """Compare archives with L1: all their words, and the states that they lead to.

    Args:
        history: reads blobs from these archives.
        records: from genesis to the last epoch of the archives.

    Raises ArchiveInvalid for words or a header that are not L1's, BlobsMissing for a blob before the last
    epoch that no archive has, and as History.
    """
    growth, ends = Growth.genesis(), {archive.header.last: archive for archive in archives}
    async for epoch in history.epochs(records[: max(ends, default=0) + 1]):
        await asyncio.to_thread(_check_epoch, growth, epoch, archives)
    for end, archive in sorted(ends.items()):
        if records[end].record.new_state != archive.header.state:
            raise ArchiveInvalid(f"{archive.name}: epoch {end} has another state on L1")
    progress("building the state", 0)
    last = records[growth.epoch_id].record
    try:
        state = await asyncio.to_thread(growth.state)
    except (ProtocolError, ValueError) as error:
        raise HistoryMismatch(f"the words up to epoch {last.id} give no state: {error}") from error
    progress("building the state", 1)
    if state.hash() != last.new_state or state.anchor() != last.own_anchor:
        raise HistoryMismatch(f"the words up to epoch {last.id} do not give the state of its record")


def archive_reader(archives: Sequence[ArchiveFile]) -> BlobReader:
    """Reads blobs from archives alone."""
    return BlobReader(archives)


def _check_epoch(growth: Growth, epoch: HistoricEpoch, archives: Sequence[ArchiveFile]) -> None:
    data = epoch.words[l1_words_length(epoch.lanes) :]
    for archive in archives:
        found = archive.words(epoch.record.id)
        if found is not None and found != data:
            raise ArchiveInvalid(f"{archive.name}: the words of epoch {epoch.record.id} are not those of L1")
    try:
        growth.add(epoch.words, epoch.lanes)
    except ProtocolError as error:
        raise HistoryMismatch(f"the words of epoch {epoch.record.id} are none: {error}") from error


def _places(
    file: BinaryIO, path: Path, header: ArchiveHeader, lanes: Mapping[int, int]
) -> dict[int, tuple[int, int]]:
    """Start and length of each epoch's words. Raises ArchiveInvalid."""
    places, at = {}, file.tell()
    for epoch in range(header.first, header.last + 1):
        file.seek(at)
        if file.read(_ID_BYTES) != epoch.to_bytes(_ID_BYTES):
            raise ArchiveInvalid(f"{path} does not have epoch {epoch} where it should")
        length = data_words_length(lanes[epoch])
        places[epoch] = at + _ID_BYTES, length
        at += _ID_BYTES + length
    size = file.seek(0, os.SEEK_END)
    if size != at:
        raise ArchiveInvalid(f"{path} has {size} bytes instead of {at}")
    return places
