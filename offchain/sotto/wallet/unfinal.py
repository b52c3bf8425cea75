"""What L1 could still take back: deposits, forced transactions and claims in blocks that are not final.

A reorganisation may drop an item of the queue or give it another place, and undo a claim. So all are looked
up again with every sync: deposits and claims until their blocks are final, forced transactions until an epoch
has them.
"""

from typing import TYPE_CHECKING

from sotto.wallet.context import Context
from sotto.wallet.errors import L1Rejected
from sotto.wallet.ledger import drop_deposit, forget, lift_deposit, place_deposit, refuse, revive
from sotto.wallet.state import ActionStatus, PendingTransaction, SentForced
from sotto.wallet.submission import forced_bytes

if TYPE_CHECKING:
    from sotto.l1.sender import SignedTransaction
    from sotto.wallet.settlement import Settlement


async def follow_deposits(context: Context) -> None:
    """Ask L1 where each deposit is now; one that is nowhere is sent again. Raises L1Unreachable."""
    l1 = await context.l1()
    if l1 is None:
        return
    # Imported late: web3 takes longer to load than all else, and only L1 needs it.
    from sotto.l1.sender import SignedTransaction

    state = context.state
    for sent in list(state.sent_deposits):
        signed = SignedTransaction(bytes.fromhex(sent.raw), bytes.fromhex(sent.hash), sent.nonce)
        try:
            found = await l1.find_deposit(signed, sent.sender, sent.partial)
        except L1Rejected as error:
            drop_deposit(state, sent, str(error))
        else:
            if found is None:
                lift_deposit(state, sent)
            else:
                place_deposit(state, context.keys, sent, found.index)
            if found is not None and found.final:
                state.sent_deposits.remove(sent)
        context.save()


async def follow_forced(context: Context) -> None:
    """Ask L1 where each forced transaction is; one that is nowhere is sent again. Raises L1Unreachable."""
    l1 = await context.l1()
    state = context.state
    forced = [pending for pending in state.pending if pending.forced is not None]
    if l1 is None or not forced:
        return
    # Imported late: web3 takes longer to load than all else, and only L1 needs it.
    from sotto.l1.sender import SignedTransaction

    # Asked first: what is not in a block of the chain that ends here can enter one only later.
    final = await l1.final_block()
    for pending in forced:
        sent, action = pending.forced, state.action(pending.action)
        assert sent is not None, "chosen above"
        signed = SignedTransaction(bytes.fromhex(sent.raw), bytes.fromhex(sent.hash), sent.nonce)
        outbid = [bytes.fromhex(digest) for digest in sent.outbid]
        try:
            found = await l1.find_forced(signed, sent.sender, forced_bytes(pending), outbid)
        except L1Rejected as error:
            if not pending.refused:
                refuse(state, pending.action, str(error))
            found = None
        else:
            if found is None and not pending.refused and final <= pending.expiry:
                await _outbid(context, l1, pending, sent, signed)
        if found is not None:
            if pending.refused and sent.index is None:
                revive(state, pending.action)
            pending.sent, action.l1_transaction = True, found.receipt.hash
        elif final > pending.expiry:
            forget(state, [pending], ActionStatus.EXPIRED, f"not queued up to L1 block {pending.expiry}")
        sent.index = None if found is None else found.index
        action.queue_index = sent.index
        context.save()


async def _outbid(
    context: Context,
    l1: "Settlement",
    pending: PendingTransaction,
    sent: SentForced,
    signed: "SignedTransaction",
) -> None:
    """Offer L1 more for a forced transaction that waits because gas has become dearer."""
    newer = await l1.outbid_forced(signed, sent.sender, sent.limit)
    if newer is None:
        return
    sent.outbid.append(sent.hash)
    sent.hash, sent.raw = newer.hash.hex(), newer.raw.hex()
    context.state.action(pending.action).l1_transaction = "0x" + sent.hash
    # Stored before it is sent, as whichever of them L1 takes must be known.
    context.save()
    await l1.resend(newer)


async def follow_claims(context: Context) -> None:
    """Let withdrawals be claimed again whose claim L1 has lost. Raises L1Unreachable."""
    l1 = await context.l1()
    open_ = [action for action in context.state.history if action.claim_block is not None]
    if l1 is None or not open_:
        return
    final = await l1.final_block()
    for action in open_:
        block, epoch, lane = action.claim_block, action.epoch, action.lane
        if epoch is None or lane is None or not await l1.is_claimed(epoch, lane):
            action.claimed, action.claim_block = "", None
        elif block is not None and block <= final:
            action.claim_block = None
    context.save()
