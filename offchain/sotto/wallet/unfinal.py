"""What L1 could still take back: deposits and claims of this wallet in blocks that are not final.

A reorganisation may drop a deposit, or give it another place in the queue, and undo a claim. So both are
looked up again with every sync until their blocks are final.
"""

from sotto.wallet.context import Context
from sotto.wallet.errors import L1Rejected
from sotto.wallet.ledger import drop_deposit, lift_deposit, place_deposit


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
