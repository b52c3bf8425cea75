"""Following the chain: fetch aligned ranges, check every epoch, take over what is ours.

Nothing of an answer is kept before the roots of its epochs fit their anchors, and the last of them fits L1's
record.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sotto.protocol.field import Field
from sotto.protocol.transaction import Kind
from sotto.wallet.chain import EpochPoint, Trees
from sotto.wallet.chaincache import EPOCHS_A_FILE, Batch, ChainCache
from sotto.wallet.context import Context
from sotto.wallet.errors import (
    NodeMalformed,
    NodeRejected,
    NodeUnreachable,
    StateMismatch,
    WrongDeployment,
)
from sotto.wallet.ledger import (
    SPENDING,
    apply_epochs,
    apply_pool,
    expire,
    forget_chain,
    refuse,
    revive,
    roll_back,
    settle_claims,
)
from sotto.wallet.messages import Entry, EpochMessage, NodeStatus
from sotto.wallet.ranges import Batches
from sotto.wallet.rejections import FINAL, OUTDATED, is_final
from sotto.wallet.state import ActionStatus, WalletState
from sotto.wallet.submission import submit
from sotto.wallet.unfinal import follow_claims, follow_deposits, follow_forced
from sotto.wallet.watching import Watcher, forget_lines, watch

CHECKPOINT: Final = EPOCHS_A_FILE
"""Of every so many epochs the state remembers the record, to go back no further than it must."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did. `outdated` are actions whose parents' epoch closed first: they can be proven again."""

    epoch: int
    epochs: int
    checked_on_l1: bool
    outdated: tuple[int, ...]
    l1_block: int
    lanes: tuple[int, ...]
    min_expiry_margin: int


async def synchronise(context: Context, *, rescan: bool = False) -> SyncReport:
    """Bring a wallet up to the node's last proven epoch and its pool.

    With `rescan` everything that came from the chain is read from the node again, from the first epoch on and
    whatever the birthday.

    Raises NodeUnreachable, NodeRejected, NodeMalformed, StateMismatch, WrongDeployment, L1Unreachable.
    """
    status = await context.client.status()
    if status.domain != context.view.domain or status.chain_id != context.chain_id:
        raise WrongDeployment("the node serves another deployment than the wallet is for")
    if rescan:
        forget_chain(context.state)
        context.state.search_all = True
        context.chain.truncate(0)
        context.trees = context.chain.load(0)
        _mark(context.state, context.trees.point)
        context.save()
    elif context.chain.last < context.trees.point.id:
        # Files of the cache were found damaged, or another process threw them away.
        context.trees = align(context.state, context.chain, context.watcher)
    if context.birthday > status.proven:
        # The node that named the birthday was wrong, or this one is far behind: nothing may be overlooked.
        context.state.search_all = True
    await follow_deposits(context)
    await _find_fork(context, status)
    before = context.trees.point.id
    await _follow_chain(context, status)
    if context.trees.point.id == before and before:
        await _check_on_l1(context, context.trees)
    await _check_claims(context)
    await follow_claims(context)
    await follow_forced(context)
    l1_block, clock = await _clocks(context, status)
    expire(context.state, clock)
    outdated = await _follow_pending(context)
    _apply_pool(context, await context.client.pending(), await context.client.open_epoch())
    context.save()
    return SyncReport(
        context.trees.point.id,
        context.trees.point.id - before,
        context.settlement is not None,
        outdated,
        l1_block,
        status.lanes,
        status.min_expiry_margin,
    )


async def _find_fork(context: Context, status: NodeStatus) -> None:
    """Step back to the last epoch that the node has too, with the wallet and with the cache."""
    chain, point = context.chain, context.trees.point.id
    known = max(point, min(chain.last, status.proven))
    common = await _last_common(context, known, status)
    if common == known:
        return
    # A node may be behind or lie; epochs that L1 has proven are not given up for its word.
    l1, record = await context.l1(), chain.record_hash(common + 1)
    if l1 is not None and record is not None and await l1.has_epoch(common + 1, record):
        raise StateMismatch(f"L1 has proven epoch {common + 1} as this wallet has it, the node does not")
    if common < status.proven:
        chain.truncate(common)
    if common < point:
        _go_back(context.state, context.watcher, common)
        context.trees = context.chain.load(common)
        _mark(context.state, context.trees.point)
        context.save()


async def _last_common(context: Context, known: int, status: NodeStatus) -> int:
    """The last epoch up to `known` whose record the node has too.

    Records name their parents, so what holds for one holds for all before it, and halving finds the last.
    """

    async def shared(epoch: int) -> bool:
        if not epoch or epoch > status.proven:
            return not epoch
        messages = await context.client.epochs(epoch, 1)
        if messages and (messages[0].id != epoch or messages[0].record.id != epoch):
            raise NodeMalformed(f"asked for epoch {epoch}, got {messages[0].id}")
        return bool(messages) and messages[0].record.hash() == context.chain.record_hash(epoch)

    low, high, step = known, known + 1, 1
    while not await shared(low):
        high, low, step = low, max(0, low - step), 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if await shared(middle) else (low, middle)
    return low


def align(state: WalletState, chain: ChainCache, watcher: Watcher | None) -> Trees:
    """The trees after the last epoch that the state and the cache have in common; the state goes back to it.

    Files may be damaged, and another wallet of the folder may have followed another fork since.
    """
    epoch = state.epoch
    while True:
        marks = [
            mark
            for mark, record in state.checkpoints.items()
            if mark <= epoch and chain.record_hash(mark) == bytes.fromhex(record)
        ]
        epoch = max(marks, default=0)
        trees = chain.load(epoch)
        if trees.point.id == epoch:
            break
    if epoch != state.epoch:
        _go_back(state, watcher, epoch)
    _mark(state, trees.point)
    return trees


