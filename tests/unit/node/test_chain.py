"""What L1 reports: epochs of other proposers, reorganisations, events that come twice."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from tests.support.scenario import ClosedEpoch, Queued, Signed
from tests.unit.node.conftest import FAR, GOOD, IDENTITY, World, deposit_row, proven, record_of

from sotto.l1.blobs import BlobReader, BlobReference
from sotto.l1.deployment import Deployment
from sotto.l1.errors import BlobsMissing
from sotto.l1.events import Event, Position, ReceivedCommit, ReceivedDeposit, ReceivedProof, ReceivedPruning
from sotto.l1.rollup import PublishedEpoch, RollupContract
from sotto.l1.watcher import BlockAdded, BlockHead, RolledBack
from sotto.node.chain import Chain
from sotto.node.config import NodeConfig
from sotto.node.core import Core, epoch_row, lane_rows
from sotto.node.errors import StateDiverged
from sotto.node.events import Feed
from sotto.node.ledger import KEPT_STATES, Ledger
from sotto.node.metrics import Metrics
from sotto.node.queries import Queries
from sotto.node.rebuild import rebuild
from sotto.node.sequencer import Sequencer
from sotto.node.snapshots import Snapshots
from sotto.node.tables import EpochStatus
from sotto.protocol.l1 import genesis_record
from sotto.protocol.words import DataMode, Layout

BOTH_DATABASES = True
VERIFIER = to_checksum_address("0x" + "44" * 20)
DEPLOYMENT = Deployment.model_validate({"chain_id": 31337, "contracts": {}, "assets": []})


class Calldata(RollupContract):
    """Answers what the chain in the test holds."""

    def __init__(self) -> None:
        self.words: dict[bytes, bytes] = {}
        self.blob, self.layout = b"", Layout(4)

    async def published(self, transaction_hash: bytes) -> PublishedEpoch | None:
        """See RollupContract."""
        return PublishedEpoch(VERIFIER, self.words[transaction_hash], (), self.blob)

    async def verifiers(self) -> dict[str, Layout]:  # type: ignore[override]
        """See RollupContract."""
        return {VERIFIER: self.layout}


class Follower:
    """A core that is told what L1 does, block by block."""

    def __init__(self, world: World) -> None:
        self.world, self.core = world, world.core
        self.calldata = Calldata()
        self.chain = Chain(self.core, self.calldata)

    async def block(self, number: int, *events: Event) -> None:
        """A block with events."""
        await self.chain.apply(BlockAdded(BlockHead(number, number.to_bytes(32)), events))

    async def queue(self, number: int, queued: list[Queued], first: int) -> None:
        """A block with deposits."""
        events = [
            ReceivedDeposit(
                position(number), index, bytes(20), entry.deposit.asset, entry.deposit.value,
                entry.deposit.partial, entry.ciphertext,
            )
            for index, entry in enumerate(queued, first)
        ]  # fmt: skip
        await self.block(number, *events)

    def commit(self, epoch: ClosedEpoch, number: int, words: bytes | None = None) -> ReceivedCommit:
        """The commit of an epoch by somebody else."""
        record = record_of(epoch, number)
        self.calldata.words[bytes([number % 256]) * 32] = words or epoch.result.encoded_words()
        return ReceivedCommit(position(number), record.id, record.hash(), record)

    async def own(self, epoch: ClosedEpoch) -> None:
        """Build an epoch here, in flight."""
        self.core.store.assign(epoch_row(epoch.result), lane_rows(epoch.result))
        self.core.ledger.append(epoch.result)
        self.core.results[epoch.result.words.header.epoch_id] = epoch.result
        taken = {row.id for row in lane_rows(epoch.result)}
        self.core.pool.remove([b for b in self.core.pool if b.members[0].h.to_bytes(32) in taken])


def position(number: int) -> Position:
    """Of an event in a block, in the transaction of that block."""
    return Position(number, number.to_bytes(32), bytes([number % 256]) * 32, 0)


def proof_of(commit: ReceivedCommit, number: int) -> ReceivedProof:
    """The proof of a commit."""
    return ReceivedProof(position(number), commit.id, commit.record_hash, bytes(20))


async def start(world: World) -> Follower:
    """Genesis as of L1, and an epoch of two deposits."""
    world.core.ledger = Ledger()
    follower = Follower(world)
    record = genesis_record(1)
    await follower.block(1, ReceivedCommit(position(1), 0, record.hash(), record))
    queued = [world.scenario.deposit(world.scenario.users[0], 1_000_000) for _ in range(3)]
    await follower.queue(2, queued, 0)
    commit = follower.commit(world.scenario.close(queued, 4), 3)
    await follower.block(3, commit, proof_of(commit, 3))
    return follower


def status_of(world: World, signed: Signed) -> str:
    """Status of a transaction."""
    row = world.core.store.transaction(signed.transaction.h.to_bytes(32))
    assert row is not None
    return row.status


async def test_adopts_a_proven_epoch_of_another_proposer(world: World) -> None:
    follower = await start(world)
    core = world.core
    assert (core.ledger.confirmed_id, core.in_flight) == (1, 0)
    assert core.ledger.tip.hash() == world.scenario.state.hash()
    assert not await core.is_blocked()
    [row] = core.store.epochs(1)
    assert (row.foreign, row.status, row.proof_block) == (True, EpochStatus.CONFIRMED, 3)
    ledger, results = rebuild(core.store)
    assert (ledger.confirmed_id, results) == (1, {})
    # The same events again change nothing.
    commit = ReceivedCommit(position(3), 1, ledger.records[1].hash(), ledger.records[1])
    await follower.block(3, commit, proof_of(commit, 3))
    assert not await core.is_blocked()


class OneBlob:
    """A source that has data words, once it is told them. Nobody may have to wait for it."""

    name = "archive"

    def __init__(self, core: Core) -> None:
        self.words: list[bytes] = []
        self._core = core

    async def find(self, wanted: BlobReference) -> Sequence[bytes]:
        """See BlobSource."""
        assert not self._core.lock.locked()
        return self.words


async def test_adopts_an_epoch_with_its_words_in_a_blob_once_a_source_has_it(world: World) -> None:
    world.core.ledger = Ledger()
    follower, source = Follower(world), OneBlob(world.core)
    follower.chain = Chain(world.core, follower.calldata, blobs=BlobReader([source]))
    record = genesis_record(1)
    await follower.block(1, ReceivedCommit(position(1), 0, record.hash(), record))
    queued = [world.scenario.deposit(world.scenario.users[0], 1_000_000)]
    await follower.queue(2, queued, 0)
    closed = world.scenario.close(queued, 16)
    closed = replace(closed, result=replace(closed.result, data_mode=DataMode.BLOB))
    assert closed.result.blob is not None
    follower.calldata.blob = closed.result.blob.versioned_hash
    follower.calldata.layout = closed.result.layout
    commit = follower.commit(closed, 3, closed.result.words.encode_l1())
    events = commit, proof_of(commit, 3)
    source.words = [bytes(12)]
    with pytest.raises(BlobsMissing):
        await follower.block(3, *events)
    assert world.core.ledger.confirmed_id == 0
    # Nothing can be built beside it.
    assert await world.core.is_blocked()
    source.words.append(closed.result.words.encode_data())
    await follower.block(3, *events)
    assert world.core.ledger.tip.hash() == world.scenario.state.hash()
    [row] = world.core.store.epochs(1)
    assert row.words == closed.result.encoded_words()
    assert rebuild(world.core.store)[0].confirmed_id == 1


async def test_a_kill_between_genesis_and_its_cursor_does_no_harm(world: World) -> None:
    world.core.ledger = Ledger()
    record = genesis_record(1)
    commit = ReceivedCommit(position(1), 0, record.hash(), record)
    await Follower(world).chain._handle(commit, {})
    ledger, results = rebuild(world.core.store)
    assert (ledger.confirmed_id, list(ledger.records), results) == (0, [0], {})
    world.core.ledger = Ledger()
    await Follower(world).block(1, commit)
    assert world.core.ledger.records == {0: record}


async def test_a_commit_without_proof_blocks_until_it_is_pruned(world: World) -> None:
    follower = await start(world)
    core, signed = world.core, world.pay(epoch=1)
    await world.mempool.admit([proven(signed)], [])
    epoch = world.scenario.close([signed], 4)
    await follower.own(epoch)
    assert status_of(world, signed) == "soft-final"
    words = b"\xff" * len(epoch.result.encoded_words())
    honest = follower.commit(epoch, 4, words)
    record = replace(honest.record, z=1)
    await follower.block(4, replace(honest, record=record, record_hash=record.hash()))
    assert await core.is_blocked()
    assert (core.in_flight, len(core.pool), status_of(world, signed)) == (0, 1, "received")
    queries = Queries(core, world.mempool, DEPLOYMENT, Metrics(), Feed(core.store))
    assert await queries._head() == 2
    # A restart knows it too.
    ledger, results = rebuild(core.store)
    assert (ledger.tip_id, results) == (1, {})
    assert await Core(core.store, core.policy, core.layouts, ledger, results).is_blocked()
    await follower.block(9, ReceivedPruning(position(9), 2, 2))
    assert not await core.is_blocked()
    assert await queries._head() == 1
    # L1 loses the pruning, and with it the way on.
    await follower.chain.apply(RolledBack(8))
    assert await core.is_blocked()
    await follower.chain.apply(RolledBack(3))
    assert not await core.is_blocked()


async def test_the_state_is_copied_from_time_to_time(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sotto.node.chain.INTERVAL", 2)
    follower, snapshots = await start(world), Snapshots(tmp_path / "snapshots", IDENTITY)
    follower.chain = Chain(world.core, follower.calldata, snapshots)
    commit = follower.commit(world.scenario.close([world.pay(epoch=1)], 4), 4)
    await follower.block(4, commit, proof_of(commit, 4))
    assert follower.chain._saving is not None
    await follower.chain._saving
    [snapshot] = snapshots.load()
    assert (snapshot.epoch, snapshot.leaves.state().hash()) == (2, world.scenario.state.hash())


async def test_proven_words_that_do_not_follow_stop_the_node(world: World) -> None:
    follower = await start(world)
    epoch = world.scenario.close([world.pay(epoch=1)], 4)
    commit = follower.commit(epoch, 4, bytes(len(epoch.result.encoded_words())))
    with pytest.raises(StateDiverged):
        await follower.block(4, commit, proof_of(commit, 4))


async def test_a_reorganisation_of_a_commit_without_proof_is_survived(world: World) -> None:
    follower = await start(world)
    epoch = world.scenario.close([world.pay(epoch=1)], 4)
    await follower.block(4, follower.commit(epoch, 4))
    await follower.chain.apply(RolledBack(3))
    core = world.core
    assert not await core.is_blocked()
    assert (core.in_flight, core.ledger.tip_id) == (0, 1)
    commit = follower.commit(epoch, 5)
    await follower.block(5, commit, proof_of(commit, 5))
    assert core.ledger.confirmed_id == 2


async def test_a_reorganisation_of_a_proof_leaves_the_commit_pending(world: World) -> None:
    follower = await start(world)
    core, epoch = world.core, world.scenario.close([world.pay(epoch=1)], 4)
    commit = follower.commit(epoch, 4)
    await follower.block(4, commit)
    await follower.block(6, proof_of(commit, 6))
    assert core.ledger.confirmed_id == 2
    await follower.chain.apply(RolledBack(5))
    assert (core.ledger.confirmed_id, core.ledger.tip_id, core.in_flight) == (1, 1, 0)
    assert await core.is_blocked()
    await follower.block(7, proof_of(commit, 7))
    assert core.ledger.confirmed_id == 2
    assert not await core.is_blocked()


@pytest.mark.parametrize("ours", [False, True])
async def test_a_start_recovers_what_is_too_deep_for_a_running_node(world: World, ours: bool) -> None:
    follower = await start(world)
    core, before = world.core, world.scenario.state.hash()
    for number in range(4, 5 + KEPT_STATES):
        epoch = world.scenario.close([world.empty()], 4)
        if ours:
            await follower.own(epoch)
        commit = follower.commit(epoch, number)
        await follower.block(number, commit, proof_of(commit, number))
    with pytest.raises(StateDiverged, match="start the node again"):
        await follower.chain.apply(RolledBack(3))
    core.ledger, core.results = rebuild(core.store)
    assert core.ledger.confirmed_id == 1
    if ours:
        # It has their client proofs, and commits them again.
        assert core.in_flight == 1 + KEPT_STATES
    else:
        assert (core.in_flight, core.ledger.tip.hash()) == (0, before)
    await follower.chain.apply(RolledBack(3))
    assert not await core.is_blocked()


@pytest.mark.parametrize("killed", [False, True])
async def test_what_is_pending_again_goes_before_what_was_built_after_its_pruning(
    world: World, killed: bool
) -> None:
    """L1 loses a pruning, and somebody proves what it had removed: the node must not hold on to its own."""
    follower = await start(world)
    core, signed = world.core, world.pay(epoch=1)
    await world.mempool.admit([proven(signed)], [])
    other = deepcopy(world.scenario)
    first = world.scenario.close([signed], 4)
    await follower.own(first)
    commit = follower.commit(first, 4)
    await follower.block(4, commit)
    await follower.block(30, ReceivedPruning(position(30), 2, 2))
    assert (core.in_flight, status_of(world, signed)) == (0, "received")
    again = other.close([signed, other.pay(other.users[0], [], other.users[0], 0, expiry=FAR)], 4)
    await follower.own(again)
    core.store.save_proof(2, GOOD)
    if killed:
        core.store.roll_back(29)
        core.ledger, core.results = rebuild(core.store)
    else:
        await follower.chain.apply(RolledBack(29))
    assert await core.is_blocked()
    assert (core.in_flight, core.ledger.tip_id, status_of(world, signed)) == (0, 1, "received")
    await follower.block(30, proof_of(commit, 30))
    assert (core.ledger.confirmed_id, core.in_flight) == (2, 0)
    assert core.ledger.tip.hash() == first.result.state.hash()
    assert status_of(world, signed) == "proven"


async def pruned_epoch(follower: Follower, signed: Signed) -> tuple[ClosedEpoch, ReceivedCommit]:
    """An epoch that the proposer of the follower's chain has committed, and L1 pruned in block 30."""
    epoch = follower.world.scenario.close([signed], 4)
    commit = follower.commit(epoch, 4)
    follower.chain = Chain(follower.core, follower.calldata, proposer=commit.record.proposer)
    await follower.own(epoch)
    await follower.block(4, commit)
    await follower.block(30, ReceivedPruning(position(30), 2, 2))
    return epoch, commit


