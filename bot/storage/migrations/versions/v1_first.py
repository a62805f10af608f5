"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AUTHOR = sa.LargeBinary(16)
_WORD = sa.String(16)


def upgrade() -> None:
    """Makes every table."""
    op.create_table(
        "alerts",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guild_id", _WIDE, nullable=False),
        sa.Column("channel_id", _WIDE, nullable=False),
        sa.Column("post_id", _WIDE, nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("usual_level", sa.Integer(), nullable=False),
        sa.Column("started", _WIDE, nullable=False),
        sa.Column("acknowledged", _WIDE, nullable=True),
        sa.Column("recovered", _WIDE, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_guild_id_channel_id"), "alerts", ["guild_id", "channel_id"])
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guild_id", _WIDE, nullable=False),
        sa.Column("done", _WIDE, nullable=False),
        sa.Column("actor", _AUTHOR, nullable=True),
        sa.Column("action", _WORD, nullable=False),
        sa.Column("target_kind", _WORD, nullable=True),
        sa.Column("target_id", _WIDE, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_actor"), "audit", ["actor"])
    op.create_index(op.f("ix_audit_guild_id"), "audit", ["guild_id"])
    op.create_table(
        "bookkeeping",
        sa.Column("number", _WIDE, autoincrement=False, nullable=False),
        sa.Column("purged_before", sa.Integer(), nullable=False),
        sa.Column("alive", _WIDE, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_bookkeeping")),
    )
    op.create_table(
        "channel_rules",
        sa.Column("guild_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("target_kind", _WORD, nullable=False),
        sa.Column("target_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("mode", _WORD, nullable=False),
        sa.Column("tagging", sa.Boolean(), nullable=False),
        sa.Column("sensitivity", _WORD, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "target_kind", "target_id", name=op.f("pk_channel_rules")),
    )
    op.create_table(
        "digests",
        sa.Column("guild_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("period", _WORD, nullable=False),
        sa.Column("claimed", _WIDE, nullable=False),
        sa.Column("sent", _WIDE, nullable=True),
        sa.PrimaryKeyConstraint("guild_id", "kind", "period", name=op.f("pk_digests")),
    )
    op.create_table(
        "feedback",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("label", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_feedback")),
    )
    op.create_table(
        "gaps",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("guild_id", _WIDE, nullable=True),
        sa.Column("started", _WIDE, nullable=False),
        sa.Column("ended", _WIDE, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_gaps")),
    )
    op.create_index(op.f("ix_gaps_ended"), "gaps", ["ended"])
    op.create_table(
        "guild_settings",
        sa.Column("guild_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("mod_channel_id", _WIDE, nullable=True),
        sa.Column("positive_reaction", sa.String(length=64), nullable=False),
        sa.Column("negative_reaction", sa.String(length=64), nullable=False),
        sa.Column("reaction_floor", sa.Integer(), nullable=False),
        sa.Column("alert_messages", sa.Integer(), nullable=False),
        sa.Column("alert_authors", sa.Integer(), nullable=False),
        sa.Column("digest", _WORD, nullable=False),
        sa.Column("digest_hour", sa.Integer(), nullable=False),
        sa.Column("digest_messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_guild_settings")),
    )
    op.create_table(
        "hour_authors",
        sa.Column("channel_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("author", _AUTHOR, nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "hour", "author", name=op.f("pk_hour_authors")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_hour_authors_author"), "hour_authors", ["author"])
    op.create_table(
        "hours",
        sa.Column("channel_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("guild_id", _WIDE, nullable=False),
        sa.Column("negative", sa.Integer(), nullable=False),
        sa.Column("neutral", sa.Integer(), nullable=False),
        sa.Column("positive", sa.Integer(), nullable=False),
        sa.Column("score_sum", _WIDE, nullable=False),
        sa.Column("score_square_sum", _WIDE, nullable=False),
        sa.Column("authors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "hour", name=op.f("pk_hours")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_hours_guild_id_hour"), "hours", ["guild_id", "hour"])
    op.create_table(
        "message_scores",
        sa.Column("message_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("guild_id", _WIDE, nullable=False),
        sa.Column("channel_id", _WIDE, nullable=False),
        sa.Column("thread_id", _WIDE, nullable=True),
        sa.Column("author", _AUTHOR, nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("edited", _WIDE, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("sentiment", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.CheckConstraint("length(author) = 16", name=op.f("ck_message_scores_author")),
        sa.CheckConstraint("score BETWEEN -1000 AND 1000", name=op.f("ck_message_scores_score")),
        sa.CheckConstraint("sentiment BETWEEN 0 AND 2", name=op.f("ck_message_scores_sentiment")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message_scores")),
    )
    op.create_index(op.f("ix_message_scores_author"), "message_scores", ["author"])
    op.create_index(op.f("ix_message_scores_channel_id"), "message_scores", ["channel_id"])
    op.create_index(op.f("ix_message_scores_thread_id"), "message_scores", ["thread_id"])
    op.create_table(
        "opt_outs",
        sa.Column("author", _AUTHOR, nullable=False),
        sa.Column("since", _WIDE, nullable=False),
        sa.PrimaryKeyConstraint("author", name=op.f("pk_opt_outs")),
    )
    op.execute("INSERT INTO bookkeeping (number, purged_before) VALUES (1, 0)")


def downgrade() -> None:
    """Drops every table, and what was in them."""
    for name in (
        "alerts",
        "audit",
        "bookkeeping",
        "channel_rules",
        "digests",
        "feedback",
        "gaps",
        "guild_settings",
        "hour_authors",
        "hours",
        "message_scores",
        "opt_outs",
    ):
        op.drop_table(name)
