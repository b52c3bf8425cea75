"""Orders transactions: makes a block when there is work, at most one every interval, and closes epochs.

What a block holds is soft-final: it is stored before anybody is told, and its order stays unless L1 undoes
what its epoch was built on, or its epoch turns out to be unprovable. Then a block says so (Core.abandon).
"""

import asyncio
import time
from collections import ChainMap
from dataclasses import dataclass, replace
from time import monotonic

import structlog

from sotto.node import builder
from sotto.node.blocks import Block, next_block
from sotto.node.config import NodeConfig
from sotto.node.core import Core, direct_ids, drop_reason, epoch_row, item_of, lane_rows
from sotto.node.errors import EpochNotBuilt
from sotto.node.metrics import Metrics
from sotto.node.open_epoch import OpenEpoch, block_entries
from sotto.node.tables import EpochRow, LaneRow
from sotto.protocol.epoch import EpochResult
from sotto.protocol.field import Field

log = structlog.get_logger(category="block")

IDLE_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0
CONSIDERED = 64
"""Bundles that one block looks at: more than an epoch's lanes, so that refused ones do not hide those that
fit."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A block before it is stored, and the epoch that it closes."""

    filling: builder.Filling
    closed: EpochResult | None


@dataclass(frozen=True, slots=True)
class _MayClose:
    """Whether the open epoch may end because it has waited long enough, and because it is full."""

    when_due: bool
    when_full: bool


