"""The tables of alerts and what belongs to them, of events on charts, and of history that was read later."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.schema_base import Base, KeyNumber, KeySnowflake, Number, Snowflake, Total, Word


class AlertRow(Base):
    """An alert that was posted, until it has recovered and after. Levels are mean scores.

    A number is given once, also when its alert is purged: the buttons under old posts have theirs, and webhooks too.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index(None, "guild_id", "channel_id"),
        Index(None, "recovered"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[Number]
    guild_id: Mapped[Snowflake]
    channel_id: Mapped[Snowflake]
    post_id: Mapped[Snowflake | None]
    level: Mapped[int]
    usual_level: Mapped[int]
    started: Mapped[Total]
    acknowledged: Mapped[Total | None]
    recovered: Mapped[Total | None]
    false_alarm: Mapped[Total | None]


class SnoozeRow(Base):
    """A channel of which no alert starts until then; it goes when that is over."""

    __tablename__ = "snoozes"
    __table_args__ = (Index(None, "guild_id"),)

    channel_id: Mapped[KeySnowflake]
    guild_id: Mapped[Snowflake]
    until: Mapped[Total]


class MarkRow(Base):
    """An event that charts show: `text` is what a moderator has typed to name it, and nobody is noted with it."""

    __tablename__ = "marks"
    __table_args__ = (Index(None, "guild_id", "happened"),)

    number: Mapped[Number]
    guild_id: Mapped[Snowflake]
    happened: Mapped[Total]
    text: Mapped[str] = mapped_column(String(40))


class WebhookRow(Base):
    """A webhook of a server's own that gets its alerts as well. `token` is a secret: whoever has it can post there.

    `last_alert` is the number of the last alert that was handed to it, or was not to be.
    """

    __tablename__ = "webhooks"

    guild_id: Mapped[KeySnowflake]
    webhook_id: Mapped[Snowflake]
    token: Mapped[str] = mapped_column(String(100))
    last_alert: Mapped[Total]


class BackfillRow(Base):
    """The last time an admin of a server had its history read, and how far that is; see `bot.domain.backfill`.

    `channel_id` and `hour` are the place: of that channel everything from that hour on is read, and so are all of the
    channels with lower ids. `changed` is when `state` last changed.
    """

    __tablename__ = "backfills"

    guild_id: Mapped[KeySnowflake]
    state: Mapped[Word]
    days: Mapped[int]
    first_hour: Mapped[int]
    end_hour: Mapped[int]
    channel_id: Mapped[Snowflake | None]
    hour: Mapped[int]
    messages: Mapped[int]
    left_out: Mapped[int]
    changed: Mapped[Total]


class FilledRow(Base):
    """Hours of a channel, from `first_hour` up to, not including, `end_hour`, that were read from its history."""

    __tablename__ = "filled_hours"
    __table_args__ = (Index(None, "guild_id"), {"sqlite_with_rowid": False})

    channel_id: Mapped[KeySnowflake]
    first_hour: Mapped[KeyNumber]
    end_hour: Mapped[int]
    guild_id: Mapped[Snowflake]
