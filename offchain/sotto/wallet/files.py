"""Files that a crash leaves with the old or the new content, and locks against other processes."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sotto.wallet.errors import WalletInUse

_OWNER_ONLY = 0o600


def _write_draft(path: Path, data: bytes) -> str:
    """Name of a new file beside `path` that holds the content, on disk and readable for its owner only."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), _OWNER_ONLY)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(name)
        raise
    return name


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file's content, readable for its owner only, and wait until the disk has it."""
    name = _write_draft(path, data)
    try:
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync_folder(path.parent)


def create_exclusively(path: Path, data: bytes) -> None:
    """Write a new file as `write_atomically`, but never over an existing one. Raises FileExistsError."""
    name = _write_draft(path, data)
    try:
        # A hard link fails when the name is taken, which a rename does not.
        os.link(name, path)
    finally:
        os.unlink(name)
    _sync_folder(path.parent)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file beside `path` for as long as the context lasts. Raises WalletInUse."""
    lock = path.with_name(path.name + ".lock")
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WalletInUse(f"{path} is open in another process") from error
        yield
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
