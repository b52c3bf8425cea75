"""Blocks: when they are made, what is in them, and what a kill or a rollback leaves of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.support.scenario import Signed
from tests.unit.node.conftest import FAR, World, deposit_row, make_policy, proven
from tests.unit.node.test_trials import PickyProver, confirm

from sotto.l1.watcher import RolledBack
from sotto.node.blocks import Block, Rollback
from sotto.node.chain import Chain
from sotto.node.config import NodeConfig
from sotto.node.core import Core
from sotto.node.errors import NamedCommitmentUnknown, NullifierKnown
from sotto.node.ledger import Ledger
from sotto.node.metrics import Metrics
from sotto.node.proving import Proving
from sotto.node.sequencer import Sequencer
from sotto.protocol.notes import Note

LONG = 3600.0


@asynccontextmanager
async def sequencing(world: World, proving: bool = False, **settings: float) -> AsyncIterator[None]:
    """Let blocks be made."""
    chosen: dict[str, Any] = {"block_interval": 0.01, "epoch_wait": LONG, **settings}
    config = NodeConfig(deployment="x", **chosen)
    loops = [Sequencer(world.core, config, Metrics()).run()]
    if proving:
        prover = PickyProver([])
        loops += [Proving(world.core, config, prover, bytes(20), Metrics()).run(), confirm(world)]
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - nothing announces all of these
            await asyncio.sleep(0.005)


def unfunded(world: World, count: int) -> list[Signed]:
    """Transactions without real inputs, of which there may be any number."""
    world.core.policy = make_policy(world.scenario, fees={})
    return [world.empty() for _ in range(count)]


def stored(world: World) -> list[Block]:
    """All blocks."""
    return world.core.store.blocks(1, 1000)


def status(world: World, signed: Signed) -> tuple[str, int | None, int | None]:
    """Status, epoch and lane of a transaction."""
    row = world.core.store.transaction(signed.transaction.h.to_bytes(32))
    assert row is not None
    return row.status, row.epoch, row.lane


def change_of(world: World, signed: Signed) -> Note:
    """The payer's greatest note of a payment."""
    user = world.scenario.users[0]
    return max((note for owner, note in signed.made if owner is user), key=lambda note: note.value)


async def test_transactions_are_soft_final_before_their_epoch_closes(world: World) -> None:
    world.fund(3)
    first, second, third = (world.pay() for _ in range(3))
    async with sequencing(world):
        await world.mempool.admit([proven(first)], [])
        await until(lambda: stored(world))
        await world.mempool.admit([proven(second), proven(third)], [])
        await until(lambda: len(world.core.ordered) == 3)
    one, two = stored(world)
    assert (two.parent, two.epoch, one.closes, two.closes) == (one.hash(), 2, False, False)
    assert [block.transactions for block in (one, two)] == [
        (first.transaction.h,),
        (second.transaction.h, third.transaction.h),
    ]
    assert [status(world, signed) for signed in (first, second, third)] == [
        ("soft-final", 2, 0), ("soft-final", 2, 1), ("soft-final", 2, 2),
    ]  # fmt: skip
    assert (len(world.core.pool), world.core.in_flight) == (0, 0)


async def test_an_epoch_closes_when_its_lanes_are_full(world: World) -> None:
    world.fund(1)
    signed = unfunded(world, 17)
    for item in signed:
        await world.mempool.admit([proven(item)], [])
    async with sequencing(world):
        await until(lambda: len(stored(world)) == 2)
    full, rest = stored(world)
    assert (len(full.transactions), full.closes, full.epoch) == (16, True, 2)
    assert (len(rest.transactions), rest.closes, rest.epoch) == (1, False, 3)
    assert world.core.in_flight == 1
    row = world.core.store.epoch(2)
    assert row is not None
    assert (row.lanes, row.notes) == (16, 48)


async def test_an_epoch_closes_after_its_wait_in_the_smallest_size(world: World) -> None:
    world.fund(1)
    await world.mempool.admit([proven(world.pay())], [])
    async with sequencing(world, epoch_wait=0.05):
        await until(lambda: world.core.in_flight)
    assert [(len(block.entries), block.closes) for block in stored(world)] in ([(1, False), (0, True)],)
    row = world.core.store.epoch(2)
    assert row is not None
    assert row.lanes == 4


