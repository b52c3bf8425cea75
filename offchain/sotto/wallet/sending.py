"""Payments and withdrawals: choose notes, sign, prove, hand over; prove again when an epoch was faster."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from time import monotonic, time
from typing import Final

from sotto.protocol.address import Address
from sotto.protocol.ciphertext import NO_REFERENCE
from sotto.protocol.transaction import ProvenTransaction, transaction_to_json
from sotto.protocol.transfer_witness import transfer_witness
from sotto.wallet import selection
from sotto.wallet.account import current_keys
from sotto.wallet.amounts import ETH_ASSET
from sotto.wallet.context import Context
from sotto.wallet.draft import Moment, PlannedOutput, PublicPart, make_draft, own_outputs, transfer_plan
from sotto.wallet.errors import (
    FeeAssetUnavailable,
    FeeTooHigh,
    InsufficientFunds,
    NodeInterrupted,
    NodeMalformed,
    NodeRejected,
    NodeUnreachable,
    RecipientsInvalid,
    SubmissionUncertain,
    TransactionDropped,
    WalletError,
)
from sotto.wallet.ledger import forget, refuse
from sotto.wallet.rejections import OUTDATED, is_final
from sotto.wallet.selection import Joined, Request, Step
from sotto.wallet.signer import SigningRequest, choose_key
from sotto.wallet.state import (
    Action,
    ActionKind,
    ActionStatus,
    BatchPayment,
    Draft,
    KeyChange,
    Payment,
    PendingTransaction,
    StoredNote,
)
from sotto.wallet.submission import submit
from sotto.wallet.sync import SyncReport, synchronise

EXPIRY_GRID: Final = 64
EXPIRY_BLOCKS: Final = 64
"""A transaction may wait at least this many L1 blocks; all wallets round up to the grid, to look alike."""

FEE_SHARE: Final = Fraction(5, 100)
ETH_FEE: Final = 10**15
"""Wei: so little is paid in ETH whatever the amount."""

_ATTEMPTS: Final = 3
_PARENT_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """One receiver. `text` is the address as given, `reference` 20 bytes, `memo` UTF-8, empty for none."""

    address: Address
    text: str
    value: int
    reference: bytes = NO_REFERENCE
    memo: bytes = b""


@dataclass(frozen=True, slots=True)
class Order:
    """Payments, a withdrawal to the L1 address `recipient`, or a change of the account's keys.

    Attributes:
        max_fee: highest acceptable fee in all, None for the default of `fee_limit`.
        tickets: of a batch, one for each payment; they say which transaction pays before its bytes exist.
    """

    asset: int
    fee_asset: int
    payments: tuple[PaymentOrder, ...] = ()
    public_value: int = 0
    recipient: int = 0
    max_fee: int | None = None
    operation: KeyChange | None = None
    tickets: tuple[BatchPayment, ...] = ()

    @property
    def kind(self) -> ActionKind:
        """How the history calls it."""
        if self.operation is not None:
            return ActionKind.ACCOUNT
        return ActionKind.WITHDRAWN if self.public_value else ActionKind.SENT


async def carry_out(context: Context, order: Order) -> Action:
    """Send an order. Returns its line of the history once the node has accepted it.

    Raises WalletLocked, FeeAssetUnavailable, FeeTooHigh, InsufficientFunds, TooManyNotes, AccountKeysUnknown
    before anything is locked; then ProofRejected, NodeRejected, NodeUnreachable, SubmissionUncertain, and the
    errors of the signer.
    """
    context.require_signer()
    report = await synchronise(context)
    current_keys(context, context.trees)
    price = await price_of(context, order.fee_asset)
    request = Request(
        order.asset,
        tuple(payment.value for payment in order.payments),
        order.public_value,
        price,
        order.fee_asset,
        frozenset(number for number, payment in enumerate(order.payments) if payment.memo),
    )
    lanes = max(report.lanes, default=1)
    if selection.transactions_for_payments(request) > lanes:
        raise RecipientsInvalid(f"{len(order.payments)} receivers need more than {lanes} transactions")
    steps = select(context, request, lanes, contested(context, order))
    fee = sum(step.fee for step in steps)
    limit = fee_limit(order) if order.max_fee is None else order.max_fee
    if fee > limit:
        raise FeeTooHigh(
            f"the fee is {fee} smallest units of asset {order.fee_asset}, at most {limit} is allowed"
        )
    drafts = make_drafts(context, order, steps)
    action = add_line(context, order, drafts, fee)
    if order.tickets:
        for step, draft in zip(steps, drafts, strict=True):
            for ticket in (order.tickets[o.payment] for o in step.outputs if o.payment is not None):
                ticket.action, ticket.transaction = action.number, draft.commitments[0]
    with dropped_unless_made(context, action):
        await _deliver(context, action, drafts, report)
    return action


@contextmanager
def dropped_unless_made(context: Context, action: Action) -> Iterator[None]:
    """Drop the line of an action that fails before any transaction of it is stored.

    Also when the caller gives up while it is proven: a line without a transaction would wait for ever.
    """
    try:
        yield
    except BaseException as error:
        if not any(pending.action == action.number for pending in context.state.pending):
            cause = str(error) if isinstance(error, WalletError) else "interrupted before it was sent"
            action.status, action.cause = ActionStatus.DROPPED, cause
        context.save()
        raise


def add_line(context: Context, order: Order, drafts: Sequence[Draft], fee: int) -> Action:
    """The history's line of an order."""
    return context.state.add_action(
        kind=order.kind,
        h=0,
        asset=order.asset,
        value=sum(payment.value for payment in order.payments) + order.public_value,
        fee=fee,
        fee_asset=order.fee_asset if fee else 0,
        payments=[
            Payment(
                address=payment.text.strip(),
                value=payment.value,
                reference=payment.reference.hex(),
                memo=payment.memo.decode(),
            )
            for payment in order.payments
        ],
        commitments=drafts[-1].commitments,
        created=int(time()),
        l1_recipient=order.recipient,
    )


