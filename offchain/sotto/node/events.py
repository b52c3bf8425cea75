"""Tells clients what happened, from the store's events, as fast as each of them reads and no faster.

Nothing is kept for a client but the number of the event that it got last, so slow readers cost no memory: one
that falls too far behind is sent away, and may go on later from that number.
"""

import asyncio
import contextlib
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncGenerator
from operator import itemgetter

import structlog

from sotto.node.errors import EventsGone, EventsTooSlow, TooManyStreams
from sotto.node.store import Store

log = structlog.get_logger(category="api")

PAGE = 256
POLL_SECONDS = 1.0
"""Events are looked for this often even if nobody has announced any."""


class Feed:
    """Events for any number of clients.

    Args:
        kept: so many of the newest events are kept in memory at least, and a client may be so far behind.
        per_client: streams of one address.
        streams: of all addresses together.
    """

    def __init__(self, store: Store, kept: int = 4096, per_client: int = 4, streams: int = 256) -> None:
        self._store = store
        self._kept = kept
        self._recent: list[tuple[int, str]] = []
        self._last = 0
        self._forgotten = 0
        self._news = asyncio.Condition()
        self._stored = asyncio.Event()
        self._per_client = per_client
        self._streams = streams
        self._clients: Counter[str] = Counter()

    @property
    def clients(self) -> int:
        """Streams that are open."""
        return self._clients.total()

    async def run(self) -> None:
        """Read what the store has until cancelled."""
        loop, store = asyncio.get_running_loop(), self._store

        def stored() -> None:
            loop.call_soon_threadsafe(self._stored.set)

        store.on_event = stored
        try:
            _, self._last = await store.run(store.event_range)
            self._forgotten = self._last
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._stored.wait()
                self._stored.clear()
                await self._read()
        finally:
            store.on_event = None

    async def _read(self) -> None:
        while events := await self._store.run(self._store.events_after, self._last, PAGE):
            self._recent += events
            self._last = events[-1][0]
            if len(self._recent) > 2 * self._kept:
                self._forgotten = self._recent[-self._kept - 1][0]
                del self._recent[: -self._kept]
            async with self._news:
                self._news.notify_all()

    def enter(self, client: str) -> None:
        """Count a stream. Raises TooManyStreams."""
        if self._clients[client] >= self._per_client or self.clients >= self._streams:
            raise TooManyStreams(f"{self._clients[client]} streams of {client}, {self.clients} in all")
        self._clients[client] += 1

    def leave(self, client: str) -> None:
        """The stream is closed."""
        self._clients[client] -= 1
        self._clients += Counter()

    async def after(self, sequence: int | None) -> AsyncGenerator[tuple[int, str], None]:
        """Sequence number and JSON of all events behind one, None for those that come from now on.

        Raises EventsGone if the next one is not kept any more or was never there, EventsTooSlow if the reader
        is overtaken.
        """
        oldest, newest = await self._store.run(self._store.event_range)
        last = newest if sequence is None else sequence
        if not oldest - 1 <= last <= newest:
            raise EventsGone(f"{last} is not in {oldest - 1} .. {newest}")
        # What is not in memory is read from the database, page by page.
        while last < self._forgotten:
            for number, text in await self._store.run(self._store.events_after, last, PAGE):
                yield number, text
                last = number
        while True:
            await self._wait_for_more(last)
            if last < self._forgotten:
                raise EventsTooSlow(f"event {last} was the last, {self._forgotten} is forgotten")
            at = bisect_right(self._recent, last, key=itemgetter(0))
            for number, text in self._recent[at : at + PAGE]:
                yield number, text
                last = number

    async def _wait_for_more(self, last: int) -> None:
        async with self._news:
            await self._news.wait_for(lambda: self._last > last)
