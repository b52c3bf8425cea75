"""What the node's parts share: ledger, pool, store, policy; and changes that touch several at once."""

import asyncio
import dataclasses
from collections.abc import Sequence, Set
from dataclasses import dataclass

import structlog

from sotto.node.admission import Moment, Policy, check_bundle, check_transaction
from sotto.node.blocks import OrderedDeposit
from sotto.node.builder import QueueItem
from sotto.node.errors import (
    AnchorTooOld,
    AnchorUnknown,
    BlockMalformed,
    NamedCommitmentUnknown,
    NodeError,
    RollupFrozen,
    StateDiverged,
)
from sotto.node.ledger import Ledger
from sotto.node.open_epoch import OpenEpoch, restore
from sotto.node.pool import Bundle, Pool
from sotto.node.store import Store
from sotto.node.tables import EpochRow, EpochStatus, ForcedRow, LaneRow, QueueRow
from sotto.node.transactions import bundles_of, members_of
from sotto.node.trials import Trials
from sotto.protocol.epoch import EpochResult
from sotto.protocol.errors import (
    ChainedCommitmentUnknown,
    ProtocolError,
    UnknownAnchor,
)
from sotto.protocol.field import Field
from sotto.protocol.forced import decode_forced
from sotto.protocol.l1 import deposit_item, forced_item
from sotto.protocol.notes import Deposit
from sotto.protocol.transaction import Kind
from sotto.protocol.words import Layout

log = structlog.get_logger(category="state")

PROVABLE_AGAIN = (
    UnknownAnchor,
    ChainedCommitmentUnknown,
    AnchorUnknown,
    AnchorTooOld,
    NamedCommitmentUnknown,
)
"""Its notes may be as good as before: what it was proven against is gone."""


REPROVE = "reprove"
"""Beginning of the reason of a dropped transaction that its wallet can prove again and send anew."""


def drop_reason(error: Exception) -> str:
    """Why a transaction that was accepted is dropped, as the API tells it (docs/spec/09-api.md)."""
    cause = f"{type(error).__name__}: {error}"
    return f"{REPROVE}: {cause}" if isinstance(error, PROVABLE_AGAIN) else cause


