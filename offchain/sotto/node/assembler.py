"""Makes epochs: closes one when it is time, builds it, stores it.

While all provers are busy the next epoch stays open, so that more transactions share its proof.
"""

import asyncio
from time import monotonic

import structlog

from sotto.node import builder
from sotto.node.config import NodeConfig
from sotto.node.core import Core, deposit_of, direct_ids, epoch_row, lane_rows
from sotto.node.errors import EpochNotBuilt
from sotto.protocol.field import Field

log = structlog.get_logger(category="epoch")

IDLE_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 60.0
CONSIDERED = 256
"""Bundles that one epoch looks at: more than its lanes, so that refused ones do not hide those that fit."""


class Assembler:
    """Builds epochs until cancelled."""

    def __init__(self, core: Core, config: NodeConfig) -> None:
        self._core = core
        self._config = config
        self._waiting_since: float | None = None
        self._passed_over: frozenset[Field] = frozenset()

    async def run(self) -> None:
        """Loop. What fails is tried again later and later, with fewer and fewer bundles."""
        failures = 0
        while True:
            await self._core.assemble.wait(await self._time_to_close())
            try:
                if await self._time_to_close() <= 0:
                    await self._build()
                    failures = 0
            except EpochNotBuilt as error:
                failures += 1
                log.error("epoch failed", failures=failures, cause=str(error))
                pause = self._config.retry_wait * 2 ** (failures - 1)
                await asyncio.sleep(min(pause, LONGEST_RETRY_SECONDS))

    async def _are_provers_busy(self) -> bool:
        store = self._core.store
        unproven = await store.run(store.unproven, self._core.ledger.confirmed_id + 1)
        return len(unproven) >= self._config.prover_workers

    async def _time_to_close(self) -> float:
        """Seconds until the next epoch closes; 0 when it must."""
        if (
            self._core.in_flight >= self._config.epochs_in_flight
            or await self._are_provers_busy()
            or await self._core.is_blocked()
        ):
            return IDLE_SECONDS
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
        waiting = [bundle for bundle, _ in zip(core.pool, range(CONSIDERED), strict=False)]
        in_flight = {h for result in core.results.values() for h in direct_ids(result)}
        suspects = core.trials.choose(waiting, in_flight)
        bundles = waiting if suspects is None else suspects
        chosen = {bundle.id for bundle in bundles}
        withheld = [bundle.commitments for bundle in waiting if bundle.id not in chosen]
        return builder.Situation(
            state=ledger.tip,
            domain=policy.domain,
            sizes=core.sizes,
            now=now,
            live_from=max(dead, default=0),
            queue_start=ledger.queue_cursor,
            items=[deposit_of(row) for row in rows if row.l1_block <= credited],
            bundles=bundles,
            anchors=dict(ledger.anchors),
            withheld=frozenset[Field]().union(*withheld),
            overdue=sum(row.l1_block + policy.overdue_age <= now for row in rows),
            passed_over=self._passed_over,
            trial=suspects is not None,
        )

    async def _build(self) -> None:
        core = self._core
        async with core.lock:
            self._waiting_since = None
            if await core.is_blocked():
                return
            situation = await self._situation()
            built = await self._try_to_build(situation)
            if built is None:
                return
            for bundle, error in built.dropped:
                core.pool.remove([bundle])
                reason = f"{type(error).__name__}: {error}"
                await core.drop({member.h.to_bytes(32): reason for member in bundle.members})
            if not built.bundles:
                core.trials.release({bundle.id for bundle in situation.bundles})
            if not built.bundles and not built.items:
                return
            self._passed_over = built.passed_over
            result = built.result
            await core.store.run(core.store.assign, epoch_row(result), lane_rows(result))
            core.ledger.append(result)
            core.results[result.words.header.epoch_id] = result
            core.pool.remove(built.bundles)
        core.prove.set()
        log.info(
            "epoch built",
            epoch=result.words.header.epoch_id,
            lanes=len(result.words.lanes),
            queue_items=built.items,
            transactions=sum(len(bundle.members) for bundle in built.bundles),
        )

    async def _try_to_build(self, situation: builder.Situation) -> builder.BuiltEpoch | None:
        try:
            return await asyncio.to_thread(builder.build, situation)
        except Exception as error:
            # Whatever a transaction does to the builder: the node goes on without it.
            log.exception("epoch not built")
            cause = f"{EpochNotBuilt.__name__}: {type(error).__name__}: {error}"
            await self._core.suspect([bundle.id for bundle in situation.bundles], cause)
            raise EpochNotBuilt(cause) from error
