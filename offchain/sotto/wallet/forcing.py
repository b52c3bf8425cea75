"""Forced transactions: payments and withdrawals through the queue on L1, which no operator refuses (spec 06).

They need nobody's consent: the node, any follower, is only read. Their fee is paid on L1, in ETH.
"""

from typing import Final

from sotto.protocol.transaction import transaction_from_json
from sotto.wallet.account import current_keys
from sotto.wallet.context import Context
from sotto.wallet.errors import (
    L1NotConfigured,
    L1Rejected,
    MemoInvalid,
    QueueFeeRisen,
    QueueFeeTooHigh,
    RecipientsInvalid,
    StaleSuccessor,
)
from sotto.wallet.ledger import refuse
from sotto.wallet.selection import MAX_PAYMENTS, Request
from sotto.wallet.sending import (
    Order,
    add_line,
    contested,
    dropped_unless_made,
    external_notes,
    make_drafts,
    prove_drafts,
    remember,
    select,
)
from sotto.wallet.settlement import QUEUE_FEE_MARGIN, Settlement
from sotto.wallet.state import Action, Draft, SentForced
from sotto.wallet.submission import forced_bytes
from sotto.wallet.sync import SyncReport, checked_epoch, synchronise

QUEUE_FEE: Final = 10**16
"""Wei that the queue may ask without the caller's word: 0.01 ETH."""

_ATTEMPTS: Final = 4


async def force(context: Context, order: Order) -> Action:
    """Queue an order on L1. Returns its line of the history once the queue has it.

    One transaction, of at most two notes from proven epochs and two receivers. `max_fee` of the order is in
    wei, for the queue; gas comes on top.

    Raises WalletLocked, L1NotConfigured, MemoInvalid, RecipientsInvalid, QueueFeeTooHigh, InsufficientFunds,
    TooManyNotes, AccountKeysUnknown before anything is locked; ProofRejected, AnchorTooOld, RollupFrozen,
    StaleSuccessor, QueueFeeRisen, L1Rejected, L1Unreachable and the errors of the signer with all notes
    unlocked again; L1Unconfirmed when the L1 transaction may still be mined: `sync` finds out, and sends it
    again when L1 has lost it.
    """
    context.require_signer()
    if any(payment.memo for payment in order.payments):
        raise MemoInvalid("a memo travels through a node, and a forced payment through L1 only")
    if len(order.payments) > MAX_PAYMENTS:
        raise RecipientsInvalid(f"a forced payment has at most {MAX_PAYMENTS} receivers")
    l1 = await context.l1()
    if l1 is None:
        raise L1NotConfigured("forced transactions go through L1")
    # Without a key nothing can be sent: say so before anything else.
    _ = l1.address
    report = await synchronise(context)
    current_keys(context, context.trees)
    limit = QUEUE_FEE if order.max_fee is None else order.max_fee
    await _quote(l1, limit)
    request = Request(
        order.asset,
        tuple(payment.value for payment in order.payments),
        order.public_value,
        0,
        order.asset,
    )
    steps = select(context, request, 1, contested(context, order), chained=False)
    drafts = make_drafts(context, order, steps, forced=True)
    action = add_line(context, order, drafts, 0)
    with dropped_unless_made(context, action):
        await _queue(context, l1, action, drafts[0], report, limit)
    return action


async def _queue(
    context: Context, l1: Settlement, action: Action, draft: Draft, report: SyncReport, limit: int
) -> None:
    """Prove and send until the queue has it: always the same notes and outputs, so that one lands at most."""
    for attempt in range(1, _ATTEMPTS + 1):
        made = (await prove_drafts(context, action.number, [draft], report))[0]
        proof = transaction_from_json(made.body).proof
        data = forced_bytes(made)
        anchor = (await checked_epoch(context, context.trees.point.id)).record
        value = await _quote(l1, limit)
        handed_over = any(pending.action == action.number for pending in context.state.pending)
        try:
            context.progress("sending to L1", 0.0)
            signed = await l1.sign_forced(data, proof, anchor, value)
            made.forced = SentForced(
                hash=signed.hash.hex(),
                raw=signed.raw.hex(),
                sender=l1.address,
                nonce=signed.nonce,
                limit=limit,
            )
            # Stored before it is sent: who finds it after a crash sends the same bytes, which L1 takes once.
            remember(context, action, [made])
            handed_over = True
            queued = await l1.send_forced(signed, data)
        except L1Rejected as error:
            if handed_over:
                refuse(context.state, action.number, str(error))
                context.save()
            if not isinstance(error, StaleSuccessor | QueueFeeRisen) or attempt == _ATTEMPTS:
                raise
            report = await synchronise(context)
            left = {note.commitment for note in context.state.spendable(chained=False)}
            if not external_notes([draft]) <= left:
                # They are spent by now, or L1 has lost their epoch: other notes must be chosen.
                raise
            continue
        made.sent, made.forced.index = True, queued.index
        action.queue_index, action.l1_transaction = queued.index, queued.receipt.hash
        context.progress("sending to L1", 1.0)
        context.save()
        return


async def _quote(l1: Settlement, limit: int) -> int:
    """Wei to send along. Raises QueueFeeTooHigh."""
    fee = await l1.queue_fee()
    if fee > limit:
        raise QueueFeeTooHigh(f"the queue asks {fee} wei, at most {limit} is allowed")
    return min(limit, fee * QUEUE_FEE_MARGIN)