class Signal:
    """Wakes a loop: `set` before or during its wait."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the loop, now or at its next wait."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait for `set`, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return
        finally:
            self._event.clear()


@dataclass
class Core:
    """State of a running node.

    Whoever changes ledger or pool holds `lock` from the decision until the store has it.

    Attributes:
        layouts: what epochs are built for, one for each number of lanes, ascending.
        results: state transition of each closed epoch that is not confirmed yet, by id.
        open: the epoch that blocks are added to; None while it has none.
        l1_block: number of the last L1 block whose events are applied; `l1_head` of the last one that L1 is
            known to have.
        reorgs: how often L1 lost blocks since the start.
        frozen: the L1 block in which the rollup ended, None while it goes on.
        trials: bundles that are suspected of making epochs fail.
        unprovable: why no proof can be made, by epoch that L1 may hold as committed.
    """

    store: Store
    policy: Policy
    layouts: tuple[Layout, ...]
    ledger: Ledger
    results: dict[int, EpochResult]
    open: OpenEpoch | None = None
    pool: Pool = dataclasses.field(default_factory=Pool)
    l1_block: int = 0
    l1_head: int = 0
    reorgs: int = 0
    frozen: int | None = None
    trials: Trials = dataclasses.field(default_factory=Trials)
    unprovable: dict[int, str] = dataclasses.field(default_factory=dict)
    lock: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)
    assemble: Signal = dataclasses.field(default_factory=Signal)
    prove: Signal = dataclasses.field(default_factory=Signal)
    submit: Signal = dataclasses.field(default_factory=Signal)
    follow: Signal = dataclasses.field(default_factory=Signal)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of lanes that an epoch may have, ascending."""
        return tuple(layout.lanes for layout in self.layouts)

    @property
    def in_flight(self) -> int:
        """Closed epochs that are not confirmed yet."""
        return len(self.results)

    def moment(self) -> Moment:
        """What admission judges by, now."""
        return Moment(
            l1_block=self.l1_block,
            tip=self.ledger.tip,
            pool=self.pool,
            ordered=self.ordered,
            anchors=self.ledger.anchors,
            commit_blocks=self.ledger.commit_blocks,
        )

    @property
    def ordered(self) -> Pool:
        """The transactions of the open epoch."""
        return Pool() if self.open is None else self.open.pool

    @property
    def open_id(self) -> int:
        """Id of the open epoch, or of the one that the next block opens."""
        return self.ledger.tip_id + 1

    @property
    def is_behind(self) -> bool:
        """Whether L1 may refuse an epoch with the clock of now, as it has so many blocks more."""
        return self.l1_head - self.l1_block > self.policy.clock_window // 2

    async def restore(self) -> None:
        """Take open epoch and waiting transactions from the store, at start."""
        await self._restore_open()
        await self._fill_pool()
        frozen = await self.store.run(self.store.frozen_block)
        if frozen is not None:
            await self.end(frozen)

    async def _restore_open(self) -> None:
        store, ledger = self.store, self.ledger
        blocks = await store.run(store.blocks_of_epoch, self.open_id)
        ids = [h.to_bytes(32) for block in blocks for h in block.transactions]
        rows = await store.run(store.transactions, ids)
        items = sum(isinstance(entry, OrderedDeposit) for block in blocks for entry in block.entries)
        taken = await store.run(store.queue_items, ledger.queue_cursor, items) if items else []
        try:
            self.open = restore(
                blocks,
                ledger.queue_cursor,
                {
                    member.h: (Field(int.from_bytes(row.bundle)), member)
                    for row, member in members_of(rows.values())
                },
                {row.index: item_of(row, self.policy.domain) for row in taken},
            )
        except BlockMalformed as error:
            await store.run(store.abandon_from, self.open_id, str(error))

    async def _fill_pool(self) -> None:
        rows = await self.store.run(self.store.waiting_transactions)
        await self.put_back(bundles_of(rows))

    async def put_back(self, bundles: Sequence[Bundle]) -> None:
        """Let bundles wait again, before all others; those that the chain overtook are dropped."""
        kept: list[Bundle] = []
        reasons: dict[bytes, str] = {}
        for bundle in bundles:
            spent = any(
                nullifier in self.ledger.tip.nullifier
                for member in bundle.members
                for nullifier in member.transaction.nullifiers
            )
            if spent:
                reasons |= {member.h.to_bytes(32): "NullifierSpent" for member in bundle.members}
            else:
                kept.append(bundle)
        self.pool.put_back(kept)
        await self.drop(reasons)

    async def overtake(self, taken: Set[bytes]) -> None:
        """Another proposer's epoch took transactions: the rest of their bundles waits on if it still may."""
        for bundle in self.pool:
            rest = tuple(member for member in bundle.members if member.h.to_bytes(32) not in taken)
            if len(rest) == len(bundle.members):
                continue
            self.pool.remove([bundle])
            moment = self.moment()
            try:
                for member in rest:
                    check_transaction(self.policy, moment, member)
                check_bundle(self.policy, moment, rest)
            except (NodeError, ProtocolError) as error:
                await self.drop({member.h.to_bytes(32): drop_reason(error) for member in rest})
            else:
                # Before those that may name its commitments.
                self.pool.put_back([Bundle(rest, bundle.arrived)] if rest else [])

    async def is_blocked(self) -> bool:
        """Whether nothing can follow yet what L1 holds as pending.

        An epoch of another proposer may be false. And when a pending one is as old as an anchor's life, all
        proven anchors are dead behind it, which live again if it is pruned: nothing is judged by that.
        Nothing follows a freeze.
        """
        if self.frozen is not None:
            return True
        pending = await self.store.run(self.store.pending_commits)
        if any(commit.epoch not in self.results for commit in pending):
            return True
        return bool(pending) and pending[0].commit_block + self.policy.anchor_life <= self.l1_block

    async def drop(self, reasons: dict[bytes, str]) -> None:
        """Mark transactions that no epoch will have."""
        if reasons:
            await self.store.run(self.store.drop_transactions, reasons)
            for h, reason in reasons.items():
                log.info("transaction dropped", id="0x" + h.hex(), reason=reason)

    async def end(self, block: int) -> None:
        """The rollup is frozen since an L1 block: what it has not proven is void. Call it with the lock, or
        before anything else runs."""
        self.frozen = block
        await self.abandon(self.ledger.confirmed_id + 1, "frozen")
        waiting = list(self.pool)
        self.pool.remove(waiting)
        reason = f"{RollupFrozen.__name__}: since L1 block {block}"
        await self.drop({member.h.to_bytes(32): reason for bundle in waiting for member in bundle.members})
        log.warning("rollup frozen", l1_block=block, epoch=self.ledger.confirmed_id)

    async def abandon(self, first: int, reason: str) -> None:
        """Undo unconfirmed epochs from `first` on, the open one too; their transactions wait again.

        Call it with the lock. Raises StateDiverged for a confirmed one.
        """
        if first <= self.ledger.confirmed_id:
            raise StateDiverged(f"epoch {first} is proven on L1 and cannot be undone")
        if first > self.open_id:
            return
        ids = await self.store.run(self.store.abandon_from, first, reason)
        if self.open is None and first > self.ledger.tip_id and not ids:
            return
        log.warning("epochs abandoned", first=first, last=self.ledger.tip_id, reason=reason)
        self.open = None
        self.ledger.truncate(first)
        given_up = {epoch: self.results.pop(epoch) for epoch in list(self.results) if epoch >= first}
        rows = await self.store.run(self.store.transactions, ids)
        await self.put_back(bundles_of([rows[h] for h in ids]))
        for epoch, result in given_up.items():
            if epoch in self.unprovable:
                await self._suspect_all(result, self.unprovable.pop(epoch))
        self.assemble.set()

    def use(self, layouts: tuple[Layout, ...]) -> None:
        """Build epochs for these from now on. Call it with the lock, and no epoch open."""
        self.layouts = layouts
        self.policy = dataclasses.replace(self.policy, max_lanes=layouts[-1].lanes)

    async def reject(self, result: EpochResult, reason: str) -> None:
        """Undo an epoch that failed for what may be one of its bundles. Call it with the lock."""
        await self.abandon(result.words.header.epoch_id, reason)
        await self._suspect_all(result, reason)

    async def not_provable(self, result: EpochResult, reason: str) -> None:
        """No proof can be made of an epoch. What may be committed on L1 stays until it is pruned there. Call
        it with the lock."""
        epoch = result.words.header.epoch_id
        row = await self.store.run(self.store.epoch, epoch)
        if row is not None and row.status == EpochStatus.COMMITTED:
            self.unprovable[epoch] = reason
        else:
            await self.reject(result, reason)

    async def _suspect_all(self, result: EpochResult, reason: str) -> None:
        ids = direct_ids(result)
        await self.suspect([bundle.id for bundle in self.pool if bundle.id in ids], reason)

    async def suspect(self, bundles: Sequence[Field], reason: str) -> None:
        """Waiting bundles made an epoch fail. Drop the one that is found to be the cause."""
        culprit = self.trials.failed(bundles)
        bundle = None if culprit is None else self.pool.get(culprit)
        if bundle is not None:
            self.pool.remove([bundle])
            await self.drop({member.h.to_bytes(32): reason for member in bundle.members})


