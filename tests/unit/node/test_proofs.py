"""Verification of client proofs: in batches, each result for its sender alone, in bounded memory."""

import asyncio
import threading
from collections.abc import Iterator, Sequence

import pytest
from tests.unit.node.conftest import BAD, GOOD

from sotto import crypto
from sotto.node.errors import NodeBusy, ProofInvalid
from sotto.node.metrics import Metrics
from sotto.node.proofs import BATCH, ProofVerifier
from sotto.protocol.field import Field


class Library:
    """Stands in for the native verifier: proofs that begin with 1 are valid."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.free = threading.Event()
        self.free.set()
        self.error: crypto.CryptoError | None = None

    def verify(self, circuit: str, publics: Sequence[Sequence[int]], proofs: Sequence[bytes]) -> list[bool]:
        """See crypto.verify_batch."""
        self.batches.append(len(proofs))
        self.free.wait(20)
        if self.error is not None:
            raise self.error
        return [proof[:1] == b"\x01" for proof in proofs]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """See Library."""
    made = Library()
    monkeypatch.setattr(crypto, "verify_batch", made.verify)
    yield made
    made.free.set()


async def settle(verifier: ProofVerifier, checks: Sequence[tuple[int, bytes]]) -> list[object]:
    """Results or errors of checks that come at once."""
    task = asyncio.create_task(verifier.run())
    try:
        return await asyncio.gather(
            *(verifier.check(Field(h), proof) for h, proof in checks), return_exceptions=True
        )
    finally:
        task.cancel()


async def test_what_comes_together_is_verified_together(library: Library) -> None:
    verifier = ProofVerifier(Metrics())
    results = await settle(verifier, [(h, GOOD) for h in range(150)])
    assert results == [GOOD] * 150
    assert library.batches == [BATCH, BATCH, 150 - 2 * BATCH]


async def test_a_bad_proof_costs_only_its_sender(library: Library) -> None:
    verifier = ProofVerifier(Metrics())
    results = await settle(verifier, [(h, BAD if h == 7 else GOOD) for h in range(20)])
    assert [h for h, result in enumerate(results) if isinstance(result, ProofInvalid)] == [7]
    assert library.batches == [20]


async def test_results_are_remembered(library: Library) -> None:
    verifier = ProofVerifier(Metrics())
    await settle(verifier, [(1, GOOD), (2, BAD)])
    other = b"\x01\xff" + GOOD[2:]
    # An accepted h needs no proof any more; a refused one only with the same proof.
    results = await settle(verifier, [(1, other), (1, BAD), (2, BAD), (2, other)])
    assert results[:2] == [GOOD, GOOD]
    assert isinstance(results[2], ProofInvalid)
    assert results[3] == other
    assert library.batches == [2, 1]


async def test_the_same_question_at_once_is_verified_once(library: Library) -> None:
    verifier = ProofVerifier(Metrics())
    assert await settle(verifier, [(1, GOOD)] * 30) == [GOOD] * 30
    assert library.batches == [1]


async def test_who_hangs_up_takes_nothing_from_the_others(library: Library) -> None:
    library.free.clear()
    verifier = ProofVerifier(Metrics())
    running = asyncio.create_task(verifier.run())
    first, second = (asyncio.create_task(verifier.check(Field(1), GOOD)) for _ in range(2))
    await asyncio.sleep(0.05)
    first.cancel()
    library.free.set()
    assert await second == GOOD
    running.cancel()


async def test_the_queue_is_bounded(library: Library) -> None:
    library.free.clear()
    verifier = ProofVerifier(Metrics(), waiting=5)
    checks = [asyncio.create_task(verifier.check(Field(h), GOOD)) for h in range(6)]
    await asyncio.sleep(0)
    with pytest.raises(NodeBusy):
        await checks[5]
    library.free.set()
    running = asyncio.create_task(verifier.run())
    assert await asyncio.gather(*checks[:5]) == [GOOD] * 5
    running.cancel()


async def test_caches_are_bounded(library: Library) -> None:
    verifier = ProofVerifier(Metrics(), remembered=10)
    await settle(verifier, [(h, BAD if h % 2 else GOOD) for h in range(100)])
    assert (len(verifier._accepted), len(verifier._refused), len(verifier._pending)) == (10, 10, 0)


async def test_a_failure_of_the_library_is_told_and_not_remembered(library: Library) -> None:
    verifier = ProofVerifier(Metrics())
    library.error = crypto.InternalError("no keys")
    [failed] = await settle(verifier, [(1, GOOD)])
    assert isinstance(failed, crypto.InternalError)
    library.error = None
    assert await settle(verifier, [(1, GOOD)]) == [GOOD]
