"""Processes that share a database know which commands one of them has registered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "18"
down_revision = "17"
works_with = "14"


def upgrade() -> None:
    """Adds the column; nothing is known of what was registered before, so it is registered once more."""
    op.add_column("bookkeeping", sa.Column("commands", sa.String(4000), nullable=True))


def downgrade() -> None:
    """Drops it."""
    op.drop_column("bookkeeping", "commands")
