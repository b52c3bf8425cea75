"""Epochs may have their data words in a blob; until now all had them in calldata."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column."""
    with op.batch_alter_table("epochs") as table:
        table.add_column(sa.Column("blob", sa.LargeBinary(32), nullable=True))
        table.create_index("ix_epochs_blob", ["blob"])
