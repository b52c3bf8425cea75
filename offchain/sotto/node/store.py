"""The database: what is in it survives a kill, and nothing is answered or sent before it is in it.

Methods are short and synchronous; `run` executes them one after the other in a thread of their own, each in
one database transaction.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Engine, event, func
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, SQLModel, col, create_engine, delete, select, update

from sotto.l1.watcher import KEPT_BLOCKS, BlockHead
from sotto.node.errors import StoreUnusable
from sotto.node.tables import (
    BlockRow,
    CommitRow,
    DepositRow,
    EpochRow,
    EpochStatus,
    LaneRow,
    MetaRow,
    SubmissionRow,
    TransactionRow,
    TransactionStatus,
)

SCHEMA_VERSION = 2

P = ParamSpec("P")
R = TypeVar("R")


def _open(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def configure(connection: Any, _record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            # WAL's default of NORMAL may lose the last commits when power fails, and those were answered.
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA busy_timeout=5000")
            cursor.close()

    return engine


class Store:
    """One database of one node. Raises StoreUnusable if it cannot be opened or belongs to something else.

    Args:
        url: SQLAlchemy URL of SQLite or PostgreSQL.
        identity: names what the content belongs to (chain id, rollup address); written once, then compared.
    """

    def __init__(self, url: str, identity: dict[str, str]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            self._engine = _open(url)
            SQLModel.metadata.create_all(self._engine)
            self._check_identity({"schema": str(SCHEMA_VERSION), **identity})
        except SQLAlchemyError as error:
            raise StoreUnusable(f"the database does not open: {error}") from error

    async def run(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one of this object's methods in the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: method(*args, **kwargs))

    def close(self) -> None:
        """Finish what was begun and close."""
        self._thread.shutdown(wait=True)
        self._engine.dispose()

    def _session(self) -> Session:
        return Session(self._engine, expire_on_commit=False)

    def _check_identity(self, identity: dict[str, str]) -> None:
        with self._session() as session:
            for key, value in identity.items():
                row = session.get(MetaRow, key)
                if row is None:
                    session.add(MetaRow(key=key, value=value))
                elif row.value != value:
                    raise StoreUnusable(
                        f"the database belongs to {key} {row.value}, not {value}: set another `database`"
                    )
            session.commit()

    # Transactions

    def add_transactions(self, rows: Sequence[TransactionRow]) -> None:
        """Add accepted transactions, all or none. One that was dropped before enters anew."""
        with self._session() as session:
            ids = [row.id for row in rows]
            session.exec(
                delete(TransactionRow).where(
                    col(TransactionRow.id).in_(ids),
                    col(TransactionRow.status) == TransactionStatus.DROPPED,
                )
            )
            session.add_all(rows)
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
            session.commit()

    # Epochs

    def assign(self, epoch: EpochRow, lanes: Sequence[LaneRow]) -> None:
        """Store a new epoch with its lanes, and give its transactions to it."""
        with self._session() as session:
            self._assign(session, epoch, lanes)
            session.commit()

    def set_transactions_status(self, epoch: int, status: TransactionStatus) -> None:
        """Change the status of all transactions of an epoch."""
        with self._session() as session:
            self._set_transactions_status(session, epoch, status)
            session.commit()

    def save_proof(self, epoch: int, proof: bytes) -> None:
        """The epoch's proof is made."""
        with self._session() as session:
            row = session.get_one(EpochRow, epoch)
            row.proof, row.status = proof, EpochStatus.PROVEN
            session.commit()

    def save_submission(self, submission: SubmissionRow) -> None:
        """A transaction to L1 is signed and may be sent from now on."""
        with self._session() as session:
            session.add(submission)
            session.get_one(EpochRow, submission.epoch).status = EpochStatus.COMMITTED
            session.commit()

    def submissions(self, epoch: int) -> Sequence[SubmissionRow]:
        """Signed transactions of an epoch, oldest first."""
        with self._session() as session:
            statement = select(SubmissionRow).where(SubmissionRow.epoch == epoch)
            return session.exec(statement.order_by(col(SubmissionRow.signed_at))).all()

    def abandon_from(self, first: int) -> list[bytes]:
        """Forget epochs from `first` on; their transactions wait again. Returns their ids as they arrived."""
        with self._session() as session:
            statement = select(TransactionRow).where(col(TransactionRow.epoch) >= first)
            rows = session.exec(statement.order_by(col(TransactionRow.sequence))).all()
            for row in rows:
                row.status, row.epoch, row.lane = TransactionStatus.RECEIVED, None, None
            for table, column in (
                (LaneRow, LaneRow.epoch),
                (SubmissionRow, SubmissionRow.epoch),
                (EpochRow, EpochRow.id),
            ):
                session.exec(delete(table).where(col(column) >= first))
            session.commit()
            return [row.id for row in rows]

    def epochs(self, start: int = 0, count: int | None = None, confirmed: bool = False) -> Sequence[EpochRow]:
        """Epochs by id from `start` on, all or only those proven on L1."""
        with self._session() as session:
            statement = select(EpochRow).where(EpochRow.id >= start).order_by(col(EpochRow.id))
            if confirmed:
                statement = statement.where(EpochRow.status == EpochStatus.CONFIRMED)
            return session.exec(statement if count is None else statement.limit(count)).all()

    def epoch(self, epoch: int) -> EpochRow | None:
        """One epoch."""
        with self._session() as session:
            return session.get(EpochRow, epoch)

    def lane_of(self, h: bytes) -> LaneRow | None:
        """The lane that has a transaction or deposit."""
        with self._session() as session:
            return session.exec(select(LaneRow).where(LaneRow.id == h)).first()

    def epochs_by_nodes(self, start: int, end: int) -> Sequence[EpochRow]:
        """Confirmed epochs that own any of the note tree's height-1 nodes in [start, end), in order."""
        with self._session() as session:
            statement = select(EpochRow).where(
                col(EpochRow.first_node) < end,
                col(EpochRow.first_node) + col(EpochRow.lanes) > start,
                EpochRow.status == EpochStatus.CONFIRMED,
            )
            return session.exec(statement.order_by(col(EpochRow.id))).all()

    def last_finalized(self) -> EpochRow | None:
        """The last epoch whose proof is in a final L1 block."""
        with self._session() as session:
            statement = select(EpochRow).where(col(EpochRow.finalized).is_(True))
            return session.exec(statement.order_by(col(EpochRow.id).desc()).limit(1)).first()

    # L1

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
                self._set_commit(session, session.get_one(EpochRow, commit.epoch), commit)
            session.commit()

    def adopt(self, epoch: EpochRow, lanes: Sequence[LaneRow], commit: CommitRow) -> None:
        """Store another proposer's epoch with its commit."""
        with self._session() as session:
            self._assign(session, epoch, lanes)
            self._set_commit(session, epoch, commit)
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
            self._set_transactions_status(session, epoch, TransactionStatus.PROVEN)
            session.commit()

    def save_deposit(self, deposit: DepositRow) -> None:
        """The L1 queue has an item."""
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

        The first of them keeps its signed transactions. Those of later ones name its record, which holds the
        block of its commit and so will change: they are signed anew, with the same nonces as before.
        """
        with self._session() as session:
            session.exec(delete(BlockRow).where(col(BlockRow.number) > number))
            session.exec(delete(DepositRow).where(col(DepositRow.l1_block) > number))
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
                self._set_transactions_status(session, row.id, TransactionStatus.COMMITTED)
            uncommitted = session.exec(
                select(EpochRow)
                .where(col(EpochRow.commit_block) > number, col(EpochRow.id) > 0)
                .order_by(col(EpochRow.id))
            ).all()
            for row in uncommitted:
                row.record, row.commit_block, row.l1_tx = None, None, None
                self._set_transactions_status(session, row.id, TransactionStatus.PROVING)
            if uncommitted:
                first = uncommitted[0].id
                session.exec(delete(SubmissionRow).where(col(SubmissionRow.epoch) > first))
                session.exec(
                    update(EpochRow)
                    .where(col(EpochRow.id) > first, col(EpochRow.status) == EpochStatus.COMMITTED)
                    .values(status=EpochStatus.PROVEN)
                )
            session.commit()
            return [row.id for row in unproven]

    def finalize(self, l1_block: int) -> None:
        """Mark the confirmed epochs up to a final L1 block."""
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
                self._set_transactions_status(session, row.id, TransactionStatus.FINALIZED)
            session.commit()

    def known_blocks(self) -> list[BlockHead]:
        """The last applied L1 blocks, oldest first."""
        with self._session() as session:
            rows = session.exec(select(BlockRow).order_by(col(BlockRow.number))).all()
            return [BlockHead(row.number, row.hash) for row in rows]

    def deposits(self, start: int, count: int | None = None) -> Sequence[DepositRow]:
        """Queue items from an index on."""
        with self._session() as session:
            statement = select(DepositRow).where(DepositRow.index >= start).order_by(col(DepositRow.index))
            return session.exec(statement if count is None else statement.limit(count)).all()

    def deposit_count(self) -> int:
        """Number of queue items seen."""
        with self._session() as session:
            return session.exec(select(func.count()).select_from(DepositRow)).one()

    def _assign(self, session: Session, epoch: EpochRow, lanes: Sequence[LaneRow]) -> None:
        session.add(epoch)
        session.add_all(lanes)
        for lane in lanes:
            session.exec(
                update(TransactionRow)
                .where(col(TransactionRow.id) == lane.id)
                .values(status=TransactionStatus.ORDERED, epoch=lane.epoch, lane=lane.lane)
            )

    def _set_commit(self, session: Session, row: EpochRow, commit: CommitRow) -> None:
        row.record, row.commit_block, row.l1_tx = commit.record, commit.commit_block, commit.l1_tx
        row.status = EpochStatus.COMMITTED
        self._set_transactions_status(session, row.id, TransactionStatus.COMMITTED)

    def _set_transactions_status(self, session: Session, epoch: int, status: TransactionStatus) -> None:
        session.exec(update(TransactionRow).where(col(TransactionRow.epoch) == epoch).values(status=status))
