"""What runs inside a worker process: the native prover with its keys in memory.

Proving takes seconds and gigabytes. In a process of its own it can be killed, or run out of memory, without
the node; and the process may be on another machine.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from distributed import Scheduler, Worker
from distributed.diagnostics.plugin import WorkerPlugin

from sotto import crypto

NICENESS = 5
"""How far proofs stand back behind other processes of the machine."""


class KeysPlugin(WorkerPlugin):
    """Loads keys when a worker starts, so that its first job does not wait for them.

    Args:
        circuits: names.
    """

    name = "sotto-keys"

    def __init__(self, circuits: Sequence[str]) -> None:
        self._circuits = tuple(circuits)

    async def setup(self, worker: Any) -> None:
        """Load them in a thread: the worker goes on answering its scheduler."""
        # A proof takes all cores for seconds; a node on the same machine must still answer. Threads made from
        # now on, those of the native library among them, inherit this.
        os.nice(NICENESS)
        for circuit in self._circuits:
            await asyncio.to_thread(crypto.prepare_keys, circuit)


class SilentScheduler(Scheduler):
    """A scheduler without the port of a dashboard, which Dask opens for every one."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Open nothing."""


class SilentWorker(Worker):
    """A worker without the port of a dashboard."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Open nothing."""


def run(circuit: str, witness: bytes) -> bytes:
    """Prove one witness: the proof in EVM order."""
    return crypto.prove(circuit, witness).proof


def process_id() -> int:
    """For monitoring, and for tests that kill a worker."""
    return os.getpid()
