"""Ten thousand waiting transactions: admission, database, restart and blocks at the pool's largest size.

Admission, store, pool and sequencer are real; the client proofs are not: they are taken for valid, since
10,000 of them would take hours. Real proofs wait in tests/integration/node/test_load.py, as many as a test
can afford.
"""

import asyncio
from dataclasses import replace

import pytest
from tests.faults.processes import resident_bytes
from tests.unit.node.conftest import BAD, FAR, GOOD, ServedMempool, World, make_policy, proven

from sotto.node.config import NodeConfig
from sotto.node.core import Core
from sotto.node.errors import NullifierKnown, PoolFull, ProofInvalid
from sotto.node.metrics import Metrics
from sotto.node.sequencer import Sequencer
from sotto.protocol.field import Field
from sotto.protocol.transaction import ProvenTransaction, Transaction

COUNT = 10_000
MOST_BYTES = 40_000
"""Memory of one waiting transaction at most, with its row on the way to the database."""


def transactions(world: World, count: int) -> list[Transaction]:
    """Transactions that differ in their notes, and that every rule but the proof accepts."""
    world.core.policy = make_policy(world.scenario, fees={})
    template = world.empty().transaction
    element = world.scenario.element
    return [
        replace(
            template,
            nullifiers=(element(), element()),
            commitments=(element(), element(), element()),
        )
        for _ in range(count)
    ]


async def submit(world: World, waiting: list[Transaction]) -> list[list[Field]]:
    """Submit each by itself, as many at once as a busy node sees."""
    answers: list[list[Field]] = []
    for start in range(0, len(waiting), 250):
        part = waiting[start : start + 250]
        answers += await asyncio.gather(
            *(world.mempool.admit([ProvenTransaction(item, GOOD)], []) for item in part)
        )
    return answers


@pytest.mark.slow
async def test_ten_thousand_transactions_wait_survive_a_restart_and_are_ordered(world: World) -> None:
    world.mempool = ServedMempool(world.core, world.proofs, Metrics(), COUNT)
    waiting = transactions(world, COUNT)
    ids = [item.h for item in waiting]
    before = resident_bytes()
    assert await submit(world, waiting) == [[h] for h in ids]
    assert len(world.core.pool) == COUNT
    assert resident_bytes() - before < COUNT * MOST_BYTES

    # At its largest size it refuses new ones, but still answers for those it has and names conflicts.
    more = world.empty()
    with pytest.raises(PoolFull):
        await world.mempool.admit([proven(more)], [])
    assert await world.mempool.admit([ProvenTransaction(waiting[5_000], BAD)], []) == [ids[5_000]]

    # A restart finds all of them, in the order of their arrival.
    core = world.core
    again = Core(core.store, core.policy, core.layouts, core.ledger, {}, l1_block=core.l1_block)
    await again.restore()
    assert [bundle.id for bundle in again.pool] == ids

    # Blocks take the oldest ones first, and make room for new ones.
    world.core = again
    world.mempool = ServedMempool(again, world.proofs, Metrics(), COUNT)
    config = NodeConfig(deployment="x", block_interval=0.01, epoch_wait=0, epochs_ahead=4)
    sequencing = asyncio.create_task(Sequencer(again, config, Metrics()).run())
    async with asyncio.timeout(300):
        while again.in_flight < 4:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)
    sequencing.cancel()
    await asyncio.gather(sequencing, return_exceptions=True)
    ordered = [h for block in again.store.blocks(1, 1000) for h in block.transactions]
    assert ordered == ids[: len(ordered)]
    assert len(again.pool) == COUNT - len(ordered)
    assert len(ordered) >= 4 * 16
    with pytest.raises(ProofInvalid):
        await world.mempool.admit([ProvenTransaction(more.transaction, BAD)], [])
    assert await world.mempool.admit([proven(more)], []) == [more.transaction.h]
    rival = replace(waiting[-1], expiry=FAR - 1)
    with pytest.raises(NullifierKnown):
        await world.mempool.admit([ProvenTransaction(rival, GOOD)], [])