@pytest.mark.parametrize("killed", [False, True])
async def test_its_own_epoch_that_is_pending_again_is_taken_back(world: World, killed: bool) -> None:
    """L1 loses a pruning: nobody else has a reason to prove what it had removed."""
    follower = await start(world)
    core, signed = world.core, world.pay(epoch=1)
    await world.mempool.admit([proven(signed)], [])
    other = deepcopy(world.scenario)
    first, commit = await pruned_epoch(follower, signed)
    again = other.close([signed, other.pay(other.users[0], [], other.users[0], 0, expiry=FAR)], 4)
    await follower.own(again)
    core.store.save_proof(2, GOOD)
    if killed:
        core.store.roll_back(29)
        core.ledger, core.results = rebuild(core.store)
        await follower.block(30)
    else:
        await follower.chain.apply(RolledBack(29))
    assert not await core.is_blocked()
    assert (core.in_flight, core.ledger.tip_id, status_of(world, signed)) == (1, 2, "committed")
    assert core.ledger.tip.hash() == first.result.state.hash()
    assert core.store.unproven(2) == [2]
    core.store.save_proof(2, GOOD)
    await follower.block(31, proof_of(commit, 31))
    assert (core.ledger.confirmed_id, core.in_flight, status_of(world, signed)) == (2, 0, "proven")


