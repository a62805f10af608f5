"""Servers may choose a role that an alert mentions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "10"
down_revision = "9"
works_with = "7"


def upgrade() -> None:
    """Adds the column, empty: nobody is mentioned who was not before."""
    wide = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("guild_settings", sa.Column("alert_role_id", wide, nullable=True))


def downgrade() -> None:
    """Drops it."""
    op.drop_column("guild_settings", "alert_role_id")
