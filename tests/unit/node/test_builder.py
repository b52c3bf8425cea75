"""Choice of lanes: order, sizes, limits, bundles."""

from dataclasses import replace

import pytest
from tests.support.scenario import Scenario, Signed
from tests.unit.node.conftest import FAR, member

from sotto.node.builder import Filling, Ordered, Situation, fill, finish
from sotto.node.pool import Bundle
from sotto.protocol.epoch import EpochResult
from sotto.protocol.errors import ChainedCommitmentUnknown, ExpiredTransaction, NullifierSpent
from sotto.protocol.notes import Deposit
from sotto.protocol.transaction import Kind
from sotto.protocol.words import Layout

NOW = 5_000


class Workbench:
    """A scenario after an epoch that gave each of its users 6 notes."""

    def __init__(self) -> None:
        self.scenario = Scenario(users=3)
        self.alice, self.bob, self.carol = self.scenario.users
        for user in self.scenario.users:
            queued = [self.scenario.deposit(user, 10_000) for _ in range(6)]
            self.scenario.close(queued, 16)

    def pay(self, user: int = 0, **options: object) -> Signed:
        """A payment of one note that nothing spends yet."""
        payer = self.scenario.users[user]
        note = self.scenario.take(self.scenario.spendable(payer)[0])
        return self.scenario.pay(payer, [note], self.bob, 100, expiry=FAR, **options)  # type: ignore[arg-type]

    def deposits(self, count: int) -> list[Deposit]:
        """Queue items."""
        return [self.scenario.deposit(self.alice, 5).deposit for _ in range(count)]

    def situation(self, bundles: list[list[Signed]], items: int = 0, live_from: int = 0) -> Situation:
        """The situation with these waiting."""
        state = self.scenario.state
        return Situation(
            state=state,
            domain=self.scenario.domain,
            layouts=(Layout(4), Layout(16)),
            now=NOW,
            live_from=live_from,
            queue_start=self.scenario.queue_cursor,
            items=self.deposits(items),
            bundles=[Bundle(tuple(member(signed) for signed in bundle)) for bundle in bundles],
            anchors={state.anchor(epoch): epoch for epoch in range(state.epoch_id + 1)},
        )


@pytest.fixture
def bench() -> Workbench:
    """See Workbench."""
    return Workbench()


def close(situation: Situation) -> EpochResult:
    """The epoch that one block makes and closes."""
    return finish(replace(situation, ordered=(*situation.ordered, *fill(situation).added)))


def kinds(situation: Situation) -> list[Kind]:
    """Kinds of all lanes of that epoch."""
    return [lane.kind for lane in close(situation).words.lanes]


def test_adds_nothing_of_nothing(bench: Workbench) -> None:
    assert fill(bench.situation([])) == Filling((), 16, frozenset(), ())


def test_block_after_block_fills_one_epoch(bench: Workbench) -> None:
    whole = bench.situation([[bench.pay(user)] for user in (0, 1, 2) for _ in range(3)], items=5)
    ordered: list[Ordered] = []
    for bundles, items in ((0, 2), (4, 3), (5, 5)):
        taken = sum(isinstance(entry, Deposit) for entry in ordered)
        waiting = [bundle for bundle in whole.bundles if bundle not in ordered][:bundles]
        block = replace(whole, ordered=tuple(ordered), items=whole.items[taken:items], bundles=waiting)
        filling = fill(block)
        assert (len(filling.bundles), filling.dropped) == (bundles, ())
        ordered += filling.added
    epoch = finish(replace(whole, ordered=ordered))
    assert epoch.words.header.queue_end == whole.queue_start + 5
    links = {lane.link for lane in epoch.words.lanes if lane.kind == Kind.TRANSFER}
    assert links == {bundle.id for bundle in whole.bundles}


def test_the_queue_keeps_its_share_over_all_blocks_of_an_epoch(bench: Workbench) -> None:
    first = bench.situation([], items=16)
    filling = fill(replace(first, items=first.items[:6]))
    assert filling.items == 6
    bundles = [[bench.pay(user)] for user in (0, 1, 2) for _ in range(4)]
    second = replace(
        bench.situation(bundles), queue_start=first.queue_start, ordered=filling.added, items=first.items[6:]
    )
    filling = fill(second)
    assert (filling.items, len(filling.bundles), filling.free_lanes) == (2, 8, 0)
    assert filling.is_full


