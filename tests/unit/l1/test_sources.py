"""The sources that a user names: archives are opened when they are needed, and liars passed over by name."""

import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs
from tests.unit.l1 import test_archive
from tests.unit.l1.test_archive import DOMAIN, IN_BLOB, L1, LANES

from sotto.l1.archive import ArchiveHeader
from sotto.l1.blob_settings import BlobSettings, check_base
from sotto.l1.blobs import BlobReader, BlobReference
from sotto.l1.errors import ArchiveInvalid, BlobsMissing, L1Unavailable
from sotto.l1.history import CommittedRecord, History
from sotto.l1.sources import open_blobs
from sotto.protocol.field import Field
from sotto.protocol.words import data_words_length, l1_words_length

past, blob, written = test_archive.past, test_archive.blob, test_archive.written

# Nobody listens there.
NOWHERE = "http://127.0.0.1:9"
ENTRY = 8 + data_words_length(LANES)


class Chain(L1):
    """L1 as it is when it is asked, which counts how often its logs are read."""

    read = 0
    asked = 0
    down = False

    async def open(self) -> History:
        """The history as of now."""
        self.asked += 1
        if self.down:
            raise L1Unavailable("no answer")
        return cast(History, self)

    async def records(self, first_block: int | None = None) -> list[CommittedRecord]:
        """See History."""
        self.read += 1
        return await super().records(first_block)


@pytest.fixture
def chain(past: Any, blob: bytes) -> Chain:
    """Three proven epochs."""
    return Chain(past, blob, BlobReader([]))


@pytest.fixture
def archive(tmp_path: Path, written: bytes) -> Path:
    """An honest archive of all epochs."""
    put(tmp_path / "all", written)
    return tmp_path / "all"


@pytest.fixture
def wanted(blob: bytes) -> BlobReference:
    """The blob of the epoch that has one."""
    return BlobReference(IN_BLOB, LANES, blob, 1)


@asynccontextmanager
async def reading(chain: Chain, *files: Path) -> AsyncIterator[BlobReader]:
    """A reader of files alone."""
    async with open_blobs(BlobSettings(archives=files), [], DOMAIN, chain.open) as reader:
        yield reader


def put(path: Path, content: bytes | None) -> None:
    """Write a file, or take it away."""
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)


def held(path: Path) -> int:
    """How often this process has a file open."""
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return sum(os.path.islink(link) and os.readlink(link) == str(path) for link in links)


async def test_an_archive_is_opened_when_it_is_needed_and_closed_at_the_end(
    chain: Chain, archive: Path, wanted: BlobReference, past: Any
) -> None:
    async with reading(chain, archive, archive) as reader:
        assert (chain.asked, held(archive)) == (0, 0)
        for _ in range(2):
            assert await reader.data_words(wanted) == past[IN_BLOB - 1][1][l1_words_length(LANES) :]
        assert (chain.asked, chain.read, held(archive)) == (1, 1, 1)
        with pytest.raises(BlobsMissing, match=f"archive {archive} does not have it"):
            await reader.data_words(BlobReference(4, LANES, wanted.hash, 1))
        assert chain.read == 1
    assert held(archive) == 0


async def test_a_file_that_is_no_archive_of_this_rollup_ends_the_start(chain: Chain, archive: Path) -> None:
    garbage = archive.with_name("garbage")
    put(garbage, b"\xff" * 5_000)
    foreign = archive.with_name("foreign")
    put(foreign, ArchiveHeader(DOMAIN + 1, 1, 2, Field(0)).encode())
    for path, said in (
        (archive.with_name("none"), "none: No such file"),
        (archive.parent, "directory"),
        (garbage, "garbage: the file does not begin"),
        (foreign, "foreign is of another rollup"),
    ):
        with pytest.raises(ArchiveInvalid, match=said):
            async with reading(chain, archive, path):
                pass
    assert held(archive) == 0


def other_state(content: bytes) -> bytes:
    """A header with the state of nothing."""
    header = ArchiveHeader.decode(content[: content.index(b"\n") + 1])
    line = ArchiveHeader(header.domain, header.first, header.last, Field(7)).encode()
    return line + content[content.index(b"\n") + 1 :]