async def test_many_epochs_are_ordered_and_proven(world: World) -> None:
    world.fund(1)
    signed = unfunded(world, 40)
    async with sequencing(world, proving=True, epoch_wait=0.05):
        for start in range(0, 40, 10):
            for item in signed[start : start + 10]:
                await world.mempool.admit([proven(item)], [])
            await asyncio.sleep(0.05)
        await until(lambda: all(status(world, item)[0] == "proven" for item in signed))
    ordered = [h for block in stored(world) for h in block.transactions]
    assert ordered == [item.transaction.h for item in signed]


async def test_a_note_in_a_block_cannot_be_spent_again_and_its_outputs_can_be_named(world: World) -> None:
    world.fund(1)
    scenario, user = world.scenario, world.scenario.users[0]
    owned = scenario.spendable(user)[0]
    first, again = (
        scenario.pay(user, [scenario.take(owned)], user, amount, fee=10, expiry=FAR) for amount in (1, 2)
    )
    child = scenario.pay(user, [scenario.chained(change_of(world, first))], user, 7, fee=10, expiry=FAR)
    with pytest.raises(NamedCommitmentUnknown):
        await world.mempool.admit([proven(child)], [])
    async with sequencing(world):
        await world.mempool.admit([proven(first)], [])
        await until(lambda: stored(world))
        with pytest.raises(NullifierKnown):
            await world.mempool.admit([proven(again)], [])
        assert await world.mempool.admit([proven(first)], []) == [first.transaction.h]
        await world.mempool.admit([proven(child)], [])
        await until(lambda: len(stored(world)) == 2)
    assert status(world, child) == ("soft-final", 2, 1)


async def test_a_kill_loses_no_block_and_changes_no_order(world: World) -> None:
    world.fund(6)
    core, scenario = world.core, world.scenario
    core.store.save_deposit(deposit_row(scenario.deposit(scenario.users[0], 5), 6))
    signed = [world.pay() for _ in range(5)]
    async with sequencing(world):
        for item in signed[:3]:
            await world.mempool.admit([proven(item)], [])
        await until(lambda: core.open is not None and core.open.lanes == 4)
        before = stored(world)
    await world.mempool.admit([proven(signed[3])], [])
    assert core.open is not None
    # A new process: ledger from the epochs, the rest from blocks and transactions.
    restarted = Core(core.store, core.policy, core.layouts, core.ledger, {}, l1_block=core.l1_block)
    await restarted.restore()
    assert restarted.open is not None
    assert restarted.open.ordered == core.open.ordered
    assert (restarted.open.id, restarted.open.now) == (2, core.open.now)
    assert [bundle.id for bundle in restarted.pool] == [signed[3].transaction.h]
    world.core = restarted
    async with sequencing(world, epoch_wait=0.0):
        await until(lambda: restarted.in_flight)
    assert stored(world)[: len(before)] == before
    ids = [h for block in stored(world) for h in block.transactions]
    assert ids == [item.transaction.h for item in signed[:4]]
    lanes = [status(world, item)[2] for item in signed[:4]]
    assert lanes == sorted(lane for lane in lanes if lane is not None)


async def test_a_rollback_is_a_block_after_which_the_transactions_wait_in_their_order(world: World) -> None:
    world.fund(1)
    core, signed = world.core, unfunded(world, 18)
    for item in signed:
        await world.mempool.admit([proven(item)], [])
    async with sequencing(world):
        await until(lambda: core.open is not None and core.open.lanes == 2)
    async with core.lock:
        await core.abandon(2, "a test")
    assert (core.open, core.in_flight, core.ledger.tip_id) == (None, 0, 1)
    assert [bundle.id for bundle in core.pool] == [item.transaction.h for item in signed]
    *_, last = stored(world)
    assert (last.rollback, last.epoch) == (Rollback(2, "a test"), 2)
    assert {status(world, item) for item in signed} == {("received", None, None)}
    assert core.store.blocks_of_epoch(2) == []
    # Nothing is left to undo, so nothing more is said.
    async with core.lock:
        await core.abandon(2, "again")
    assert stored(world)[-1] == last
    async with sequencing(world):
        await until(lambda: core.open is not None and core.open.lanes == 2)
    assert [block.epoch for block in core.store.blocks_of_epoch(2)] == [2]
    assert status(world, signed[0]) == ("soft-final", 2, 0)


async def test_the_open_epoch_is_rolled_back_when_l1_loses_a_deposit_that_it_took(world: World) -> None:
    world.fund(1)
    core, scenario = world.core, world.scenario
    core.store.save_deposit(deposit_row(scenario.deposit(scenario.users[0], 5), 0, block=1000))
    core.store.save_deposit(deposit_row(scenario.deposit(scenario.users[0], 5), 1, block=2000))
    paid = world.pay()
    await world.mempool.admit([proven(paid)], [])
    async with sequencing(world):
        await until(lambda: core.open is not None and core.open.lanes == 2)
    await Chain(core, None).apply(RolledBack(1999))  # type: ignore[arg-type]
    assert core.open is None
    assert status(world, paid) == ("received", None, None)
    assert stored(world)[-1].rollback is not None