async def prove_again(context: Context, number: int, report: SyncReport) -> None:
    """Send an action again whose parents' epoch closed first, with the same notes and receivers.

    It waits for a later sync while a parent is not proven, and is given up when its notes are spent or gone.
    """
    state = context.state
    action = state.action(number)
    drafts = [pending.draft for pending in state.pending if pending.action == number]
    external = external_notes(drafts)
    if external & set(state.incoming):
        return
    settled = {note.commitment for note in state.notes.values() if note.spent_epoch is None}
    if not external <= settled:
        refuse(state, number, "its notes are spent or did not arrive")
        context.save()
        return
    await _deliver(context, action, drafts, report)


async def _deliver(context: Context, action: Action, drafts: Sequence[Draft], report: SyncReport) -> None:
    """Prove and hand over; the same drafts again, with the same nullifiers, when an epoch was faster.

    From the moment at which bytes may have left, notes are unlocked by a refusal that is final only.
    """
    state = context.state
    handed_over = any(pending.action == action.number for pending in state.pending)
    for attempt in range(1, _ATTEMPTS + 1):
        made = await prove_drafts(context, action.number, drafts, report)
        remember(context, action, made)
        try:
            await submit(context.client, made)
        except NodeRejected as error:
            if not is_final(error):
                raise SubmissionUncertain(action.h, f"no answer of the node itself: {error}") from error
            handed_over = True
            refuse(state, action.number, str(error))
            context.save()
            if error.code not in OUTDATED or attempt == _ATTEMPTS:
                raise
            report = await _wait_for_parents(context, drafts)
        except (NodeInterrupted, NodeMalformed) as error:
            raise SubmissionUncertain(action.h, f"no answer while sending: {error}") from error
        except NodeUnreachable as error:
            if handed_over:
                raise SubmissionUncertain(action.h, f"proved again but not sent: {error}") from error
            forget(state, made, ActionStatus.DROPPED, str(error))
            raise
        else:
            break
    for transaction in state.pending:
        if transaction.action == action.number:
            transaction.sent = True
            for note in own_outputs(context.keys, transaction.draft, transaction.h):
                state.incoming[note.commitment] = note
    context.save()


def remember(context: Context, action: Action, made: Sequence[PendingTransaction]) -> None:
    """Store what is about to be sent, in place of earlier proofs of the same drafts."""
    state = context.state
    earlier = {tuple(p.draft.commitments): p.expiry for p in state.pending if p.action == action.number}
    for transaction in made:
        # A node could still use the earlier bytes.
        transaction.expiry = max(
            transaction.expiry, earlier.get(tuple(transaction.draft.commitments), transaction.expiry)
        )
    state.pending = [p for p in state.pending if p.action != action.number] + list(made)
    state.used |= {transaction.draft.nullifiers[0] for transaction in made}
    action.h, action.status, action.cause = made[-1].h, ActionStatus.PENDING, ""
    context.save()


