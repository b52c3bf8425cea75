"""Deposits from L1, and claims of withdrawals there."""

from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING

from sotto.crypto import note_encrypt
from sotto.protocol.address import Address
from sotto.protocol.ciphertext import NO_REFERENCE
from sotto.protocol.epoch import Withdrawal
from sotto.protocol.field import Field
from sotto.protocol.keys import deposit_esk
from sotto.protocol.l1 import withdrawal_proof, withdrawal_root
from sotto.protocol.notes import partial
from sotto.wallet.amounts import Asset
from sotto.wallet.client import RANGE_GRID
from sotto.wallet.context import Context
from sotto.wallet.errors import L1NotConfigured, L1Rejected, NothingToClaim, StateMismatch
from sotto.wallet.ledger import SPENDING, drop_deposit, place_deposit
from sotto.wallet.receipts import L1Receipt
from sotto.wallet.scan import DepositCounter
from sotto.wallet.state import Action, ActionKind, ActionStatus, Payment, SentDeposit
from sotto.wallet.sync import checked_epoch, synchronise

if TYPE_CHECKING:
    from sotto.l1.bridge import Claim
    from sotto.wallet.settlement import Settlement


@dataclass(frozen=True, slots=True)
class DepositReceipt:
    """A deposit in the L1 queue; it can be spent once an epoch has taken it."""

    action: Action
    receipt: L1Receipt
    approval: L1Receipt | None


async def deposit(
    context: Context, asset: Asset, value: int, address: Address, text: str, reference: bytes = NO_REFERENCE
) -> DepositReceipt:
    """Lock an amount on L1 for a note to `address`. `text` is the address as given, empty for oneself.

    Raises L1NotConfigured, L1Unreachable, L1Rejected and the errors of synchronise; L1Unconfirmed when the
    transaction was sent and its fate is open: the action stays, and a later sync settles it.
    """
    l1 = await _settlement(context)
    sender = l1.address
    await synchronise(context)
    # Another copy of this wallet may have a deposit in the queue, or a node may have hidden one.
    queued, context.state.queue_seen = await l1.deposits(context.state.queue_seen)
    context.counter.observe(event.ciphertext for event in queued)
    counter = context.counter.counter
    # Saved before anything is sent: a counter must never be used twice, whatever fails afterwards.
    context.counter = DepositCounter(context.keys.outgoing, counter + 1)
    context.state.deposits = counter + 1
    context.save()
    esk = deposit_esk(context.keys.outgoing, counter)
    ciphertext, r = note_encrypt(esk, address.key, value, asset.asset, reference)
    part = partial(address.owner, Field(r))
    approval = await l1.approve(asset.asset, value)
    signed = await l1.sign_deposit(asset.asset, value, part, ciphertext)
    action = context.state.add_action(
        kind=ActionKind.DEPOSIT,
        h=0,
        asset=asset.asset,
        value=value,
        payments=[Payment(address=text, value=value, reference=reference.hex())] if text else [],
        created=int(time()),
        l1_transaction="0x" + signed.hash.hex(),
    )
    sent = SentDeposit(
        action=action.number,
        hash=signed.hash.hex(),
        raw=signed.raw.hex(),
        sender=sender,
        nonce=signed.nonce,
        partial=part,
        asset=asset.asset,
        value=value,
    )
    context.state.sent_deposits.append(sent)
    context.save()
    try:
        made = await l1.send_deposit(signed, part)
    except L1Rejected as error:
        drop_deposit(context.state, sent, str(error))
        context.save()
        raise
    place_deposit(context.state, context.keys, sent, made.index)
    context.save()
    return DepositReceipt(action, made.receipt, approval)


def claimable(context: Context) -> list[Action]:
    """Withdrawals in proven epochs that are not claimed yet, as far as this wallet knows."""
    return [
        action
        for action in context.state.history
        if action.kind == ActionKind.WITHDRAWN and action.status == ActionStatus.PROVEN and not action.claimed
    ]


async def claim(context: Context, action: Action) -> L1Receipt | None:
    """Pay a proven withdrawal to its recipient. None when somebody else has claimed it already.

    Raises NothingToClaim, StateMismatch, NodeMalformed, L1NotConfigured, L1Unreachable, L1Rejected.
    """
    l1 = await _settlement(context)
    if action not in claimable(context) or action.epoch is None or action.lane is None:
        raise NothingToClaim(f"action {action.number} is no proven withdrawal that waits for its claim")
    if await l1.is_claimed(action.epoch, action.lane):
        action.claimed = "by another transaction"
        action.claim_block, _ = await l1.clock(action.epoch)
        context.save()
        return None
    receipt = await l1.claim(await _prepare(context, action.epoch, action.lane))
    action.claimed, action.claim_block = receipt.hash, receipt.block
    context.save()
    return receipt


async def _prepare(context: Context, epoch: int, lane: int) -> "Claim":
    # Imported late: web3 takes longer to load than all else, and only L1 needs it.
    from sotto.l1.bridge import Claim

    message = await checked_epoch(context, epoch)
    start = message.first_node - message.first_node % RANGE_GRID
    end = message.first_node + message.lanes
    page = await context.client.notes(start, -(-(end - start) // RANGE_GRID) * RANGE_GRID)
    withdrawals = [
        Withdrawal(entry.lane, entry.public_asset, entry.public_value, entry.recipient)
        for entry in page.entries
        if entry.epoch == epoch and entry.lane is not None and entry.kind in SPENDING and entry.public_value
    ]
    if withdrawal_root(withdrawals) != message.record.withdrawal_root:
        raise StateMismatch(f"the withdrawals of epoch {epoch} do not have the root of its record")
    for position, withdrawal in enumerate(withdrawals):
        if withdrawal.lane == lane:
            return Claim(
                message.record,
                lane,
                withdrawal.asset,
                withdrawal.value,
                withdrawal.recipient,
                withdrawal_proof(withdrawals, position),
            )
    raise NothingToClaim(f"lane {lane} of epoch {epoch} pays nothing")


async def _settlement(context: Context) -> "Settlement":
    l1 = await context.l1()
    if l1 is None:
        raise L1NotConfigured("there is no L1 endpoint")
    return l1
