"""A bundle with which no epoch succeeds is found and dropped, and the others go on."""

import asyncio
import json
from collections.abc import Callable, Sequence

import pytest
from tests.support.scenario import Signed
from tests.unit.node.conftest import World, commit_row, member, proven, record_of_result

from sotto.node import builder
from sotto.node.config import NodeConfig
from sotto.node.errors import ProvingFailed
from sotto.node.metrics import Metrics
from sotto.node.pool import Bundle
from sotto.node.proving import Proving
from sotto.node.sequencer import Sequencer
from sotto.node.tables import EpochStatus
from sotto.node.trials import Trials
from sotto.protocol.field import Field, field_to_json


class PickyProver:
    """Refuses witnesses that name any of the poisoned nullifiers."""

    def __init__(self, poison: list[Signed], error: Callable[[str], Exception] = ProvingFailed) -> None:
        self._poison = [field_to_json(signed.transaction.nullifiers[0]) for signed in poison]
        self._error = error
        self.refused = 0

    async def prove(self, circuit: str, witness: bytes) -> bytes:
        """See Prover."""
        await asyncio.sleep(0)
        assert json.loads(witness)
        if any(nullifier.encode() in witness for nullifier in self._poison):
            self.refused += 1
            raise self._error("constraint 7 is not satisfied")
        return bytes(256)


async def confirm(world: World) -> None:
    """Stand in for L1: prove each epoch whose proof is made."""
    core = world.core
    while True:
        await core.submit.wait(1)
        async with core.lock:
            row = core.store.epoch(core.ledger.confirmed_id + 1)
            if row is not None and row.status == EpochStatus.PROVEN:
                record = record_of_result(core.results.pop(row.id), core.l1_block)
                core.store.save_commit(commit_row(record), ours=True)
                core.store.save_confirmation(row.id, core.l1_block, bytes(32))
                core.ledger.confirm(record)
                core.assemble.set()


async def is_busy(world: World) -> bool:
    """Whether anything waits or is in flight."""
    async with world.core.lock:
        return len(world.core.pool) + len(world.core.ordered) + world.core.in_flight > 0


async def run_until_empty(world: World, prover: PickyProver) -> None:
    """Let epochs be built and proven until nothing waits."""
    config = NodeConfig(deployment="x", epoch_wait=0, block_interval=0.01, retry_wait=0)
    sequencer = Sequencer(world.core, config, Metrics())
    proving = Proving(world.core, config, prover, bytes(20), Metrics())
    loops = (sequencer.run(), proving.run(), confirm(world))
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        async with asyncio.timeout(60):
            while await is_busy(world):
                assert not any(task.done() for task in tasks), tasks
                await asyncio.sleep(0.01)
    finally:
        for task in tasks:
            task.cancel()


def statuses(world: World, signed: list[Signed]) -> list[str]:
    """Status of each transaction."""
    rows = [world.core.store.transaction(item.transaction.h.to_bytes(32)) for item in signed]
    assert all(row is not None for row in rows)
    return [row.status for row in rows if row is not None]


@pytest.mark.parametrize("error", [ProvingFailed, RuntimeError])
async def test_a_poisoned_transaction_is_dropped_and_the_others_are_proven(
    world: World, error: Callable[[str], Exception]
) -> None:
    world.fund(5)
    signed = [world.pay() for _ in range(5)]
    for item in signed:
        await world.mempool.admit([proven(item)], [])
    await run_until_empty(world, PickyProver([signed[0]], error))
    assert statuses(world, signed) == ["dropped", *["proven"] * 4]
    row = world.core.store.transaction(signed[0].transaction.h.to_bytes(32))
    assert row is not None
    assert "constraint 7" in (row.reason or "")
    assert world.core.trials.choose([], set()) is None


async def test_two_poisoned_transactions_in_different_halves_are_found(world: World) -> None:
    world.fund(4)
    signed = [world.pay() for _ in range(4)]
    for item in signed:
        await world.mempool.admit([proven(item)], [])
    await run_until_empty(world, PickyProver([signed[1], signed[3]]))
    assert statuses(world, signed) == ["proven", "dropped", "proven", "dropped"]


async def test_a_failure_that_passes_drops_nothing(world: World) -> None:
    world.fund(2)
    signed = [world.pay() for _ in range(2)]
    for item in signed:
        await world.mempool.admit([proven(item)], [])

    class Tired(PickyProver):
        async def prove(self, circuit: str, witness: bytes) -> bytes:
            self.refused += 1
            if self.refused <= 2:
                raise ProvingFailed("3 workers died")
            return bytes(256)

    await run_until_empty(world, Tired([]))
    assert statuses(world, signed) == ["proven", "proven"]


async def test_a_transaction_on_which_the_builder_fails_is_dropped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fund(3)
    signed = [world.pay() for _ in range(3)]
    for item in signed:
        await world.mempool.admit([proven(item)], [])
    original = builder.fill

    def fill(situation: builder.Situation) -> builder.Filling:
        if any(bundle.id == signed[2].transaction.h for bundle in situation.bundles):
            raise ZeroDivisionError
        return original(situation)

    monkeypatch.setattr(builder, "fill", fill)
    await run_until_empty(world, PickyProver([]))
    assert statuses(world, signed) == ["proven", "proven", "dropped"]


def ids(chosen: Sequence[Bundle] | None) -> list[Field] | None:
    """Ids of bundles."""
    return None if chosen is None else [bundle.id for bundle in chosen]


def test_groups_are_tried_alone_and_cleared_when_nothing_of_them_is_left(world: World) -> None:
    world.fund(4)
    waiting = [Bundle((member(world.pay()),)) for _ in range(4)]
    a, b, c, d = (bundle.id for bundle in waiting)
    trials = Trials()
    assert trials.choose(waiting, set()) is None
    assert trials.failed([a, b, c]) is None
    assert ids(trials.choose(waiting, set())) == [a, b, c]
    assert trials.failed([a, b, c]) is None
    assert ids(trials.choose(waiting, set())) == [a]
    # The first is in flight, so the next ones are tried; what nobody suspects comes last.
    assert ids(trials.choose(waiting[1:], {a})) == [b, c]
    assert trials.choose(waiting[3:], {a, b, c}) is None
    assert len(trials) == 2
    assert trials.choose(waiting[3:], {b}) is None
    assert len(trials) == 1
    assert trials.failed([b]) is None
    assert trials.failed([b]) == b
    assert trials.failed([]) is None
    trials.release({c})
    assert ids(trials.choose([waiting[2], waiting[3]], set())) is None
    assert d not in {a, b, c}
