"""The WebSocket of events (docs/spec/09-api.md)."""

import asyncio
from contextlib import aclosing

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from sotto.node.errors import EventsGone, EventsTooSlow, NodeError, RequestMalformed, TooManyStreams
from sotto.node.events import Feed

SEND_SECONDS = 10.0
"""A client that does not take a message in this time is too slow."""

CLOSE_CODES: dict[type[NodeError], int] = {
    RequestMalformed: 4000,
    EventsTooSlow: 4008,
    EventsGone: 4010,
    TooManyStreams: 4029,
}
"""Codes from 4000 on are an application's own (RFC 6455, 7.4.2)."""

_LONGEST_REASON = 123


def add_streams(api: FastAPI, feed: Feed) -> None:
    """Add `/v1/events?after=`."""

    @api.websocket("/v1/events")
    async def events(websocket: WebSocket) -> None:
        await websocket.accept()
        client = websocket.client.host if websocket.client else ""
        try:
            after = _sequence(websocket.query_params.get("after"))
            feed.enter(client)
            try:
                await _serve(websocket, feed, after)
            finally:
                feed.leave(client)
        except NodeError as error:
            reason = f"{type(error).__name__}: {error}".encode()[:_LONGEST_REASON].decode(errors="ignore")
            await _close(websocket, CLOSE_CODES[type(error)], reason)
        except WebSocketDisconnect:
            return


def _sequence(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise RequestMalformed("after is the sequence number of an event")
    return int(text)


async def _serve(websocket: WebSocket, feed: Feed, after: int | None) -> None:
    """Send until the client goes. Raises EventsGone, EventsTooSlow, RequestMalformed, WebSocketDisconnect."""
    sending = asyncio.create_task(_send(websocket, feed, after))
    reading = asyncio.create_task(_read(websocket))
    try:
        done, _ = await asyncio.wait((sending, reading), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (sending, reading):
            task.cancel()
        await asyncio.gather(sending, reading, return_exceptions=True)


async def _send(websocket: WebSocket, feed: Feed, after: int | None) -> None:
    async with aclosing(feed.after(after)) as events:
        async for number, text in events:
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await websocket.send_text(f'{{"sequence":{number},{text[1:]}')
            except TimeoutError as error:
                raise EventsTooSlow(f"event {number} was not taken in {SEND_SECONDS:.0f} s") from error


async def _read(websocket: WebSocket) -> None:
    """Notice the end of the connection; there is nothing that a client could say."""
    await websocket.receive_text()
    raise RequestMalformed("this stream takes no messages")


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    try:
        async with asyncio.timeout(1):
            await websocket.close(code, reason)
    except (TimeoutError, RuntimeError, WebSocketDisconnect):
        # The connection is gone, or so full that it takes no farewell; the server drops it.
        return
