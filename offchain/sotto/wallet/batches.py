"""Carrying out batches: see `batch`. Callers hold the wallet's lock."""

from collections.abc import Sequence
from time import time

from sotto.wallet import batch as planning
from sotto.wallet.batch import BatchPlan
from sotto.wallet.context import Context
from sotto.wallet.errors import FeeTooHigh
from sotto.wallet.inputs import Payment, payment_orders
from sotto.wallet.sending import Order, carry_out, fee_limit, price_of
from sotto.wallet.state import Action, Batch, BatchPayment
from sotto.wallet.sync import synchronise


async def plan(context: Context, asset: int, fee_asset: int, payments: Sequence[Payment]) -> BatchPlan:
    """What a batch would do now.

    Raises InsufficientFunds, TooManyNotes, FeeAssetUnavailable and the errors of payment_orders.
    """
    payment_orders(payments, context.view.domain)
    report = await synchronise(context)
    return planning.plan_batch(
        asset,
        fee_asset,
        [_ticket(payment) for payment in payments],
        context.state.spendable(chained=True),
        await price_of(context, fee_asset),
        max(report.lanes, default=1),
    )


async def start(
    context: Context, asset: int, fee_asset: int, payments: Sequence[Payment], max_fee: int | None
) -> int:
    """Write a batch down, and return its number; nothing is sent yet.

    Raises BatchUnfinished, FeeTooHigh and the errors of `plan`.
    """
    context.require_signer()
    made = await plan(context, asset, fee_asset, payments)
    tickets = [_ticket(payment) for payment in payments]
    planning.refuse_repetition(context.state, tickets, asset)
    orders = payment_orders(payments, context.view.domain)
    limit = fee_limit(Order(asset, fee_asset, orders)) if max_fee is None else max_fee
    if made.fee > limit:
        raise FeeTooHigh(f"the fees are {made.fee} smallest units of asset {fee_asset}, {limit} are allowed")
    context.state.batches.append(
        Batch(asset=asset, fee_asset=fee_asset, max_fee=limit, created=int(time()), payments=tickets)
    )
    context.save()
    return len(context.state.batches) - 1


async def send_next(context: Context, number: int) -> Action | None:
    """Send the next bundle of a batch, or find the one that is on its way; None when there is none left.

    Raises BatchUnknown and the errors of carry_out.
    """
    state = context.state
    batch = planning.find(state, number)
    report = await synchronise(context)
    waiting = planning.pending_action(state, batch)
    if waiting is not None:
        return state.action(waiting)
    tickets = planning.unpaid(state, batch)
    if batch.stopped or not tickets:
        return None
    if tickets[0].action is None:
        price = await price_of(context, batch.fee_asset)
        notes = state.spendable(chained=True)
        steps = max(report.lanes, default=1)
        tickets = tickets[: planning.next_bundle(batch.asset, batch.fee_asset, tickets, notes, price, steps)]
    orders = payment_orders([_payment(ticket) for ticket in tickets], context.view.domain)
    remaining = planning.remaining_fee(state, batch)
    return await carry_out(
        context,
        Order(batch.asset, batch.fee_asset, orders, max_fee=remaining, tickets=tuple(tickets)),
    )


def stop(context: Context, number: int) -> None:
    """Give up what is not sent yet. Raises BatchUnknown."""
    planning.find(context.state, number).stopped = True
    context.save()


def _ticket(payment: Payment) -> BatchPayment:
    return BatchPayment(
        address=payment.address.strip(),
        value=payment.value,
        reference=payment.reference.hex(),
        memo=payment.memo.encode().hex(),
    )


def _payment(ticket: BatchPayment) -> Payment:
    return Payment(
        ticket.address, ticket.value, bytes.fromhex(ticket.reference), bytes.fromhex(ticket.memo).decode()
    )
