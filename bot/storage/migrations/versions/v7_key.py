"""Which key was today's at the last start, so that a new one is noticed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7"
down_revision = "6"


def upgrade() -> None:
    """Adds the column; the next start fills it."""
    op.add_column("bookkeeping", sa.Column("key", sa.String(16), nullable=True))


def downgrade() -> None:
    """Drops it."""
    op.drop_column("bookkeeping", "key")
