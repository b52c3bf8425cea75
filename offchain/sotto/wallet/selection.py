"""Coin selection: which notes pay, and which joins and splits are needed for more notes and receivers.

A transaction has two inputs and three outputs. More notes are joined first, and more receivers are paid
first, by transactions that each name an output of the one before. A bundle is a row of such chains: in each,
all members but the last pay nothing and are named by the next one, and the last pays the node's price for the
whole chain. Pure: no keys, no state, no I/O.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sotto.wallet.errors import InsufficientFunds, TooManyNotes

MAX_PAYMENTS = 2
"""Receivers of one transaction, whose third output is change."""


class Spendable(Protocol):
    """What selection needs of a note: asset number, smallest units, whether spending it names its parent."""

    @property
    def asset(self) -> int: ...

    @property
    def value(self) -> int: ...

    @property
    def chained(self) -> bool: ...


NoteT = TypeVar("NoteT", bound=Spendable)


@dataclass(frozen=True, slots=True)
class Joined:
    """The output to oneself of an earlier step of the plan, in that step's asset."""

    step: int
    asset: int
    value: int


@dataclass(frozen=True, slots=True)
class Output:
    """An output above zero: `payment` is the number of the payment, None for oneself."""

    asset: int
    value: int
    payment: int | None


@dataclass(frozen=True, slots=True)
class Step(Generic[NoteT]):
    """One transaction of a plan: at most two inputs and three outputs (empty ones are left out)."""

    inputs: tuple[NoteT | Joined, ...]
    outputs: tuple[Output, ...]
    fee: int = 0
    fee_asset: int = 0
    public_value: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """What a plan must do: hidden payments, or a withdrawal, of one asset; or just pay the fee.

    Attributes:
        price: the node's fee for one transaction in `fee_asset`, 0 for none.
        memos: numbers of the payments that have a memo: a transaction carries one.
    """

    asset: int
    payments: tuple[int, ...]
    public_value: int
    price: int
    fee_asset: int
    memos: frozenset[int] = frozenset()

    @property
    def target(self) -> int:
        """Smallest units of `asset` that leave, without fees."""
        return sum(self.payments) + self.public_value

    @property
    def one_asset(self) -> bool:
        """Whether the fee is paid in the asset itself, or there is none."""
        return self.price == 0 or self.fee_asset == self.asset


def plan(
    request: Request,
    notes: Sequence[NoteT],
    max_steps: int,
    rank: Callable[[NoteT], int] = lambda _: 0,
) -> list[Step[NoteT]]:
    """The transactions that carry out a request, in order.

    Chained notes are used only when settled ones do not suffice, since spending them names their parents
    publicly. Of each asset a note of the highest rank is always spent.
    Raises InsufficientFunds, TooManyNotes.
    """
    if not request.target and not request.price:
        return [Step((), ())]
    preferred = [note for note in notes if rank(note) or not note.chained]
    if len(preferred) < len(notes):
        try:
            return _plan(request, preferred, max_steps, rank)
        except (InsufficientFunds, TooManyNotes):
            pass
    return _plan(request, notes, max_steps, rank)


def _plan(
    request: Request, notes: Sequence[NoteT], max_steps: int, rank: Callable[[NoteT], int]
) -> list[Step[NoteT]]:
    ordered = sorted(notes, key=lambda note: (rank(note), note.value))
    steps = (_plan_one_asset if request.one_asset else _plan_two_assets)(request, ordered, rank)
    if len(steps) > max_steps:
        cause = f"{len(steps)} transactions are needed, and a bundle has at most {max_steps}"
        raise TooManyNotes(_reachable(request, notes, max_steps), cause)
    return steps


def _plan_one_asset(
    request: Request, notes: Sequence[NoteT], rank: Callable[[NoteT], int]
) -> list[Step[NoteT]]:
    early, last = _groups(request)
    chosen = _choose(request.asset, request.target, request.price, len(early) + 1, 2, notes, rank)
    steps: list[Step[NoteT]] = []
    heads = _reduce(chosen, 2, steps)
    if len(heads) == 1:
        heads = _sweep(heads, notes)
    for group in early:
        heads = [_split(heads, request, group, steps)]
    steps.append(_final(request, heads, request.price * (len(steps) + 1), last))
    return steps


def _plan_two_assets(
    request: Request, notes: Sequence[NoteT], rank: Callable[[NoteT], int]
) -> list[Step[NoteT]]:
    early, last = _groups(request)
    # The last transaction has one token input, as the other one pays the fee.
    free = 2 if early else 1
    tokens = _choose(request.asset, request.target, 0, 0, free, notes, rank)
    token_steps = max(len(tokens) - free, 0) + len(early) + 1
    fees = _choose(request.fee_asset, 0, request.price, token_steps, 1, notes, rank)
    steps: list[Step[NoteT]] = []
    fee_head = _paid_joins(fees, request.price, steps)
    heads = _reduce(tokens, free, steps)
    for group in early:
        heads = [_split(heads, request, group, steps)]
    steps.append(_final(request, [*heads, fee_head], request.price * token_steps, last))
    return steps


