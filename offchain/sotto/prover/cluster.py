"""Proves on a Dask cluster: worker processes of this machine, or machines behind a scheduler.

A job whose worker dies runs again on another one, or on a new one. What a worker returns is verified here
before anybody uses it, as L1 would refuse the whole epoch for the fault of one machine.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import tempfile
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from distributed import Client, KilledWorker, Nanny
from distributed.comm.core import CommClosedError
from distributed.diagnostics.plugin import SchedulerPlugin
from distributed.security import Security

from sotto import crypto
from sotto.node.errors import ProverUnavailable, ProvingFailed
from sotto.prover import worker

log = structlog.get_logger(category="block")

LOOPBACK: Final = "127.0.0.1"
CONNECT_SECONDS: Final = 30.0
END_SECONDS: Final = 3.0

_LOST: Final = (CancelledError, CommClosedError, OSError, TimeoutError)
_OF_MACHINE: Final = (crypto.KeysUnavailable, crypto.NativeLibraryMissing)


@dataclass(frozen=True, slots=True)
class RemoteScheduler:
    """A Dask scheduler with workers of its own; the files are PEM.

    All machines of a cluster, and this process, trust each other: Dask sends code.
    """

    address: str
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def security(self) -> Security:
        """TLS with certificates on both sides, or none for a scheduler on this machine."""
        if not self.address.startswith("tls://"):
            return Security()  # type: ignore[no-untyped-call]
        return Security(  # type: ignore[no-untyped-call]
            require_encryption=True,
            tls_ca_file=str(self.ca),
            tls_client_cert=str(self.certificate),
            tls_client_key=str(self.key),
        )


class ClusterProver:
    """Proves epochs, inside an event loop; workers start with `run`, or with the first job.

    Args:
        circuits: names of the circuits whose keys the workers load at their start.
        workers: number of processes on this machine; each uses all cores during a proof.
        attempts: so often a job may lose its worker, or come back false.
        timeout: seconds after which a job counts as lost.
        remote: a scheduler to use in place of processes of this machine.
    """

    def __init__(
        self,
        circuits: Sequence[str],
        workers: int = 1,
        attempts: int = 3,
        timeout: float = 900,
        remote: RemoteScheduler | None = None,
    ) -> None:
        self._circuits = tuple(circuits)
        self._workers = workers
        self._attempts = attempts
        self._timeout = timeout
        self._remote = remote
        self._opened: tuple[contextlib.AsyncExitStack, Any] | None = None
        self._opening = asyncio.Lock()

    async def run(self) -> None:
        """Start the workers, before there is a job for them. If that fails, the first job tries again."""
        try:
            await self._client()
        except ProverUnavailable as error:
            log.warning("provers do not start", cause=str(error))

    async def prove(self, circuit: str, witness: bytes) -> bytes:
        """The proof, 256 bytes in EVM order, which is valid. Raises ProvingFailed, ProverUnavailable."""
        public = await asyncio.to_thread(_public_inputs, witness)
        for attempt in range(1, self._attempts + 1):
            proof = await self._run(circuit, witness, attempt)
            if await asyncio.to_thread(crypto.verify, circuit, public, proof):
                return proof
            log.error("a prover's proof is false", circuit=circuit, attempt=attempt)
        raise ProverUnavailable(
            f"{circuit}: workers made {self._attempts} false proofs: is their release the node's?"
        )

    async def worker_ids(self) -> dict[str, int]:
        """Process id of each worker, by address."""
        ids: dict[str, int] = await (await self._client()).run(worker.process_id)
        return ids

    async def close(self) -> None:
        """End the workers, also in the middle of a proof: the job is in the database and runs again."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened[0].aclose()

    async def _run(self, circuit: str, witness: bytes, attempt: int) -> bytes:
        # By content, so that a job which a node sends again after a restart is not done twice.
        digest = hashlib.sha256(circuit.encode() + b"\0" + witness).hexdigest()
        key = f"prove-{circuit}-{digest}-{attempt}"
        try:
            client = await self._client()
            future = client.submit(worker.run, circuit, witness, key=key, pure=False)
            try:
                async with asyncio.timeout(self._timeout):
                    proof: bytes = await future
            except TimeoutError:
                await self._replace_workers_of(client, key)
                raise ProverUnavailable(f"{circuit}: no proof within {self._timeout:.0f} s") from None
            finally:
                future.release()
        except KilledWorker as error:
            raise ProvingFailed(f"{circuit}: {error.allowed_failures + 1} workers died") from error
        except _OF_MACHINE as error:
            raise ProverUnavailable(f"{circuit}: {error}") from error
        except crypto.CryptoError as error:
            raise ProvingFailed(f"{circuit}: {error}") from error
        except _LOST as error:
            await self.close()
            raise ProverUnavailable(f"{circuit}: the cluster was lost: {type(error).__name__}") from error
        return proof

    async def _replace_workers_of(self, client: Any, key: str) -> None:
        """A worker that hangs is ended, since other jobs wait for it."""
        if self._remote is None:
            log.error("prover workers replaced")
            await self.close()
            return
        with contextlib.suppress(*_LOST):
            busy = [address for address, keys in (await client.processing()).items() if key in keys]
            log.error("prover worker replaced", workers=busy)
            await client.restart_workers(busy, timeout=CONNECT_SECONDS, raise_for_error=False)

    async def _client(self) -> Any:
        async with self._opening:
            if self._opened is not None and self._opened[1].status == "running":
                return self._opened[1]
            await self.close()
            stack = contextlib.AsyncExitStack()
            try:
                client = await stack.enter_async_context(self._connected())
            except BaseException as error:
                await stack.aclose()
                if isinstance(error, Exception):
                    raise ProverUnavailable(f"no prover: {type(error).__name__}: {error}") from error
                raise
            self._opened = stack, client
            return client

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        async with contextlib.AsyncExitStack() as stack:
            if self._remote is None:
                security = Security.temporary()  # type: ignore[no-untyped-call]
                address = await stack.enter_async_context(self._processes(security))
            else:
                address, security = self._remote.address, self._remote.security()
            client: Any = await Client(  # type: ignore[no-untyped-call]
                address, security=security, asynchronous=True, timeout=CONNECT_SECONDS, set_as_default=False
            )
            stack.push_async_callback(client.close, timeout=1)
            await client.register_plugin(worker.KeysPlugin(self._circuits))
            yield client

    @contextlib.asynccontextmanager
    async def _processes(self, security: Security) -> AsyncIterator[str]:
        """A scheduler in this process, and its workers; the address.

        They are on the loopback interface, behind keys that nobody else has: whoever can talk to a scheduler
        can have it run any code.
        """
        logging.getLogger("distributed").setLevel(logging.ERROR)
        common: dict[str, Any] = {"host": LOOPBACK, "protocol": "tls://", "security": security}
        options: dict[str, Any] = {
            **common,
            "nthreads": 1,
            # The native prover's memory is not Dask's to manage: it would pause a worker in its proof.
            "memory_limit": 0,
            "worker_class": worker.SilentWorker,
            "silence_logs": logging.ERROR,
        }
        with tempfile.TemporaryDirectory(prefix="sotto-prover-", ignore_cleanup_errors=True) as folder:
            async with worker.SilentScheduler(
                port=0, dashboard=False, allowed_failures=self._attempts - 1, **common
            ) as scheduler:
                deaths = _Deaths()
                scheduler.add_plugin(deaths)
                nannies = [
                    Nanny(scheduler.address, name=number, local_directory=folder, **options)
                    for number in range(self._workers)
                ]
                try:
                    await asyncio.gather(*nannies)
                    yield str(scheduler.address)
                finally:
                    deaths.expected = True
                    await asyncio.gather(*map(_end, nannies))


class _Deaths(SchedulerPlugin):
    """Reports workers that die by themselves."""

    name = "sotto-deaths"

    def __init__(self) -> None:
        self.expected = False

    def remove_worker(self, scheduler: Any, worker: str, **_: Any) -> None:
        """See SchedulerPlugin."""
        if not self.expected:
            log.warning("prover worker died", worker=worker)


async def _end(nanny: Nanny) -> None:
    """End a worker now: one in the middle of a proof would not hear a request to stop."""
    # So that it starts no other one.
    nanny.close_gracefully()
    with contextlib.suppress(*_LOST, ValueError):
        if nanny.process is not None and nanny.process.process is not None:
            await nanny.process.process.kill()
        async with asyncio.timeout(END_SECONDS):
            await nanny.close(timeout=1)


def _public_inputs(witness: bytes) -> list[int]:
    """The public inputs of a rollup proof (spec 05 and 14), from the node's own witness file."""
    fields = json.loads(witness)
    y_data = fields.get("y_data", ["0", "0"])
    return [int(word, 16) for word in (fields["c"], fields["z"], fields["y"], *y_data, fields["m"])]