async def prove_drafts(
    context: Context, number: int, drafts: Sequence[Draft], report: SyncReport
) -> list[PendingTransaction]:
    """Sign and prove under the last epoch's anchor.

    Raises AccountKeysUnknown, ProofRejected, and the errors of the signer.
    """
    signer = context.require_signer()
    hashes = current_keys(context, context.trees)
    earliest = report.l1_block + report.min_expiry_margin + EXPIRY_BLOCKS
    moment = Moment(context.trees, -(-earliest // EXPIRY_GRID) * EXPIRY_GRID, hashes)
    notes = {**context.state.incoming, **context.state.notes}
    made = []
    for done, draft in enumerate(drafts):
        context.progress("proving", done / len(drafts))
        plan = transfer_plan(context.keys, draft, notes, moment)
        transaction = plan.transaction
        h = transaction.h
        key = choose_key(context.keys, plan, signer.keys)
        witness = transfer_witness(plan, key, await signer.sign(key, SigningRequest(plan, draft)))
        proof = await context.prover.prove(witness)
        made.append(
            PendingTransaction(
                h=h,
                action=number,
                draft=draft,
                expiry=moment.expiry,
                parents=[name for name in transaction.named if name],
                body=transaction_to_json(ProvenTransaction(transaction, proof)),
            )
        )
        notes |= {note.commitment: note for note in own_outputs(context.keys, draft, h)}
    context.progress("proving", 1.0)
    return made


async def _wait_for_parents(context: Context, drafts: Sequence[Draft]) -> SyncReport:
    """Follow the chain until every note from outside the bundle is settled or can be named again."""
    external = external_notes(drafts)
    deadline = monotonic() + _PARENT_SECONDS
    while True:
        report = await synchronise(context)
        if external <= {note.commitment for note in context.state.spendable(chained=True)}:
            return report
        if monotonic() > deadline:
            raise TransactionDropped(0, "the notes to spend did not reach a proven epoch in time")
        await asyncio.sleep(_POLL_SECONDS)


def external_notes(drafts: Sequence[Draft]) -> set[int]:
    """Commitments that drafts spend and do not make themselves."""
    made = {commitment for draft in drafts for commitment in draft.commitments}
    spent = {e.commitment for draft in drafts for e in draft.inputs if e.commitment is not None}
    return spent - made


def fee_limit(order: Order) -> int:
    """The highest fee in all that is paid without being asked for, in smallest units of the fee asset.

    FEE_SHARE of the amount when the fee is paid in the same asset, but 0.001 ETH at least in ETH. A fee in
    another token has no limit that could be known here, as no prices are: it must be allowed by `max_fee`.
    """
    amount = sum(payment.value for payment in order.payments) + order.public_value
    share = int(amount * FEE_SHARE) if order.fee_asset == order.asset else 0
    return max(share, ETH_FEE if order.fee_asset == ETH_ASSET else 0)


async def price_of(context: Context, asset: int) -> int:
    """The node's fee of one transaction in an asset, 0 if it takes none. Raises FeeAssetUnavailable."""
    fees = {row.asset: row.fee for row in await context.client.fees()}
    if not fees:
        return 0
    if asset not in fees:
        raise FeeAssetUnavailable(f"the node takes fees in assets {sorted(fees)}, not in {asset}")
    return fees[asset]


def contested(context: Context, order: Order) -> dict[int, int]:
    """Notes of refused transactions, see `WalletState.contested`."""
    receivers = [payment.text.strip() for payment in order.payments] or [f"0x{order.recipient:040x}"]
    value = sum(payment.value for payment in order.payments) + order.public_value
    return context.state.contested(receivers, value)


def select(
    context: Context,
    request: Request,
    max_steps: int,
    contested: Mapping[int, int],
    *,
    chained: bool = True,
) -> list[Step[StoredNote]]:
    """The transactions of a request. Raises InsufficientFunds, TooManyNotes."""
    notes = context.state.spendable(chained=chained)
    try:
        return selection.plan(request, notes, max_steps, lambda note: contested.get(note.commitment, 0))
    except InsufficientFunds as error:
        balance = context.state.balances().get(error.asset)
        incoming = balance.pending_in if balance else 0
        cause = f"{error.needed} of asset {error.asset} needed with fees, {error.available} available"
        if incoming:
            cause += f", {incoming} still on the way"
        raise InsufficientFunds(error.asset, error.needed, error.available, incoming, cause) from error


def make_drafts(
    context: Context, order: Order, steps: Sequence[Step[StoredNote]], forced: bool = False
) -> list[Draft]:
    """The transactions of a plan, not proven yet."""
    drafts: list[Draft] = []
    for step in steps:
        inputs = [_input(context, entry, drafts) for entry in step.inputs]
        outputs = []
        for output in step.outputs:
            payment = None if output.payment is None else order.payments[output.payment]
            outputs.append(
                PlannedOutput(None, output.asset, output.value)
                if payment is None
                else PlannedOutput(
                    payment.address, output.asset, output.value, payment.reference, payment.memo
                )
            )
        public = PublicPart(
            step.public_value,
            order.asset if step.public_value else 0,
            order.recipient if step.public_value else 0,
            step.fee,
            step.fee_asset,
        )
        # A join of fee notes hides nothing but its own asset.
        assets = [entry.asset for entry in step.inputs]
        hidden = order.asset if order.asset in assets or not assets else assets[0]
        operation = order.operation if step is steps[-1] else None
        drafts.append(
            make_draft(context.keys, hidden, inputs, outputs, public, context.state.used, operation, forced)
        )
    return drafts


def _input(context: Context, entry: StoredNote | Joined, drafts: Sequence[Draft]) -> StoredNote:
    if isinstance(entry, StoredNote):
        return entry
    made = own_outputs(context.keys, drafts[entry.step], 0)
    return next(note for note in made if (note.asset, note.value) == (entry.asset, entry.value))
