"""Epochs on their way from the pool to L1."""

from collections.abc import Iterator, Sequence

from sqlalchemy import func
from sqlmodel import Session, col, delete, select, update

from sotto.node.store.base import StoreBase
from sotto.node.store.events import tell_epoch
from sotto.node.tables import (
    DepositRow,
    EpochRow,
    EpochStatus,
    LaneRow,
    SubmissionRow,
    TransactionRow,
    TransactionStatus,
)
from sotto.protocol.words import LANE_COUNTS, decode_words

_READ_EPOCHS = 256


class EpochStore(StoreBase):
    """Methods of Store."""

    def assign(self, epoch: EpochRow, lanes: Sequence[LaneRow]) -> None:
        """Store a new epoch with its lanes, and give its transactions to it."""
        with self._session() as session:
            assign(session, epoch, lanes)
            session.commit()

    def unproven(self, start: int) -> Sequence[int]:
        """Ids of this node's epochs from `start` on that have no proof, in order."""
        with self._session() as session:
            statement = select(EpochRow.id).where(
                EpochRow.id >= start,
                EpochRow.status != EpochStatus.CONFIRMED,
                col(EpochRow.proof).is_(None),
                col(EpochRow.foreign).is_(False),
            )
            return session.exec(statement.order_by(col(EpochRow.id))).all()

    def begin_proving(self, epoch: int) -> None:
        """A prover gets the epoch."""
        with self._session() as session:
            row = session.get_one(EpochRow, epoch)
            if row.status == EpochStatus.PENDING:
                row.status = EpochStatus.ASSIGNED
            session.commit()

    def save_proof(self, epoch: int, proof: bytes) -> None:
        """The epoch's proof is made."""
        with self._session() as session:
            row = session.get_one(EpochRow, epoch)
            row.proof = proof
            if row.status != EpochStatus.COMMITTED:
                row.status = EpochStatus.PROVEN
            session.commit()

    def drop_proof(self, epoch: int) -> None:
        """L1 refuses the proof of an epoch that it holds as committed: another one must be made."""
        with self._session() as session:
            session.exec(update(EpochRow).where(col(EpochRow.id) == epoch).values(proof=None))
            session.commit()

    def save_submission(self, submission: SubmissionRow) -> None:
        """A transaction to L1 is signed and may be sent from now on."""
        with self._session() as session:
            session.add(submission)
            session.get_one(EpochRow, submission.epoch).status = EpochStatus.COMMITTED
            session.commit()

    def epoch_with_blob(self, versioned_hash: bytes) -> EpochRow | None:
        """The epoch whose data words are in a blob."""
        with self._session() as session:
            return session.exec(select(EpochRow).where(EpochRow.blob == versioned_hash).limit(1)).first()

    def submissions(self, epoch: int) -> Sequence[SubmissionRow]:
        """Signed transactions of an epoch, oldest first."""
        with self._session() as session:
            statement = select(SubmissionRow).where(SubmissionRow.epoch == epoch)
            return session.exec(statement.order_by(col(SubmissionRow.signed_at))).all()

    def submissions_from(self, start: int) -> Sequence[SubmissionRow]:
        """Signed transactions of the epochs from `start` on, oldest first."""
        with self._session() as session:
            statement = select(SubmissionRow).where(SubmissionRow.epoch >= start)
            return session.exec(statement.order_by(col(SubmissionRow.signed_at))).all()

    def submission_of_nonce(self, nonce: int) -> SubmissionRow | None:
        """The last signed transaction with a nonce."""
        with self._session() as session:
            statement = select(SubmissionRow).where(SubmissionRow.nonce == nonce)
            return session.exec(statement.order_by(col(SubmissionRow.signed_at).desc()).limit(1)).first()

    def forget_submissions(self, epoch: int, action: str) -> None:
        """Signed transactions of an epoch that can have no effect any more."""
        with self._session() as session:
            session.exec(
                delete(SubmissionRow).where(
                    col(SubmissionRow.epoch) == epoch, col(SubmissionRow.action) == action
                )
            )
            session.commit()

    def epochs(self, start: int = 0, count: int | None = None, confirmed: bool = False) -> Sequence[EpochRow]:
        """Epochs by id from `start` on, all or only those proven on L1."""
        with self._session() as session:
            statement = select(EpochRow).where(EpochRow.id >= start).order_by(col(EpochRow.id))
            if confirmed:
                statement = statement.where(EpochRow.status == EpochStatus.CONFIRMED)
            return session.exec(statement if count is None else statement.limit(count)).all()

    def records(self) -> Sequence[bytes]:
        """The L1 records of all confirmed epochs, by id."""
        with self._session() as session:
            statement = select(EpochRow.record).where(EpochRow.status == EpochStatus.CONFIRMED)
            rows = session.exec(statement.order_by(col(EpochRow.id))).all()
            return [row for row in rows if row is not None]

    def words(self, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
        """Id, lanes and words of the epochs in [start, end), read some at a time."""
        for first in range(start, end, _READ_EPOCHS):
            with self._session() as session:
                statement = select(EpochRow.id, EpochRow.lanes, EpochRow.words).where(
                    col(EpochRow.id) >= first, col(EpochRow.id) < min(first + _READ_EPOCHS, end)
                )
                rows = session.exec(statement.order_by(col(EpochRow.id))).all()
            yield from rows

    def epoch(self, epoch: int) -> EpochRow | None:
        """One epoch."""
        with self._session() as session:
            return session.get(EpochRow, epoch)

    def lane_of(self, h: bytes) -> LaneRow | None:
        """The lane of a transaction or deposit. A forced one may have several: the first has the effect."""
        with self._session() as session:
            statement = select(LaneRow).where(LaneRow.id == h).order_by(col(LaneRow.epoch), col(LaneRow.lane))
            return session.exec(statement.limit(1)).first()

    def epochs_by_nodes(self, start: int, end: int) -> Sequence[EpochRow]:
        """Confirmed epochs that own any of the note tree's height-1 nodes in [start, end), in order."""
        with self._session() as session:
            return _by_nodes(session, start, end)

    def lanes_by_nodes(self, start: int, end: int) -> tuple[Sequence[EpochRow], Sequence[DepositRow]]:
        """The same epochs with the queue items that they took, both as of one moment: L1 may lose them."""
        with self._session() as session:
            epochs = _by_nodes(session, start, end)
            if not epochs:
                return epochs, []
            first, last = (decode_words(row.words, row.lanes).header for row in (epochs[0], epochs[-1]))
            statement = select(DepositRow).where(
                col(DepositRow.index) >= first.queue_start, col(DepositRow.index) < last.queue_end
            )
            return epochs, session.exec(statement).all()

    def note_counts(self) -> tuple[int, int]:
        """Notes and memos of all confirmed epochs."""
        with self._session() as session:
            statement = select(func.sum(EpochRow.notes), func.sum(EpochRow.memos))
            notes, memos = session.exec(statement.where(EpochRow.status == EpochStatus.CONFIRMED)).one()
            return int(notes or 0), int(memos or 0)

    def last_finalized(self) -> EpochRow | None:
        """The last epoch whose proof is in a final L1 block."""
        with self._session() as session:
            statement = select(EpochRow).where(col(EpochRow.finalized).is_(True))
            return session.exec(statement.order_by(col(EpochRow.id).desc()).limit(1)).first()


def _by_nodes(session: Session, start: int, end: int) -> Sequence[EpochRow]:
    statement = select(EpochRow).where(
        col(EpochRow.first_node) < end,
        # Without this bound every epoch before them would be read.
        col(EpochRow.first_node) > start - max(LANE_COUNTS),
        col(EpochRow.first_node) + col(EpochRow.lanes) > start,
        EpochRow.status == EpochStatus.CONFIRMED,
    )
    return session.exec(statement.order_by(col(EpochRow.id))).all()


def assign(session: Session, epoch: EpochRow, lanes: Sequence[LaneRow]) -> None:
    """Add a new epoch with its lanes, and give its transactions to it."""
    session.add(epoch)
    session.add_all(lanes)
    for lane in lanes:
        session.exec(
            update(TransactionRow)
            .where(col(TransactionRow.id) == lane.id)
            .values(status=TransactionStatus.SOFT_FINAL, epoch=lane.epoch, lane=lane.lane)
        )
    session.flush()
    tell_epoch(session, epoch.id, TransactionStatus.SOFT_FINAL)
