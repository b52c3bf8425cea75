"""Connections that are held open without a request, and too many of them, to a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from sotto.node import connections
from sotto.node.servers import HttpServer

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@asynccontextmanager
async def server() -> AsyncIterator[str]:
    """A URL that answers."""
    app = FastAPI()

    @app.get("/")
    async def root() -> str:
        return "here"

    running = HttpServer(app, "127.0.0.1", 0)
    async with asyncio.TaskGroup() as group:
        url = await running.start(group)
        try:
            yield url
        finally:
            await running.stop()


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has sent nothing."""
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def end(reader: asyncio.StreamReader) -> bytes:
    """What the server sends until it closes."""
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""


@asynccontextmanager
async def taken(url: str, most: int) -> AsyncIterator[asyncio.StreamWriter]:
    """All connections that there may be, one of which is returned; one more is refused."""
    idle = [await connect(url) for _ in range(most)]
    reader, writer = await connect(url)
    assert await end(reader) == b""
    yield idle[0][1]
    for _, held in [*idle, (reader, writer)]:
        held.close()


@pytest.mark.parametrize("sent", [b"", b"G", REQUEST[:-2], REQUEST + b"GET /"])
async def test_headers_that_do_not_come(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    async with server() as url:
        reader, writer = await connect(url)
        writer.write(sent)
        answer = await end(reader)
        assert answer.startswith(b"HTTP/1.1 200") == sent.startswith(REQUEST)
        assert (await httpx.AsyncClient().get(url)).text == '"here"'
        writer.close()


async def test_headers_that_come_byte_by_byte_have_no_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    async with server() as url:
        reader, writer = await connect(url)
        ended = asyncio.create_task(end(reader))
        while not ended.done():
            writer.write(b"G")
            await asyncio.sleep(0.01)
        assert await ended == b""
        writer.close()


async def test_a_connection_serves_many_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 1.0)
    async with server() as url:
        reader, writer = await connect(url)
        for _ in range(4):
            writer.write(REQUEST)
            assert (await reader.readuntil(b'"here"')).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.4)
        writer.close()


async def test_one_client_cannot_take_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_PER_CLIENT", 5)
    async with server() as url, taken(url, 5):
        other = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        async with httpx.AsyncClient(transport=other) as client:
            assert (await client.get(url)).text == '"here"'


async def test_no_more_connections_than_the_node_can_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)
    async with server() as url, taken(url, 3) as one:
        one.close()
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=5)) as client:
            while True:
                try:
                    assert (await client.get(url)).text == '"here"'
                    break
                except httpx.ReadError:
                    await asyncio.sleep(0.05)
