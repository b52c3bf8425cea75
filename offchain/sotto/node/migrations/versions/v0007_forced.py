"""Forced transactions of the L1 queue."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "forced",
        sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.LargeBinary(32), nullable=False, index=True),
        sa.Column("sender", sa.LargeBinary(20), nullable=False),
        sa.Column("fee", sa.String(78), nullable=False),
        sa.Column("body", sa.LargeBinary(692), nullable=False),
        sa.Column("l1_block", sa.BigInteger, nullable=False, index=True),
        sa.Column("l1_tx", sa.LargeBinary(32), nullable=False),
    )