def direct_ids(result: EpochResult) -> set[Field]:
    """The h of each transaction of an epoch that came to a node, not to the queue."""
    return {lane.link for lane in result.words.lanes if lane.kind in (Kind.TRANSFER, Kind.ACCOUNT)}


def epoch_row(result: EpochResult, foreign: bool = False) -> EpochRow:
    """The row of a new epoch."""
    header, lanes = result.words.header, len(result.words.lanes)
    return EpochRow(
        id=header.epoch_id,
        lanes=lanes,
        words=result.encoded_words(),
        blob=None if result.blob is None else result.blob.versioned_hash,
        state=header.new_state,
        note_root=result.state.note.root,
        account_root=result.state.account.root,
        first_node=result.state.note.size // 4 - lanes,
        foreign=foreign,
        notes=sum(
            commitment != 0
            for lane in result.words.lanes
            if lane.kind != Kind.SKIPPED
            for commitment in lane.commitments
        ),
        memos=sum(lane.ext[1] != 0 for lane in result.words.lanes),
    )


def lane_rows(result: EpochResult) -> list[LaneRow]:
    """The rows of its used lanes."""
    words = result.words
    return [
        LaneRow(
            epoch=words.header.epoch_id, lane=number, id=lane.h(words.header.domain, index or 0).to_bytes(32)
        )
        for number, (lane, index) in enumerate(zip(words.lanes, words.queue_indices(), strict=True))
        if lane.kind != Kind.NO_OP
    ]


def item_of(row: QueueRow, domain: int) -> QueueItem:
    """What an epoch takes for a queue item."""
    if isinstance(row, ForcedRow):
        return decode_forced(row.body, domain)
    return Deposit(Field(row.partial), row.asset, row.value)


def tail_of(row: QueueRow, domain: int) -> bytes:
    """The tail that a committer supplies for a queue item, 32 bytes (docs/spec/06-l1.md)."""
    if isinstance(row, ForcedRow):
        return forced_item(decode_forced(row.body, domain), row.sender, row.body).tail
    deposit = Deposit(Field(row.partial), row.asset, row.value)
    return deposit_item(deposit, row.depositor, row.ciphertext).tail
