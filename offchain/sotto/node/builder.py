"""Chooses the lanes of the open epoch, block by block, and closes it. Pure: no I/O.

Queue items come first, since L1 demands the overdue ones; then bundles in order of arrival. With transactions
waiting, the queue gets at most the share N/2 that L1 can demand, so that deposits cannot crowd out transfers.
A bundle of more than N/2 members that was passed over has the next epoch but for overdue items; as each such
bundle waits for an epoch first, the queue has its share in every other one.
"""

from collections.abc import Mapping, Sequence, Set
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
from sotto.protocol.transaction import Kind, Transaction
from sotto.protocol.trees import State
from sotto.protocol.words import FeeQuad, Layout

OPERATIONS_SHARE = 4
"""An epoch of N lanes has at most N divided by this operations."""

NO_ROOM = (EpochFull, TooManyAnchors, TooManyOperations, FeeAssetNotListed)
"""Refusals that the next epoch may not have."""


QueueItem = Deposit | Transaction
"""What the L1 queue holds: deposits, and transactions of kind 3."""

Ordered = Bundle | QueueItem
"""What a block orders: a bundle takes as many lanes as it has members, a queue item takes one."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What the next block of an epoch is made from.

    Attributes:
        state: state after the epoch before.
        layouts: what epochs may be built for, one for each number of lanes, ascending.
        now: L1 block, the same for all blocks of the epoch.
        live_from: oldest epoch whose anchor L1 accepts at `now`.
        queue_start: index of the first queue item of the epoch.
        ordered: what earlier blocks of the epoch have ordered.
        items: credited queue items behind those, in order.
        bundles: waiting bundles in order of arrival.
        withheld: commitments of bundles that wait too, but not for this epoch.
        overdue: so many queue items from `queue_start` on L1 demands now.
        passed_over: bundles that the last epoch had no room for.
        trial: `bundles` are suspected of making epochs fail, so nothing else goes with them that need not.
        anchors: epoch id of each anchor of the chain that `state` ends, proven or not.
    """

    state: State
    domain: int
    layouts: Sequence[Layout]
    now: int
    live_from: int
    queue_start: int
    items: Sequence[QueueItem]
    bundles: Sequence[Bundle]
    anchors: Mapping[Field, int]
    ordered: Sequence[Ordered] = ()
    withheld: Set[Field] = frozenset()
    overdue: int = 0
    passed_over: Set[Field] = frozenset()
    trial: bool = False


@dataclass(frozen=True, slots=True)
class Filling:
    """What a block adds to the epoch, and what shows never to fit.

    Attributes:
        added: in the order of the lanes.
        free_lanes: lanes of the largest size that are left.
        passed_over: bundles for which too few lanes were left.
        dropped: why no later epoch can take a bundle either.
    """

    added: tuple[Ordered, ...]
    free_lanes: int
    passed_over: frozenset[Field]
    dropped: tuple[tuple[Bundle, ProtocolError], ...]

    @property
    def is_full(self) -> bool:
        """Whether waiting longer could add nothing, or would keep back a bundle that came first."""
        return not self.free_lanes or bool(self.passed_over)

    @property
    def bundles(self) -> list[Bundle]:
        """The bundles among what is added."""
        return [entry for entry in self.added if isinstance(entry, Bundle)]

    @property
    def items(self) -> int:
        """Number of queue items among what is added."""
        return len(self.added) - len(self.bundles)


def fill(situation: Situation) -> Filling:
    """Choose what the next block adds to the lanes of the epoch."""
    largest = situation.layouts[-1]
    inputs = _inputs(situation, largest, [*_bundles(situation.ordered), *situation.bundles])
    filler = _Filler(situation.state, inputs, situation.ordered)
    taken = len(situation.ordered) - len(_bundles(situation.ordered))
    share = max(0, _queue_share(situation, largest.lanes) - taken)
    items = situation.items[: min(share, filler.builder.free_lanes)]
    added: list[Ordered] = []
    for item in items:
        filler.add(item)
        added.append(item)
    passed_over: set[Field] = set()
    dropped: list[tuple[Bundle, ProtocolError]] = []
    later = set(situation.withheld)
    for bundle in situation.bundles:
        error = filler.try_add(bundle)
        if error is None:
            added.append(bundle)
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
        filler.add(item)
        added.append(item)
    return Filling(tuple(added), filler.builder.free_lanes, frozenset(passed_over), tuple(dropped))


def finish(situation: Situation) -> EpochResult:
    """Close the epoch with what is ordered, in the smallest size that has the lanes."""
    bundles = _bundles(situation.ordered)
    inputs = _inputs(situation, _layout(situation), bundles)
    return _Filler(situation.state, inputs, situation.ordered).builder.finish()


def _inputs(situation: Situation, layout: Layout, bundles: Sequence[Bundle]) -> EpochInputs:
    return EpochInputs(
        domain=situation.domain,
        lanes=layout.lanes,
        oldest=_oldest(situation, bundles),
        now=situation.now,
        queue_start=situation.queue_start,
        fee_assets=_fee_assets(bundles),
        data_mode=layout.data_mode,
    )


def _bundles(ordered: Sequence[Ordered]) -> list[Bundle]:
    return [entry for entry in ordered if isinstance(entry, Bundle)]


class _Filler:
    """An epoch builder that takes bundles whole."""

    def __init__(self, state: State, inputs: EpochInputs, ordered: Sequence[Ordered]) -> None:
        self._state = state
        self._inputs = inputs
        self._entries: list[LaneInput] = [lane for entry in ordered for lane in lane_inputs(entry)]
        self.builder = self._replayed()

    def add(self, item: QueueItem) -> None:
        """Add a queue item, for which there must be a lane."""
        self.builder.add(item)
        self._entries.append(item)

    def try_add(self, bundle: Bundle) -> ProtocolError | None:
        """Add all members, or none and say why."""
        if len(bundle.members) > self.builder.free_lanes:
            return EpochFull(f"{len(bundle.members)} lanes needed")
        entries = lane_inputs(bundle)
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


def lane_inputs(entry: Ordered) -> list[LaneInput]:
    """What the protocol takes for an entry of a block."""
    return [_lane_input(member) for member in entry.members] if isinstance(entry, Bundle) else [entry]


def _lane_input(member: PoolTransaction) -> LaneInput:
    if member.transaction.kind == Kind.ACCOUNT:
        assert member.operation is not None, "admission requires the preimage"
        return AccountChange(member.transaction, member.operation)
    return member.transaction


def _queue_share(situation: Situation, size: int) -> int:
    if not situation.bundles:
        return size
    is_due = situation.bundles[0].id in situation.passed_over
    return min(situation.overdue, size // 2) if situation.trial or is_due else size // 2


def _layout(situation: Situation) -> Layout:
    """The smallest that what is ordered fits into."""
    lanes = [lane for entry in situation.ordered for lane in lane_inputs(entry)]
    operations = sum(isinstance(lane, AccountChange) for lane in lanes)
    return next(
        layout
        for layout in situation.layouts
        if len(lanes) <= layout.lanes and operations <= layout.lanes // OPERATIONS_SHARE
    )


def _oldest(situation: Situation, bundles: Sequence[Bundle]) -> int:
    newest = situation.state.epoch_id
    used = (
        situation.anchors.get(member.transaction.anchor, newest)
        for bundle in bundles
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
