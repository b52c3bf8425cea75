"""Signed transactions say what they do: until now all of them committed and proved."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column."""
    with op.batch_alter_table("submissions") as table:
        table.add_column(sa.Column("action", sa.String(), nullable=False, server_default="settle"))
