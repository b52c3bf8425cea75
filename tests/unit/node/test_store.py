"""The database after a restart, an abandoned epoch, and a reorganisation of L1."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.scenario import ClosedEpoch, Queued
from tests.unit.node.conftest import IDENTITY, World, commit_row, deposit_row, member, proven, record_of

from sotto.l1.events import Position, ReceivedCommit
from sotto.l1.watcher import KEPT_BLOCKS, BlockHead
from sotto.node.chain import genesis_row
from sotto.node.core import epoch_row, lane_rows
from sotto.node.errors import StateDiverged, StoreUnusable
from sotto.node.ledger import Ledger
from sotto.node.rebuild import rebuild
from sotto.node.store import Store
from sotto.node.tables import EpochRow, EpochStatus, SubmissionRow, TransactionStatus
from sotto.node.transactions import bundles_of, rows_of
from sotto.protocol.l1 import genesis_record

BOTH_DATABASES = True


@contextmanager
def reopened(store: Store, identity: dict[str, str] = IDENTITY) -> Iterator[Store]:
    """The same database after the process has ended and another has begun."""
    store.close()
    again = Store(url_of(store), identity)
    try:
        yield again
    finally:
        again.close()


def url_of(store: Store) -> str:
    """What the store was opened with."""
    return store._engine.url.render_as_string(hide_password=False)


def save(world: World, epoch: ClosedEpoch, confirmed_in: int | None = None) -> None:
    """Store an epoch as the node does."""
    store = world.core.store
    queued = [entry for entry in epoch.entries if isinstance(entry, Queued)]
    for index, entry in enumerate(queued, epoch.inputs.queue_start):
        store.save_deposit(deposit_row(entry, index))
    store.assign(epoch_row(epoch.result), lane_rows(epoch.result))
    if confirmed_in is not None:
        number = epoch.result.words.header.epoch_id
        store.save_commit(commit_row(record_of(epoch, confirmed_in)), ours=True)
        store.save_confirmation(number, confirmed_in, bytes([number]) * 32)


def save_genesis(world: World) -> None:
    """Store epoch 0."""
    record = genesis_record(1)
    event = ReceivedCommit(Position(1, bytes(32), bytes(32), 0), 0, record.hash(), record)
    world.core.store.save_genesis(genesis_row(event, Ledger()))


def test_belongs_to_one_deployment(store: Store) -> None:
    with pytest.raises(StoreUnusable), reopened(store, {**IDENTITY, "chain_id": "1"}):
        pass
    with reopened(store):
        pass


def test_says_why_it_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable):
        Store(f"sqlite:///{tmp_path / 'absent' / 'node.db'}", IDENTITY)


def test_writes_reach_the_disk_before_they_return(store: Store) -> None:
    with store._engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
            return
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_keeps_transactions_in_order_of_arrival(world: World) -> None:
    world.fund(3)
    store = world.core.store
    signed = [world.pay() for _ in range(3)]
    store.add_transactions(rows_of([member(signed[0])]))
    store.add_transactions(rows_of([member(signed[2]), member(signed[1])]))
    with reopened(store) as again:
        bundles = bundles_of(again.waiting_transactions())
    assert [[m.h for m in bundle.members] for bundle in bundles] == [
        [signed[0].transaction.h],
        [signed[2].transaction.h, signed[1].transaction.h],
    ]
    assert bundles[0].members[0] == member(signed[0])


def test_a_bundle_is_stored_whole_or_not_at_all(world: World) -> None:
    world.fund(2)
    store, first, second = world.core.store, world.pay(), world.pay()
    store.add_transactions(rows_of([member(first)]))
    with pytest.raises(Exception, match=r"(?i)unique"):
        store.add_transactions(rows_of([member(second), member(first)]))
    assert len(store.waiting_transactions()) == 1


def test_rebuilds_the_state_from_words_alone(world: World) -> None:
    save_genesis(world)
    for number in (1, 2, 3):
        epoch = world.scenario.close([world.scenario.deposit(world.scenario.users[0], 9)], 4)
        save(world, epoch, confirmed_in=number if number < 3 else None)
    with reopened(world.core.store) as store:
        ledger, results = rebuild(store)
    assert ledger.tip.hash() == world.scenario.state.hash()
    assert (ledger.confirmed_id, ledger.tip_id, list(results)) == (2, 3, [3])
    assert ledger.queue_cursor == 3


def test_refuses_a_proven_epoch_that_gives_another_state(world: World) -> None:
    save_genesis(world)
    epoch = world.scenario.close([world.scenario.deposit(world.scenario.users[0], 9)], 4)
    save(world, epoch, confirmed_in=5)
    with world.core.store._session() as session:
        row = session.get_one(EpochRow, 1)
        row.words = bytes(len(row.words))
        session.commit()
    with pytest.raises(StateDiverged):
        rebuild(world.core.store)


async def test_an_abandoned_epoch_gives_its_transactions_back_first(world: World) -> None:
    world.fund(2)
    core, store = world.core, world.core.store
    early, late = world.pay(), world.pay()
    for signed in (early, late):
        await world.mempool.admit([proven(signed)], [])
    bundle = next(bundle for bundle in core.pool if bundle.id == early.transaction.h)
    core.pool.remove([bundle])
    epoch = world.scenario.close([early], 4)
    save(world, epoch)
    core.ledger.append(epoch.result)
    core.results[2] = epoch.result
    store.save_submission(SubmissionRow(hash=bytes(32), epoch=2, nonce=0, raw=b"x"))
    await core.abandon(2, "test")
    assert [bundle.id for bundle in core.pool] == [early.transaction.h, late.transaction.h]
    assert (core.in_flight, core.ledger.tip_id) == (0, 1)
    assert store.epochs() == []
    assert store.submissions(2) == []


def test_a_reorganisation_takes_back_confirmations_and_later_signatures(world: World) -> None:
    save_genesis(world)
    store = world.core.store
    for number in (1, 2, 3):
        epoch = world.scenario.close([world.scenario.deposit(world.scenario.users[0], 9)], 4)
        save(world, epoch, confirmed_in=10 * number)
        store.save_proof(number, bytes(256))
        store.save_submission(SubmissionRow(hash=bytes([number]) * 32, epoch=number, nonce=number, raw=b"x"))
        store.save_confirmation(number, 10 * number, bytes([number]) * 32)
        store.save_cursor(BlockHead(10 * number, bytes([number]) * 32))
    assert store.roll_back(15) == [2, 3]
    assert [row.status for row in store.epochs(1)] == [
        EpochStatus.CONFIRMED,
        EpochStatus.COMMITTED,
        EpochStatus.PROVEN,
    ]
    assert [len(store.submissions(number)) for number in (1, 2, 3)] == [1, 1, 0]
    assert store.known_blocks()[-1].number == 10


def test_finality_marks_epochs_and_their_transactions(world: World) -> None:
    world.fund(1)
    signed = world.pay()
    store = world.core.store
    store.add_transactions(rows_of([member(signed)]))
    save(world, world.scenario.close([signed], 4), confirmed_in=20)
    store.finalize(19)
    assert store.last_finalized() is None
    store.finalize(20)
    row = store.transaction(signed.transaction.h.to_bytes(32))
    assert row is not None
    assert row.status == TransactionStatus.FINALIZED


def sign(world: World, epoch: int, nonce: int, proven_in: int | None = None) -> None:
    """The next epoch, with a transaction that is signed for it, and maybe proven in an L1 block."""
    store = world.core.store
    closed = world.scenario.close([world.scenario.deposit(world.scenario.users[0], 9)], 4)
    save(world, closed)
    store.save_submission(SubmissionRow(hash=bytes([epoch]) * 32, epoch=epoch, nonce=nonce, raw=b"x"))
    if proven_in is not None:
        store.save_commit(commit_row(record_of(closed, proven_in)), ours=True)
        store.save_confirmation(epoch, proven_in, bytes([epoch]) * 32)


def signed_epochs(store: Store) -> list[int]:
    """The epochs of the signed transactions that are kept."""
    return [row.epoch for row in store.submissions_from(0)]


def test_signed_transactions_go_with_finality(world: World) -> None:
    store = world.core.store
    for number in (1, 2, 3):
        sign(world, number, nonce=number, proven_in=10 * number)
    sign(world, 4, nonce=4)
    store.finalize(9)
    assert signed_epochs(store) == [1, 2, 3, 4]
    store.finalize(20)
    assert signed_epochs(store) == [3, 4]


def test_signed_transactions_stay_while_their_blocks_may_be_read_again(world: World) -> None:
    store = world.core.store
    for number in (1, 2, 3):
        sign(world, number, nonce=number, proven_in=10 * number)
    store.save_cursor(BlockHead(15, bytes(32)))
    store.finalize(20)
    assert signed_epochs(store) == [2, 3]
    # L1 has not lost the blocks: events were missing in one of them.
    assert store.roll_back(15) == [2, 3]
    assert signed_epochs(store) == [2]


def test_a_nonce_that_may_be_free_keeps_its_transactions(world: World) -> None:
    store = world.core.store
    # Somebody else was faster with the second epoch.
    for number, nonce in ((1, 0), (2, 1), (3, 1)):
        sign(world, number, nonce, proven_in=10 * number)
    store.finalize(30)
    assert signed_epochs(store) == [2, 3]
    sign(world, 4, nonce=2, proven_in=40)
    store.finalize(40)
    assert signed_epochs(store) == [4]


def test_remembers_a_bounded_number_of_blocks(store: Store) -> None:
    for number in range(KEPT_BLOCKS + 5):
        store.save_cursor(BlockHead(number, number.to_bytes(32)))
    known = store.known_blocks()
    assert (known[0].number, known[-1].number, len(known)) == (5, KEPT_BLOCKS + 4, KEPT_BLOCKS)
