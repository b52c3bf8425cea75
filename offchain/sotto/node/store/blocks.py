"""Blocks of the sequencer: what is in them is ordered, whatever happens to the process."""

import time
from collections.abc import Mapping, Sequence

from sqlmodel import Session, col, delete, select, update

from sotto.node.blocks import Block, Rollback, decode_block, next_block
from sotto.node.store.base import StoreBase
from sotto.node.store.epochs import assign
from sotto.node.store.events import EventType, tell
from sotto.node.tables import (
    EpochRow,
    L2BlockRow,
    LaneRow,
    SubmissionRow,
    TransactionRow,
    TransactionStatus,
)


class BlockStore(StoreBase):
    """Methods of Store."""

    def save_block(
        self,
        block: Block,
        first_lane: int,
        closed: tuple[EpochRow, Sequence[LaneRow]] | None = None,
    ) -> None:
        """Store the next block, and with it the epoch that it closes: all or nothing.

        Args:
            first_lane: lane of the block's first entry.
            closed: row and lanes of the epoch that ends with the block.
        """
        with self._session() as session:
            lanes = {entry.h.to_bytes(32): first_lane + i for i, entry in enumerate(block.lane_entries)}
            _add(session, block, lanes)
            if closed is not None:
                assign(session, *closed)
            session.commit()

    def abandon_from(self, first: int, cause: str) -> list[bytes]:
        """Forget epochs from `first` on, closed or open; a block says so. Their transactions wait again.

        Returns the ids of these transactions in their order.
        """
        with self._session() as session:
            statement = select(TransactionRow).where(col(TransactionRow.epoch) >= first)
            rows = session.exec(
                statement.order_by(
                    col(TransactionRow.epoch), col(TransactionRow.lane), col(TransactionRow.sequence)
                )
            ).all()
            ids = [row.id for row in rows]
            for row in rows:
                row.status, row.block, row.epoch, row.lane = TransactionStatus.RECEIVED, None, None, None
            for table, column in (
                (LaneRow, LaneRow.epoch),
                (SubmissionRow, SubmissionRow.epoch),
                (EpochRow, EpochRow.id),
            ):
                session.exec(delete(table).where(col(column) >= first))
            _roll_back(session, first, cause, ids)
            session.commit()
            return ids

    def block(self, number: int) -> Block | None:
        """One block."""
        with self._session() as session:
            row = session.get(L2BlockRow, number)
            return None if row is None else decode_block(row.body)

    def blocks(self, start: int, count: int) -> list[Block]:
        """Blocks by number from `start` on, at most `count`."""
        with self._session() as session:
            statement = select(L2BlockRow).where(L2BlockRow.number >= start)
            rows = session.exec(statement.order_by(col(L2BlockRow.number)).limit(count)).all()
            return [decode_block(row.body) for row in rows]

    def last_block(self) -> Block | None:
        """The newest block."""
        with self._session() as session:
            return _last(session)

    def blocks_of_epoch(self, epoch: int) -> list[Block]:
        """The blocks of an epoch that no later one has made void, in order."""
        with self._session() as session:
            last_void = _last_void(session, epoch)
            statement = select(L2BlockRow).where(L2BlockRow.epoch == epoch, L2BlockRow.number > last_void)
            rows = session.exec(statement.order_by(col(L2BlockRow.number))).all()
            return [decode_block(row.body) for row in rows]


def _last(session: Session) -> Block | None:
    """The newest block."""
    row = session.exec(select(L2BlockRow).order_by(col(L2BlockRow.number).desc()).limit(1)).first()
    return None if row is None else decode_block(row.body)


def _roll_back(session: Session, first: int, cause: str, ids: Sequence[bytes]) -> None:
    last = _last(session)
    if last is None or not _has_valid_blocks(session, first):
        return
    now = time.time_ns() // 1_000_000
    block = next_block(last, last.domain, now, first, last.l1_block, [Rollback(first, cause)])
    session.add(_row(block))
    tell(
        session,
        EventType.ROLLBACK,
        TransactionStatus.RECEIVED,
        ids,
        block=block.number,
        hash="0x" + block.hash().hex(),
        epoch=first,
        reason=cause,
    )


def _last_void(session: Session, epoch: int) -> int:
    """Number of the last block that made earlier ones of the epoch void, 0 if none did."""
    void = select(L2BlockRow.number).where(col(L2BlockRow.rollback) <= epoch)
    return session.exec(void.order_by(col(L2BlockRow.number).desc()).limit(1)).first() or 0


def _has_valid_blocks(session: Session, first: int) -> bool:
    found = select(L2BlockRow.number).where(
        L2BlockRow.epoch >= first, L2BlockRow.number > _last_void(session, first)
    )
    return session.exec(found.limit(1)).first() is not None


def _add(session: Session, block: Block, lanes: Mapping[bytes, int]) -> None:
    session.add(_row(block))
    for h in block.transactions:
        session.exec(
            update(TransactionRow)
            .where(col(TransactionRow.id) == h.to_bytes(32))
            .values(
                status=TransactionStatus.SOFT_FINAL,
                block=block.number,
                epoch=block.epoch,
                lane=lanes[h.to_bytes(32)],
            )
        )
    tell(
        session,
        EventType.BLOCK,
        TransactionStatus.SOFT_FINAL,
        list(lanes),
        block=block.number,
        hash="0x" + block.hash().hex(),
        epoch=block.epoch,
        closes=block.closes,
    )


def _row(block: Block) -> L2BlockRow:
    body, rollback = block.encode(), block.rollback
    return L2BlockRow(
        number=block.number,
        hash=block.hash(),
        epoch=block.epoch,
        rollback=None if rollback is None else rollback.first,
        body=body,
    )