async def test_an_open_epoch_gives_way_to_what_is_pending_again(world: World) -> None:
    follower = await start(world)
    core, signed = world.core, world.pay(epoch=1)
    await world.mempool.admit([proven(signed)], [])
    await pruned_epoch(follower, signed)
    config = NodeConfig(deployment="x", epoch_wait=3600)
    await Sequencer(core, config, Metrics())._make()
    assert core.open is not None
    assert (status_of(world, signed), core.open_id) == ("soft-final", 2)
    await follower.chain.apply(RolledBack(29))
    assert core.open is None
    assert (core.in_flight, core.open_id, status_of(world, signed)) == (1, 3, "committed")
    assert len(core.pool) == 0


async def test_pending_epochs_are_taken_back_after_the_loss_of_the_database(world: World) -> None:
    follower = await start(world)
    core = world.core
    epochs = [world.scenario.close([world.pay(epoch=1)], 4) for _ in range(2)]
    commits = [follower.commit(epoch, 4 + number) for number, epoch in enumerate(epochs)]
    follower.chain = Chain(core, follower.calldata, proposer=commits[0].record.proposer)
    words = follower.calldata.words.pop(commits[0].position.transaction_hash)
    follower.calldata.words[commits[0].position.transaction_hash] = bytes(len(words))
    await follower.block(4, commits[0])
    await follower.block(5, commits[1])
    # What L1's node tells is no epoch: it may tell something else later.
    assert await core.is_blocked()
    assert core.in_flight == 0
    follower.calldata.words[commits[0].position.transaction_hash] = words
    await follower.block(6)
    assert (core.in_flight, core.ledger.tip_id) == (2, 3)
    assert not await core.is_blocked()
    assert core.ledger.tip.hash() == world.scenario.state.hash()


