"""Blocks of the sequencer, and the events that clients are told."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables, and what the node counts of each epoch."""
    op.add_column("transactions", sa.Column("block", sa.BigInteger))
    op.execute("UPDATE transactions SET status = 'soft-final' WHERE status IN ('ordered', 'proving')")
    for name in ("notes", "memos"):
        op.add_column("epochs", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "blocks",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False, index=True),
        sa.Column("rollback", sa.BigInteger, index=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("sequence", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("body", sa.Text, nullable=False),
    )
