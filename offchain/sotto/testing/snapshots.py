"""Chains that were deployed and funded once, kept by the digest of all that they depend on."""

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

_KEPT: Final = 8
"""So many snapshots stay, of a few hundred kilobytes each; the longest unused goes first."""


def cache_folder() -> Path:
    """${SOTTO_CACHE:-~/.cache/sotto}/sandbox, beside the proving keys."""
    chosen = os.environ.get("SOTTO_CACHE")
    return (Path(chosen) if chosen else Path.home() / ".cache" / "sotto") / "sandbox"


@dataclass(frozen=True)
class Snapshot:
    """A chain's state as anvil dumps it, and the deployment file of its contracts."""

    state: str
    deployment: str


class Snapshots:
    """One entry of the cache, which may or may not exist."""

    def __init__(self, folder: Path, digest: str) -> None:
        self._folder = folder
        self._path = folder / f"{digest}.json"

    @contextlib.contextmanager
    def making(self) -> Iterator[None]:
        """Wait until nobody else makes a snapshot, and let others wait until this one is made."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def load(self) -> Snapshot | None:
        """The entry; None when there is none, or a damaged one."""
        try:
            found = Snapshot(**json.loads(self._path.read_text()))
            os.utime(self._path)
        except (OSError, ValueError, TypeError):
            return None
        return found

    def save(self, snapshot: Snapshot) -> None:
        """Write the entry at once, and remove those that were not used for longest."""
        handle, draft = tempfile.mkstemp(dir=self._folder, suffix=".draft")
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(snapshot), file)
        os.replace(draft, self._path)
        entries = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in entries[_KEPT:]:
            old.unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove an entry that did not work."""
        self._path.unlink(missing_ok=True)
