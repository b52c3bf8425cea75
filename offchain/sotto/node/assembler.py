"""Makes epochs: closes one when it is time, builds it, stores it, proves it.

One after the other, as proving uses all cores.
"""

import asyncio
import json
from time import monotonic

import structlog

from sotto.node import builder
from sotto.node.config import NodeConfig
from sotto.node.core import Core, deposit_of, epoch_row, lane_rows
from sotto.node.errors import ProvingFailed
from sotto.node.metrics import Metrics
from sotto.node.tables import EpochStatus, TransactionStatus
from sotto.protocol.epoch import EpochResult
from sotto.prover.local import Prover

log = structlog.get_logger(category="epoch")

IDLE_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 60.0
ATTEMPTS = 3
CONSIDERED = 256
"""Bundles that one epoch looks at: more than its lanes, so that refused ones do not hide those that fit."""


class Assembler:
    """Builds and proves epochs until cancelled.

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
        self._waiting_since: float | None = None

    async def run(self) -> None:
        """Loop. What the prover fails at is tried again, later and later, then with other lanes."""
        failures = 0
        while True:
            epoch = await self._unproven()
            if epoch is None:
                await self._core.assemble.wait(await self._time_to_close())
                if self._core.in_flight < self._config.epochs_in_flight and await self._time_to_close() <= 0:
                    await self._build()
                continue
            try:
                await self._prove(epoch)
                failures = 0
            except ProvingFailed as error:
                failures += 1
                log.error("proving failed", epoch=epoch, failures=failures, cause=str(error))
                if failures % ATTEMPTS == 0:
                    async with self._core.lock:
                        await self._core.abandon(epoch, "proving failed")
                await asyncio.sleep(min(self._config.retry_wait * 2**failures, LONGEST_RETRY_SECONDS))

    async def _unproven(self) -> int | None:
        rows = await self._core.store.run(self._core.store.epochs, self._core.ledger.confirmed_id + 1)
        return next((row.id for row in rows if row.status == EpochStatus.ASSIGNED), None)

    async def _time_to_close(self) -> float:
        """Seconds until the next epoch closes; 0 when it must."""
        situation = await self._situation()
        if not situation.items and not situation.bundles:
            self._waiting_since = None
            return IDLE_SECONDS
        if self._waiting_since is None:
            self._waiting_since = monotonic()
        if builder.is_full(situation):
            return 0
        return max(0, self._waiting_since + self._config.epoch_wait - monotonic())

    async def _situation(self) -> builder.Situation:
        core, ledger, policy = self._core, self._core.ledger, self._core.policy
        rows = await core.store.run(core.store.deposits, ledger.queue_cursor, core.sizes[-1])
        credited = core.l1_block - self._config.confirmations
        now = max(core.l1_block, ledger.clock)
        dead = [
            epoch
            for epoch, block in ledger.commit_blocks.items()
            if epoch and block + policy.anchor_life <= now
        ]
        return builder.Situation(
            state=ledger.tip,
            domain=policy.domain,
            sizes=core.sizes,
            now=now,
            live_from=max(dead, default=0),
            queue_start=ledger.queue_cursor,
            items=[deposit_of(row) for row in rows if row.l1_block <= credited],
            bundles=[bundle for bundle, _ in zip(core.pool, range(CONSIDERED), strict=False)],
            anchors=dict(ledger.anchors),
        )

    async def _build(self) -> None:
        core = self._core
        async with core.lock:
            built = await asyncio.to_thread(builder.build, await self._situation())
            self._waiting_since = None
            if built is None:
                return
            for bundle, error in built.dropped:
                core.pool.remove([bundle])
                reason = f"{type(error).__name__}: {error}"
                await core.drop({member.h.to_bytes(32): reason for member in bundle.members})
            if not built.bundles and not built.items:
                return
            result = built.result
            await core.store.run(core.store.assign, epoch_row(result), lane_rows(result))
            core.ledger.append(result)
            core.results[result.words.header.epoch_id] = result
            core.pool.remove(built.bundles)
        log.info(
            "epoch built",
            epoch=result.words.header.epoch_id,
            lanes=len(result.words.lanes),
            queue_items=built.items,
            transactions=sum(len(bundle.members) for bundle in built.bundles),
        )

    async def _prove(self, epoch: int) -> None:
        core = self._core
        result: EpochResult | None = core.results.get(epoch)
        if result is None:
            return
        await core.store.run(core.store.set_transactions_status, epoch, TransactionStatus.PROVING)
        witness = await asyncio.to_thread(lambda: json.dumps(result.witness(self._beneficiary)).encode())
        begun = monotonic()
        proof = await self._prover.prove(f"rollup{len(result.words.lanes)}", witness)
        seconds = monotonic() - begun
        self._metrics.proving_seconds.observe(seconds)
        async with core.lock:
            # Abandoned in the meantime: the proof is of something that no longer exists.
            if core.results.get(epoch) is not result:
                return
            await core.store.run(core.store.save_proof, epoch, proof)
        log.info("epoch proof made", epoch=epoch, seconds=round(seconds, 2))
        core.submit.set()
