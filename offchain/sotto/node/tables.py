"""Tables of the node's database. Integers of the protocol are decimal text, since columns have 63 bits.

A change takes a new file in `sotto/node/migrations/versions`.
"""

import time
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, Index, Integer, LargeBinary, String, Text, TypeDecorator
from sqlmodel import Field, SQLModel

from sotto.protocol.words import DataMode, Layout


class Natural(TypeDecorator[int]):
    """An integer below 2^256."""

    impl = String(78)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        """To decimal text."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        """From decimal text."""
        return None if value is None else int(value)


class TransactionStatus(StrEnum):
    """Life of a transaction, as the API reports it: stored; in a block; its epoch committed on L1, proven
    there, and in a final L1 block. Dropped: no epoch of this node will have it."""

    RECEIVED = "received"
    SOFT_FINAL = "soft-final"
    COMMITTED = "committed"
    PROVEN = "proven"
    FINALIZED = "finalized"
    DROPPED = "dropped"


class EpochStatus(StrEnum):
    """Life of an epoch: lanes chosen; given to a prover; proof made; transaction to L1 with its commit signed
    and stored; proven on L1. With split settlement the commit comes before the proof."""

    PENDING = "pending"
    ASSIGNED = "assigned"
    PROVEN = "proven"
    COMMITTED = "committed"
    CONFIRMED = "confirmed"


class Action(StrEnum):
    """What an L1 transaction of an epoch does: commit and prove it, commit it only, or prove what L1 has."""

    SETTLE = "settle"
    COMMIT = "commit"
    PROVE = "prove"


# SQLite numbers rows by itself for INTEGER keys only.
_SERIAL = BigInteger().with_variant(Integer(), "sqlite")


class TransactionRow(SQLModel, table=True):
    """An accepted transaction: `sequence` the order of arrival, `bundle` the id of its bundle's first one.

    `body` is the API's JSON, `operation` the JSON of the preimage that a transaction of kind 5 needs;
    `block`, `epoch` and `lane` say where the sequencer put it.
    """

    __tablename__ = "transactions"
    sequence: int | None = Field(
        default=None, sa_column=Column(_SERIAL, primary_key=True, autoincrement=True)
    )
    id: bytes = Field(sa_column=Column(LargeBinary(32), unique=True, nullable=False))
    bundle: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    body: str = Field(sa_column=Column(Text, nullable=False))
    operation: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    proof: bytes = Field(sa_column=Column(LargeBinary(256), nullable=False))
    status: str = Field(default=TransactionStatus.RECEIVED, index=True)
    reason: str | None = None
    epoch: int | None = Field(default=None, index=True)
    lane: int | None = None
    block: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    received_at: float = Field(default_factory=time.time)


TransactionValues = dict[str, Any]
"""Values of a TransactionRow by column, without those that are NULL or numbered by the database."""


class DepositRow(SQLModel, table=True):
    """A deposit in the L1 queue."""

    __tablename__ = "deposits"
    index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    depositor: bytes = Field(sa_column=Column(LargeBinary(20), nullable=False))
    asset: int = Field(sa_column=Column(Natural, nullable=False))
    value: int = Field(sa_column=Column(Natural, nullable=False))
    partial: int = Field(sa_column=Column(Natural, nullable=False))
    ciphertext: bytes = Field(sa_column=Column(LargeBinary(93), nullable=False))
    l1_block: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    l1_tx: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


class ForcedRow(SQLModel, table=True):
    """A forced transaction in the L1 queue, by the same indices as deposits. `id` is its h.

    `body` has the 692 bytes that L1 took, `fee` the wei that they brought.
    """

    __tablename__ = "forced"
    index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    id: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, index=True))
    sender: bytes = Field(sa_column=Column(LargeBinary(20), nullable=False))
    fee: int = Field(sa_column=Column(Natural, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary(692), nullable=False))
    l1_block: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    l1_tx: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


QueueRow = DepositRow | ForcedRow
"""An item of the L1 queue."""


class EpochRow(SQLModel, table=True):
    """An epoch with its words, from which the state transition follows again; genesis has none.

    `commit_block` and `proof_block` are the L1 blocks of its commit and proof, `l1_tx` the transaction of the
    proof (of the commit while it is pending). `foreign`: another proposer's, here only once it is proven.
    `blob`: versioned hash of the blob that has the data words on L1, None if its calldata has them; `words`
    are all of them. `notes` and `memos` count the commitments and the attachments of its lanes.
    """

    __tablename__ = "epochs"
    # None on `status`, which is the same for nearly all: SQLite would prefer it to the ones that help.
    __table_args__ = (
        Index("ix_epochs_finalized_id", "finalized", "id"),
        Index("ix_epochs_counts", "notes", "memos", "status"),
    )
    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    status: str = Field(default=EpochStatus.PENDING)
    lanes: int
    words: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: int = Field(sa_column=Column(Natural, nullable=False))
    note_root: int = Field(sa_column=Column(Natural, nullable=False))
    account_root: int = Field(sa_column=Column(Natural, nullable=False))
    first_node: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    foreign: bool = False
    blob: bytes | None = Field(default=None, sa_column=Column(LargeBinary(32), nullable=True, index=True))
    proof: bytes | None = Field(default=None, sa_column=Column(LargeBinary(256), nullable=True))
    record: bytes | None = Field(default=None, sa_column=Column(LargeBinary(608), nullable=True))
    commit_block: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True, index=True))
    proof_block: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True, index=True))
    l1_tx: bytes | None = Field(default=None, sa_column=Column(LargeBinary(32), nullable=True))
    finalized: bool = False
    notes: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    memos: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))

    @property
    def layout(self) -> Layout:
        """That of the verifiers that take it."""
        return Layout(self.lanes, DataMode.CALLDATA if self.blob is None else DataMode.BLOB)


class CommitRow(SQLModel, table=True):
    """A commit that L1 holds or held, of any proposer: pending until its proof or pruning in `closed_block`.

    A commit without a proof may be false, so another proposer's gets its epoch only with the proof.
    """

    __tablename__ = "commits"
    record_hash: bytes = Field(sa_column=Column(LargeBinary(32), primary_key=True))
    epoch: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    record: bytes = Field(sa_column=Column(LargeBinary(608), nullable=False))
    commit_block: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    l1_tx: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    closed_block: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True, index=True))


class LaneRow(SQLModel, table=True):
    """A used lane: where to find it. `id` is its h; the rest is in the epoch's words."""

    __tablename__ = "lanes"
    epoch: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    lane: int = Field(primary_key=True)
    id: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, index=True))


