"""Processes that open a node's store, for tests that kill them.

They come from one server process that has imported everything once, as that takes longer than the tests.
"""

import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from sotto.node.errors import NodeError
from sotto.node.store import Store

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])

Work = Callable[[Store, Connection], None]
"""What a process does with its store; must be a function of a module."""


def wait(store: Store, pipe: Connection) -> None:
    """Keep the store open until `StoreProcess.end`."""
    with suppress(EOFError):
        pipe.recv()


def _run(url: str, identity: dict[str, str], patience: float, work: Work, pipe: Connection) -> None:
    try:
        store = Store(url, identity, patience)
    except NodeError as error:
        pipe.send(type(error).__name__)
        return
    pipe.send("open")
    work(store, pipe)
    store.close()


class StoreProcess:
    """A process that opens a store and works with it."""

    def __init__(self, url: str, identity: dict[str, str], patience: float = 0.2, work: Work = wait) -> None:
        self.pipe, theirs = _PROCESSES.Pipe()
        self._process = _PROCESSES.Process(
            target=_run, args=(url, identity, patience, work, theirs), daemon=True
        )
        self._process.start()
        theirs.close()

    def receive(self) -> Any:
        """What it sends next: first "open", or the name of the error."""
        assert self.pipe.poll(120), "the process says nothing"
        return self.pipe.recv()

    def end(self) -> None:
        """Let it close its store."""
        self.pipe.close()
        self._process.join(60)
        assert self._process.exitcode == 0

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.join(30)
