"""What L1 holds: commits, proofs, queue items, and the blocks up to which that is known."""

from collections.abc import Sequence

from sqlalchemy import case, func
from sqlmodel import Session, col, delete, select, update

from sotto.l1.watcher import KEPT_BLOCKS, BlockHead
from sotto.node.store.base import StoreBase
from sotto.node.store.epochs import assign
from sotto.node.store.events import EventType, tell
from sotto.node.store.transactions import set_transactions_status
from sotto.node.tables import (
    Action,
    BlockRow,
    CommitRow,
    DepositRow,
    EpochRow,
    EpochStatus,
    ForcedRow,
    LaneRow,
    MetaRow,
    QueueRow,
    SubmissionRow,
    TransactionStatus,
)

FROZEN = "frozen_block"


class L1Store(StoreBase):
    """Methods of Store."""

    def save_freeze(self, block: int) -> None:
        """The rollup was frozen in an L1 block: what is pending is void."""
        with self._session() as session:
            session.merge(MetaRow(key=FROZEN, value=str(block)))
            session.exec(
                update(CommitRow).where(col(CommitRow.closed_block).is_(None)).values(closed_block=block)
            )
            session.commit()

    def frozen_block(self) -> int | None:
        """The L1 block in which the rollup was frozen."""
        with self._session() as session:
            row = session.get(MetaRow, FROZEN)
            return None if row is None else int(row.value)

    def save_genesis(self, epoch: EpochRow) -> None:
        """Epoch 0, which L1 holds as proven since its deployment."""
        with self._session() as session:
            session.merge(epoch)
            session.commit()

    def save_commit(self, commit: CommitRow, ours: bool) -> None:
        """L1 holds a commit.

        Args:
            ours: it is of the stored epoch with the same id.
        """
        with self._session() as session:
            session.merge(commit)
            if ours:
                set_commit(session, session.get_one(EpochRow, commit.epoch), commit)
            session.commit()

    def adopt(self, epoch: EpochRow, lanes: Sequence[LaneRow], commit: CommitRow) -> None:
        """Store another proposer's epoch with its commit."""
        with self._session() as session:
            assign(session, epoch, lanes)
            set_commit(session, epoch, commit)
            session.commit()

    def commit(self, record_hash: bytes) -> CommitRow | None:
        """One commit."""
        with self._session() as session:
            return session.get(CommitRow, record_hash)

    def pending_commits(self) -> Sequence[CommitRow]:
        """Commits that L1 has neither proven nor pruned, by epoch."""
        with self._session() as session:
            statement = select(CommitRow).where(col(CommitRow.closed_block).is_(None))
            return session.exec(statement.order_by(col(CommitRow.epoch))).all()

    def prune_commits(self, first: int, block: int) -> None:
        """L1 has removed the pending commits from epoch `first` on."""
        with self._session() as session:
            session.exec(
                update(CommitRow)
                .where(col(CommitRow.epoch) >= first, col(CommitRow.closed_block).is_(None))
                .values(closed_block=block)
            )
            session.commit()

    def save_confirmation(self, epoch: int, proof_block: int, l1_tx: bytes) -> None:
        """L1 has proven the epoch."""
        with self._session() as session:
            row = session.get_one(EpochRow, epoch)
            row.status, row.proof_block, row.l1_tx = EpochStatus.CONFIRMED, proof_block, l1_tx
            session.exec(
                update(CommitRow)
                .where(col(CommitRow.epoch) == epoch, col(CommitRow.closed_block).is_(None))
                .values(closed_block=proof_block)
            )
            set_transactions_status(session, epoch, TransactionStatus.PROVEN)
            session.commit()

    def save_forced(self, forced: ForcedRow) -> None:
        """The L1 queue has a forced transaction."""
        with self._session() as session:
            session.merge(forced)
            tell(session, EventType.RECEIVED, TransactionStatus.RECEIVED, [forced.id])
            session.commit()

    def save_deposit(self, deposit: DepositRow) -> None:
        """The L1 queue has a deposit."""
        with self._session() as session:
            session.merge(deposit)
            session.commit()

    def save_cursor(self, head: BlockHead) -> None:
        """All events up to this block are applied. Events may come twice, so the cursor moves last."""
        with self._session() as session:
            session.merge(BlockRow(number=head.number, hash=head.hash))
            session.exec(delete(BlockRow).where(col(BlockRow.number) <= head.number - KEPT_BLOCKS))
            session.commit()

    def roll_back(self, number: int) -> list[int]:
        """Undo the blocks above `number`. Returns the epochs that are not confirmed any more, in order.

        Genesis stays: L1 cannot lose it without the contracts.

        The first of them keeps its signed commit. Its proof and all of later ones name its record, which
        holds the block of its commit and so will change: they are signed anew, with the same nonces.
        """
        with self._session() as session:
            session.exec(delete(BlockRow).where(col(BlockRow.number) > number))
            session.exec(delete(DepositRow).where(col(DepositRow.l1_block) > number))
            session.exec(delete(ForcedRow).where(col(ForcedRow.l1_block) > number))
            frozen = session.get(MetaRow, FROZEN)
            if frozen is not None and int(frozen.value) > number:
                session.delete(frozen)
            session.exec(delete(CommitRow).where(col(CommitRow.commit_block) > number))
            session.exec(
                update(CommitRow).where(col(CommitRow.closed_block) > number).values(closed_block=None)
            )
            unproven = session.exec(
                select(EpochRow)
                .where(col(EpochRow.proof_block) > number, col(EpochRow.id) > 0)
                .order_by(col(EpochRow.id))
            ).all()
            for row in unproven:
                row.status, row.proof_block, row.finalized = EpochStatus.COMMITTED, None, False
                set_transactions_status(session, row.id, TransactionStatus.COMMITTED)
            uncommitted = session.exec(
                select(EpochRow)
                .where(col(EpochRow.commit_block) > number, col(EpochRow.id) > 0)
                .order_by(col(EpochRow.id))
            ).all()
            for row in uncommitted:
                row.record, row.commit_block, row.l1_tx = None, None, None
                set_transactions_status(session, row.id, TransactionStatus.SOFT_FINAL)
            if uncommitted:
                first = uncommitted[0].id
                session.exec(
                    delete(SubmissionRow).where(
                        (col(SubmissionRow.epoch) > first)
                        | ((col(SubmissionRow.epoch) == first) & (col(SubmissionRow.action) == Action.PROVE))
                    )
                )
                session.exec(
                    update(EpochRow)
                    .where(col(EpochRow.id) > first, col(EpochRow.status) == EpochStatus.COMMITTED)
                    .values(
                        status=case(
                            (col(EpochRow.proof).is_(None), EpochStatus.PENDING), else_=EpochStatus.PROVEN
                        )
                    )
                )
            session.commit()
            return [row.id for row in unproven]

    def finalize(self, l1_block: int) -> None:
        """Mark the confirmed epochs up to a final L1 block, and forget what was signed for settled ones."""
        with self._session() as session:
            rows = session.exec(
                select(EpochRow).where(
                    col(EpochRow.proof_block) <= l1_block,
                    EpochRow.status == EpochStatus.CONFIRMED,
                    col(EpochRow.finalized).is_(False),
                )
            ).all()
            for row in rows:
                row.finalized = True
                set_transactions_status(session, row.id, TransactionStatus.FINALIZED)
            if rows:
                _forget_settled(session)
            session.commit()

    def known_blocks(self) -> list[BlockHead]:
        """The last applied L1 blocks, oldest first."""
        with self._session() as session:
            rows = session.exec(select(BlockRow).order_by(col(BlockRow.number))).all()
            return [BlockHead(row.number, row.hash) for row in rows]

    def queue_items(self, start: int, count: int) -> list[QueueRow]:
        """Queue items from an index on, in order."""
        with self._session() as session:
            deposits = select(DepositRow).where(
                col(DepositRow.index) >= start, col(DepositRow.index) < start + count
            )
            forced = select(ForcedRow).where(
                col(ForcedRow.index) >= start, col(ForcedRow.index) < start + count
            )
            rows: list[QueueRow] = [*session.exec(deposits), *session.exec(forced)]
            return sorted(rows, key=lambda row: row.index)

    def queue_fees(self, start: int, end: int) -> int:
        """Wei that the queue items in [start, end) brought."""
        return sum(row.fee for row in self.queue_items(start, end - start) if isinstance(row, ForcedRow))

    def queue_length(self) -> int:
        """Number of queue items seen."""
        with self._session() as session:
            deposits = session.exec(select(func.count()).select_from(DepositRow)).one()
            return deposits + session.exec(select(func.count()).select_from(ForcedRow)).one()

    def forced(self, h: bytes) -> ForcedRow | None:
        """A forced transaction by its h. The same may be queued twice, and the first one counts."""
        with self._session() as session:
            statement = select(ForcedRow).where(ForcedRow.id == h).order_by(col(ForcedRow.index))
            return session.exec(statement.limit(1)).first()


