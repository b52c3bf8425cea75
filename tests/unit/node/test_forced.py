"""Forced transactions in blocks, epochs and answers, and the end of a rollup."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from tests.support.scenario import Signed
from tests.unit.node.conftest import FAR, World, commit_row, deposit_row, proven, record_of_result
from tests.unit.node.test_chain import position
from tests.unit.node.test_sequencer import sequencing, until

from sotto.l1.deployment import Deployment
from sotto.l1.events import ReceivedForced, ReceivedFreeze
from sotto.l1.watcher import BlockAdded, BlockHead, RolledBack
from sotto.node.api import create_api
from sotto.node.chain import Chain
from sotto.node.core import Core
from sotto.node.errors import RollupFrozen
from sotto.node.events import Feed
from sotto.node.limits import Limits
from sotto.node.metrics import Metrics
from sotto.node.queries import Queries
from sotto.protocol.forced import encode_forced
from sotto.protocol.transaction import Kind, Transaction

BOTH_DATABASES = True
DEPLOYMENT = Deployment.model_validate(
    {
        "chain_id": 31337,
        "contracts": {
            name: {"address": "0x" + "11" * 20, "block": 1} for name in ("Rollup", "Bridge", "L1Queue")
        },
        "assets": [],
    }
)


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The API of the world's core."""
    queries = Queries(world.core, world.mempool, DEPLOYMENT, Metrics(), Feed(world.core.store))
    queries.set_ready(None)
    transport = httpx.ASGITransport(create_api(queries, Limits(1 << 20, 10**6, 10**6)))
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as opened:
        yield opened


def forced(world: World, count: int) -> list[Transaction]:
    """A payment that spends a note, its twin, and so on: only one can have an effect."""
    payer = world.scenario.users[0]
    note = world.scenario.spendable(payer)[0]
    signed = [
        world.scenario.pay(
            payer, [world.scenario.take(note)], world.scenario.users[1], 100, kind=Kind.FORCED, expiry=FAR
        )
        for _ in range(count)
    ]
    return [item.transaction for item in signed]


async def queue(world: World, transactions: list[Transaction], first: int, block: int) -> None:
    """L1 takes forced transactions in a block."""
    events = tuple(
        ReceivedForced(position(block), first + at, b"\x07" * 20, 10**15, encode_forced(transaction))
        for at, transaction in enumerate(transactions)
    )
    await Chain(world.core, None).apply(  # type: ignore[arg-type]
        BlockAdded(BlockHead(block, block.to_bytes(32)), events)
    )


def text(transaction: Transaction) -> str:
    """Its id."""
    return f"0x{transaction.h:064x}"


async def test_the_first_of_two_spends_runs_and_the_others_are_skipped(
    world: World, client: httpx.AsyncClient
) -> None:
    world.fund(2)
    core, store = world.core, world.core.store
    first, second = forced(world, 2)
    # Nobody can read the extension of the second one; L1 has taken it all the same.
    second = replace(second, ext=(2**248 - 1,) * len(second.ext))
    await queue(world, [first, second], 2, 2001)
    found = (await client.get(f"/v1/transactions/{text(first)}")).json()
    assert (found["status"], found["epoch"]) == ("received", None)
    # Between them a deposit, and in the pool another spend of the same note.
    core.store.save_deposit(deposit_row(world.scenario.deposit(world.scenario.users[0], 5), 4, block=2001))
    async with sequencing(world, epoch_wait=0.0):
        await until(lambda: 2 in core.results)
    result = core.results[2]
    assert [lane.kind for lane in result.words.lanes[:3]] == [Kind.FORCED, Kind.SKIPPED, Kind.DEPOSIT]
    [block] = store.blocks(1, 10)[:1]
    assert [entry.h for entry in block.deposits][:2] == [first.h, second.h]

    record = record_of_result(result, 2001)
    store.save_commit(commit_row(record), ours=True)
    store.save_confirmation(2, 2001, bytes(32))
    page = (await client.get("/v1/notes", params={"start": 0, "count": 256})).json()
    entries = [entry for entry in page["entries"] if entry["epoch"] == 2]
    assert [(entry["kind"], entry["queue_index"]) for entry in entries] == [(3, 2), (4, 3), (2, 4)]
    assert [len(entry["ciphertexts"][0]) for entry in entries[:2]] == [2 + 2 * 93] * 2
    ran = (await client.get(f"/v1/transactions/{text(first)}")).json()
    assert (ran["status"], ran["lane"], ran["reason"]) == ("proven", 0, None)
    skipped = (await client.get(f"/v1/transactions/{text(second)}")).json()
    assert (skipped["status"], skipped["lane"]) == ("proven", 1)
    assert skipped["reason"].startswith("NullifierSpent")
    assert (await client.get("/v1/attachments", params={"start": 0, "count": 256})).status_code == 200


async def test_an_open_epoch_with_forced_items_survives_a_kill_and_a_reorganisation(world: World) -> None:
    world.fund(1)
    core = world.core
    [transaction] = forced(world, 1)
    await queue(world, [transaction], 1, 2001)
    async with sequencing(world):
        await until(lambda: core.open is not None and core.open.items == 1)
    restarted = Core(core.store, core.policy, core.layouts, core.ledger, {}, l1_block=core.l1_block)
    await restarted.restore()
    assert restarted.open is not None
    assert restarted.open.ordered == [transaction]
    await Chain(core, None).apply(RolledBack(2000))  # type: ignore[arg-type]
    assert (core.open, core.store.queue_length()) == (None, 0)
    assert core.store.forced(transaction.h.to_bytes(32)) is None


async def test_a_forced_spend_overtakes_the_pool(world: World) -> None:
    world.fund(1)
    core = world.core
    [transaction] = forced(world, 1)
    world.scenario._taken.clear()
    paid: Signed = world.pay()
    await world.mempool.admit([proven(paid)], [])
    await queue(world, [transaction], 1, 2001)
    h = paid.transaction.h.to_bytes(32)
    async with sequencing(world):
        await until(lambda: core.store.transactions([h])[h].status == "dropped")
    assert (core.store.transactions([h])[h].reason or "").startswith("NullifierSpent")


async def test_after_a_freeze_nothing_is_ordered_and_reading_goes_on(
    world: World, client: httpx.AsyncClient
) -> None:
    world.fund(2)
    core, paid = world.core, world.pay()
    await world.mempool.admit([proven(paid)], [])
    async with sequencing(world):
        await until(lambda: core.open is not None)
    freeze = ReceivedFreeze(position(2001), 1, bytes(32))
    await Chain(core, None).apply(BlockAdded(BlockHead(2001, bytes(32)), (freeze,)))  # type: ignore[arg-type]
    assert (core.open, len(core.pool), await core.is_blocked()) == (None, 0, True)
    assert (await client.get("/v1/status")).json()["frozen"] is True
    found = (await client.get(f"/v1/transactions/{text(paid.transaction)}")).json()
    assert found["status"] == "dropped"
    assert found["reason"].startswith("RollupFrozen")
    with pytest.raises(RollupFrozen):
        await world.mempool.admit([proven(world.pay())], [])
    assert (await client.get("/v1/notes", params={"start": 0, "count": 256})).status_code == 200
    # A restart knows it, and a reorganisation of L1 takes it back.
    restarted = Core(core.store, core.policy, core.layouts, core.ledger, {})
    await restarted.restore()
    assert restarted.frozen == 2001
    await Chain(core, None).apply(RolledBack(2000))  # type: ignore[arg-type]
    assert (core.frozen, await core.is_blocked()) == (None, False)
