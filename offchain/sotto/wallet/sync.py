"""Following the chain: fetch aligned ranges, check every epoch, take over what is ours.

Nothing of an answer is kept before the roots of its epochs fit their anchors, and the last of them fits L1's
record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sotto.protocol.field import Field
from sotto.wallet.chain import Trees
from sotto.wallet.client import MAX_EPOCHS, MAX_NOTES, RANGE_GRID
from sotto.wallet.context import Context
from sotto.wallet.errors import NodeMalformed, StateMismatch, WrongDeployment
from sotto.wallet.ledger import apply_epochs, apply_pool, roll_back, unlock
from sotto.wallet.messages import Entry, EpochMessage, NodeStatus
from sotto.wallet.state import ActionStatus, PendingTransaction

CLOCK_WINDOW: Final = 64
"""W of spec 06: no epoch can have a clock further behind its L1 block."""


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


async def synchronise(context: Context) -> SyncReport:
    """Bring a wallet up to the node's last proven epoch and its pool.

    Raises NodeUnreachable, NodeRejected, NodeMalformed, StateMismatch, WrongDeployment, L1Unreachable.
    """
    status = await context.client.status()
    if status.domain != context.keys.domain or status.chain_id != context.chain_id:
        raise WrongDeployment("the node serves another deployment than the wallet is for")
    await _find_fork(context, status)
    before = context.trees.point.id
    while context.trees.point.id < status.proven:
        await _take_epochs(context, status)
    if context.trees.point.id == before and before:
        await _check_on_l1(context, context.trees)
    outdated = await _follow_pending(context, status)
    apply_pool(context.state, context.keys, await context.client.pending())
    context.save()
    return SyncReport(
        context.trees.point.id,
        context.trees.point.id - before,
        context.settlement is not None,
        outdated,
        status.l1_block,
        status.lanes,
        status.min_expiry_margin,
    )


async def _find_fork(context: Context, status: NodeStatus) -> None:
    """Step back to the last epoch that the node has too."""
    epoch = last = context.trees.point.id
    while epoch:
        known = context.chain.record_hash(epoch)
        messages = await context.client.epochs(epoch, 1) if epoch <= status.proven else ()
        if messages and (messages[0].id != epoch or messages[0].record.id != epoch):
            raise NodeMalformed(f"asked for epoch {epoch}, got {messages[0].id}")
        if messages and messages[0].record.hash() == known:
            break
        epoch -= 1
    if epoch == last:
        return
    # A node may be behind or lie; epochs that L1 has proven are not given up for its word.
    l1 = await context.l1()
    known = context.chain.record_hash(epoch + 1)
    if l1 is not None and known is not None and await l1.has_epoch(epoch + 1, known):
        raise StateMismatch(f"L1 has proven epoch {epoch + 1} as this wallet has it, the node does not")
    roll_back(context.state, epoch)
    context.trees = context.chain.load(epoch)
    context.state.epoch = context.trees.point.id
    context.save()


async def _take_epochs(context: Context, status: NodeStatus) -> None:
    start = context.trees.point.id + 1
    count = min(MAX_EPOCHS, status.proven - start + 1)
    epochs = await context.client.epochs(start, count)
    if not epochs or len(epochs) > count:
        raise NodeMalformed(f"asked for {count} epochs from {start}, got {len(epochs)}")
    entries = await _fetch_entries(context, epochs)
    trees, taken = context.trees, []
    for epoch in epochs:
        own = [entry for entry in entries if entry.epoch == epoch.id]
        extended = trees.extend(epoch, own)
        taken.append((epoch, own, extended.point))
        trees = extended
    if sum(len(own) for _, own, _ in taken) != len(entries):
        raise NodeMalformed("an entry names an epoch that does not own its node")
    await _check_on_l1(context, trees)
    for epoch, own, point in taken:
        context.chain.append(epoch, own, point)
    context.chain.commit()
    apply_epochs(context.state, context.keys, entries, context.counter)
    context.trees = trees
    context.state.epoch = trees.point.id
    context.save()
    context.progress("reading epochs", trees.point.id / max(1, status.proven))


async def _fetch_entries(context: Context, epochs: Sequence[EpochMessage]) -> list[Entry]:
    """The entries of these epochs, from aligned ranges, so that nobody sees which ones matter here."""
    first = epochs[0].first_node
    end = epochs[-1].first_node + epochs[-1].lanes
    if not first <= end <= first + (len(epochs) + 1) * 2 * 64:
        raise NodeMalformed(f"epochs {epochs[0].id} to {epochs[-1].id} span nodes {first} to {end}")
    entries: list[Entry] = []
    start = first - first % RANGE_GRID
    while start < end:
        count = min(MAX_NOTES, -(-(end - start) // RANGE_GRID) * RANGE_GRID)
        page = await context.client.notes(start, count)
        previous = start - 1
        for entry in page.entries:
            if entry.node is None or not previous < entry.node < start + count:
                raise NodeMalformed(f"entry at node {entry.node} is out of order or range")
            previous = entry.node
            if first <= entry.node < end:
                entries.append(entry)
        start += count
    return entries


async def _check_on_l1(context: Context, trees: Trees) -> None:
    l1 = await context.l1()
    if l1 is not None:
        await l1.check_epoch(trees.point.id, trees.point.record_hash)


async def _follow_pending(context: Context, status: NodeStatus) -> tuple[int, ...]:
    """Ask what became of own transactions, and unlock the notes of those that are over."""
    state = context.state
    over: dict[int, tuple[ActionStatus, str]] = {}
    outdated: set[int] = set()
    for pending in state.pending:
        answer = await context.client.transaction(Field(pending.h))
        if answer is not None and answer.status != "dropped":
            pending.sent = True
        elif _expired(context, pending, status):
            over[pending.action] = ActionStatus.EXPIRED, f"not included up to L1 block {pending.expiry}"
        elif answer is not None:
            cause = answer.reason or "the node gives no cause"
            over[pending.action] = ActionStatus.DROPPED, cause
            if cause.split(":")[0] in OUTDATED:
                outdated.add(pending.action)
        elif not pending.sent:
            over[pending.action] = ActionStatus.DROPPED, "the node never had it"
    for number, (result, cause) in over.items():
        if number not in outdated:
            unlock(state, [number], result, cause)
    return tuple(sorted(outdated))


OUTDATED: Final = frozenset(
    {
        "NamedCommitmentUnknown",
        "ChainedCommitmentUnknown",
        "AnchorTooOld",
        "AnchorUnknown",
        "UnknownAnchor",
    }
)
"""Causes that a new proof of the same payment under a newer anchor removes."""


def _expired(context: Context, pending: PendingTransaction, status: NodeStatus) -> bool:
    """Whether no epoch can have it any more: the clock never runs back, nor more than W behind L1."""
    now = max(context.trees.point.now, status.l1_block - CLOCK_WINDOW)
    return pending.expiry < now
