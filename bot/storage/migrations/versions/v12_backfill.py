"""An admin may have the history read: how far that is, which hours it filled in, and whether a notice says that it may.

No older version works at this: it would leave what it does not know behind when a server or channel goes, and would
note its own notices, which do not speak of the history, as if they did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "12"
down_revision = "11"


def upgrade() -> None:
    """Adds two tables, and a column by which the notices that stand are known as ones of before."""
    wide = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("notices", sa.Column("tells", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "backfills",
        sa.Column("guild_id", wide, autoincrement=False, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("first_hour", sa.Integer(), nullable=False),
        sa.Column("end_hour", sa.Integer(), nullable=False),
        sa.Column("channel_id", wide, nullable=True),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("changed", wide, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name="pk_backfills"),
    )
    op.create_table(
        "filled_hours",
        sa.Column("channel_id", wide, autoincrement=False, nullable=False),
        sa.Column("first_hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("end_hour", sa.Integer(), nullable=False),
        sa.Column("guild_id", wide, nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "first_hour", name="pk_filled_hours"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_filled_hours_guild_id", "filled_hours", ["guild_id"])


def downgrade() -> None:
    """Drops them."""
    op.drop_table("filled_hours")
    op.drop_table("backfills")
    op.drop_column("notices", "tells")