def changed(content: bytes) -> bytes:
    """One byte in the words of the epoch in a blob."""
    at = content.index(b"\n") + 1 + ENTRY + 300
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def other_epoch(content: bytes) -> bytes:
    """The words of the epoch before under the id of that one."""
    at = content.index(b"\n") + 1
    words = content[at + 8 : at + ENTRY]
    return content[: at + ENTRY + 8] + words + content[at + 2 * ENTRY :]


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (changed, "BlobMismatch: archive .*liar gave something else"),
        (other_epoch, "BlobMismatch: archive .*liar gave something else"),
        (other_state, "liar: epoch 3 has another state on L1"),
        (lambda content: content[:-1], r"liar has \d+ bytes instead of"),
        (lambda content: content[:-ENTRY], "liar does not have epoch 3 where it should"),
        (lambda content: content[: content.index(b"\n") + 1], "liar does not have epoch 1 where it should"),
    ],
)
async def test_a_lying_archive_is_named_and_an_honest_one_serves(
    chain: Chain,
    archive: Path,
    written: bytes,
    wanted: BlobReference,
    lie: Callable[[bytes], bytes],
    said: str,
) -> None:
    liar = archive.with_name("liar")
    put(liar, lie(written))
    async with reading(chain, liar) as reader:
        with pytest.raises(BlobsMissing, match=said) as caught:
            await reader.data_words(wanted)
    assert caught.value.hashes == {IN_BLOB: wanted.hash}
    assert "--archive-file" in caught.value.hint
    with capture_logs() as lines:
        async with reading(chain, liar, archive) as reader:
            assert await reader.data_words(wanted)
    assert [line["source"] for line in lines] == [f"archive {liar}"]


async def test_what_l1_has_not_proven_yet_is_taken_once_it_has(
    chain: Chain, archive: Path, wanted: BlobReference
) -> None:
    async with reading(chain, archive) as reader:
        chain.proven = 2
        with pytest.raises(BlobsMissing, match="all: it goes to epoch 3, which L1 has not proven"):
            await reader.data_words(wanted)
        assert chain.read == 0
        chain.proven, chain.down = 3, True
        with pytest.raises(BlobsMissing, match="no answer"):
            await reader.data_words(wanted)
        chain.down = False
        assert await reader.data_words(wanted)


async def test_a_file_that_is_exchanged_after_the_start_is_looked_at_again(
    chain: Chain, archive: Path, written: bytes, wanted: BlobReference
) -> None:
    async with reading(chain, archive) as reader:
        put(archive, None)
        with pytest.raises(BlobsMissing, match="No such file"):
            await reader.data_words(wanted)
        put(archive, other_state(written))
        with pytest.raises(BlobsMissing, match="another state"):
            await reader.data_words(wanted)
        assert held(archive) == 0
        put(archive, written)
        assert await reader.data_words(wanted)
        os.truncate(archive, 200)
        with pytest.raises(BlobsMissing, match="was cut off while it was read"):
            await reader.data_words(wanted)


async def test_sources_are_asked_in_the_order_of_the_specification(
    chain: Chain, archive: Path, blob: bytes
) -> None:
    async def request(_method: str, _parameters: list[str]) -> None:
        return None

    endpoint = cast(Any, SimpleNamespace(manager=SimpleNamespace(coro_request=request)))
    named = BlobSettings((f"{NOWHERE}/beacon",), (f"{NOWHERE}/node",), (archive,))
    async with open_blobs(named, [endpoint, endpoint], DOMAIN, chain.open) as reader:
        with pytest.raises(BlobsMissing) as caught:
            await reader.data_words(BlobReference(9, LANES, blob, 1))
    found = re.findall("(beacon API|L1 client|node|archive) [^;]*", str(caught.value))
    assert found == ["beacon API", "L1 client", "L1 client", "node", "archive"]


@pytest.mark.parametrize(
    "url",
    ["", "node", "node:8600", "ftp://node", "http://", "http://node:x", "http://[", "http://node?key=secret"],
)
def test_an_address_that_is_none_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"^is not http://host or https://host$"):
        check_base(url)


@pytest.mark.parametrize("url", ["http://node", "https://user:secret@node:8600/key/"])
def test_addresses(url: str) -> None:
    assert check_base(url) == url