@pytest.mark.parametrize("killed", [False, True])
async def test_events_that_come_again_undo_nothing_that_is_proven(world: World, killed: bool) -> None:
    follower = await start(world)
    core, scenario = world.core, world.scenario
    void = follower.commit(deepcopy(scenario).close([None], 4), 4)
    second = follower.commit(scenario.close([None], 4), 10)
    third = follower.commit(scenario.close([None], 4), 12)
    pruning = ReceivedPruning(position(9), 2, 2)
    events = [void, pruning, second, proof_of(second, 10), third, proof_of(third, 12)]
    unseen = ReceivedProof(position(13), 4, b"\x77" * 32, bytes(20))
    for _ in range(2):
        with pytest.raises(StateDiverged, match="not seen"):
            await follower.block(13, *events, unseen)
        assert [row.id for row in core.store.epochs()] == [0, 1, 2, 3]
        if killed:
            core.ledger, core.results = rebuild(core.store)
        assert (core.ledger.confirmed_id, core.ledger.tip_id) == (3, 3)
    await follower.block(13, *events)
    assert core.ledger.tip.hash() == scenario.state.hash()
    assert not await core.is_blocked()


async def test_a_kill_in_a_reorganisation_leaves_nothing_that_l1_lost(world: World) -> None:
    follower = await start(world)
    core, epoch = world.core, world.scenario.close([world.pay(epoch=1)], 4)
    commit = follower.commit(epoch, 4)
    await follower.block(4, commit)
    await follower.block(6, proof_of(commit, 6))
    core.store.roll_back(5)
    ledger, results = rebuild(core.store)
    assert (ledger.tip_id, results) == (1, {})
    assert [row.id for row in core.store.epochs()] == [0, 1]
    assert [row.epoch for row in core.store.pending_commits()] == [2]


