"""Attachments of transactions."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "attachments",
        sa.Column("id", sa.LargeBinary(32), primary_key=True),
        sa.Column("data", sa.LargeBinary(512), nullable=False),
    )
