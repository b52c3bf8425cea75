"""Payments to many receivers: bundles of transactions, one after the other, each all or nothing.

What a bundle pays is written down together with its bytes, before the node sees them. So whatever happens in
the middle, a receiver is either paid, or on the way, or not paid yet, and going on pays nobody twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sotto.wallet import selection
from sotto.wallet.errors import BatchUnfinished, BatchUnknown, InsufficientFunds, TooManyNotes
from sotto.wallet.selection import Joined, Request, Step
from sotto.wallet.state import ActionStatus, Batch, BatchPayment, StoredNote, WalletState


@dataclass(frozen=True, slots=True)
class Coin:
    """A note of a plan: one that is there, or the change of an earlier bundle."""

    asset: int
    value: int
    chained: bool = False


@dataclass(frozen=True, slots=True)
class PlannedBundle:
    """One bundle of a plan: so many receivers, transactions, and smallest units of the fee asset."""

    receivers: int
    transactions: int
    fee: int


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What a batch will do. Each bundle waits until the one before it is proven on L1.

    Attributes:
        value, fee: smallest units, in asset and fee asset.
    """

    asset: int
    fee_asset: int
    value: int
    bundles: tuple[PlannedBundle, ...]

    @property
    def fee(self) -> int:
        """Smallest units of the fee asset, as of now."""
        return sum(bundle.fee for bundle in self.bundles)

    @property
    def transactions(self) -> int:
        """Number of transactions."""
        return sum(bundle.transactions for bundle in self.bundles)


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """Receivers by what has become of their payments: proven, on its way, or not sent (any more)."""

    number: int
    proven: int
    pending: int
    open: int
    stopped: bool

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return not self.pending and (self.stopped or not self.open)


def plan_batch(
    asset: int,
    fee_asset: int,
    payments: Sequence[BatchPayment],
    notes: Sequence[StoredNote],
    price: int,
    max_steps: int,
) -> BatchPlan:
    """Divide payments into bundles of at most `max_steps` transactions.

    Raises InsufficientFunds, TooManyNotes when the notes, with the change of each bundle, do not suffice.
    """
    coins = [Coin(note.asset, note.value) for note in notes]
    rest = list(payments)
    bundles = []
    while rest:
        count, steps = _largest(asset, fee_asset, rest, coins, price, max_steps)
        bundles.append(PlannedBundle(count, len(steps), sum(step.fee for step in steps)))
        spent = [id(entry) for step in steps for entry in step.inputs]
        joined = {(e.step, e.asset, e.value) for step in steps for e in step.inputs if isinstance(e, Joined)}
        change = [
            Coin(output.asset, output.value)
            for number, step in enumerate(steps)
            for output in step.outputs
            if output.payment is None and (number, output.asset, output.value) not in joined
        ]
        coins = [coin for coin in coins if id(coin) not in spent] + change
        rest = rest[count:]
    return BatchPlan(asset, fee_asset, sum(payment.value for payment in payments), tuple(bundles))


def next_bundle(
    asset: int,
    fee_asset: int,
    payments: Sequence[BatchPayment],
    notes: Sequence[StoredNote],
    price: int,
    max_steps: int,
) -> int:
    """How many of these payments, from the first one on, the next bundle takes. Raises as `plan_batch`."""
    return _largest(asset, fee_asset, payments, notes, price, max_steps)[0]


def _largest(
    asset: int,
    fee_asset: int,
    payments: Sequence[BatchPayment],
    notes: Sequence[selection.NoteT],
    price: int,
    max_steps: int,
) -> tuple[int, list[Step[selection.NoteT]]]:
    count = min(len(payments), selection.MAX_PAYMENTS * max_steps)
    while True:
        chosen = payments[:count]
        request = Request(
            asset,
            tuple(payment.value for payment in chosen),
            0,
            price,
            fee_asset,
            frozenset(number for number, payment in enumerate(chosen) if payment.memo),
        )
        try:
            return count, selection.plan(request, notes, max_steps)
        except (TooManyNotes, InsufficientFunds):
            # Fewer receivers need fewer notes; with one there is nothing to leave out.
            if count == 1:
                raise
            count -= 1


def find(state: WalletState, number: int) -> Batch:
    """A batch by its number. Raises BatchUnknown."""
    if not 0 <= number < len(state.batches):
        raise BatchUnknown(f"there is no batch {number}")
    return state.batches[number]


def progress(state: WalletState, number: int) -> BatchProgress:
    """How far a batch is. Raises BatchUnknown."""
    batch = find(state, number)
    proven = sum(_is_proven(state, payment) for payment in batch.payments)
    pending = sum(_is_pending(state, payment) for payment in batch.payments)
    return BatchProgress(number, proven, pending, len(batch.payments) - proven - pending, batch.stopped)


def unpaid(state: WalletState, batch: Batch) -> list[BatchPayment]:
    """The payments to send next: neither proven nor on their way.

    Those of a bundle that failed come first, and alone: sent again with the same receivers, it spends a note
    of the failed one, so that never both can be paid.
    """
    left = [p for p in batch.payments if not _is_proven(state, p) and not _is_pending(state, p)]
    failed = next((payment.action for payment in left if payment.action is not None), None)
    return left if failed is None else [payment for payment in left if payment.action == failed]


def pending_action(state: WalletState, batch: Batch) -> int | None:
    """The number of an action of this batch that is on its way."""
    return next((p.action for p in batch.payments if _is_pending(state, p)), None)


def refuse_repetition(state: WalletState, payments: Sequence[BatchPayment], asset: int) -> None:
    """Raise BatchUnfinished if the same payments are being made by a batch that has not ended."""
    wanted = [(p.address, p.value, p.reference, p.memo) for p in payments]
    for number, batch in enumerate(state.batches):
        same = [(p.address, p.value, p.reference, p.memo) for p in batch.payments] == wanted
        if same and batch.asset == asset and not progress(state, number).finished:
            raise BatchUnfinished(f"batch {number} is making exactly these payments")


def remaining_fee(state: WalletState, batch: Batch) -> int:
    """Smallest units of the fee asset that the rest of a batch may cost."""
    numbers = {payment.action for payment in batch.payments if payment.action is not None}
    actions = [state.action(number) for number in numbers]
    counted = (ActionStatus.PENDING, ActionStatus.PROVEN)
    return batch.max_fee - sum(action.fee for action in actions if action.status in counted)


def _is_proven(state: WalletState, payment: BatchPayment) -> bool:
    if payment.transaction is None or payment.transaction not in state.settled:
        return False
    # An epoch that L1 has lost leaves its transactions pending again.
    return all(pending.draft.commitments[0] != payment.transaction for pending in state.pending)


def _is_pending(state: WalletState, payment: BatchPayment) -> bool:
    if payment.action is None or _is_proven(state, payment):
        return False
    return state.action(payment.action).status == ActionStatus.PENDING
