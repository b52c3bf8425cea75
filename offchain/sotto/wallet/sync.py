"""Following the chain: fetch aligned ranges, check every epoch, take over what is ours.

Nothing of an answer is kept before the roots of its epochs fit their anchors, and the last of them fits L1's
record.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sotto.l1.sender import SignedTransaction
from sotto.protocol.field import Field
from sotto.wallet.chain import Trees
from sotto.wallet.client import MAX_EPOCHS, MAX_NOTES, RANGE_GRID
from sotto.wallet.context import Context
from sotto.wallet.errors import (
    L1Rejected,
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
    drop_deposit,
    expire,
    forget_chain,
    place_deposit,
    refuse,
    revive,
    roll_back,
    settle_claims,
)
from sotto.wallet.messages import Entry, EpochMessage, NodeStatus
from sotto.wallet.rejections import FINAL, OUTDATED, is_final
from sotto.wallet.state import ActionStatus
from sotto.wallet.submission import submit
from sotto.wallet.watching import forget_lines, watch


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

    With `rescan` everything that came from the chain is read again from the first epoch on.

    Raises NodeUnreachable, NodeRejected, NodeMalformed, StateMismatch, WrongDeployment, L1Unreachable.
    """
    status = await context.client.status()
    if status.domain != context.view.domain or status.chain_id != context.chain_id:
        raise WrongDeployment("the node serves another deployment than the wallet is for")
    if rescan:
        forget_chain(context.state)
        context.trees = context.chain.load(0)
        context.save()
    await _follow_deposits(context)
    await _find_fork(context, status)
    before = context.trees.point.id
    while context.trees.point.id < status.proven:
        await _take_epochs(context, status)
    if context.trees.point.id == before and before:
        await _check_on_l1(context, context.trees)
    await _check_claims(context)
    l1_block, clock = await _clocks(context, status)
    expire(context.state, clock)
    outdated = await _follow_pending(context)
    _apply_pool(context, await context.client.pending())
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
    if context.watcher is None:
        roll_back(context.state, epoch)
    else:
        forget_lines(context.state, epoch)
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
    _apply_epochs(context, entries)
    context.trees = trees
    context.state.epoch = trees.point.id
    context.save()
    context.progress("reading epochs", trees.point.id / max(1, status.proven))


def _apply_epochs(context: Context, entries: Sequence[Entry]) -> None:
    if context.watcher is None:
        apply_epochs(context.state, context.keys, entries, context.counter)
    else:
        watch(context.state, context.watcher, entries)


def _apply_pool(context: Context, entries: Sequence[Entry]) -> None:
    if context.watcher is None:
        apply_pool(context.state, context.keys, entries)
    else:
        watch(context.state, context.watcher, entries)


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


async def _follow_deposits(context: Context) -> None:
    """Ask L1 what became of deposits whose sending was interrupted."""
    l1 = await context.l1()
    if l1 is None:
        return
    for sent in list(context.state.sent_deposits):
        signed = SignedTransaction(bytes.fromhex(sent.raw), bytes.fromhex(sent.hash), sent.nonce)
        try:
            found = await l1.find_deposit(signed, sent.sender, sent.partial)
        except L1Rejected as error:
            drop_deposit(context.state, sent, str(error))
        else:
            if found is not None:
                place_deposit(context.state, context.keys, sent, found.index)
        context.save()


async def _check_claims(context: Context) -> None:
    """Look up in L1's words the spent notes that no transaction of this wallet explains."""
    l1 = await context.l1()
    if l1 is None:
        return
    state = context.state
    for epoch in sorted({note.spent_epoch or 0 for note in state.notes.values() if note.claimed}):
        message = await checked_epoch(context, epoch)
        words = await l1.words(message.record, message.lanes)
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
    for number in sorted({pending.action for pending in state.pending}):
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
