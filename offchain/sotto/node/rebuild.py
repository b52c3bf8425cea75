"""The state of a node that starts, from its database."""

from collections.abc import Iterator, Sequence

import structlog

from sotto.crypto.errors import CryptoError
from sotto.l1.records import record_from_bytes
from sotto.node.errors import StateDiverged
from sotto.node.ledger import KEPT_STATES, Ledger
from sotto.node.snapshots import INTERVAL, Snapshots, save_snapshot
from sotto.node.store import Store
from sotto.node.tables import EpochRow, EpochStatus
from sotto.protocol.epoch import EpochResult, replay
from sotto.protocol.errors import ProtocolError
from sotto.protocol.growth import Growth
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.words import decode_words

log = structlog.get_logger(category="state")

BASE_LOST = "L1 lost what it was built on"
OTHER_EPOCH = "another epoch is on L1"
"""Why an epoch that L1 has not proven is given up."""


def rebuild(store: Store, snapshots: Snapshots | None = None) -> tuple[Ledger, dict[int, EpochResult]]:
    """Ledger and results of unconfirmed epochs, from the stored words and, to be faster, a snapshot.

    Confirmed epochs but the last ones are not followed one by one: the trees are built from all leaves at
    once, and the state's hash compared with the record of L1.

    An epoch that L1 has not proven and that does not follow any more is given up. Raises StateDiverged if one
    that L1 has proven gives another state.
    """
    results: dict[int, EpochResult] = {}
    ledger = _confirmed(store, snapshots)
    queued = store.queue_length()
    pending = {commit.epoch: record_from_bytes(commit.record) for commit in store.pending_commits()}
    for row in store.epochs(ledger.tip_id + 1 if ledger.records else 0):
        if row.id == 0:
            ledger.confirm(record_of(row))
            continue
        confirmed = row.status == EpochStatus.CONFIRMED
        if not confirmed and is_lost(row, queued):
            _give_up(store, row, BASE_LOST)
            break
        try:
            result = replay(ledger.tip, decode_words(row.words, row.lanes), row.layout.data_mode)
        except ProtocolError as error:
            if confirmed:
                raise StateDiverged(f"stored epoch {row.id} does not follow: {error}") from error
            _give_up(store, row, str(error))
            break
        held = None if confirmed else pending.get(row.id)
        if held is not None and not is_of(held, result):
            _give_up(store, row, OTHER_EPOCH)
            break
        ledger.append(result)
        if confirmed:
            ledger.confirm(record_of(row))
        else:
            results[row.id] = result
    return ledger, results


def _confirmed(store: Store, snapshots: Snapshots | None) -> Ledger:
    """A ledger up to the oldest state that a running node keeps; at genesis if there is none."""
    try:
        records = [record_from_bytes(data) for data in store.records()]
    except ProtocolError as error:
        raise StateDiverged(f"a stored record is damaged: {error}") from error
    last = len(records) - 1 - KEPT_STATES
    if last <= 0:
        return Ledger()
    for leaves in _beginnings(snapshots, records, last):
        begun = leaves.epoch_id
        try:
            for _, lanes, words in store.words(begun + 1, last + 1):
                leaves.add(words, lanes)
            ledger = Ledger.resumed(leaves.state(), records[: last + 1])
        except (StateDiverged, ProtocolError, CryptoError, ValueError) as error:
            log.warning("leaves do not give the state of L1", after=begun, epoch=last, cause=str(error))
            continue
        log.info("state built", epoch=last, snapshot=begun)
        if snapshots is not None and last - begun >= INTERVAL:
            save_snapshot(snapshots, ledger.confirmed)
        return ledger
    # Following the epochs one by one finds the one that is wrong.
    return Ledger()


def _beginnings(snapshots: Snapshots | None, records: Sequence[EpochRecord], last: int) -> Iterator[Growth]:
    """Leaves to begin with, the newest first, genesis at the end."""
    for snapshot in [] if snapshots is None else snapshots.load():
        if snapshot.epoch >= len(records) or snapshot.state != records[snapshot.epoch].new_state:
            log.warning("snapshot ignored", epoch=snapshot.epoch, cause="L1 has no such state")
        elif snapshot.epoch <= last:
            yield snapshot.leaves
    yield Growth.genesis()


def record_of(row: EpochRow) -> EpochRecord:
    """The L1 record of a confirmed epoch."""
    assert row.record is not None, "confirmed epochs have their record"
    return record_from_bytes(row.record)


def is_of(record: EpochRecord, result: EpochResult) -> bool:
    """Whether a record on L1 is of this very epoch: c and z bind all of its words."""
    return (record.c, record.z) == (result.c, result.z)


def _give_up(store: Store, row: EpochRow, cause: str) -> None:
    log.warning("unfinished epoch given up", epoch=row.id, cause=cause)
    store.abandon_from(row.id, cause)


def is_lost(row: EpochRow, queued: int) -> bool:
    """Whether an unconfirmed epoch is of another proposer, or takes items that the queue does not have."""
    return row.foreign or decode_words(row.words, row.lanes).header.queue_end > queued
