"""What is told of hours is written once, rounded, in tables of its own; exact sums go with the messages."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.domain.disclosure import told_before
from bot.storage.told_hours import Shares, first_told

revision = "6"
down_revision = "5"

_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FEWEST = 5
_PORTION = 1000
_NOISE = ("noise_score", "noise_negative", "noise_positive", "noise_variance")
_SUMS = ("negative", "neutral", "positive", "score_sum", "score_square_sum", "authors")


def upgrade() -> None:
    """Makes the tables and tells what is over. Of hours whose people are not known any more only that stays."""
    op.create_table(
        "told_hours",
        *_columns("hour", "version", "unread", "written", "writers"),
        sa.PrimaryKeyConstraint("channel_id", "hour", name=op.f("pk_told_hours")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_told_hours_guild_id_hour"), "told_hours", ["guild_id", "hour"])
    op.create_table(
        "told_days",
        *_columns("first_hour", "end_hour"),
        sa.PrimaryKeyConstraint("channel_id", "first_hour", name=op.f("pk_told_days")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_told_days_guild_id_first_hour"), "told_days", ["guild_id", "first_hour"])
    op.create_table(
        "late_changes",
        sa.Column("channel_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("author", sa.LargeBinary(16), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "hour", "author", name=op.f("pk_late_changes")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_late_changes_author"), "late_changes", ["author"])
    op.add_column("hours", sa.Column("told", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in _NOISE:
        kind = _WIDE if name in ("noise_score", "noise_variance") else sa.Integer()
        op.add_column("hours", sa.Column(name, kind, nullable=False, server_default="0"))
    _tell(told_before(time.time()))
    op.execute(
        "DELETE FROM hours WHERE told AND NOT EXISTS (SELECT 1 FROM hour_authors "
        "WHERE hour_authors.channel_id = hours.channel_id AND hour_authors.hour = hours.hour)"
    )
    where = sa.text("told = 0"), sa.text("NOT told")
    op.create_index(op.f("ix_hours_hour"), "hours", ["hour"], sqlite_where=where[0], postgresql_where=where[1])


def downgrade() -> None:
    """Drops the tables. Of hours whose exact sums are gone, what was told takes their place."""
    op.execute(
        "INSERT INTO hours (channel_id, hour, guild_id, negative, neutral, positive, score_sum, score_square_sum, "
        "authors, unread, writers) SELECT channel_id, hour, guild_id, negative, neutral, positive, score_sum, "
        "score_square_sum, authors, unread, writers FROM told_hours WHERE authors > 0 AND NOT EXISTS (SELECT 1 FROM "
        "hours WHERE hours.channel_id = told_hours.channel_id AND hours.hour = told_hours.hour)"
    )
    for table in ("told_hours", "told_days", "late_changes"):
        op.drop_table(table)
    op.drop_index(op.f("ix_hours_hour"), "hours")
    for column in ("told", *_NOISE):
        op.drop_column("hours", column)


def _columns(*more: str) -> list[sa.Column[int]]:
    """Columns of numbers: those named, with the channel, the server and the sums."""
    keys, numbers = ("hour", "first_hour"), (*more, *_SUMS)
    wide = ("score_sum", "score_square_sum")
    return [
        sa.Column("channel_id", _WIDE, autoincrement=False, nullable=False),
        sa.Column("guild_id", _WIDE, nullable=False),
        *(
            sa.Column(name, _WIDE if name in wide else sa.Integer(), nullable=False)
            if name not in keys
            else sa.Column(name, sa.Integer(), autoincrement=False, nullable=False)
            for name in numbers
        ),
    ]


def _tell(before: int) -> None:
    """Decides of every hour before `before`: those of few people at once, the others in portions."""
    connection, rng = op.get_bind(), random.SystemRandom()
    connection.execute(
        sa.text(
            "INSERT INTO told_hours (channel_id, hour, guild_id, version, negative, neutral, positive, score_sum, "
            "score_square_sum, authors, unread, written, writers) SELECT channel_id, hour, guild_id, 0, 0, 0, 0, 0, "
            "0, 0, 0, 0, 0 FROM hours WHERE hour < :before AND writers < :fewest"
        ),
        {"before": before, "fewest": _FEWEST},
    )
    hours = _table("hours", "channel_id", "hour", "guild_id", "unread", "writers", *_SUMS, *_NOISE)
    people = _table("hour_authors", "channel_id", "hour", "messages", "unread")
    place, of = (hours.c.channel_id, hours.c.hour), (people.c.channel_id, people.c.hour)
    told = _table("told_hours", "channel_id", "hour", "guild_id", "version", *_SUMS, "unread", "written", "writers")
    left = sa.select(*hours.c).where(hours.c.hour < before, hours.c.writers >= _FEWEST).order_by(*place)
    last = (-1, -1)
    while rows := connection.execute(left.where(sa.tuple_(*place) > sa.tuple_(*last)).limit(_PORTION)).all():
        last = (rows[-1].channel_id, rows[-1].hour)
        keys = [(row.channel_id, row.hour) for row in rows]
        wrote = sa.select(*of, people.c.messages, people.c.unread).where(sa.tuple_(*of).in_(keys))
        who: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for channel, hour, *counts in connection.execute(wrote):
            who[channel, hour].append((counts[0], sum(counts)))
        found = [(row, *first_told(row, _shares(who[row.channel_id, row.hour]), rng)) for row in rows]
        connection.execute(sa.insert(told), [values for _, values, _ in found])
        here = hours.c.channel_id == sa.bindparam("of_channel"), hours.c.hour == sa.bindparam("of_hour")
        values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in _NOISE}
        noted = [
            {"of_channel": row.channel_id, "of_hour": row.hour}
            | {f"new_{name}": getattr(noise, name.removeprefix("noise_")) for name in _NOISE}
            for row, _, noise in found
        ]
        connection.execute(sa.update(hours).where(*here).values(values), noted)
    connection.execute(sa.text("UPDATE hours SET told = true WHERE hour < :before"), {"before": before})


def _shares(people: list[tuple[int, int]]) -> Shares | None:
    """Of how many messages each person has, read and in all."""
    if not people:
        return None
    read, written = (sorted(counts, reverse=True) for counts in zip(*people, strict=True))
    return Shares(read[0], sum(read[:_FEWEST]), written[0], sum(written[:_FEWEST]))


def _table(name: str, *columns: str) -> sa.TableClause:
    """A table as it is here and now, whatever the schema becomes later."""
    return sa.table(name, *(sa.column(column, _WIDE) for column in columns))
