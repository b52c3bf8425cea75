"""Archive files: what is written is read, and a changed byte anywhere is found."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.history import History as PastHistory

from sotto import crypto
from sotto.l1.archive import (
    ArchiveFile,
    ArchiveHeader,
    archive_reader,
    check_archives,
    export_archive,
    lanes_of,
)
from sotto.l1.blobs import BlobReader, BlobReference
from sotto.l1.errors import ArchiveInvalid, BlobsMissing, L1Error
from sotto.l1.history import CommittedRecord, HistoricEpoch, History
from sotto.protocol.data import commit_data
from sotto.protocol.field import Field
from sotto.protocol.l1 import EpochRecord, genesis_record
from sotto.protocol.words import DataMode, Layout, decode_words, l1_words_length

DOMAIN, LANES = 7, 16
IN_BLOB = 2
"""The epoch with its data words in a blob; L1 has those of the others in calldata."""


@dataclass
class L1:
    """What L1 has of three epochs, as History reads it."""

    past: list[tuple[EpochRecord, bytes]]
    blob: bytes
    blobs: BlobReader
    proven: int = 3
    domain: int = DOMAIN

    async def records(self, _first_block: int | None = None) -> list[CommittedRecord]:
        """See History."""
        return [
            CommittedRecord(record, bytes(32)) for record in (genesis_record(1), *(r for r, _ in self.past))
        ]

    async def layout(self, record: EpochRecord) -> Layout:
        """See History."""
        return Layout(LANES, DataMode(record.id == IN_BLOB))

    async def epochs(self, records: Sequence[CommittedRecord]) -> AsyncIterator[HistoricEpoch]:
        """See History."""
        for committed in records:
            if not committed.record.id:
                continue
            record, words = self.past[committed.record.id - 1]
            if record.id == IN_BLOB:
                wanted = BlobReference(record.id, LANES, self.blob, record.commit_block)
                words = words[: l1_words_length(LANES)] + await self.blobs.data_words(wanted)
            yield HistoricEpoch(record, words, LANES, (), bytes(32))


@pytest.fixture(scope="module")
def past() -> list[tuple[EpochRecord, bytes]]:
    """Three epochs."""
    crypto.install_hash_backend()
    return [(epoch.record, epoch.row["words"]) for epoch in PastHistory(DOMAIN, LANES).epochs(3)]


@pytest.fixture(scope="module")
def blob(past: list[tuple[EpochRecord, bytes]]) -> bytes:
    """The hash of the second one's blob."""
    return commit_data(decode_words(past[IN_BLOB - 1][1], LANES)).versioned_hash


class Source:
    """A node that has the words."""

    name = "node"

    def __init__(self, words: bytes) -> None:
        self._words = words

    async def find(self, wanted: BlobReference) -> Sequence[bytes]:
        """See BlobSource."""
        return [self._words] if wanted.epoch == IN_BLOB else []


async def export(
    path: Path, past: list[tuple[EpochRecord, bytes]], blob: bytes, first: int = 1
) -> ArchiveHeader:
    """Export from a chain whose blob a node has."""
    node = BlobReader([Source(past[IN_BLOB - 1][1][l1_words_length(LANES) :])])
    return await export_archive(cast(History, L1(past, blob, node)), path, first)


async def check(
    paths: list[Path], past: list[tuple[EpochRecord, bytes]], blob: bytes, domain: int = DOMAIN
) -> None:
    """Check files against the chain, with no other source."""
    chain = L1(past, blob, BlobReader([]))
    records = await chain.records()
    lanes = await lanes_of(cast(History, chain), records)
    opened: list[ArchiveFile] = []
    try:
        opened += [ArchiveFile.open(path, domain, lanes) for path in paths]
        chain.blobs = archive_reader(opened)
        await check_archives(cast(History, chain), records, opened)
    finally:
        for archive in opened:
            archive.close()


