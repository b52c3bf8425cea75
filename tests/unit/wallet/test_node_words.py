"""The wallet's node as source of the words that were in blobs."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from sotto.l1.blobs import BlobReference
from sotto.l1.errors import BlobSourceFailed
from sotto.wallet import settlement
from sotto.wallet.client import NodeClient

WANTED = BlobReference(9, 16, bytes(32), 55)
WORDS = bytes(range(100))


async def ask(status: int, pause: float = 0) -> list[bytes]:
    """What comes of an answer of which each byte takes a while."""

    async def parts() -> AsyncIterator[bytes]:
        for byte in WORDS:
            await asyncio.sleep(pause)
            yield bytes([byte])

    transport = httpx.MockTransport(lambda _request: httpx.Response(status, content=parts()))
    async with NodeClient("http://node.test", transport) as client:
        return list(await settlement._NodeWords(client).find(WANTED))


async def test_the_node_gives_what_it_has() -> None:
    assert await ask(200) == [WORDS]
    assert await ask(404) == []
    with pytest.raises(BlobSourceFailed, match=r"the wallet's node: .*Http503"):
        await ask(503)


async def test_an_answer_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "ANSWER_SECONDS", 0.05)
    with pytest.raises(BlobSourceFailed, match="the wallet's node: TimeoutError"):
        await ask(200, pause=0.02)