class SubmissionRow(SQLModel, table=True):
    """A signed L1 transaction of an epoch, stored before it is sent: a crash cannot make a second one.

    `action`: an Action, also of one that replaces it.
    """

    __tablename__ = "submissions"
    hash: bytes = Field(sa_column=Column(LargeBinary(32), primary_key=True))
    epoch: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    nonce: int = Field(sa_column=Column(BigInteger, nullable=False))
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    action: str = Field(
        default=Action.SETTLE, sa_column=Column(String, nullable=False, server_default=Action.SETTLE)
    )
    signed_at: float = Field(default_factory=time.time)


class L2BlockRow(SQLModel, table=True):
    """A block of the sequencer. `body` is its encoding, from which the other columns follow.

    `rollback` is the first epoch that the block makes void, if it does so.
    """

    __tablename__ = "blocks"
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hash: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    epoch: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    rollback: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True, index=True))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class EventRow(SQLModel, table=True):
    """Something that the node tells, stored together with what it tells of. `body` is the API's JSON."""

    __tablename__ = "events"
    sequence: int | None = Field(
        default=None, sa_column=Column(_SERIAL, primary_key=True, autoincrement=True)
    )
    body: str = Field(sa_column=Column(Text, nullable=False))


class BlockRow(SQLModel, table=True):
    """A recent L1 block whose events are applied: the cursor, and what finds forks after a restart."""

    __tablename__ = "l1_blocks"
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hash: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))


class AttachmentRow(SQLModel, table=True):
    """The attachment of an accepted transaction, by its id. It is in no epoch's words."""

    __tablename__ = "attachments"
    id: bytes = Field(sa_column=Column(LargeBinary(32), primary_key=True))
    data: bytes = Field(sa_column=Column(LargeBinary(512), nullable=False))


class MetaRow(SQLModel, table=True):
    """What the database belongs to: chain id, rollup address."""

    __tablename__ = "meta"
    key: str = Field(primary_key=True)
    value: str
