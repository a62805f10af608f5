"""Messages that could not be read are counted apart, and so are the people who wrote them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"

_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SENTIMENT = "ck_message_scores_sentiment"


def upgrade() -> None:
    """Whatever is there was read: nothing is unread yet, and all who wrote in an hour are its authors."""
    for table, column in (("hour_authors", "unread"), ("hours", "unread"), ("hours", "writers")):
        op.add_column(table, sa.Column(column, sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE hours SET writers = authors")
    _allow("sentiment BETWEEN 0 AND 3")


def downgrade() -> None:
    """Drops what could not be read."""
    op.execute("DELETE FROM message_scores WHERE sentiment = 3")
    op.execute("DELETE FROM hour_authors WHERE messages = 0")
    op.execute("DELETE FROM hours WHERE negative + neutral + positive = 0")
    for table, column in (("hour_authors", "unread"), ("hours", "unread"), ("hours", "writers")):
        op.drop_column(table, column)
    _allow("sentiment BETWEEN 0 AND 2")


def _allow(sentiments: str) -> None:
    """Changes what a sentiment may be. SQLite can only copy the table into another, which is named here in full."""
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("message_scores", recreate="always", copy_from=_message_scores(sentiments)):
            pass
    else:
        op.drop_constraint(op.f(_SENTIMENT), "message_scores", type_="check")
        op.create_check_constraint(op.f(_SENTIMENT), "message_scores", sentiments)


def _message_scores(sentiments: str) -> sa.Table:
    return sa.Table(
        "message_scores",
        sa.MetaData(),
        sa.Column("message_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("guild_id", _WIDE, nullable=False),
        sa.Column("channel_id", _WIDE, nullable=False),
        sa.Column("thread_id", _WIDE, nullable=True),
        sa.Column("author", sa.LargeBinary(16), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("edited", _WIDE, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("sentiment", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.CheckConstraint("length(author) = 16", name=op.f("ck_message_scores_author")),
        sa.CheckConstraint("score BETWEEN -1000 AND 1000", name=op.f("ck_message_scores_score")),
        sa.CheckConstraint(sentiments, name=op.f(_SENTIMENT)),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_message_scores")),
        sa.Index(op.f("ix_message_scores_author"), "author"),
        sa.Index(op.f("ix_message_scores_channel_id"), "channel_id"),
        sa.Index(op.f("ix_message_scores_thread_id"), "thread_id"),
    )