def test_a_child_may_come_in_a_later_block_of_its_parents_epoch(bench: Workbench) -> None:
    parent = bench.pay()
    note = next(note for user, note in parent.made if user is bench.bob and note.value == 100)
    child = bench.scenario.pay(bench.bob, [bench.scenario.chained(note)], bench.carol, 50, expiry=FAR)
    first = fill(bench.situation([[parent]]))
    second = fill(replace(bench.situation([[child]]), ordered=first.added))
    assert (len(second.bundles), second.dropped) == (1, ())


def test_a_spend_of_what_an_earlier_block_spent_is_dropped(bench: Workbench) -> None:
    owned = bench.scenario.spendable(bench.bob)[0]
    twice = [
        bench.scenario.pay(bench.bob, [bench.scenario.take(owned)], bench.carol, amount, expiry=FAR)
        for amount in (1, 2)
    ]
    first = fill(bench.situation([[twice[0]]]))
    second = fill(replace(bench.situation([[twice[1]]]), ordered=first.added))
    assert [type(error) for _, error in second.dropped] == [NullifierSpent]


def test_queue_items_come_first_and_the_smallest_size_fits(bench: Workbench) -> None:
    assert kinds(bench.situation([[bench.pay()]], items=2)) == [Kind.DEPOSIT] * 2 + [
        Kind.TRANSFER,
        Kind.NO_OP,
    ]
    assert len(kinds(bench.situation([[bench.pay()]], items=4))) == 16


def test_deposits_leave_half_of_the_lanes_to_waiting_transactions(bench: Workbench) -> None:
    bundles = [[bench.pay(user)] for user in (0, 1, 2) for _ in range(4)]
    found = kinds(bench.situation(bundles, items=16))
    assert found == [Kind.DEPOSIT] * 8 + [Kind.TRANSFER] * 8
    few = kinds(bench.situation(bundles[:2], items=16))
    assert few == [Kind.DEPOSIT] * 8 + [Kind.TRANSFER] * 2 + [Kind.DEPOSIT] * 6


def test_a_large_bundle_waits_one_epoch_for_the_queue_and_then_goes_first(bench: Workbench) -> None:
    large = [bench.pay(user) for user in (0, 1, 2) for _ in range(4)]
    situation = bench.situation([large], items=16)
    first = fill(situation)
    assert (first.items, first.bundles) == (16, [])
    assert first.passed_over == {large[0].transaction.h}
    second = fill(replace(situation, passed_over=first.passed_over, overdue=3))
    assert (second.items, len(second.bundles), second.passed_over) == (4, 1, frozenset())
    # What L1 demands comes first even then.
    third = fill(replace(situation, passed_over=first.passed_over, overdue=16))
    assert (third.items, third.bundles) == (16, [])


def test_a_trial_takes_nothing_along_that_it_need_not(bench: Workbench) -> None:
    situation = bench.situation([[bench.pay()]], items=4)
    for overdue in (0, 3):
        built = fill(replace(situation, trial=True, overdue=overdue))
        assert (built.items, len(built.bundles)) == (overdue, 1)


def test_a_child_waits_while_its_parent_is_withheld(bench: Workbench) -> None:
    parent = bench.pay()
    note = next(note for user, note in parent.made if user is bench.bob and note.value == 100)
    child = bench.scenario.pay(bench.bob, [bench.scenario.chained(note)], bench.carol, 50, expiry=FAR)
    withheld = frozenset(parent.transaction.commitments)
    assert fill(replace(bench.situation([[child]]), withheld=withheld)).added == ()


def test_without_transactions_the_queue_takes_all_lanes(bench: Workbench) -> None:
    assert kinds(bench.situation([], items=20)) == [Kind.DEPOSIT] * 16


def test_is_full_at_the_largest_size(bench: Workbench) -> None:
    assert not fill(bench.situation([[bench.pay()]], items=14)).is_full
    assert fill(bench.situation([[bench.pay()]], items=15)).is_full


