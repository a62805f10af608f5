"""A server may have a language for what is posted there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "15"
down_revision = "14"
works_with = "14"


def upgrade() -> None:
    """Adds the column; empty is the language that the server has at Discord."""
    op.add_column("guild_settings", sa.Column("language", sa.String(8), nullable=False, server_default=""))


def downgrade() -> None:
    """Drops it."""
    op.drop_column("guild_settings", "language")
