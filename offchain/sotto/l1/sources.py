"""The sources of blobs that a user has named, in the order in which they are asked (spec 14)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from web3 import AsyncWeb3

from sotto.l1.archive import ArchiveFile, ArchiveHeader, lanes_of, read_header
from sotto.l1.blob_settings import BlobSettings
from sotto.l1.blobs import BeaconBlobs, BlobReader, BlobReference, BlobSource, NodeBlobs, RpcBlobs
from sotto.l1.errors import ArchiveInvalid
from sotto.l1.history import History, Progress
from sotto.protocol.field import Field

OpenHistory = Callable[[], Awaitable[History]]


@asynccontextmanager
async def open_blobs(
    settings: BlobSettings,
    endpoints: Sequence[AsyncWeb3[Any]],
    domain: int,
    history: OpenHistory,
    first_block: int | None = None,
) -> AsyncIterator[BlobReader]:
    """What reads blobs from all sources; archives are open until the end.

    Args:
        endpoints: of L1; all are asked for blobs, and the first one for the times of its blocks.
        history: gives that of the rollup. Asked when an archive is, and again for what L1 has proven since.
        first_block: see `History.records`.

    Raises ArchiveInvalid at once for a file that is no archive of this rollup.
    """
    proven = ProvenEpochs(history, first_block)
    with ExitStack() as stack:
        archives = [
            stack.enter_context(NamedArchive(path, domain, proven))
            for path in dict.fromkeys(settings.archives)
        ]
        sources: list[BlobSource] = [
            *(BeaconBlobs(base, endpoints[0]) for base in settings.beacons),
            *(RpcBlobs(endpoint) for endpoint in endpoints),
            *(NodeBlobs(base) for base in settings.nodes),
            *archives,
        ]
        yield BlobReader(sources)


@asynccontextmanager
async def open_history(
    settings: BlobSettings,
    web3: AsyncWeb3[Any],
    rollup: bytes,
    source: AsyncWeb3[Any] | None = None,
    progress: Progress = lambda _phase, _share: None,
    first_block: int | None = None,
) -> AsyncIterator[History]:
    """See `History.open`; with blobs from all sources. Raises also ArchiveInvalid."""
    history = await History.open(web3, rollup, source, progress)

    async def opened() -> History:
        return history

    endpoints = [web3] if source is None else [web3, source]
    async with open_blobs(settings, endpoints, history.domain, opened, first_block) as blobs:
        history.read_blobs_from(blobs)
        yield history


@dataclass(frozen=True, slots=True)
class _Proven:
    """What L1 has of each proven epoch by id: number of lanes, and new state."""

    lanes: Mapping[int, int]
    states: Mapping[int, Field]


class ProvenEpochs:
    """What archives are compared with, read from L1 when it is first needed: that takes all of its logs."""

    def __init__(self, history: OpenHistory, first_block: int | None) -> None:
        self._history = history
        self._first_block = first_block
        self._proven = _Proven({}, {})
        self._lock = asyncio.Lock()

    async def up_to(self, last: int) -> _Proven:
        """All proven epochs, up to `last` and maybe more. Raises ArchiveInvalid if L1 has not come so far,
        and as History."""
        async with self._lock:
            if last not in self._proven.lanes:
                history = await self._history()
                if history.proven < last:
                    # Before its logs are read: this is asked again and again while a blob is missing.
                    raise ArchiveInvalid(f"it goes to epoch {last}, which L1 has not proven")
                records = (await history.records(self._first_block))[: history.proven + 1]
                states = {each.record.id: each.record.new_state for each in records}
                self._proven = _Proven(await lanes_of(history, records), states)
            return self._proven


class NamedArchive:
    """An archive as source that reads L1, and the file beyond its header, when it is first asked.

    Raises ArchiveInvalid for a file that is no archive of this domain.
    """

    def __init__(self, path: Path, domain: int, proven: ProvenEpochs) -> None:
        self.name = f"archive {path}"
        self._path, self._domain = path, domain
        self._header = archive_header(path, domain)
        self._proven = proven
        self._file: ArchiveFile | None = None
        self._lock = asyncio.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    async def find(self, wanted: BlobReference) -> Sequence[bytes]:
        """See BlobSource."""
        if not self._header.first <= wanted.epoch <= self._header.last:
            return []
        async with self._lock:
            if self._file is None:
                self._file = await self._open()
        return await self._file.find(wanted)

    async def _open(self) -> ArchiveFile:
        try:
            proven = await self._proven.up_to(self._header.last)
        except ArchiveInvalid as error:
            raise ArchiveInvalid(f"{self._path}: {error}") from error
        archive = await asyncio.to_thread(ArchiveFile.open, self._path, self._domain, proven.lanes)
        last = archive.header.last
        if archive.header.state != proven.states[last]:
            archive.close()
            raise ArchiveInvalid(f"{self._path}: epoch {last} has another state on L1")
        return archive


def archive_header(path: Path, domain: int) -> ArchiveHeader:
    """What an archive says of itself. Raises ArchiveInvalid for a file that is none of this domain."""
    try:
        with path.open("rb") as file:
            header = read_header(file, path)
    except OSError as error:
        raise ArchiveInvalid(f"{path}: {error.strerror}") from error
    if header.domain != domain:
        raise ArchiveInvalid(f"{path} is of another rollup or chain")
    return header
