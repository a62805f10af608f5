"""Servers that were left are noted, and so is whose database this is and how far it is with the log of erasures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"

_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """No server has been left yet, and nothing of the log is done."""
    op.create_table(
        "departures",
        sa.Column("guild_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("since", _WIDE, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_departures")),
    )
    op.add_column("bookkeeping", sa.Column("application_id", _WIDE, nullable=True))
    op.add_column("bookkeeping", sa.Column("erasures", _WIDE, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drops them."""
    op.drop_column("bookkeeping", "erasures")
    op.drop_column("bookkeeping", "application_id")
    op.drop_table("departures")
