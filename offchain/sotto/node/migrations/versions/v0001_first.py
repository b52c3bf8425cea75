"""The tables as they were before Alembic kept count."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NATURAL = sa.String(78)


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "transactions",
        sa.Column("sequence", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("id", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("bundle", sa.LargeBinary(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("operation", sa.Text),
        sa.Column("proof", sa.LargeBinary(256), nullable=False),
        sa.Column("status", sa.String, nullable=False, index=True),
        sa.Column("reason", sa.String),
        sa.Column("epoch", sa.Integer, index=True),
        sa.Column("lane", sa.Integer),
        sa.Column("received_at", sa.Float, nullable=False),
    )
    op.create_table(
        "deposits",
        sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("depositor", sa.LargeBinary(20), nullable=False),
        sa.Column("asset", _NATURAL, nullable=False),
        sa.Column("value", _NATURAL, nullable=False),
        sa.Column("partial", _NATURAL, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(93), nullable=False),
        sa.Column("l1_block", sa.BigInteger, nullable=False, index=True),
        sa.Column("l1_tx", sa.LargeBinary(32), nullable=False),
    )
    op.create_table(
        "epochs",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("status", sa.String, nullable=False, index=True),
        sa.Column("lanes", sa.Integer, nullable=False),
        sa.Column("words", sa.LargeBinary, nullable=False),
        sa.Column("state", _NATURAL, nullable=False),
        sa.Column("note_root", _NATURAL, nullable=False),
        sa.Column("account_root", _NATURAL, nullable=False),
        sa.Column("first_node", sa.BigInteger, nullable=False, index=True),
        sa.Column("foreign", sa.Boolean, nullable=False),
        sa.Column("proof", sa.LargeBinary(256)),
        sa.Column("record", sa.LargeBinary(576)),
        sa.Column("commit_block", sa.BigInteger),
        sa.Column("proof_block", sa.BigInteger),
        sa.Column("l1_tx", sa.LargeBinary(32)),
        sa.Column("finalized", sa.Boolean, nullable=False),
    )
    op.create_table(
        "commits",
        sa.Column("record_hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False, index=True),
        sa.Column("record", sa.LargeBinary(576), nullable=False),
        sa.Column("commit_block", sa.BigInteger, nullable=False),
        sa.Column("l1_tx", sa.LargeBinary(32), nullable=False),
        sa.Column("closed_block", sa.BigInteger),
    )
    op.create_table(
        "lanes",
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("lane", sa.Integer, primary_key=True),
        sa.Column("id", sa.LargeBinary(32), nullable=False, index=True),
    )
    op.create_table(
        "submissions",
        sa.Column("hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False, index=True),
        sa.Column("nonce", sa.BigInteger, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("signed_at", sa.Float, nullable=False),
    )
    op.create_table(
        "l1_blocks",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
