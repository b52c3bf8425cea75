"""Indices, so that no question that is asked all the time reads every epoch."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create them."""
    op.create_index("ix_epochs_finalized_id", "epochs", ["finalized", "id"])
    op.create_index("ix_epochs_commit_block", "epochs", ["commit_block"])
    op.create_index("ix_epochs_proof_block", "epochs", ["proof_block"])
    op.create_index("ix_commits_commit_block", "commits", ["commit_block"])
    op.create_index("ix_commits_closed_block", "commits", ["closed_block"])