class Sequencer:
    """Makes blocks until cancelled."""

    def __init__(self, core: Core, config: NodeConfig, metrics: Metrics) -> None:
        self._core = core
        self._config = config
        self._metrics = metrics
        self._passed_over: frozenset[Field] = frozenset()

    async def run(self) -> None:
        """Loop. What fails is tried again later and later, with fewer and fewer bundles."""
        failures = 0
        while True:
            await self._core.assemble.wait(self._seconds_to_close())
            begun = monotonic()
            try:
                await self._make()
                failures = 0
            except EpochNotBuilt as error:
                failures += 1
                log.error("block not made", failures=failures, cause=str(error))
                pause = self._config.retry_wait * 2 ** (failures - 1)
                await asyncio.sleep(min(pause, LONGEST_RETRY_SECONDS))
            # What comes meanwhile is the next block's.
            await asyncio.sleep(max(0, self._config.block_interval - (monotonic() - begun)))

    def _seconds_to_close(self) -> float:
        opened = self._core.open
        if opened is None:
            return IDLE_SECONDS
        return min(IDLE_SECONDS, max(0.05, opened.opened + self._config.epoch_wait - monotonic()))

    async def _make(self) -> None:
        """Make a block if there is anything to order or to close."""
        core = self._core
        async with core.lock:
            if core.is_behind or await core.is_blocked():
                return
            opened = core.open
            if opened is not None and opened.now + core.policy.clock_window <= core.l1_block:
                await core.abandon(core.open_id, "its L1 block is too old")
            may_close = await self._may_close()
            if not (may_close.when_due and self._is_due()) and not await self._has_work(may_close):
                return
            begun = monotonic()
            situation = await self._situation()
            if situation.trial and not may_close.when_full:
                return
            draft = await self._draft(situation, may_close)
            filling = draft.filling
            for bundle, error in filling.dropped:
                core.pool.remove([bundle])
                await core.drop({member.h.to_bytes(32): drop_reason(error) for member in bundle.members})
            if situation.trial and not filling.bundles:
                core.trials.release({bundle.id for bundle in situation.bundles})
            if not filling.added and draft.closed is None:
                return
            block = await self._store(situation, draft)
            self._apply(situation, draft)
        seconds = monotonic() - begun
        self._metrics.block_made(seconds, len(block.transactions))
        log.info(
            "block made",
            block=block.number,
            epoch=block.epoch,
            transactions=len(block.transactions),
            queue_items=len(block.deposits),
            closes=block.closes,
            seconds=round(seconds, 4),
        )
        # There may be more than one block has room for.
        core.assemble.set()
        if block.closes:
            core.prove.set()

    async def _may_close(self) -> _MayClose:
        """Whether the epoch may end now: more transactions share its proof while the provers have work."""
        core, config = self._core, self._config
        unproven = await core.store.run(core.store.unproven, core.ledger.confirmed_id + 1)
        is_idle = len(unproven) < config.prover_workers and core.in_flight < config.epochs_in_flight
        return _MayClose(when_due=is_idle, when_full=core.in_flight < config.epochs_ahead)

    def _is_due(self) -> bool:
        opened = self._core.open
        return opened is not None and monotonic() - opened.opened >= self._config.epoch_wait

    async def _has_work(self, may_close: _MayClose) -> bool:
        core, opened = self._core, self._core.open
        if opened is not None and opened.lanes >= core.sizes[-1]:
            return may_close.when_full
        if len(core.pool):
            return True
        cursor = core.ledger.queue_cursor if opened is None else opened.queue_end
        rows = await core.store.run(core.store.queue_items, cursor, 1)
        return bool(rows) and rows[0].l1_block <= core.l1_block - self._config.confirmations

    async def _situation(self) -> builder.Situation:
        core, ledger, policy = self._core, self._core.ledger, self._core.policy
        opened = core.open
        taken, now = (0, max(core.l1_block, ledger.clock)) if opened is None else (opened.items, opened.now)
        lanes = core.sizes[-1]
        rows = await core.store.run(core.store.queue_items, ledger.queue_cursor, lanes)
        credited = core.l1_block - self._config.confirmations
        # Epochs are committed in order, so that the newest dead one is near the end.
        dead = (
            epoch
            for epoch, block in reversed(ledger.commit_blocks.items())
            if block + policy.anchor_life <= now
        )
        waiting = [bundle for bundle, _ in zip(core.pool, range(CONSIDERED), strict=False)]
        in_flight = {h for result in core.results.values() for h in direct_ids(result)}
        suspects = core.trials.choose(waiting, in_flight | {bundle.id for bundle in core.ordered})
        bundles = waiting if suspects is None else suspects
        if suspects is not None and opened is not None:
            # They are tried alone, so this epoch ends first.
            bundles, taken = [], lanes
        chosen = {bundle.id for bundle in bundles}
        withheld = [bundle.commitments for bundle in waiting if bundle.id not in chosen]
        # L1 may have lost the proof of an epoch whose anchor is in use.
        unproven = {result.words.header.own_anchor: epoch for epoch, result in core.results.items()}
        return builder.Situation(
            state=ledger.tip,
            domain=policy.domain,
            layouts=core.layouts,
            now=now,
            live_from=next(dead, 0),
            queue_start=ledger.queue_cursor,
            ordered=() if opened is None else tuple(opened.ordered),
            items=[item_of(row, policy.domain) for row in rows[taken:] if row.l1_block <= credited],
            bundles=bundles,
            anchors=ChainMap(unproven, ledger.anchors),
            withheld=frozenset[Field]().union(*withheld),
            overdue=sum(row.l1_block + policy.overdue_age <= now for row in rows),
            passed_over=self._passed_over,
            trial=suspects is not None,
        )

    async def _draft(self, situation: builder.Situation, may_close: _MayClose) -> _Draft:
        try:
            return await asyncio.to_thread(self._fill, situation, may_close)
        except Exception as error:
            # Whatever a transaction does to the builder: the node goes on without it.
            log.exception("block not made")
            core, cause = self._core, f"{EpochNotBuilt.__name__}: {type(error).__name__}: {error}"
            suspects = [bundle.id for bundle in core.ordered]
            suspects += [bundle.id for bundle in situation.bundles]
            await core.abandon(core.open_id, cause)
            await core.suspect(suspects, cause)
            raise EpochNotBuilt(cause) from error

    def _fill(self, situation: builder.Situation, may_close: _MayClose) -> _Draft:
        filling = builder.fill(situation)
        ordered = (*situation.ordered, *filling.added)
        is_over = (
            situation.trial
            or (may_close.when_full and filling.is_full)
            or (may_close.when_due and (self._is_due() or not self._config.epoch_wait))
        )
        closed = builder.finish(replace(situation, ordered=ordered)) if ordered and is_over else None
        return _Draft(filling, closed)

    async def _store(self, situation: builder.Situation, draft: _Draft) -> Block:
        core, opened = self._core, self._core.open
        queue_start = situation.queue_start if opened is None else opened.queue_end
        block = next_block(
            await core.store.run(core.store.last_block),
            situation.domain,
            time.time_ns() // 1_000_000,
            core.open_id,
            situation.now,
            block_entries(situation.domain, queue_start, draft.filling.added),
            closes=draft.closed is not None,
        )
        closed = None if draft.closed is None else await asyncio.to_thread(_rows, draft.closed)
        await core.store.run(core.store.save_block, block, 0 if opened is None else opened.lanes, closed)
        return block

    def _apply(self, situation: builder.Situation, draft: _Draft) -> None:
        """Do in memory what the database has."""
        core = self._core
        core.pool.remove(draft.filling.bundles)
        if draft.closed is not None:
            core.ledger.append(draft.closed)
            core.results[draft.closed.words.header.epoch_id] = draft.closed
            core.open = None
            self._passed_over = draft.filling.passed_over
            return
        if core.open is None:
            core.open = OpenEpoch(core.open_id, situation.now, situation.queue_start)
        core.open.add(draft.filling.added)


def _rows(closed: EpochResult) -> tuple[EpochRow, list[LaneRow]]:
    """What the database has of a new epoch; the commitment to a blob takes a while."""
    return epoch_row(closed), lane_rows(closed)