def _go_back(state: WalletState, watcher: Watcher | None, epoch: int) -> None:
    if watcher is None:
        roll_back(state, epoch)
    else:
        forget_lines(state, epoch)


def _mark(state: WalletState, point: EpochPoint) -> None:
    """Remember how far the state goes, on which chain."""
    state.epoch = point.id
    kept = {e: r for e, r in state.checkpoints.items() if e < point.id and e % CHECKPOINT == 0}
    state.checkpoints = kept | ({point.id: point.record_hash.hex()} if point.id else {})


async def _follow_chain(context: Context, status: NodeStatus) -> None:
    """Take over all proven epochs, each batch as a whole: a killed process goes on after the last one."""
    first = context.trees.point.id
    async with Batches(context.client, context.chain, status.proven) as batches:
        while context.trees.point.id < status.proven:
            batch, cached = await batches.take(context.trees.point.id)
            trees = context.trees.copy()
            try:
                await asyncio.to_thread(_extend, trees, batch)
            except (NodeMalformed, StateMismatch):
                if not cached:
                    raise
                # Not the node's fault: what another run has left on the disk does not fit.
                context.chain.truncate(context.trees.point.id)
                continue
            await _check_on_l1(context, trees)
            if not cached:
                context.chain.append(batch, trees)
            _apply_epochs(context, [entry for _, own in batch for entry in own])
            context.trees = trees
            _mark(context.state, trees.point)
            context.save()
            done = trees.point.id - first
            context.progress("reading epochs", done / max(1, status.proven - first))


def _extend(trees: Trees, batch: Batch) -> None:
    for epoch, entries in batch:
        trees.extend(epoch, entries)


def _apply_epochs(context: Context, entries: Sequence[Entry]) -> None:
    state = context.state
    before, after = [], entries
    if context.birthday and not state.search_all:
        before = [entry for entry in entries if (entry.epoch or 0) <= context.birthday]
        after = entries[len(before) :]
    deposits = [entry.ciphertexts[0] for entry in before if entry.kind == Kind.DEPOSIT]
    if context.watcher is not None:
        watch(state, context.watcher, after, deposits)
    else:
        # No counter may ever be used twice, so own deposits are counted whatever the birthday.
        context.counter.observe(deposits)
        apply_epochs(state, context.keys, after, context.counter)


def _apply_pool(context: Context, entries: Sequence[Entry], open_epoch: int | None) -> None:
    if context.watcher is None:
        apply_pool(context.state, context.keys, entries, open_epoch)
    else:
        watch(context.state, context.watcher, entries)


async def _check_on_l1(context: Context, trees: Trees) -> None:
    l1 = await context.l1()
    if l1 is not None:
        await l1.check_epoch(trees.point.id, trees.point.record_hash)


async def _check_claims(context: Context) -> None:
    """Look up in L1's words the spent notes that no transaction of this wallet explains."""
    l1 = await context.l1()
    if l1 is None:
        return
    state = context.state
    for epoch in sorted({note.spent_epoch or 0 for note in state.notes.values() if note.claimed}):
        message = await checked_epoch(context, epoch)
        words = await l1.words(message.record)
        if words is None:
            continue
        spent = {n for lane in words.lanes if lane.kind in SPENDING for n in lane.nullifiers}
        refuted = settle_claims(state, epoch, spent)
        context.save()
        if refuted:
            raise StateMismatch(f"the node shows {len(refuted)} notes as spent in epoch {epoch}, L1 does not")


async def checked_epoch(context: Context, epoch: int) -> EpochMessage:
    """An epoch that was taken over, from the node again. Raises NodeMalformed, StateMismatch."""
    messages = await context.client.epochs(epoch, 1)
    if len(messages) != 1 or messages[0].id != epoch:
        raise NodeMalformed(f"asked for epoch {epoch}")
    if messages[0].record.hash() != context.chain.record_hash(epoch):
        raise StateMismatch(f"the record of epoch {epoch} is not the one that was checked")
    return messages[0]


async def _clocks(context: Context, status: NodeStatus) -> tuple[int, int]:
    """The last L1 block, and the lowest `now` that an epoch after those of the wallet can have.

    L1's own with an endpoint. Without one the first is the node's word and decides nothing but new expiries.
    """
    point = context.trees.point
    l1 = await context.l1()
    if l1 is None:
        return status.l1_block, point.now
    block, lowest = await l1.clock(point.id)
    return block, max(point.now, lowest)


async def _follow_pending(context: Context) -> tuple[int, ...]:
    """Ask what became of own transactions, and send again what the node does not know.

    Returns the actions that need a new proof. What the node says can neither settle a transaction nor end the
    locks of one that it has not refused.
    """
    state, client = context.state, context.client
    outdated: set[int] = set()
    for number in sorted({pending.action for pending in state.pending if pending.forced is None}):
        members = [pending for pending in state.pending if pending.action == number]
        refused = any(pending.refused for pending in members)
        answers = [await client.transaction(Field(pending.h)) for pending in members]
        causes = [answer.reason for answer in answers if answer is not None and answer.status == "dropped"]
        if not causes and None in answers and not refused:
            try:
                await submit(client, members)
            except NodeRejected as error:
                causes = [str(error)] if is_final(error) else []
            except (NodeUnreachable, NodeMalformed):
                pass
            else:
                answers = []
        if causes:
            code = causes[0].split(":")[0]
            if refused or state.action(number).status == ActionStatus.PROVEN:
                continue
            if code in OUTDATED:
                outdated.add(number)
            elif code in FINAL:
                refuse(state, number, causes[0])
        elif None not in answers:
            for pending in members:
                pending.sent = True
            if refused:
                revive(state, number)
    return tuple(sorted(outdated))