def transactions_for_payments(request: Request) -> int:
    """Transactions that the payments of a request need, joins of notes not counted."""
    return len(_groups(request)[0]) + 1


def _groups(request: Request) -> tuple[list[list[int]], list[int]]:
    """Numbers of the payments of each transaction before the last, and of the last one.

    With a fee in another asset the last one has a fee change besides payment and change.
    """
    numbers = list(range(len(request.payments)))
    alone = [] if request.one_asset else numbers[-1:]
    groups: list[list[int]] = []
    for number in numbers[: len(numbers) - len(alone)]:
        group = groups[-1] if groups else None
        if group is None or len(group) == MAX_PAYMENTS or {*group, number} <= request.memos:
            groups.append([number])
        else:
            group.append(number)
    if request.one_asset:
        return groups[:-1], groups[-1] if groups else []
    return groups, alone


def _final(
    request: Request, heads: Sequence[NoteT | Joined], fee: int, payments: Sequence[int]
) -> Step[NoteT]:
    outputs = [Output(request.asset, request.payments[number], number) for number in payments]
    leaving = {request.asset: sum(output.value for output in outputs) + request.public_value}
    if fee:
        leaving[request.fee_asset] = leaving.get(request.fee_asset, 0) + fee
    for asset, value in leaving.items():
        change = sum(head.value for head in heads if head.asset == asset) - value
        if change:
            outputs.append(Output(asset, change, None))
    return Step(tuple(heads), tuple(outputs), fee, request.fee_asset if fee else 0, request.public_value)


def _choose(
    asset: int,
    target: int,
    price: int,
    base: int,
    free: int,
    notes: Sequence[NoteT],
    rank: Callable[[NoteT], int],
) -> list[NoteT]:
    """Fewest notes that pay a target, `base` transactions and one more for each note beyond `free`.

    `notes` come by rank and value; those of the highest rank are taken first. Among the sets of that number
    the one that leaves little change. Raises InsufficientFunds.
    """
    ordered = [note for note in notes if note.asset == asset]
    chosen: list[NoteT] = []
    total = 0
    while ordered:
        largest = ordered.pop()
        needed = target + price * (base + max(0, len(chosen) + 1 - free))
        if total + largest.value >= needed:
            # The first note keeps its rank; further ones may be any.
            others = [note for note in ordered if chosen or rank(note) == rank(largest)]
            fitting = [note for note in others if total + note.value >= needed]
            return [*chosen, min(fitting, key=lambda note: note.value, default=largest)]
        chosen.append(largest)
        total += largest.value
    raise InsufficientFunds(asset, target + price * base, total, 0, "the notes do not cover amount and fee")


def _reduce(notes: Sequence[NoteT], count: int, steps: list[Step[NoteT]]) -> list[NoteT | Joined]:
    """Join notes of one asset, without fee, until `count` are left. The joined one comes first."""
    heads: list[NoteT | Joined] = list(notes)
    while len(heads) > count:
        heads = [_join(heads[0], heads[1], 0, steps), *heads[2:]]
    return heads


def _paid_joins(notes: Sequence[NoteT], price: int, steps: list[Step[NoteT]]) -> NoteT | Joined:
    """Join notes of the fee asset into one; the last join pays for all."""
    heads = _reduce(notes, 2, steps)
    return heads[0] if len(heads) == 1 else _join(heads[0], heads[1], price * (len(steps) + 1), steps)


def _join(first: NoteT | Joined, second: NoteT | Joined, fee: int, steps: list[Step[NoteT]]) -> Joined:
    asset, total = first.asset, first.value + second.value - fee
    steps.append(Step((first, second), (Output(asset, total, None),), fee, asset if fee else 0))
    return Joined(len(steps) - 1, asset, total)


def _split(
    heads: Sequence[NoteT | Joined], request: Request, payments: Sequence[int], steps: list[Step[NoteT]]
) -> Joined:
    """Pay receivers from one or two notes, without fee, and keep the rest for the next step."""
    outputs = [Output(request.asset, request.payments[number], number) for number in payments]
    rest = sum(head.value for head in heads) - sum(output.value for output in outputs)
    steps.append(Step(tuple(heads), (*outputs, Output(request.asset, rest, None))))
    return Joined(len(steps) - 1, request.asset, rest)


def _sweep(heads: list[NoteT | Joined], notes: Sequence[NoteT]) -> list[NoteT | Joined]:
    """Take the smallest other settled note along as second input, so that dust does not pile up."""
    paying = heads[0]
    others = [
        note for note in notes if note.asset == paying.asset and note is not paying and not note.chained
    ]
    return [*heads, min(others, key=lambda note: note.value)] if others else heads


def _reachable(request: Request, notes: Sequence[NoteT], max_steps: int) -> int:
    """What one bundle can pay at most when the fee asset needs no joins."""
    values = sorted((note.value for note in notes if note.asset == request.asset), reverse=True)
    early = len(_groups(request)[0])
    count = max_steps + 1 - early if request.one_asset or early else max_steps
    fee = request.price * max_steps if request.one_asset else 0
    return max(0, sum(values[: max(0, count)]) - fee)
