"""The life of a node as its store sees it, without end, for processes that are killed in the middle of it."""

import random
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from sotto import crypto
from sotto.l1.watcher import BlockHead
from sotto.node.rebuild import rebuild
from sotto.node.snapshots import Snapshots, save_snapshot
from sotto.node.store import Store
from sotto.node.tables import (
    CommitRow,
    EpochRow,
    EpochStatus,
    LaneRow,
    SubmissionRow,
    TransactionStatus,
    TransactionValues,
)
from tests.support.history import History, PastEpoch

DOMAIN, LANES, EPOCHS = 7, 4, 20
_DEEPEST = 3


def live(store: Store, pipe: Connection) -> None:
    """Receives a seed and the snapshots, then says before each step that it takes it, until it is killed."""
    crypto.install_hash_backend()
    seed, folder, identity = pipe.recv()
    dice, snapshots = random.Random(seed), Snapshots(Path(folder), identity)
    past = list(History(DOMAIN, LANES).epochs(EPOCHS))
    ledger, _ = rebuild(store, snapshots)
    confirmed = ledger.confirmed_id
    while True:
        pipe.send("step")
        chance = dice.random()
        if chance < 0.05:
            save_snapshot(snapshots, ledger.confirmed)
        elif chance < 0.1 or confirmed == EPOCHS:
            # Epoch n is committed and proven in block n + 1.
            number = max(confirmed - dice.randrange(_DEEPEST + 1), 0) + 1
            store.roll_back(number)
            confirmed = min(confirmed, number - 1)
            if dice.random() < 0.5:
                store.abandon_from(confirmed + 1, "test")
        elif _advance(store, past[confirmed]):
            confirmed += 1


def _advance(store: Store, epoch: PastEpoch) -> bool:
    """Take an epoch one step further. Returns whether it is confirmed now."""
    record = epoch.record
    row = store.epoch(record.id)
    if row is None:
        ids = [transaction["id"] for transaction in epoch.transactions]
        known = store.transactions(ids)
        fresh = [_transaction(h) for h in ids if h not in known]
        if fresh:
            store.add_transactions(fresh)
        else:
            store.assign(_new(epoch), [LaneRow(**lane) for lane in epoch.lanes])
    elif row.status == EpochStatus.PENDING:
        store.begin_proving(record.id)
    elif row.status == EpochStatus.ASSIGNED:
        store.save_proof(record.id, bytes(256))
    elif row.status == EpochStatus.PROVEN:
        hash_ = record.id.to_bytes(16) + len(store.submissions(record.id)).to_bytes(16)
        store.save_submission(SubmissionRow(hash=hash_, epoch=record.id, nonce=record.id, raw=b"x"))
    elif row.record is None:
        commit = CommitRow(
            record_hash=record.hash(),
            epoch=record.id,
            record=record.encode(),
            commit_block=record.commit_block,
            l1_tx=bytes(32),
        )
        store.save_commit(commit, ours=True)
    else:
        store.save_confirmation(record.id, record.commit_block, bytes(32))
        store.save_cursor(BlockHead(record.commit_block, record.hash()))
        return True
    return False


def _transaction(h: bytes) -> TransactionValues:
    return {
        "id": h,
        "bundle": h,
        "body": "{}",
        "operation": None,
        "proof": bytes(256),
        "status": TransactionStatus.RECEIVED,
        "received_at": 0.0,
    }


def _new(epoch: PastEpoch) -> EpochRow:
    names = ("id", "lanes", "words", "state", "note_root", "account_root", "first_node", "notes", "memos")
    return EpochRow(**{name: epoch.row[name] for name in names})


def check(store: Store, history: Sequence[PastEpoch]) -> None:
    """What must hold at every moment of a node with this history."""
    rows = store.epochs()
    assert [row.id for row in rows] == list(range(len(rows)))
    confirmed = [row.status == EpochStatus.CONFIRMED for row in rows]
    assert confirmed == sorted(confirmed, reverse=True)
    for row in rows:
        assert row.record is not None or row.status != EpochStatus.CONFIRMED
        assert (row.proof_block is not None) == (row.status == EpochStatus.CONFIRMED)
    ids = [transaction["id"] for epoch in history for transaction in epoch.transactions]
    expected = {
        EpochStatus.COMMITTED: TransactionStatus.COMMITTED,
        EpochStatus.CONFIRMED: TransactionStatus.PROVEN,
    }
    for h, transaction in store.transactions(ids).items():
        lane = store.lane_of(h)
        if transaction.epoch is None:
            assert (lane, transaction.status) == (None, TransactionStatus.RECEIVED)
        else:
            assert lane is not None
            assert (lane.epoch, lane.lane) == (transaction.epoch, transaction.lane)
            row = rows[transaction.epoch]
            if row.record is not None:
                assert transaction.status == expected[EpochStatus(row.status)]
    heads = store.known_blocks()
    assert not heads or heads[-1].number <= sum(confirmed)
