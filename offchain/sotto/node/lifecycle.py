"""How a node ends: in order and in bounded time at the first signal, at once at the second."""

import asyncio
import os
import signal
import threading
from typing import NoReturn, Protocol

import structlog

from sotto.node import logs
from sotto.node.config import NodeConfig

log = structlog.get_logger(category="node")

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stoppable(Protocol):
    """What a Lifecycle runs: a node."""

    ready: asyncio.Event

    async def run(self) -> None:
        """Run until `stop`."""

    def stop(self) -> None:
        """Let `run` end in order."""


class Lifecycle:
    """Runs one node until a signal.

    Args:
        seconds: time from the first signal to the end of the process, whatever hangs. All that was answered
            is in the database before, so that ending early costs repeated work only.
    """

    def __init__(self, node: Stoppable, seconds: float) -> None:
        self._node = node
        self._seconds = seconds
        self._running: asyncio.Task[None] | None = None
        self._is_stopping = False

    async def run(self) -> None:
        """Return after the node has ended because of a signal; raise what ends it else."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._on_signal, number)
        self._running = asyncio.create_task(self._node.run())
        try:
            await self._running
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
            log.info("stopped", while_starting=True)

    def _on_signal(self, number: int) -> None:
        if self._is_stopping:
            _exit(128 + number, "ended at once")
        self._is_stopping = True
        # A thread, since the event loop, or the database under it, may be what hangs.
        timer = threading.Timer(self._seconds, _exit, (0, "stopping took too long"))
        timer.daemon = True
        timer.start()
        if self._node.ready.is_set():
            self._node.stop()
        elif self._running is not None:
            self._running.cancel()
        log.info("stopping", signal=signal.Signals(number).name, within_seconds=self._seconds)


def _exit(code: int, why: str) -> NoReturn:
    try:
        log.warning(why, hint="what is unfinished goes on at the next start")
    finally:
        # Also when nobody takes the log any more.
        os._exit(code)


def run(config: NodeConfig) -> None:
    """Run a node in this process until SIGTERM or SIGINT.

    Raises errors of sotto.node.errors and sotto.l1.errors when it cannot start or must not go on.
    """
    from sotto.node.app import Node

    logs.configure(config.log_level, config.log_format, config.log_levels)
    asyncio.run(Lifecycle(Node(config), config.stop_seconds).run())
