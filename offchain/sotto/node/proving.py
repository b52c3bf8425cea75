"""Proves epochs: pending ones are assigned to the prover, and proven when the database has their proof.

An epoch is a job by itself, since its state does not depend on the proofs before it; several are proven at
once when the prover has the workers. A killed node finds its jobs in the database and begins them again.
"""

import asyncio
import json
from time import monotonic

import structlog

from sotto.node.config import NodeConfig
from sotto.node.core import Core
from sotto.node.errors import ProverUnavailable, ProvingFailed
from sotto.node.metrics import Metrics
from sotto.protocol.epoch import EpochResult
from sotto.prover.interface import Prover

log = structlog.get_logger(category="block")

IDLE_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 60.0


class Proving:
    """Proves what is in flight until cancelled.

    Args:
        beneficiary: 20 bytes, bound into each proof.
    """

    def __init__(
        self, core: Core, config: NodeConfig, prover: Prover, beneficiary: bytes, metrics: Metrics
    ) -> None:
        self._core = core
        self._config = config
        self._prover = prover
        self._beneficiary = beneficiary
        self._metrics = metrics
        self._claimed: list[EpochResult] = []

    async def run(self) -> None:
        """Loop."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._config.prover_workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        """Prove one epoch after the other. What fails is tried again later and later."""
        failures = 0
        while True:
            result = await self._claim()
            if result is None:
                await self._core.prove.wait(IDLE_SECONDS)
                continue
            try:
                await self._prove(result)
                failures = 0
            except (ProvingFailed, ProverUnavailable) as error:
                failures += 1
                epoch = result.words.header.epoch_id
                log.error("epoch not proven", epoch=epoch, failures=failures, cause=str(error))
                pause = self._config.retry_wait * 2 ** (failures - 1)
                await asyncio.sleep(min(pause, LONGEST_RETRY_SECONDS))
            finally:
                self._claimed = [claimed for claimed in self._claimed if claimed is not result]

    async def _claim(self) -> EpochResult | None:
        """The oldest epoch without proof that nobody here proves yet."""
        core = self._core
        for epoch in await core.store.run(core.store.unproven, core.ledger.confirmed_id + 1):
            result = core.results.get(epoch)
            # An epoch may have been abandoned and built anew under the same number.
            if result is not None and not any(claimed is result for claimed in self._claimed):
                self._claimed.append(result)
                return result
        return None

    async def _prove(self, result: EpochResult) -> None:
        core, epoch = self._core, result.words.header.epoch_id
        async with core.lock:
            if core.results.get(epoch) is not result:
                return
            await core.store.run(core.store.begin_proving, epoch)
        begun = monotonic()
        try:
            proof = await self._try_to_prove(result)
        except ProvingFailed as error:
            async with core.lock:
                if core.results.get(epoch) is result:
                    await core.not_provable(result, f"{ProvingFailed.__name__}: {error}")
            raise
        seconds = monotonic() - begun
        self._metrics.proving_seconds.observe(seconds)
        async with core.lock:
            # Abandoned in the meantime: the proof is of something that no longer exists.
            if core.results.get(epoch) is not result:
                return
            await core.store.run(core.store.save_proof, epoch, proof)
        log.info("epoch proof made", epoch=epoch, seconds=round(seconds, 2))
        core.assemble.set()
        core.submit.set()

    async def _try_to_prove(self, result: EpochResult) -> bytes:
        try:
            witness = await asyncio.to_thread(lambda: json.dumps(result.witness(self._beneficiary)).encode())
            return await self._prover.prove(result.layout.circuit, witness)
        except (ProvingFailed, ProverUnavailable):
            raise
        except Exception as error:
            log.exception("proving failed")
            raise ProvingFailed(f"{type(error).__name__}: {error}") from error
