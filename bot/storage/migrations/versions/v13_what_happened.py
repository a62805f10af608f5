"""Moderators may have messages shown as links, call an alert a false one, and have no alerts for a while."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

from bot.domain.snowflake import first_id_at

revision = "13"
down_revision = "12"

_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds the columns and the table. What was read before this step is never linked: no notice had said so."""
    op.add_column("guild_settings", sa.Column("links", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("alerts", sa.Column("false_alarm", _WIDE, nullable=True))
    op.add_column("bookkeeping", sa.Column("linked_from", _WIDE, nullable=False, server_default="0"))
    read_before = sa.text("UPDATE bookkeeping SET linked_from = :first WHERE EXISTS (SELECT 1 FROM message_scores)")
    op.get_bind().execute(read_before, {"first": first_id_at(time.time())})
    op.create_table(
        "snoozes",
        sa.Column("channel_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("guild_id", _WIDE, nullable=False),
        sa.Column("until", _WIDE, nullable=False),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_snoozes")),
    )
    op.create_index(op.f("ix_snoozes_guild_id"), "snoozes", ["guild_id"])


def downgrade() -> None:
    """Drops them."""
    op.drop_table("snoozes")
    op.drop_column("bookkeeping", "linked_from")
    op.drop_column("alerts", "false_alarm")
    op.drop_column("guild_settings", "links")