def test_operations_choose_the_size_and_the_rest_waits(bench: Workbench) -> None:
    operations = [[bench.pay(user, new_keys=[bytes([user + 1]) * 32])] for user in range(3)]
    assert len(kinds(bench.situation(operations[:1]))) == 4
    assert len(kinds(bench.situation(operations))) == 16


def test_drops_what_is_expired_or_spent_with_the_cause(bench: Workbench) -> None:
    late = bench.scenario.pay(
        bench.alice,
        [bench.scenario.take(bench.scenario.spendable(bench.alice)[0])],
        bench.bob,
        1,
        expiry=NOW - 1,
    )
    owned = bench.scenario.spendable(bench.bob)[0]
    twice = [
        bench.scenario.pay(bench.bob, [bench.scenario.take(owned)], bench.carol, amount, expiry=FAR)
        for amount in (1, 2)
    ]
    built = fill(bench.situation([[late], [twice[0]], [twice[1]]]))
    assert [bundle.members[0].h for bundle in built.bundles] == [twice[0].transaction.h]
    assert [type(error) for _, error in built.dropped] == [ExpiredTransaction, NullifierSpent]


def test_parents_come_before_children_and_orphans_are_dropped(bench: Workbench) -> None:
    parent = bench.pay()
    note = next(note for user, note in parent.made if user is bench.bob and note.value == 100)
    child = bench.scenario.pay(bench.bob, [bench.scenario.chained(note)], bench.carol, 50, expiry=FAR)
    assert kinds(bench.situation([[parent], [child]])) == [Kind.TRANSFER] * 2 + [Kind.NO_OP] * 2
    orphaned = fill(bench.situation([[child]]))
    assert [type(error) for _, error in orphaned.dropped] == [ChainedCommitmentUnknown]


def test_a_bundle_enters_whole_or_waits_whole(bench: Workbench) -> None:
    singles = [[bench.pay(user)] for user in (0, 1, 2) for _ in range(4)] + [[bench.pay(0)], [bench.pay(1)]]
    parent = bench.pay(2)
    note = next(note for user, note in parent.made if user is bench.bob and note.value == 100)
    child = bench.scenario.pay(bench.bob, [bench.scenario.chained(note)], bench.carol, 50, expiry=FAR)
    last = bench.pay(2)
    full = fill(bench.situation([*singles, [last], [parent, child]]))
    assert len(full.bundles) == 15
    assert not full.dropped
    exact = fill(bench.situation([*singles, [parent, child], [last]]))
    assert len(exact.bundles[-1].members) == 2
    assert not exact.dropped


def test_a_failed_bundle_leaves_no_trace(bench: Workbench) -> None:
    parent = bench.pay()
    owned = bench.scenario.spendable(bench.bob)[0]
    spends = [
        bench.scenario.pay(bench.bob, [bench.scenario.take(owned)], bench.carol, amount, expiry=FAR)
        for amount in (1, 2)
    ]
    built = fill(bench.situation([[spends[0]], [parent, spends[1]], [parent]]))
    assert [bundle.id for bundle in built.bundles] == [spends[0].transaction.h, parent.transaction.h]


def test_at_most_four_anchors_and_the_fifth_waits(bench: Workbench) -> None:
    for _ in range(2):
        bench.scenario.close([bench.scenario.deposit(bench.alice, 5)], 4)
    epochs = (1, 2, 3, 4, 5)
    bundles = [
        [bench.scenario.pay(bench.alice, [], bench.bob, 0, expiry=FAR, epoch=epoch)] for epoch in epochs
    ]
    built = fill(bench.situation(bundles))
    assert len(built.bundles) == 4
    assert not built.dropped
    assert close(bench.situation(bundles)).words.header.oldest == 1


def test_dead_anchors_are_dropped(bench: Workbench) -> None:
    bundles = [
        [bench.scenario.pay(bench.alice, [], bench.bob, 0, expiry=FAR, epoch=epoch)] for epoch in (1, 3)
    ]
    built = fill(bench.situation(bundles, live_from=2))
    assert close(bench.situation(bundles, live_from=2)).words.header.oldest == 3
    assert [type(error).__name__ for _, error in built.dropped] == ["UnknownAnchor"]