async def test_transactions_outlive_that_l1_loses_the_proof_of_their_anchor(world: World) -> None:
    """The anchor's epoch is pending again; another one is in between, so that the newest would not do."""
    core, scenario = world.core, world.scenario
    queued = [scenario.deposit(scenario.users[0], 1_000_000) for _ in range(2)]
    world.close(queued, 4)
    ordered, waiting = world.pay(), world.pay()
    await world.mempool.admit([proven(ordered)], [])
    between = scenario.close([scenario.deposit(scenario.users[0], 5)], 4).result
    core.ledger.append(between)
    core.results[2] = between
    async with sequencing(world):
        await until(lambda: core.open is not None and core.open.lanes == 1)
    await world.mempool.admit([proven(waiting)], [])
    core.ledger.unconfirm(1)
    core.results[1] = scenario.epochs[0].result
    async with sequencing(world, epoch_wait=0.01, epochs_in_flight=4):
        await until(lambda: 3 in core.results)
    assert core.results[3].words.header.oldest == 1
    assert [status(world, signed)[:2] for signed in (ordered, waiting)] == [("soft-final", 3)] * 2
    assert not any(block.rollback for block in stored(world))


async def test_a_deposit_that_another_one_replaced_while_the_node_was_down_rolls_back(world: World) -> None:
    world.fund(1)
    core, scenario = world.core, world.scenario
    core.store.save_deposit(deposit_row(scenario.deposit(scenario.users[0], 5), 1))
    paid = world.pay()
    await world.mempool.admit([proven(paid)], [])
    async with sequencing(world):
        await until(lambda: core.open is not None and core.open.lanes == 2)
    core.store.save_deposit(deposit_row(scenario.deposit(scenario.users[0], 6), 1))
    restarted = Core(core.store, core.policy, core.layouts, core.ledger, {}, l1_block=core.l1_block)
    await restarted.restore()
    assert restarted.open is None
    assert [bundle.id for bundle in restarted.pool] == [paid.transaction.h]
    assert stored(world)[-1].rollback is not None


async def test_no_block_is_made_of_what_may_not_follow(world: World) -> None:
    """A pending epoch of somebody else, and a queue item without its confirmations."""
    world.fund(1)
    core, scenario = world.core, world.scenario
    core.store.save_deposit(deposit_row(scenario.deposit(scenario.users[0], 5), 1, block=1998))
    async with sequencing(world, confirmations=3):
        core.assemble.set()
        await asyncio.sleep(0.1)
        assert stored(world) == []
        core.l1_block = 2001
        core.assemble.set()
        await until(lambda: stored(world))
    assert isinstance(core.ledger, Ledger)


async def test_a_node_that_is_behind_waits_before_it_makes_blocks(world: World) -> None:
    world.fund(1)
    core, window = world.core, world.core.policy.clock_window
    core.l1_head = core.l1_block + window
    await world.mempool.admit([proven(world.pay())], [])
    sequencer = Sequencer(core, NodeConfig(deployment="x", epoch_wait=0), Metrics())
    await sequencer._make()
    assert (core.in_flight, stored(world)) == (0, [])
    core.l1_block = core.l1_head
    await sequencer._make()
    assert core.results[2].words.header.now == core.l1_head


async def test_an_open_epoch_whose_clock_l1_refuses_is_opened_anew(world: World) -> None:
    world.fund(1)
    core, signed = world.core, world.pay()
    config = NodeConfig(deployment="x", epoch_wait=LONG)
    await world.mempool.admit([proven(signed)], [])
    await Sequencer(core, config, Metrics())._make()
    assert core.open is not None
    core.l1_block += core.policy.clock_window - 1
    await Sequencer(core, config, Metrics())._make()
    assert core.open.now == 2000
    # As after a stop of many blocks: closing it would cost a proof that L1 does not take.
    core.l1_block += 1
    await Sequencer(core, config, Metrics())._make()
    assert core.open is not None
    assert core.open.now == core.l1_block
    first, undone, second = stored(world)
    assert undone.rollback == Rollback(2, "its L1 block is too old")
    assert first.transactions == second.transactions == (signed.transaction.h,)
