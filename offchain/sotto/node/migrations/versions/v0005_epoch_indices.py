"""The index on the status of epochs goes: nearly all have the same; SQLite preferred it to better ones."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Replace it by one from which notes and memos are counted."""
    op.drop_index("ix_epochs_status", "epochs")
    op.create_index("ix_epochs_counts", "epochs", ["notes", "memos", "status"])