async def test_an_epoch_is_abandoned_when_l1_loses_a_deposit_that_it_took(world: World) -> None:
    follower = await start(world)
    core, queued = world.core, world.scenario.deposit(world.scenario.users[0], 7)
    await follower.queue(4, [queued], 3)
    await follower.own(world.scenario.close([queued], 4))
    queries = Queries(core, world.mempool, DEPLOYMENT, Metrics(), Feed(core.store))
    assert len(await queries.pending()) == 1
    # Killed before the epoch is abandoned.
    core.store.roll_back(3)
    ledger, results = rebuild(core.store)
    assert (ledger.tip_id, results) == (1, {})
    core.store.save_deposit(deposit_row(queued, 3, 4))
    core.store.assign(epoch_row(core.results[2]), lane_rows(core.results[2]))
    await follower.chain.apply(RolledBack(3))
    assert (core.in_flight, core.ledger.tip_id, core.store.epochs(2)) == (0, 1, [])
    assert await queries.pending() == []


@pytest.mark.parametrize("reads", range(1, 4))
async def test_notes_are_read_as_of_one_moment(
    world: World, reads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L1 loses an epoch and the deposits in it between two reads of one answer."""
    follower = await start(world)
    core, store = world.core, world.core.store
    queries = Queries(core, world.mempool, DEPLOYMENT, Metrics(), Feed(store))
    before = await queries.notes(0, 256)
    run, done = store.run, 0

    async def run_then_lose(method: Any, *args: Any) -> Any:
        nonlocal done
        answer = await run(method, *args)
        done += 1
        if done == reads:
            store.roll_back(1)
        return answer

    monkeypatch.setattr(store, "run", run_then_lose)
    assert len(before["entries"]) == 3
    assert (await queries.notes(0, 256))["entries"] in (before["entries"], [])
    monkeypatch.undo()
    await follower.chain.apply(RolledBack(1))
    assert (await queries.notes(0, 256))["entries"] == []


async def test_the_rest_of_a_bundle_waits_on_when_another_epoch_took_a_member(world: World) -> None:
    follower = await start(world)
    core = world.core
    taken, paid = world.pay(epoch=1), world.pay(epoch=1)
    await world.mempool.admit([proven(taken), proven(paid)], [])
    commit = follower.commit(world.scenario.close([taken], 4), 4)
    await follower.block(4, commit, proof_of(commit, 4))
    assert [bundle.id for bundle in core.pool] == [paid.transaction.h]
    assert status_of(world, taken) == "proven"
    assert status_of(world, paid) == "received"


async def test_the_rest_of_a_bundle_is_dropped_when_nobody_pays_for_it_any_more(world: World) -> None:
    follower = await start(world)
    user = world.scenario.users[0]
    parent = world.pay(fee=0, epoch=1)
    note = max((note for owner, note in parent.made if owner is user), key=lambda note: note.value)
    child = world.scenario.pay(
        user, [world.scenario.chained(note)], user, 1000, fee=20, expiry=10**9, epoch=1
    )
    await world.mempool.admit([proven(parent), proven(child)], [])
    commit = follower.commit(world.scenario.close([parent], 4), 4)
    await follower.block(4, commit, proof_of(commit, 4))
    row = world.core.store.transaction(child.transaction.h.to_bytes(32))
    assert row is not None
    assert (row.status, len(world.core.pool)) == ("dropped", 0)
    assert "NamedCommitmentUnknown" in (row.reason or "")
