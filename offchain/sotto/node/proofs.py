"""Verifies client proofs in batches, off the event loop, and remembers results."""

import asyncio
from collections import OrderedDict
from hashlib import sha256
from time import monotonic
from typing import TypeVar

import structlog

from sotto import crypto
from sotto.node.errors import NodeBusy, ProofInvalid
from sotto.node.metrics import Metrics
from sotto.protocol.field import Field

log = structlog.get_logger(category="proof")

K = TypeVar("K")
V = TypeVar("V")

BATCH = 64
GATHER_SECONDS = 0.003
"""Requests that come within this time share one product of pairings."""


class ProofVerifier:
    """Checks proofs of the transfer circuit.

    An accepted h is remembered with the proof that was valid for it, a refused proof only together with its
    h: else anyone could have an honest transaction refused by sending its h with a wrong proof first.

    Args:
        metrics: told the size of each batch.
        remembered: results kept of either kind.
        waiting: proofs that may wait to be verified.
    """

    def __init__(self, metrics: Metrics, remembered: int = 10_000, waiting: int = 1_000) -> None:
        self._metrics = metrics
        self._remembered = remembered
        self._accepted: OrderedDict[Field, bytes] = OrderedDict()
        self._refused: OrderedDict[bytes, None] = OrderedDict()
        self._pending: dict[bytes, asyncio.Future[bool]] = {}
        self._queue: asyncio.Queue[tuple[Field, bytes, asyncio.Future[bool]]] = asyncio.Queue(waiting)

    async def check(self, h: Field, proof: bytes) -> bytes:
        """A proof that is valid for h: the given one, or one accepted before.

        Raises ProofInvalid, NodeBusy.
        """
        known = self._accepted.get(h)
        if known is not None:
            return known
        pair = sha256(h.to_bytes(32) + proof).digest()
        if pair in self._refused or not await self._verdict(pair, h, proof):
            raise ProofInvalid(f"{h:#066x}")
        return proof

    async def _verdict(self, pair: bytes, h: Field, proof: bytes) -> bool:
        """The result for a pair; whoever asks while it is being verified gets the same one."""
        verdict = self._pending.get(pair)
        if verdict is None:
            verdict = asyncio.get_running_loop().create_future()
            try:
                self._queue.put_nowait((h, proof, verdict))
            except asyncio.QueueFull:
                raise NodeBusy(f"{self._queue.maxsize} proofs wait to be verified") from None
            self._pending[pair] = verdict
        # One who hangs up must not take the verdict from the others.
        return await asyncio.shield(verdict)

    async def run(self) -> None:
        """Verify until cancelled."""
        while True:
            batch = [await self._queue.get()]
            if self._queue.qsize() < BATCH - 1:
                await asyncio.sleep(GATHER_SECONDS)
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            publics = [[int(h)] for h, _, _ in batch]
            proofs = [proof for _, proof, _ in batch]
            begun = monotonic()
            try:
                # A false proof is found by halving the batch, so the others in it are not refused.
                valid = await asyncio.to_thread(crypto.verify_batch, "transfer", publics, proofs)
            except crypto.CryptoError as error:
                for h, proof, verdict in batch:
                    self._forget(h, proof)
                    verdict.set_exception(error)
                    # Nobody may be waiting any more.
                    verdict.exception()
                continue
            self._metrics.proof_batch.observe(len(batch))
            log.debug(
                "proofs verified",
                count=len(batch),
                refused=valid.count(False),
                seconds=round(monotonic() - begun, 4),
            )
            for (h, proof, verdict), holds in zip(batch, valid, strict=True):
                pair = self._forget(h, proof)
                if holds:
                    self._remember(self._accepted, h, proof)
                else:
                    self._remember(self._refused, pair, None)
                verdict.set_result(holds)

    def _forget(self, h: Field, proof: bytes) -> bytes:
        pair = sha256(h.to_bytes(32) + proof).digest()
        self._pending.pop(pair, None)
        return pair

    def _remember(self, cache: OrderedDict[K, V], key: K, value: V) -> None:
        cache[key] = value
        while len(cache) > self._remembered:
            cache.popitem(last=False)