def set_commit(session: Session, row: EpochRow, commit: CommitRow) -> None:
    """L1 holds the commit of an epoch that is stored."""
    row.record, row.commit_block, row.l1_tx = commit.record, commit.commit_block, commit.l1_tx
    row.status = EpochStatus.COMMITTED
    set_transactions_status(session, row.id, TransactionStatus.COMMITTED)


def _forget_settled(session: Session) -> None:
    """Delete the signed transactions of the epochs that stay confirmed: each may hold a blob.

    Where events were missing, blocks are undone that L1 cannot lose, down to the oldest known one: what was
    signed says until they are read again that nothing is to be sent. And L1's clients may hold a transaction
    of the last nonce still, though its epoch is final by another one: what replaces it must outbid it.
    """
    oldest = select(func.min(BlockRow.number)).scalar_subquery()
    settled = session.exec(
        select(EpochRow.id)
        .where(col(EpochRow.finalized).is_(True), col(EpochRow.proof_block) <= oldest)
        .order_by(col(EpochRow.id).desc())
        .limit(1)
    ).first()
    last_nonce = session.exec(
        select(SubmissionRow.nonce).order_by(col(SubmissionRow.signed_at).desc()).limit(1)
    ).first()
    if settled is not None and last_nonce is not None:
        session.exec(
            delete(SubmissionRow).where(
                col(SubmissionRow.epoch) <= settled, col(SubmissionRow.nonce) != last_nonce
            )
        )