async def test_what_is_exported_is_right(tmp_path: Path, past: Any, blob: bytes) -> None:
    header = await export(tmp_path / "all", past, blob)
    assert (header.first, header.last, header.state) == (1, 3, past[-1][0].new_state)
    await check([tmp_path / "all"], past, blob)
    assert os.listdir(tmp_path) == ["all"]


async def test_a_later_part_needs_the_blobs_before_it(tmp_path: Path, past: Any, blob: bytes) -> None:
    await export(tmp_path / "all", past, blob)
    await export(tmp_path / "late", past, blob, first=3)
    await check([tmp_path / "late", tmp_path / "all"], past, blob)
    with pytest.raises(BlobsMissing, match=f"epoch {IN_BLOB}: 0x{blob.hex()}"):
        await check([tmp_path / "late"], past, blob)


async def test_nothing_is_left_of_an_export_that_fails(tmp_path: Path, past: Any, blob: bytes) -> None:
    with pytest.raises(BlobsMissing):
        await export_archive(cast(History, L1(past, blob, BlobReader([]))), tmp_path / "all")
    assert os.listdir(tmp_path) == []
    with pytest.raises(ArchiveInvalid, match="from 4 on"):
        await export(tmp_path / "all", past, blob, first=4)
    with pytest.raises(ArchiveInvalid, match="No such file"):
        await export(tmp_path / "none" / "all", past, blob)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, past: Any, blob: bytes) -> bytes:
    """The bytes of an archive."""
    path = tmp_path_factory.mktemp("archive") / "all"
    asyncio.run(export(path, past, blob))
    return path.read_bytes()


@settings(max_examples=40)
@given(data=st.data())
async def test_a_changed_byte_anywhere_is_found(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory, past: Any, blob: bytes, written: bytes
) -> None:
    header = written.index(b"\n") + 1
    at = data.draw(st.integers(0, header - 1) | st.integers(header, len(written) - 1))
    flip = data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("changed") / "archive"
    path.write_bytes(written[:at] + bytes([written[at] ^ flip]) + written[at + 1 :])
    # A lie about a blob leaves it missing; every other has the name of an invalid archive.
    with pytest.raises((ArchiveInvalid, BlobsMissing)):
        await check([path], past, blob)


@pytest.mark.parametrize("size", [0, 1, 40, -1, -12_000])
async def test_a_file_that_is_cut_or_continued_is_found(
    size: int, tmp_path: Path, past: Any, blob: bytes, written: bytes
) -> None:
    for content in (written[:size], written + b"\x00", b"\xff" * 5_000):
        (tmp_path / "archive").write_bytes(content)
        with pytest.raises(ArchiveInvalid):
            await check([tmp_path / "archive"], past, blob)


async def test_other_rollups_and_what_l1_has_not_proven_are_refused(
    tmp_path: Path, past: Any, blob: bytes
) -> None:
    await export(tmp_path / "all", past, blob)
    with pytest.raises(ArchiveInvalid, match="another rollup"):
        await check([tmp_path / "all"], past, blob, domain=8)
    with pytest.raises(ArchiveInvalid, match="epoch 3, which L1 has not proven"):
        await check([tmp_path / "all"], past[:2], blob)
    with pytest.raises(ArchiveInvalid, match="No such file"):
        await check([tmp_path / "none"], past, blob)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"[]\n",
        b'"sotto/archive/1"\n',
        b"{" * 600,
        ArchiveHeader(7, 2, 1, Field(0)).encode(),
        ArchiveHeader(7, 0, 1, Field(0)).encode(),
        ArchiveHeader(7, 1, 2**64, Field(0)).encode(),
        ArchiveHeader(7, 1, 2, Field(0)).encode().replace(b",", b", "),
        ArchiveHeader(7, 1, 2, Field(0)).encode().replace(b"/1", b"/2"),
        ArchiveHeader(7, 1, 2, Field(0)).encode().replace(b":1,", b":true,"),
    ],
)
def test_a_header_has_one_form(line: bytes) -> None:
    with pytest.raises(ArchiveInvalid):
        ArchiveHeader.decode(line)


def test_errors_are_of_l1() -> None:
    assert issubclass(ArchiveInvalid, L1Error)
