"""Notices have a table of their own, with the message that each is; and it is known what the bot has tagged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"

_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Carries notices over from the audit, which is about admins alone from now on. Their messages are not known."""
    op.create_table(
        "notices",
        sa.Column("channel_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("guild_id", _WIDE, nullable=False),
        sa.Column("message_id", _WIDE, nullable=True),
        sa.Column("posted", _WIDE, nullable=True),
        sa.Column("deletions", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_guild_id"), "notices", ["guild_id"])
    op.create_table(
        "tags",
        sa.Column("message_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("emoji", sa.String(length=64), nullable=False),
        sa.Column("guild_id", _WIDE, nullable=False),
        sa.Column("channel_id", _WIDE, nullable=False),
        sa.Column("thread_id", _WIDE, nullable=True),
        sa.Column("author", sa.LargeBinary(16), nullable=True),
        sa.CheckConstraint("length(author) = 16", name=op.f("ck_tags_author")),
        sa.PrimaryKeyConstraint("message_id", "emoji", name=op.f("pk_tags")),
    )
    for column in ("author", "channel_id", "thread_id"):
        op.create_index(op.f(f"ix_tags_{column}"), "tags", [column])
    op.execute(
        "INSERT INTO notices (channel_id, guild_id, posted) SELECT target_id, max(guild_id), max(done) FROM audit "
        "WHERE action = 'notice' AND target_id IS NOT NULL GROUP BY target_id"
    )
    op.execute("DELETE FROM audit WHERE action = 'notice'")


def downgrade() -> None:
    """Writes standing notices into the audit again; which message each is, and what was tagged, is lost."""
    op.execute(
        "INSERT INTO audit (guild_id, done, action, target_kind, target_id) "
        "SELECT guild_id, posted, 'notice', 'channel', channel_id FROM notices WHERE posted IS NOT NULL"
    )
    op.drop_table("tags")
    op.drop_table("notices")
