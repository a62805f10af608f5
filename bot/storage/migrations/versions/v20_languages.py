"""A server may have chosen in which languages messages are read there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20"
down_revision = "19"
works_with = "14"


def upgrade() -> None:
    """Adds the column; empty is every language that the model reads."""
    op.add_column("guild_settings", sa.Column("languages", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    """Drops it."""
    op.drop_column("guild_settings", "languages")
