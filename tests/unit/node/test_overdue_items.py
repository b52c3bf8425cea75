"""Processing overdue items without permission: by the verifiers that are open."""

from dataclasses import replace
from typing import Any, cast

import pytest
from eth_account import Account
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from tests.unit.node.conftest import World, deposit_row, record_of_result
from web3.types import TxParams

from sotto.l1.blobs import BlobReader
from sotto.l1.rollup import CommitInput, RollupContract
from sotto.node.follower import Followed
from sotto.protocol.epoch import replay
from sotto.protocol.words import DataMode, Layout, decode_words
from sotto.prover.overdue import OverdueItems

VERIFIERS = {lanes: to_checksum_address(lanes.to_bytes(20)) for lanes in (4, 16)}
BLOBS = Layout(16, DataMode.BLOB)
"""Is open all the time, and never taken."""
AGE = 100


class OpenRollup(RollupContract):
    """A rollup, some of whose verifiers are open, and the epochs that it gets."""

    def __init__(self, *sizes: int) -> None:
        self._sizes = sizes
        self.commits: list[CommitInput] = []

    async def open_verifiers(self) -> dict[Layout, ChecksumAddress]:
        """See RollupContract."""
        return {Layout(lanes): VERIFIERS[lanes] for lanes in self._sizes} | {
            BLOBS: to_checksum_address(bytes(20))
        }

    def commit_and_prove(self, commit: CommitInput, beneficiary: ChecksumAddress, proof: bytes) -> TxParams:
        """See RollupContract."""
        assert (commit.fee_recipient, proof) == (beneficiary, b"\x05" * 256)
        self.commits.append(commit)
        return {"data": b""}


class Stage:
    """Overdue deposits, a prover that makes each proof, and an L1 that takes each epoch."""

    def __init__(self, world: World, deposits: int, *sizes: int) -> None:
        self.core, self.rollup = world.core, OpenRollup(*sizes)
        self.circuits: list[str] = []
        self._applied = 0
        self.core.policy = replace(self.core.policy, overdue_age=AGE)
        for index in range(deposits):
            queued = world.scenario.deposit(world.scenario.users[0], 1_000 + index)
            self.core.store.save_deposit(deposit_row(queued, index, self.core.l1_block - AGE))
        followed = Followed(
            cast(Any, None),
            cast(Any, None),
            self.rollup,
            self.core,
            cast(Any, None),
            cast(Any, self),
            BlobReader([]),
        )
        self.items = OverdueItems(followed, self, Account.create(), lambda *_: None)
        self.items._sender = cast(Any, self)

    async def catch_up(self, *_: object) -> None:
        """See Following."""
        for commit in self.rollup.commits[self._applied :]:
            lanes = next(size for size, address in VERIFIERS.items() if address == commit.verifier)
            result = replay(self.core.ledger.tip, decode_words(commit.words, lanes))
            self.core.ledger.append(result)
            self.core.ledger.confirm(record_of_result(result, self.core.l1_block))
            self._applied += 1

    async def prove(self, circuit: str, _witness: bytes) -> bytes:
        """See Prover."""
        self.circuits.append(circuit)
        return b"\x05" * 256

    async def send(self, _transaction: TxParams) -> dict[str, bytes]:
        """See Sender."""
        return {"transactionHash": bytes(32)}

    async def process(self) -> list[tuple[int, int]]:
        """First and last + 1 of the items of each epoch."""
        done = []
        while (processed := await self.items.next()) is not None:
            done.append((processed.start, processed.end))
        return done


@pytest.mark.parametrize(
    ("sizes", "lanes"),
    [((4, 16), 4), ((16,), 16), ((4,), 4)],
)
async def test_a_closed_verifier_does_not_stop_few_items(
    world: World, sizes: tuple[int, ...], lanes: int
) -> None:
    stage = Stage(world, 2, *sizes)
    assert await stage.process() == [(0, 2)]
    assert stage.circuits == [f"rollup{lanes}"]
    assert [commit.verifier for commit in stage.rollup.commits] == [VERIFIERS[lanes]]


async def test_many_items_take_epochs_of_the_open_size(world: World) -> None:
    stage = Stage(world, 10, 4)
    assert await stage.process() == [(0, 4), (4, 8), (8, 10)]
    assert stage.circuits == ["rollup4"] * 3
    assert [len(commit.queue_tails) for commit in stage.rollup.commits] == [4, 4, 2]
