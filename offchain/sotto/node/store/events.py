"""What the node tells its clients, in the order in which it happened.

An event is written in the database transaction that makes it true: after a kill nothing was told that is not
so, and nothing is so that will not be told.
"""

import json
import time
from collections.abc import Sequence
from enum import StrEnum

from sqlmodel import Session, col, delete, select

from sotto.node.store.base import StoreBase
from sotto.node.tables import EventRow, LaneRow, TransactionStatus

KEPT_EVENTS = 100_000
_PRUNED_EVERY = 1_000


class EventType(StrEnum):
    """Kinds of events (docs/spec/09-api.md)."""

    RECEIVED = "received"
    BLOCK = "block"
    EPOCH = "epoch"
    ROLLBACK = "rollback"
    DROPPED = "dropped"


class EventStore(StoreBase):
    """Methods of Store."""

    def events_after(self, sequence: int, count: int) -> list[tuple[int, str]]:
        """Sequence number and JSON of the next events, at most `count`."""
        with self._session() as session:
            statement = select(EventRow).where(col(EventRow.sequence) > sequence)
            rows = session.exec(statement.order_by(col(EventRow.sequence)).limit(count)).all()
            return [(row.sequence or 0, row.body) for row in rows]

    def event_range(self) -> tuple[int, int]:
        """Sequence numbers of the oldest and the newest event that are kept; (1, 0) without any."""
        with self._session() as session:
            numbers = [
                session.exec(select(EventRow.sequence).order_by(order).limit(1)).first()
                for order in (col(EventRow.sequence).asc(), col(EventRow.sequence).desc())
            ]
            oldest, newest = numbers
            return (1, 0) if oldest is None or newest is None else (oldest, newest)


def tell(
    session: Session,
    kind: EventType,
    status: TransactionStatus,
    ids: Sequence[bytes],
    **details: object,
) -> None:
    """Add an event to the session: so many transactions and deposits have this status now."""
    event = {
        "type": str(kind),
        "time": round(time.time(), 3),
        "status": str(status),
        "ids": ["0x" + h.hex() for h in ids],
        **details,
    }
    row = EventRow(body=json.dumps(event, separators=(",", ":")))
    session.add(row)
    session.flush()
    assert row.sequence is not None, "the database numbers events"
    if row.sequence % _PRUNED_EVERY == 0:
        session.exec(delete(EventRow).where(col(EventRow.sequence) <= row.sequence - KEPT_EVENTS))


def tell_epoch(session: Session, epoch: int, status: TransactionStatus) -> None:
    """Add an event: an epoch has reached a stage, or a reorganisation of L1 took it back to one."""
    stage = "closed" if status == TransactionStatus.SOFT_FINAL else str(status)
    lanes = session.exec(select(LaneRow.id).where(LaneRow.epoch == epoch).order_by(col(LaneRow.lane))).all()
    tell(session, EventType.EPOCH, status, lanes, epoch=epoch, stage=stage)


def tell_dropped(session: Session, reasons: dict[bytes, str]) -> None:
    """Add an event for each transaction that the session drops."""
    for h, reason in reasons.items():
        tell(session, EventType.DROPPED, TransactionStatus.DROPPED, [h], reason=reason)
