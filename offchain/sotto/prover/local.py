"""Proves in worker processes of this machine."""

import asyncio
import logging
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from sotto.crypto.errors import CryptoError
from sotto.node.errors import ProvingFailed
from sotto.prover import worker

logger = logging.getLogger(__name__)


class LocalProver:
    """Proves in processes of their own; a job whose worker died runs again in a new one.

    Args:
        circuits: names of the circuits whose keys the workers load at their start.
        workers: number of processes; each uses all cores during a proof.
        attempts: so often a job may lose its worker.
    """

    def __init__(self, circuits: Sequence[str], workers: int = 1, attempts: int = 3) -> None:
        self._circuits = tuple(circuits)
        self._workers = workers
        self._attempts = attempts
        self._pool = self._new_pool()

    async def prepare(self) -> dict[str, bytes]:
        """Start a worker and load its keys now. Returns the hash of each circuit. Raises ProvingFailed."""
        loop = asyncio.get_running_loop()
        try:
            return {
                circuit: await loop.run_in_executor(self._pool, worker.circuit_hash, circuit)
                for circuit in self._circuits
            }
        except (BrokenProcessPool, CryptoError) as error:
            raise ProvingFailed(f"the worker does not start: {error}") from error

    async def worker_id(self) -> int:
        """Process id of a worker that is alive."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, worker.process_id)

    async def prove(self, circuit: str, witness: bytes) -> bytes:
        """The proof, 256 bytes in EVM order. Raises ProvingFailed."""
        for attempt in range(1, self._attempts + 1):
            pool = self._pool
            try:
                proof, _ = await asyncio.get_running_loop().run_in_executor(
                    pool, worker.run, circuit, witness
                )
            except BrokenProcessPool:
                logger.warning("prover worker died", extra={"circuit": circuit, "attempt": attempt})
                if self._pool is pool:
                    pool.shutdown(wait=False)
                    self._pool = self._new_pool()
            except CryptoError as error:
                raise ProvingFailed(f"{circuit}: {error}") from error
            else:
                return proof
        raise ProvingFailed(f"{circuit}: {self._attempts} workers died")

    def close(self) -> None:
        """End the workers, also in the middle of a proof: the job is in the database and runs again."""
        # The executor offers no way to end a running job before Python 3.14.
        for process in list((self._pool._processes or {}).values()):
            process.kill()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _new_pool(self) -> ProcessPoolExecutor:
        # A forked copy of a process with threads of Go and asyncio is not usable.
        return ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=worker.start,
            initargs=(self._circuits,),
        )
