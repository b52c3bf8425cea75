"""The stream of events: complete, in order, resumable, and harmless to the node whatever a client does."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import uvicorn
from tests.unit.node.conftest import World, proven
from tests.unit.node.test_api import DEPLOYMENT
from tests.unit.node.test_sequencer import sequencing, until

from sotto.node import streams
from sotto.node.api import create_api
from sotto.node.errors import EventsGone, EventsTooSlow, TooManyStreams
from sotto.node.events import Feed
from sotto.node.limits import Limits
from sotto.node.metrics import Metrics
from sotto.node.queries import Queries
from sotto.node.store import Store
from sotto.node.store.events import EventType, tell
from sotto.node.tables import TransactionStatus


def add(store: Store, count: int) -> None:
    """Store events."""
    for _ in range(count):
        with store._session() as session:
            tell(session, EventType.DROPPED, TransactionStatus.DROPPED, [bytes(32)], reason="x" * 100)
            session.commit()


@pytest.fixture
async def feed(store: Store) -> AsyncIterator[Feed]:
    """A feed that runs and keeps little."""
    made = Feed(store, kept=4, per_client=2, streams=3)
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def take(feed: Feed, after: int | None, count: int) -> list[int]:
    """Numbers of the next events."""
    numbers = []
    stream = feed.after(after)
    try:
        async with asyncio.timeout(20):
            async for number, _ in stream:
                numbers.append(number)
                if len(numbers) == count:
                    break
    finally:
        await stream.aclose()
    return numbers


async def test_goes_on_behind_any_number_from_disk_and_from_memory(store: Store, feed: Feed) -> None:
    add(store, 20)
    await until(lambda: feed._last == 20)
    assert await take(feed, 0, 20) == list(range(1, 21))
    assert await take(feed, 13, 7) == list(range(14, 21))
    waiting = asyncio.create_task(take(feed, None, 2))
    await asyncio.sleep(0.05)
    add(store, 2)
    assert await waiting == [21, 22]


async def test_says_when_what_was_asked_for_is_not_there(store: Store, feed: Feed) -> None:
    add(store, 3)
    with pytest.raises(EventsGone):
        await take(feed, 4, 1)
    with store._session() as session:
        session.connection().exec_driver_sql("DELETE FROM events WHERE sequence < 3")
        session.commit()
    assert await take(feed, 2, 1) == [3]
    with pytest.raises(EventsGone):
        await take(feed, 1, 1)


async def test_a_reader_that_is_overtaken_is_sent_away(store: Store, feed: Feed) -> None:
    add(store, 1)
    stream = feed.after(0)
    assert (await anext(stream))[0] == 1
    add(store, 1)
    assert (await anext(stream))[0] == 2
    add(store, 50)
    await until(lambda: feed._last == 52)
    with pytest.raises(EventsTooSlow):
        await anext(stream)
    # It goes on where it was.
    assert await take(feed, 2, 50) == list(range(3, 53))


async def test_memory_holds_a_bounded_number_of_events(store: Store, feed: Feed) -> None:
    add(store, 60)
    await until(lambda: feed._last == 60)
    assert len(feed._recent) <= 8


def test_streams_are_counted_by_client_and_in_all(store: Store) -> None:
    feed = Feed(store, per_client=2, streams=3)
    for _ in range(2):
        feed.enter("a")
    with pytest.raises(TooManyStreams):
        feed.enter("a")
    feed.enter("b")
    with pytest.raises(TooManyStreams):
        feed.enter("c")
    feed.leave("a")
    feed.enter("c")
    assert feed.clients == 3


@pytest.fixture
async def url(world: World, feed: Feed) -> AsyncIterator[str]:
    """Address of a node that serves its streams over a real socket."""
    queries = Queries(world.core, world.mempool, DEPLOYMENT, Metrics(), feed)
    queries.set_ready(None)
    api = create_api(queries, Limits(10_000, 100_000, 100_000))
    server = uvicorn.Server(
        uvicorn.Config(api, port=0, log_config=None, lifespan="off", ws_max_size=1024, ws_max_queue=2)
    )
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


async def closing(url: str, path: str, message: str | None = None) -> tuple[int | None, Any]:
    """How the node closes a stream: code and reason."""
    async with aiohttp.ClientSession(url) as session, session.ws_connect(path) as stream:
        if message is not None:
            await stream.send_str(message)
        async with asyncio.timeout(20):
            while True:
                received = await stream.receive()
                if received.type != aiohttp.WSMsgType.TEXT:
                    return stream.close_code, received.extra


async def test_tells_the_life_of_a_transaction(world: World, url: str) -> None:
    world.fund(1)
    signed = world.pay()
    h = "0x" + signed.transaction.h.to_bytes(32).hex()
    async with (
        aiohttp.ClientSession(url) as session,
        session.ws_connect("/v1/events?after=0") as stream,
        sequencing(world, proving=True, epoch_wait=0.05),
    ):
        await world.mempool.admit([proven(signed)], [])
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(30):
            while not found or found[-1]["status"] != "proven":
                found.append(await stream.receive_json())
    assert [event["sequence"] for event in found] == list(range(1, len(found) + 1))
    told = [(event["type"], event["status"]) for event in found if h in event["ids"]]
    assert told == [
        ("received", "received"),
        ("block", "soft-final"),
        ("epoch", "soft-final"),
        ("epoch", "committed"),
        ("epoch", "proven"),
    ]
    block = next(event for event in found if event["type"] == "block")
    assert block["hash"] == "0x" + world.core.store.blocks(1, 1)[0].hash().hex()


async def test_closes_with_a_code_that_names_the_cause(store: Store, url: str) -> None:
    add(store, 1)
    code, reason = await closing(url, "/v1/events?after=9")
    assert (code, reason.split(":")[0]) == (4010, "EventsGone")
    assert (await closing(url, "/v1/events?after=-1"))[0] == 4000
    assert (await closing(url, "/v1/events?after=1", "hello"))[0] == 4000
    async with (
        aiohttp.ClientSession(url) as session,
        session.ws_connect("/v1/events"),
        session.ws_connect("/v1/events"),
    ):
        code, reason = await closing(url, "/v1/events")
        assert (code, reason.split(":")[0]) == (4029, "TooManyStreams")


async def test_a_client_that_does_not_read_is_closed_and_costs_no_memory(
    store: Store, feed: Feed, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SEND_SECONDS", 0.2)
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(
        b"GET /v1/events?after=0 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert b"101" in await reader.readline()
    await until(lambda: feed.clients == 1)
    with store._session() as session:
        for _ in range(3000):
            tell(session, EventType.DROPPED, TransactionStatus.DROPPED, [bytes(32)], reason="x" * 4000)
        session.commit()
    # The socket's buffers fill up, and the node gives up on the client.
    await until(lambda: feed.clients == 0)
    assert len(feed._recent) <= 8
    writer.close()


async def test_events_are_json_with_the_documented_keys(store: Store, feed: Feed) -> None:
    add(store, 1)
    stream = feed.after(0)
    _, text = await anext(stream)
    await stream.aclose()
    assert set(json.loads(text)) == {"type", "time", "status", "ids", "reason"}
