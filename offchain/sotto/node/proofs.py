"""Verifies client proofs in batches, off the event loop, and remembers results."""

import asyncio
from collections import OrderedDict
from hashlib import sha256
from typing import TypeVar

from sotto import crypto
from sotto.node.errors import ProofInvalid
from sotto.protocol.field import Field

K = TypeVar("K")
V = TypeVar("V")

BATCH = 64
GATHER_SECONDS = 0.005
"""Requests that come within this time share one product of pairings."""


class ProofVerifier:
    """Checks proofs of the transfer circuit.

    An accepted h is remembered with the proof that was valid for it, a refused proof only together with its
    h: else anyone could have an honest transaction refused by sending its h with a wrong proof first.

    Args:
        remembered: results kept of either kind.
    """

    def __init__(self, remembered: int = 10_000) -> None:
        self._remembered = remembered
        self._accepted: OrderedDict[Field, bytes] = OrderedDict()
        self._refused: OrderedDict[bytes, None] = OrderedDict()
        self._queue: asyncio.Queue[tuple[Field, bytes, asyncio.Future[bool]]] = asyncio.Queue()

    async def check(self, h: Field, proof: bytes) -> bytes:
        """A proof that is valid for h: the given one, or one accepted before. Raises ProofInvalid."""
        known = self._accepted.get(h)
        if known is not None:
            return known
        pair = sha256(h.to_bytes(32) + proof).digest()
        if pair not in self._refused:
            result: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            await self._queue.put((h, proof, result))
            if await result:
                self._remember(self._accepted, h, proof)
                return proof
            self._remember(self._refused, pair, None)
        raise ProofInvalid(f"{h:#066x}")

    async def run(self) -> None:
        """Verify until cancelled."""
        while True:
            batch = [await self._queue.get()]
            await asyncio.sleep(GATHER_SECONDS)
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            publics = [[int(h)] for h, _, _ in batch]
            proofs = [proof for _, proof, _ in batch]
            try:
                valid = await asyncio.to_thread(crypto.verify_batch, "transfer", publics, proofs)
            except crypto.CryptoError as error:
                for _, _, result in batch:
                    if not result.done():
                        result.set_exception(error)
                continue
            for (_, _, result), holds in zip(batch, valid, strict=True):
                if not result.done():
                    result.set_result(holds)

    def _remember(self, cache: OrderedDict[K, V], key: K, value: V) -> None:
        cache[key] = value
        while len(cache) > self._remembered:
            cache.popitem(last=False)
