"""The file with the height of the last block, for other programs on the machine."""

import asyncio
import contextlib
import os
from pathlib import Path

import structlog

from sotto.node.store import Store

log = structlog.get_logger(category="block")


class HeightFile:
    """Keeps the file up to date until cancelled.

    Its one line is the number of the last block in the database, 0 before there is one. It is replaced whole,
    so that whoever reads it never sees a part.
    """

    def __init__(self, path: Path, store: Store, poll_seconds: float = 0.25) -> None:
        self._path = path
        self._store = store
        self._poll_seconds = poll_seconds
        self._written: int | None = None
        self._failed = False

    async def run(self) -> None:
        """Loop. A full disk does not stop a node: it is tried again."""
        while True:
            await self.update()
            await asyncio.sleep(self._poll_seconds)

    async def update(self) -> None:
        """Write the height if it has changed."""
        block = await self._store.run(self._store.last_block)
        height = 0 if block is None else block.number
        if height == self._written:
            return
        try:
            await asyncio.to_thread(_replace, self._path, f"{height}\n")
        except OSError as error:
            if not self._failed:
                log.error("block height file not written", path=str(self._path), cause=error.strerror)
            self._failed = True
        else:
            self._written, self._failed = height, False


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text)
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
