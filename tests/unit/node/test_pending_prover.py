"""The prover without permission: what it proves, when it is overtaken, and what nobody can prove."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from eth_account import Account
from eth_typing import ChecksumAddress
from tests.support.scenario import ClosedEpoch
from tests.unit.node.conftest import World, commit_row, record_of
from tests.unit.node.test_chain import VERIFIER, Calldata
from web3.types import TxParams

from sotto.l1.blobs import BlobReader, RpcBlobs
from sotto.l1.errors import BlobsMissing, ContractRejected, L1Unavailable
from sotto.node.follower import Followed
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.words import DataMode, Layout
from sotto.prover.pending import PendingProver

BENEFICIARY = b"\x22" * 20
PROOF = b"\x05" * 256


class Proofs(Calldata):
    """A rollup whose `prove` says what it would do."""

    def prove(
        self,
        record: EpochRecord,
        fee_assets: Sequence[int],
        fee_totals: Sequence[int],
        beneficiary: ChecksumAddress,
        proof: bytes,
        queue_fees: int = 0,
    ) -> TxParams:
        """See RollupContract."""
        assert bytes.fromhex(beneficiary[2:]) == BENEFICIARY
        return {"data": record.hash() + proof}


class Following:
    """L1, on which something may happen at each look."""

    def __init__(self) -> None:
        self.happens: Callable[[], Awaitable[None]] | None = None

    async def catch_up(self, *_: object) -> None:
        """See Following."""
        if self.happens is not None:
            await self.happens()


class Maker:
    """A prover that makes each proof when it may."""

    def __init__(self, circuit: str) -> None:
        self.circuit = circuit
        self.witnesses: list[dict[str, Any]] = []
        self.may = asyncio.Event()
        self.may.set()

    async def prove(self, circuit: str, witness: bytes) -> bytes:
        """See Prover."""
        assert circuit == self.circuit
        self.witnesses.append(json.loads(witness))
        await self.may.wait()
        return PROOF


class Stage:
    """A pending epoch of somebody else, and a prover that looks at it."""

    def __init__(self, world: World, mode: DataMode = DataMode.CALLDATA) -> None:
        self.world, self.core = world, world.core
        world.fund(1)
        layout = Layout(4) if mode == DataMode.CALLDATA else Layout(16, mode)
        closed = world.scenario.close([world.pay()], layout.lanes)
        self.epoch: ClosedEpoch = replace(closed, result=replace(closed.result, data_mode=mode))
        self.blobs: list[bytes] = []
        self.record = replace(record_of(self.epoch, 2001), verifier=bytes.fromhex(VERIFIER[2:]))
        self.rollup, self.following, self.maker = Proofs(), Following(), Maker(layout.circuit)
        row = commit_row(self.record)
        self.rollup.layout, self.rollup.words[row.l1_tx] = layout, self.epoch.result.encoded_words()
        if self.epoch.result.blob is not None:
            self.rollup.words[row.l1_tx] = self.epoch.result.words.encode_l1()
            self.rollup.blob = self.epoch.result.blob.versioned_hash
        self.core.store.save_commit(row, ours=False)
        self.core.policy = replace(self.core.policy, domain=world.scenario.domain)
        web3 = cast(Any, SimpleNamespace(manager=self))
        followed = Followed(
            web3,
            cast(Any, None),
            self.rollup,
            self.core,
            cast(Any, None),
            cast(Any, self.following),
            BlobReader([RpcBlobs(web3)]),
        )
        self.prover = PendingProver(followed, self.maker, Account.create(), BENEFICIARY, 0.01)
        self.sent: list[bytes] = []
        self.refusals: list[Exception] = []
        self.prover._sender = cast(Any, self)

    async def coro_request(self, _method: str, _parameters: list[str]) -> str | None:
        """The L1 client, if it has a blob."""
        return "0x" + self.blobs[0].hex() if self.blobs else None

    async def send(self, transaction: TxParams) -> dict[str, bytes]:
        """See Sender."""
        if self.refusals:
            raise self.refusals.pop()
        self.sent.append(bytes(cast(bytes, transaction["data"])))
        return {"transactionHash": b"\x09" * 32}

    async def close(self) -> None:
        """Somebody else has proven the epoch, or pruned it."""
        self.core.store.prune_commits(2, 2002)


@pytest.fixture
def stage(world: World) -> Stage:
    """See Stage."""
    return Stage(world)


async def test_proves_from_calldata_for_its_own_beneficiary(stage: Stage) -> None:
    proven = await stage.prover.next()
    assert proven is not None
    assert (proven.epoch, proven.transaction) == (2, b"\x09" * 32)
    assert stage.sent == [stage.record.hash() + PROOF]
    assert stage.maker.witnesses == [stage.epoch.result.witness(BENEFICIARY)]


async def test_proves_from_a_blob_once_it_is_there(world: World) -> None:
    stage = Stage(world, DataMode.BLOB)
    assert stage.epoch.result.blob is not None
    with pytest.raises(BlobsMissing):
        await stage.prover.next()
    stage.blobs.append(stage.epoch.result.blob.data)
    assert await stage.prover.next() is not None
    assert stage.maker.witnesses == [stage.epoch.result.witness(BENEFICIARY)]


async def test_gives_up_a_proof_when_somebody_else_is_faster(stage: Stage) -> None:
    stage.maker.may.clear()

    async def happens() -> None:
        if stage.maker.witnesses:
            await stage.close()

    stage.following.happens = happens
    assert await stage.prover.next() is None
    assert await stage.prover.next() is None
    assert (stage.sent, len(stage.maker.witnesses)) == ([], 1)


async def test_is_overtaken_at_the_last_moment_and_keeps_its_proof_through_an_outage(stage: Stage) -> None:
    stage.refusals = [ContractRejected("NotNextToProve"), L1Unavailable("down")]
    with pytest.raises(L1Unavailable):
        await stage.prover.next()
    assert await stage.prover.next() is None
    # L1 was reorganised: it is pending again, and the same proof serves.
    assert await stage.prover.next() is not None
    assert len(stage.maker.witnesses) == 1


async def test_words_that_do_not_follow_are_left_to_be_pruned(stage: Stage) -> None:
    [row] = stage.core.store.pending_commits()
    stage.rollup.words[row.l1_tx] = bytes(len(stage.epoch.result.encoded_words()))
    assert await stage.prover.next() is None
    assert await stage.prover.next() is None
    assert (stage.sent, stage.maker.witnesses) == ([], [])
