"""Accepted transactions and their status."""

from collections.abc import Sequence

from sqlalchemy import insert
from sqlmodel import Session, col, delete, select, update

from sotto.node.store.base import StoreBase
from sotto.node.store.events import EventType, tell, tell_dropped, tell_epoch
from sotto.node.tables import AttachmentRow, TransactionRow, TransactionStatus, TransactionValues


class TransactionStore(StoreBase):
    """Methods of Store."""

    def add_transactions(
        self, rows: Sequence[TransactionValues], attachments: Sequence[AttachmentRow] = ()
    ) -> None:
        """Add accepted transactions and their attachments, all or none. Dropped ones enter anew."""
        with self._session() as session:
            ids = [row["id"] for row in rows]
            session.exec(
                delete(TransactionRow).where(
                    col(TransactionRow.id).in_(ids),
                    col(TransactionRow.status) == TransactionStatus.DROPPED,
                )
            )
            session.execute(insert(TransactionRow), rows)
            for attachment in attachments:
                session.merge(attachment)
            tell(session, EventType.RECEIVED, TransactionStatus.RECEIVED, ids)
            session.commit()

    def transaction(self, h: bytes) -> TransactionRow | None:
        """One transaction by id."""
        with self._session() as session:
            return session.exec(select(TransactionRow).where(TransactionRow.id == h)).first()

    def transactions(self, ids: Sequence[bytes]) -> dict[bytes, TransactionRow]:
        """Transactions by id; those unknown are left out."""
        with self._session() as session:
            rows = session.exec(select(TransactionRow).where(col(TransactionRow.id).in_(ids))).all()
            return {row.id: row for row in rows}

    def attachments(self, ids: Sequence[bytes]) -> dict[bytes, bytes]:
        """Attachments by transaction; transactions without one, or whose one is not here, are left out."""
        with self._session() as session:
            rows = session.exec(select(AttachmentRow).where(col(AttachmentRow.id).in_(ids))).all()
            return {row.id: row.data for row in rows}

    def waiting_transactions(self) -> Sequence[TransactionRow]:
        """Transactions without epoch, in order of arrival."""
        with self._session() as session:
            statement = select(TransactionRow).where(TransactionRow.status == TransactionStatus.RECEIVED)
            return session.exec(statement.order_by(col(TransactionRow.sequence))).all()

    def drop_transactions(self, reasons: dict[bytes, str]) -> None:
        """Mark transactions that no epoch will have."""
        with self._session() as session:
            for h, reason in reasons.items():
                session.exec(
                    update(TransactionRow)
                    .where(col(TransactionRow.id) == h)
                    .values(status=TransactionStatus.DROPPED, reason=reason)
                )
            tell_dropped(session, reasons)
            session.commit()


def set_transactions_status(session: Session, epoch: int, status: TransactionStatus) -> None:
    """Change the status of all transactions of an epoch, and tell it."""
    session.exec(update(TransactionRow).where(col(TransactionRow.epoch) == epoch).values(status=status))
    tell_epoch(session, epoch, status)
