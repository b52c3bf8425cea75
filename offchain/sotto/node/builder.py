"""Chooses the lanes of the next epoch. Pure: no I/O.

Queue items come first, since L1 demands the overdue ones; then bundles in order of arrival. With transactions
waiting, the queue gets at most the share N/2 that L1 can demand, so that deposits cannot crowd out transfers.
A bundle of more than N/2 members that was passed over has the next epoch but for overdue items; as each such
bundle waits for an epoch first, the queue has its share in every other one.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from sotto.node.admission import MAX_FEE_ASSETS
from sotto.node.pool import Bundle, PoolTransaction
from sotto.protocol.epoch import AccountChange, EpochBuilder, EpochInputs, EpochResult, LaneInput
from sotto.protocol.errors import (
    ChainedCommitmentUnknown,
    EpochFull,
    FeeAssetNotListed,
    ProtocolError,
    TooManyAnchors,
    TooManyOperations,
)
from sotto.protocol.field import Field
from sotto.protocol.notes import Deposit
from sotto.protocol.transaction import Kind
from sotto.protocol.trees import State
from sotto.protocol.words import FeeQuad

NO_ROOM = (EpochFull, TooManyAnchors, TooManyOperations, FeeAssetNotListed)
"""Refusals that the next epoch may not have."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What an epoch is built from.

    Attributes:
        state: state after the epoch before.
        sizes: N of the available verifiers, ascending.
        now: L1 block.
        live_from: oldest epoch whose anchor L1 still accepts.
        queue_start: index of the first of `items`.
        items: credited queue items in order.
        bundles: waiting bundles in order of arrival.
        withheld: commitments of bundles that wait too, but not for this epoch.
        overdue: so many of `items` L1 demands now.
        passed_over: bundles that the last epoch had no room for.
        trial: `bundles` are suspected of making epochs fail, so nothing else goes with them that need not.
        anchors: epoch id of each known anchor.
    """

    state: State
    domain: int
    sizes: Sequence[int]
    now: int
    live_from: int
    queue_start: int
    items: Sequence[Deposit]
    bundles: Sequence[Bundle]
    anchors: dict[Field, int]
    withheld: Set[Field] = frozenset()
    overdue: int = 0
    passed_over: Set[Field] = frozenset()
    trial: bool = False


@dataclass(frozen=True, slots=True)
class BuiltEpoch:
    """The epoch, what it took, and what it shows never to fit.

    Attributes:
        passed_over: bundles for which too few lanes were left.
        dropped: why no later epoch can take a bundle either.
    """

    result: EpochResult
    items: int
    bundles: tuple[Bundle, ...]
    passed_over: frozenset[Field]
    dropped: tuple[tuple[Bundle, ProtocolError], ...]


def is_full(situation: Situation) -> bool:
    """Whether waiting longer could add nothing."""
    members = sum(len(bundle.members) for bundle in situation.bundles)
    return len(situation.items) + members >= situation.sizes[-1]


def build(situation: Situation) -> BuiltEpoch | None:
    """Build the next epoch; None if it would be empty and drop nothing."""
    size = _size(situation)
    inputs = EpochInputs(
        domain=situation.domain,
        lanes=size,
        oldest=_oldest(situation),
        now=situation.now,
        queue_start=situation.queue_start,
        fee_assets=_fee_assets(situation.bundles),
    )
    items = situation.items[: _queue_share(situation, size)]
    filler = _Filler(situation.state, inputs, items)
    taken: list[Bundle] = []
    passed_over: set[Field] = set()
    dropped: list[tuple[Bundle, ProtocolError]] = []
    later = set(situation.withheld)
    for bundle in situation.bundles:
        error = filler.try_add(bundle)
        if error is None:
            taken.append(bundle)
        elif isinstance(error, NO_ROOM) or (
            isinstance(error, ChainedCommitmentUnknown) and bundle.parents & later
        ):
            later |= bundle.commitments
            if isinstance(error, EpochFull):
                passed_over.add(bundle.id)
        else:
            dropped.append((bundle, error))
    # Lanes that the share for the queue left over.
    extra = situation.items[len(items) : len(items) + filler.builder.free_lanes]
    if situation.trial:
        extra = extra[:0]
    for item in extra:
        filler.builder.add(item)
    if not taken and not items and not dropped:
        return None
    count = len(items) + len(extra)
    return BuiltEpoch(filler.builder.finish(), count, tuple(taken), frozenset(passed_over), tuple(dropped))


class _Filler:
    """An epoch builder that takes bundles whole."""

    def __init__(self, state: State, inputs: EpochInputs, items: Sequence[Deposit]) -> None:
        self._state = state
        self._inputs = inputs
        self._entries: list[LaneInput] = list(items)
        self.builder = self._replayed()

    def try_add(self, bundle: Bundle) -> ProtocolError | None:
        """Add all members, or none and say why."""
        if len(bundle.members) > self.builder.free_lanes:
            return EpochFull(f"{len(bundle.members)} lanes needed")
        entries = [lane_input(member) for member in bundle.members]
        added = 0
        try:
            for entry in entries:
                self.builder.add(entry)
                added += 1
        except ProtocolError as error:
            if added:
                # The protocol's builder cannot take a lane back.
                self.builder = self._replayed()
            return error
        self._entries += entries
        return None

    def _replayed(self) -> EpochBuilder:
        builder = EpochBuilder(self._state, self._inputs)
        for entry in self._entries:
            builder.add(entry)
        return builder


def lane_input(member: PoolTransaction) -> LaneInput:
    """What the protocol takes for a transaction."""
    if member.transaction.kind == Kind.ACCOUNT:
        assert member.operation is not None, "admission requires the preimage"
        return AccountChange(member.transaction, member.operation)
    return member.transaction


def _queue_share(situation: Situation, size: int) -> int:
    if not situation.bundles:
        return size
    is_due = situation.bundles[0].id in situation.passed_over
    return min(situation.overdue, size // 2) if situation.trial or is_due else size // 2


def _size(situation: Situation) -> int:
    members = [member for bundle in situation.bundles for member in bundle.members]
    operations = sum(member.transaction.kind == Kind.ACCOUNT for member in members)
    for size in situation.sizes:
        if len(members) + len(situation.items) <= size and operations <= size // 4:
            return size
    return situation.sizes[-1]


def _oldest(situation: Situation) -> int:
    newest = situation.state.epoch_id
    used = (
        situation.anchors.get(member.transaction.anchor, newest)
        for bundle in situation.bundles
        for member in bundle.members
    )
    return min((epoch for epoch in used if epoch >= situation.live_from), default=newest)


def _fee_assets(bundles: Sequence[Bundle]) -> FeeQuad:
    paid = (
        member.transaction.fee_asset
        for bundle in bundles
        for member in bundle.members
        if member.transaction.fee
    )
    assets = list(dict.fromkeys(paid))[:MAX_FEE_ASSETS]
    a, b, c, d = assets + [0] * (MAX_FEE_ASSETS - len(assets))
    return a, b, c, d
