"""Gaps of channels and of shards, with their cause, and gaps that are not over yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"

_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NEW = (("channel_id", _WIDE), ("shard", sa.Integer()), ("shards", sa.Integer()), ("cause", sa.String(length=16)))


def upgrade() -> None:
    """What is there stays as it is: gaps of a server or of all, of which nobody knows any more why."""
    for name, kind in _NEW:
        op.add_column("gaps", sa.Column(name, kind, nullable=True))
    op.add_column("gaps", sa.Column("looked", sa.Integer(), nullable=False, server_default="0"))
    _end_may_be_open(nullable=True)
    op.create_index(op.f("ix_gaps_guild_id"), "gaps", ["guild_id"])


def downgrade() -> None:
    """Drops what would look like a gap of all servers, and what has no end."""
    op.drop_index(op.f("ix_gaps_guild_id"), "gaps")
    op.execute("DELETE FROM gaps WHERE channel_id IS NOT NULL OR shard IS NOT NULL OR ended IS NULL")
    _end_may_be_open(nullable=False)
    for name in ("looked", *(name for name, _ in reversed(_NEW))):
        op.drop_column("gaps", name)


def _end_may_be_open(*, nullable: bool) -> None:
    """SQLite can only copy the table into another."""
    with op.batch_alter_table("gaps") as table:
        table.alter_column("ended", existing_type=_WIDE, nullable=nullable)
