"""Processing overdue items without permission: by the verifiers that are open, while others fall due."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from eth_account import Account
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from tests.unit.node.conftest import World, deposit_row, record_of_result
from web3.types import TxParams

from sotto.l1.blobs import BlobReader
from sotto.l1.errors import ContractRejected
from sotto.l1.rollup import CommitInput, RollupContract
from sotto.node.follower import Followed
from sotto.protocol.epoch import replay
from sotto.protocol.words import DataMode, Layout, decode_words
from sotto.prover.overdue import OverdueItems

VERIFIERS = {lanes: to_checksum_address(lanes.to_bytes(20)) for lanes in (4, 16)}
BLOBS = Layout(16, DataMode.BLOB)
"""Is open all the time, and never taken."""
AGE, WINDOW = 100, 64


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
    """Deposits, a prover that makes each proof, and an L1 that judges each epoch as the contract does.

    Args:
        ages: of the deposits, in L1 blocks.
        proving: L1 blocks from the last look at L1 to the block that an epoch comes into.
    """

    def __init__(self, world: World, ages: Sequence[int], *sizes: int, proving: int = 0) -> None:
        self.core, self.rollup = world.core, OpenRollup(*sizes)
        self.circuits: list[str] = []
        self._applied, self._proving = 0, proving
        self.core.policy = replace(self.core.policy, overdue_age=AGE, clock_window=WINDOW)
        self._queued_at = [self.core.l1_block - age for age in ages]
        for index, block in enumerate(self._queued_at):
            queued = world.scenario.deposit(world.scenario.users[0], 1_000 + index)
            self.core.store.save_deposit(deposit_row(queued, index, block))
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
            result = replay(self.core.ledger.tip, decode_words(commit.words, lanes_of(commit)))
            self.core.l1_block += self._proving
            self.core.ledger.append(result)
            self.core.ledger.confirm(record_of_result(result, self.core.l1_block))
            self._applied += 1

    async def prove(self, circuit: str, _witness: bytes) -> bytes:
        """See Prover."""
        self.circuits.append(circuit)
        return b"\x05" * 256

    async def send(self, _transaction: TxParams) -> dict[str, bytes]:
        """See Sender."""
        commit, block = self.rollup.commits[-1], self.core.l1_block + self._proving
        lanes = lanes_of(commit)
        header = decode_words(commit.words, lanes).header
        assert header.now + WINDOW >= block
        due = [queued_at + AGE <= block for queued_at in self._queued_at]
        assert due[header.queue_start], "no policy is asked when the first item is overdue"
        if header.queue_end - header.queue_start < lanes // 2 and any(due[header.queue_end :]):
            raise ContractRejected("OverdueItemsLeft")
        return {"transactionHash": bytes(32)}

    async def process(self) -> list[tuple[int, int]]:
        """First and last + 1 of the items of each epoch."""
        done = []
        while (processed := await self.items.next()) is not None:
            done.append((processed.start, processed.end))
        return done


def lanes_of(commit: CommitInput) -> int:
    """The size of an epoch."""
    return next(size for size, address in VERIFIERS.items() if address == commit.verifier)


@pytest.mark.parametrize(
    ("sizes", "lanes"),
    [((4, 16), 4), ((16,), 16), ((4,), 4)],
)
async def test_a_closed_verifier_does_not_stop_few_items(
    world: World, sizes: tuple[int, ...], lanes: int
) -> None:
    stage = Stage(world, [AGE] * 2, *sizes)
    assert await stage.process() == [(0, 2)]
    assert stage.circuits == [f"rollup{lanes}"]
    assert [commit.verifier for commit in stage.rollup.commits] == [VERIFIERS[lanes]]


async def test_many_items_take_epochs_of_the_open_size(world: World) -> None:
    stage = Stage(world, [AGE] * 10, 4)
    assert await stage.process() == [(0, 4), (4, 8), (8, 10)]
    assert stage.circuits == ["rollup4"] * 3
    assert [len(commit.queue_tails) for commit in stage.rollup.commits] == [4, 4, 2]


@pytest.mark.parametrize("proving", [0, 1, WINDOW])
async def test_what_may_fall_due_before_the_epoch_comes_goes_with_it(world: World, proving: int) -> None:
    stage = Stage(world, [AGE, AGE - 1, AGE - WINDOW, AGE - WINDOW - 1], 16, proving=proving)
    assert await stage.process() == [(0, 3)]


async def test_items_queued_right_behind_another_do_not_keep_it_waiting(world: World) -> None:
    stage = Stage(world, [AGE, *[AGE - 1] * 20], 4, 16, proving=WINDOW)
    assert await stage.process() == [(0, 4), (4, 20), (20, 21)]
    # They make the proof of the first one no larger, either.
    assert stage.circuits == ["rollup4", "rollup16", "rollup4"]


async def test_nothing_is_done_before_the_first_item_is_overdue(world: World) -> None:
    assert await Stage(world, [AGE - 1, AGE - 1], 4).process() == []
