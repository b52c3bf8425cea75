"""Copies of a confirmed state on disk, from which a node starts without reading every epoch.

A snapshot holds leaves only. Whoever loads it builds the trees from them and compares the state's hash with
the record of L1, so a snapshot is never trusted: a bad one costs time and nothing else.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import structlog
from sqlalchemy import make_url

from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import field_from_json, field_to_json
from sotto.protocol.growth import Growth
from sotto.protocol.trees import State

log = structlog.get_logger(category="state")

INTERVAL = 512
"""Epochs between two snapshots."""

KEPT = 3
"""Newer ones may be of epochs that a deep reorganisation of L1 removes."""

_MAGIC = b"sotto snapshot 1\n"
_DIGEST_BYTES = 32
_SUFFIX = ".snapshot"


class SnapshotInvalid(Exception):  # noqa: N818 - named by its cause, as all others
    """A file is not a snapshot of this deployment, or not whole."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Leaves of the state after an epoch, and what its writer says that the state is."""

    epoch: int
    state: int
    leaves: Growth


class Snapshots:
    """The snapshots of one deployment in a folder, which is made when the first one is written.

    Args:
        identity: names the deployment, as for the store.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str]) -> None:
        self._folder = folder
        self._identity = dict(identity)

    def save(self, state: State) -> None:
        """Write a snapshot, whole or not at all, and remove the oldest. Raises OSError."""
        header = {"identity": self._identity, "epoch": state.epoch_id, "state": field_to_json(state.hash())}
        parts = (_MAGIC, json.dumps(header).encode() + b"\n", Growth.of(state).encode())
        digest = blake2b(digest_size=_DIGEST_BYTES)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(state.epoch_id)
        temporary = path.with_suffix(".part")
        with temporary.open("wb") as file:
            for part in parts:
                digest.update(part)
                file.write(part)
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        for _, old in self._files()[KEPT:]:
            old.unlink(missing_ok=True)

    def load(self) -> Iterator[Snapshot]:
        """The snapshots that can be read, newest first. Others are reported and left out."""
        for epoch, path in self._files():
            try:
                yield self._read(path, epoch)
            except (OSError, SnapshotInvalid) as error:
                log.warning("snapshot ignored", file=str(path), cause=str(error))

    def _path(self, epoch: int) -> Path:
        return self._folder / f"{epoch}{_SUFFIX}"

    def _files(self) -> list[tuple[int, Path]]:
        """Epoch and path of each file, newest first."""
        found = []
        for path in self._folder.glob(f"*{_SUFFIX}"):
            with suppress(ValueError):
                found.append((int(path.stem), path))
        return sorted(found, reverse=True)

    def _read(self, path: Path, epoch: int) -> Snapshot:
        data = path.read_bytes()
        if not data.startswith(_MAGIC):
            raise SnapshotInvalid("it is of another version, or no snapshot")
        content, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        if blake2b(content, digest_size=_DIGEST_BYTES).digest() != digest:
            raise SnapshotInvalid("its checksum differs: it is damaged or cut off")
        try:
            end = content.index(b"\n", len(_MAGIC))
            header = json.loads(content[len(_MAGIC) : end])
            if header["identity"] != self._identity:
                raise SnapshotInvalid("it is of another deployment")
            if header["epoch"] != epoch:
                raise SnapshotInvalid(f"it is of epoch {header['epoch']}")
            return Snapshot(epoch, field_from_json(header["state"]), Growth.decode(content[end + 1 :]))
        except (KeyError, TypeError, ValueError, ProtocolError) as error:
            raise SnapshotInvalid(f"it has another content: {error}") from error


def snapshot_folder(database: str, chosen: Path | None) -> Path | None:
    """Where a node keeps snapshots: as chosen, or beside an SQLite database; else nowhere."""
    url = make_url(database)
    if chosen is not None or url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return chosen
    return Path(f"{url.database}.snapshots")


def save_snapshot(snapshots: Snapshots, state: State) -> None:
    """Write a snapshot; if that fails the next start is slower, and nothing else."""
    try:
        snapshots.save(state)
    except OSError as error:
        log.warning("snapshot not written", epoch=state.epoch_id, cause=str(error))
    else:
        log.info("snapshot written", epoch=state.epoch_id)
