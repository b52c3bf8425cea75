"""A node's inner parts without L1, HTTP and prover, around the seeded scenario of the protocol's tests."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from tests.support.postgres import PostgresServer
from tests.support.scenario import ClosedEpoch, Queued, Scenario, Signed

from sotto import crypto
from sotto.l1.watcher import BlockHead
from sotto.node.admission import Policy
from sotto.node.core import Core
from sotto.node.errors import ProofInvalid
from sotto.node.ledger import Ledger
from sotto.node.mempool import Mempool
from sotto.node.metrics import Metrics
from sotto.node.pool import PoolTransaction
from sotto.node.proofs import ProofVerifier
from sotto.node.store import Store
from sotto.node.tables import CommitRow, DepositRow
from sotto.protocol.epoch import EpochResult
from sotto.protocol.field import Field
from sotto.protocol.l1 import EpochRecord, genesis_record
from sotto.protocol.transaction import ProvenTransaction
from sotto.protocol.words import Layout

IDENTITY = {"chain_id": "31337", "rollup": "0x" + "11" * 20}
GOOD, BAD = b"\x01" * 256, b"\x02" * 256
FAR = 10**9


class KnownProofs(ProofVerifier):
    """Takes proofs that begin with 1 for valid, and counts the checks that reach the prover."""

    def __init__(self) -> None:
        super().__init__(Metrics())
        self.checked = 0

    async def check(self, h: Field, proof: bytes) -> bytes:
        """See ProofVerifier."""
        if h in self._accepted:
            return self._accepted[h]
        self.checked += 1
        if proof[:1] != b"\x01":
            raise ProofInvalid(f"{h:#066x}")
        self._remember(self._accepted, h, proof)
        return proof


class ServedMempool(Mempool):
    """Admits by itself: its loop runs while anybody waits for it."""

    _waiting = 0
    _loop: "asyncio.Task[None] | None" = None

    async def admit(self, *arguments: Any) -> list[Field]:
        """See Mempool."""
        self._waiting += 1
        if self._loop is None:
            self._loop = asyncio.create_task(self.run())
        try:
            return await super().admit(*arguments)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._loop.cancel()
                self._loop = None


def record_of(epoch: ClosedEpoch, commit_block: int) -> EpochRecord:
    """The record that L1 would hold of an epoch of the scenario."""
    return record_of_result(epoch.result, commit_block)


def record_of_result(result: EpochResult, commit_block: int) -> EpochRecord:
    """The record that L1 would hold of an epoch."""
    words = result.words
    return replace(
        genesis_record(commit_block),
        id=words.header.epoch_id,
        timestamp_block=words.header.now,
        queue_end=words.header.queue_end,
        c=result.c,
        z=result.z,
        y=result.y,
        new_state=words.header.new_state,
        own_anchor=words.header.own_anchor,
    )


def commit_row(record: EpochRecord, l1_tx: bytes | None = None) -> CommitRow:
    """The row of a commit."""
    return CommitRow(
        record_hash=record.hash(),
        epoch=record.id,
        record=record.encode(),
        commit_block=record.commit_block,
        l1_tx=bytes([record.id]) * 32 if l1_tx is None else l1_tx,
    )


def deposit_row(queued: Queued, index: int, block: int = 1) -> DepositRow:
    """The row of a queue item."""
    return DepositRow(
        index=index,
        depositor=bytes(20),
        asset=queued.deposit.asset,
        value=queued.deposit.value,
        partial=queued.deposit.partial,
        ciphertext=queued.ciphertext,
        l1_block=block,
        l1_tx=bytes(32),
    )


def member(signed: Signed) -> PoolTransaction:
    """A signed transaction as the pool has it."""
    return PoolTransaction(signed.transaction.h, signed.transaction, GOOD, signed.plan.operation)


def proven(signed: Signed, proof: bytes = GOOD) -> ProvenTransaction:
    """A signed transaction as the API gets it."""
    return ProvenTransaction(signed.transaction, proof)


@dataclass
class World:
    """A scenario, and a core that has followed it to the last epoch."""

    scenario: Scenario
    core: Core
    mempool: Mempool
    proofs: KnownProofs

    def fund(self, count: int, users: int = 1) -> None:
        """An epoch of deposits, `count` for each of the first users."""
        queued: list[Queued] = [
            self.scenario.deposit(user, 1_000_000)
            for user in self.scenario.users[:users]
            for _ in range(count)
        ]
        self.close(queued, 16 if len(queued) > 4 else 4)

    def close(self, entries: list[Queued] | list[Signed], lanes: int) -> None:
        """Close an epoch in the scenario and confirm it in the core."""
        epoch = self.scenario.close(entries, lanes)
        self.core.ledger.append(epoch.result)
        self.core.ledger.confirm(record_of(epoch, self.core.l1_block))

    def pay(
        self, user: int = 0, inputs: int = 1, fee: int = 10, expiry: int = FAR, epoch: int | None = None
    ) -> Signed:
        """A payment of notes that nothing spends yet."""
        payer = self.scenario.users[user]
        owned = self.scenario.spendable(payer)[:inputs]
        taken = [self.scenario.take(note, epoch) for note in owned]
        return self.scenario.pay(
            payer, taken, self.scenario.users[-1], 1000, fee=fee, expiry=expiry, epoch=epoch
        )

    def empty(self) -> Signed:
        """A transaction of dummies, which pays nothing."""
        user = self.scenario.users[0]
        return self.scenario.pay(user, [], user, 0, expiry=FAR)


LAYOUTS = (Layout(4), Layout(16))


def make_policy(scenario: Scenario, fees: dict[int, int] | None = None) -> Policy:
    """A policy with small margins."""
    return Policy(
        domain=scenario.domain,
        fees={1: 10} if fees is None else fees,
        assets={1, 2},
        expiry_margin=5,
        anchor_life=300,
        anchor_margin=20,
        overdue_age=7_000,
        max_lanes=16,
    )


@pytest.fixture(scope="session", autouse=True)
def _native_hash() -> None:
    crypto.install_hash_backend()


@pytest.fixture(scope="session", autouse=True)
def _plain_tracebacks() -> None:
    # As the node has them; structlog's own show all local variables, which takes seconds each.
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False),
        ]
    )


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database: of SQLite, or of PostgreSQL in modules that say BOTH_DATABASES."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'node.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module that says BOTH_DATABASES on each."""
    if "database" in metafunc.fixturenames and getattr(metafunc.module, "BOTH_DATABASES", False):
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An empty store."""
    opened = Store(database, IDENTITY)
    yield opened
    opened.close()


@pytest.fixture
def world(store: Store) -> World:
    """A core at genesis, in L1 block 2000."""
    scenario, ledger = Scenario(), Ledger()
    ledger.confirm(genesis_record(1))
    core = Core(store, make_policy(scenario), LAYOUTS, ledger, {}, l1_block=2000)
    store.save_cursor(BlockHead(2000, bytes(32)))
    proofs = KnownProofs()
    return World(scenario, core, ServedMempool(core, proofs, Metrics(), size=20), proofs)
