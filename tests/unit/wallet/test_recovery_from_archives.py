"""A seed finds its notes when L1 has forgotten the blobs, and somebody has kept an archive."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs
from tests.unit.wallet.conftest import OpenWallet
from tests.unit.wallet.recorded import RecordedNode
from tests.unit.wallet.test_recovery import RecordedHistory, lively

from sotto.l1.archive import export_archive
from sotto.l1.blob_settings import BlobSettings
from sotto.l1.blobs import BlobReader, BlobReference
from sotto.l1.errors import BlobsMissing
from sotto.l1.history import CommittedRecord, HistoricEpoch, History
from sotto.l1.sources import open_blobs
from sotto.protocol.data import commit_data
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.words import DataMode, Layout, data_words_length, decode_words, l1_words_length
from sotto.wallet import Wallet
from sotto.wallet.recovery import Recovered, recover

IN_BLOB, LANES, DOMAIN = 2, 16, 7


class Everything:
    """A node that still runs."""

    name = "node"

    def __init__(self, node: RecordedNode) -> None:
        self._node = node

    async def find(self, wanted: BlobReference) -> Sequence[bytes]:
        """See BlobSource."""
        return [self._node.rows[wanted.epoch - 1].words[l1_words_length(LANES) :]]


class ForgottenBlobs(RecordedHistory):
    """L1 without the blob of the epoch of 16 lanes."""

    domain = DOMAIN

    def __init__(self, node: RecordedNode, *sources: Everything) -> None:
        super().__init__(node)
        self._blobs = BlobReader(sources)

    def read_blobs_from(self, blobs: BlobReader) -> None:
        """See History."""
        self._blobs = blobs

    async def layout(self, record: EpochRecord) -> Layout:
        """See History."""
        lanes = self._node.rows[record.id - 1].lanes
        return Layout(lanes, DataMode(lanes == LANES))

    async def epochs(self, records: Sequence[CommittedRecord]) -> AsyncIterator[HistoricEpoch]:
        """See History."""
        async for epoch in super().epochs(records):
            words = epoch.words
            if epoch.lanes == LANES:
                name = commit_data(decode_words(words, LANES)).versioned_hash
                wanted = BlobReference(epoch.record.id, LANES, name, 1)
                words = words[: l1_words_length(LANES)] + await self._blobs.data_words(wanted)
            yield HistoricEpoch(epoch.record, words, epoch.lanes, (), bytes(32))


@asynccontextmanager
async def forgotten(node: RecordedNode, *files: Path) -> AsyncIterator[History]:
    """The history with nothing but archives for what was in blobs."""
    history = ForgottenBlobs(node)

    async def opened() -> History:
        return cast(History, history)

    async with open_blobs(BlobSettings(archives=files), [], DOMAIN, opened) as blobs:
        history.read_blobs_from(blobs)
        yield cast(History, history)


async def leave(node: RecordedNode, wallet: Wallet, *files: Path) -> Recovered:
    """What the seed finds with archives."""
    async with forgotten(node, *files) as history:
        return await recover(history, wallet._context.keys)


def change(path: Path, honest: Path) -> Path:
    """A copy with another byte in the words of the epoch whose blob is gone."""
    content = bytearray(honest.read_bytes())
    content[content.index(b"\n") + 1 + 8 + data_words_length(4) + 8 + 500] ^= 1
    path.write_bytes(content)
    return path


@pytest.fixture
async def people(node: RecordedNode, open_wallet: OpenWallet) -> tuple[Wallet, Wallet]:
    """Alice and bob, who have lived."""
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await lively(node, alice, bob)
    assert [row.lanes for row in node.rows] == [4, 16, 4]
    return alice, bob


@pytest.fixture
async def archive(node: RecordedNode, people: Any, tmp_path: Path) -> Path:
    """What somebody wrote while a node was there."""
    await export_archive(cast(History, ForgottenBlobs(node, Everything(node))), tmp_path / "archive")
    return tmp_path / "archive"


async def test_an_archive_gives_what_l1_has_forgotten(
    node: RecordedNode, people: tuple[Wallet, Wallet], archive: Path
) -> None:
    for wallet in people:
        found = await leave(node, wallet, archive)
        assert found.state.hash() == node.state.hash()
        known = wallet._context.state.notes.values()
        unspent = {note.commitment for note in known if note.spent_epoch is None}
        assert {note.commitment for note in found.notes} == unspent


async def test_without_it_nothing_is_found_and_what_is_missing_is_told(
    node: RecordedNode, people: tuple[Wallet, Wallet]
) -> None:
    name = commit_data(decode_words(node.rows[1].words, LANES)).versioned_hash
    with pytest.raises(BlobsMissing, match=f"epoch {IN_BLOB}: 0x{name.hex()}") as caught:
        await leave(node, people[0])
    assert caught.value.hashes == {IN_BLOB: name}
    for option in ("--beacon", "--blob-node", "--archive-file"):
        assert option in caught.value.hint


async def test_a_lie_is_named_and_takes_nothing(
    node: RecordedNode, people: tuple[Wallet, Wallet], archive: Path, tmp_path: Path
) -> None:
    liar = change(tmp_path / "liar", archive)
    with pytest.raises(BlobsMissing, match=f"archive {liar} gave something else"):
        await leave(node, people[0], liar)
    with capture_logs() as lines:
        found = await leave(node, people[0], liar, archive)
    assert found.state.hash() == node.state.hash()
    assert [(line["event"], line["source"]) for line in lines] == [
        ("source of blobs lies", f"archive {liar}")
    ]
