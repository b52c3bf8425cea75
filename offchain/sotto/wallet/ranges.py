"""Batches of epochs, from the cache or the node, in aligned ranges that tell nobody which notes matter."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from sotto.wallet.chaincache import Batch, ChainCache
from sotto.wallet.client import MAX_EPOCHS, MAX_NOTES, RANGE_GRID, NodeClient
from sotto.wallet.errors import NodeMalformed
from sotto.wallet.messages import Entry, EpochMessage

MAX_LANES = 64


class Batches:
    """Batches up to the epoch `end`; the next one is fetched while one is worked on."""

    def __init__(self, client: NodeClient, chain: ChainCache, end: int) -> None:
        self._client, self._chain, self._end = client, chain, end
        self._next: asyncio.Task[Batch] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)

    async def take(self, last: int) -> tuple[Batch, bool]:
        """The batch after the epoch `last`, and whether it is from the cache.

        Raises NodeUnreachable, NodeRejected, NodeMalformed.
        """
        count = min(MAX_EPOCHS, self._end - last)
        cached = self._chain.read(last + 1, count)
        if cached:
            return cached, True
        if self._next is None:
            self._next = self._fetch(last)
        batch, self._next = await self._next, None
        last = batch[-1][0].id
        if last < self._end:
            self._next = self._fetch(last)
        return batch, False

    def _fetch(self, last: int) -> asyncio.Task[Batch]:
        return asyncio.create_task(fetch_batch(self._client, last + 1, min(MAX_EPOCHS, self._end - last)))


async def fetch_batch(client: NodeClient, start: int, count: int) -> Batch:
    """At most `count` epochs from `start` on, with their entries. Raises NodeMalformed, and as the client."""
    epochs = await client.epochs(start, count)
    got = [epoch.id for epoch in epochs]
    if not got or len(got) > count or got != list(range(start, start + len(got))):
        raise NodeMalformed(f"asked for {count} epochs from {start}, got {got[:4]}..")
    owners: dict[int | None, list[Entry]] = {epoch.id: [] for epoch in epochs}
    for entry in await _fetch_entries(client, epochs):
        if entry.epoch not in owners:
            raise NodeMalformed("an entry names an epoch that does not own its node")
        owners[entry.epoch].append(entry)
    return [(epoch, owners[epoch.id]) for epoch in epochs]


async def _fetch_entries(client: NodeClient, epochs: Sequence[EpochMessage]) -> list[Entry]:
    first = epochs[0].first_node
    end = epochs[-1].first_node + epochs[-1].lanes
    if not first <= end <= first + (len(epochs) + 1) * 2 * MAX_LANES:
        raise NodeMalformed(f"epochs {epochs[0].id} to {epochs[-1].id} span nodes {first} to {end}")
    entries: list[Entry] = []
    start = first - first % RANGE_GRID
    while start < end:
        count = min(MAX_NOTES, -(-(end - start) // RANGE_GRID) * RANGE_GRID)
        page = await client.notes(start, count)
        previous = start - 1
        for entry in page.entries:
            if entry.node is None or not previous < entry.node < start + count:
                raise NodeMalformed(f"entry at node {entry.node} is out of order or range")
            previous = entry.node
            if first <= entry.node < end:
                entries.append(entry)
        start += count
    return entries
