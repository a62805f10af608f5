"""The tables. Read together they are everything that the bot keeps about people and servers; none holds a text.

Hours are whole hours since the Unix epoch, UTC; instants are whole seconds since it. Scores and confidences are whole
thousandths, so that sums are exact in every order. Authors are keyed hashes of 16 bytes (`bot.storage.pseudonyms`).
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, String, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.schema_base import (
    Author,
    Base,
    KeyAuthor,
    KeyEmoji,
    KeyNumber,
    KeySnowflake,
    KeyWord,
    Later,
    LaterTotal,
    Number,
    Snowflake,
    Total,
    Word,
)
from bot.storage.schema_cluster import (
    ChangeRow,
    ErasureLogRow,
    LeaseRow,
    ProcessRow,
    RegistrationRow,
    ReleaseRow,
    ReportRow,
    RequestRow,
)
from bot.storage.schema_events import AlertRow, BackfillRow, FilledRow, MarkRow, SnoozeRow, WebhookRow

__all__ = [
    "AlertRow",
    "AuditRow",
    "BackfillRow",
    "Base",
    "BookkeepingRow",
    "ChangeRow",
    "ChannelRuleRow",
    "DepartureRow",
    "DigestRow",
    "ErasureLogRow",
    "FeedbackRow",
    "FilledRow",
    "GapRow",
    "GuildSettingsRow",
    "HourAuthorRow",
    "HourRow",
    "LateChangeRow",
    "LeaseRow",
    "MarkRow",
    "MessageScoreRow",
    "NoticeRow",
    "OptOutRow",
    "ProcessRow",
    "RegistrationRow",
    "ReleaseRow",
    "ReportRow",
    "RequestRow",
    "SignOfLifeRow",
    "SnoozeRow",
    "TagRow",
    "ToldDayRow",
    "ToldHourRow",
    "WebhookRow",
]


class GuildSettingsRow(Base):
    """What a server has chosen."""

    __tablename__ = "guild_settings"

    guild_id: Mapped[KeySnowflake]
    timezone: Mapped[str] = mapped_column(String(64))
    mod_channel_id: Mapped[Snowflake | None]
    positive_reaction: Mapped[str] = mapped_column(String(64))
    negative_reaction: Mapped[str] = mapped_column(String(64))
    reaction_floor: Mapped[int]
    alert_messages: Mapped[int]
    alert_authors: Mapped[int]
    digest: Mapped[Word]
    digest_hour: Mapped[int]
    digest_messages: Mapped[int]
    alert_role_id: Mapped[Snowflake | None]
    links: Mapped[bool] = mapped_column(server_default=true())
    language: Mapped[str] = mapped_column(String(8), server_default="")
    languages: Mapped[str] = mapped_column(String(64), server_default="")


class ChannelRuleRow(Base):
    """Whether a server, category, channel, thread or role is watched or exempt, and how."""

    __tablename__ = "channel_rules"

    guild_id: Mapped[KeySnowflake]
    target_kind: Mapped[KeyWord]
    target_id: Mapped[KeySnowflake]
    mode: Mapped[Word]
    tagging: Mapped[bool]
    sensitivity: Mapped[Word]
    alert_messages: Mapped[int | None]
    alert_authors: Mapped[int | None]


class MessageScoreRow(Base):
    """One message of a watched channel, for as long as the retention time. `edited` tells which of its versions.

    `sentiment` is a label id, or `bot.domain.records.UNREAD` for one that could not be read: `score` is then 0 and
    `model` empty.
    """

    __tablename__ = "message_scores"
    __table_args__ = (
        CheckConstraint("score BETWEEN -1000 AND 1000", "score"),
        CheckConstraint("sentiment BETWEEN 0 AND 3", "sentiment"),
        CheckConstraint("length(author) = 16", "author"),
        Index(None, "author"),
        Index(None, "channel_id"),
        Index(None, "thread_id"),
    )

    message_id: Mapped[KeySnowflake]
    guild_id: Mapped[Snowflake]
    channel_id: Mapped[Snowflake]
    thread_id: Mapped[Snowflake | None]
    author: Mapped[Author]
    hour: Mapped[int]
    edited: Mapped[Total]
    score: Mapped[int]
    sentiment: Mapped[int]
    model: Mapped[str] = mapped_column(String(64))


class HourAuthorRow(Base):
    """How many messages of an hour are somebody's; it counts distinct people, and goes with the messages.

    `messages` were read, `unread` could not be; one of them is above 0.
    """

    __tablename__ = "hour_authors"
    __table_args__ = (Index(None, "author"), {"sqlite_with_rowid": False})

    channel_id: Mapped[KeySnowflake]
    hour: Mapped[KeyNumber]
    author: Mapped[KeyAuthor]
    messages: Mapped[int]
    unread: Mapped[Later]


class HourRow(Base):
    """One hour of one channel, its threads counted in, exactly. It goes with the messages and is told to nobody.

    `authors` are the distinct people of whom something was read, `writers` all, also those of whom nothing was. The row
    exists while there is any message in it, read or `unread`, and once it was told until it is purged. `told`: it was
    decided what is told of it, and with what noise (`bot.domain.disclosure.Noise`).
    """

    __tablename__ = "hours"
    __table_args__ = (
        Index(None, "guild_id", "hour"),
        Index(None, "hour", sqlite_where=text("told = 0"), postgresql_where=text("NOT told")),
        {"sqlite_with_rowid": False},
    )

    channel_id: Mapped[KeySnowflake]
    hour: Mapped[KeyNumber]
    guild_id: Mapped[Snowflake]
    negative: Mapped[int]
    neutral: Mapped[int]
    positive: Mapped[int]
    score_sum: Mapped[Total]
    score_square_sum: Mapped[Total]
    authors: Mapped[int]
    unread: Mapped[Later]
    writers: Mapped[Later]
    told: Mapped[bool] = mapped_column(server_default=false())
    noise_score: Mapped[LaterTotal]
    noise_negative: Mapped[Later]
    noise_positive: Mapped[Later]
    noise_variance: Mapped[LaterTotal]


class ToldHourRow(Base):
    """What is told of an hour that is over, rounded and with noise where it needs some. It stays.

    `authors` is 0 where of its mood nothing is told, and `writers` where it is not told how many of the messages
    `written` were `unread`. `version`: how often its mood was told anew; 0: never at all, and it never will be.
    """

    __tablename__ = "told_hours"
    __table_args__ = (Index(None, "guild_id", "hour"), {"sqlite_with_rowid": False})

    channel_id: Mapped[KeySnowflake]
    hour: Mapped[KeyNumber]
    guild_id: Mapped[Snowflake]
    version: Mapped[int]
    negative: Mapped[int]
    neutral: Mapped[int]
    positive: Mapped[int]
    score_sum: Mapped[Total]
    score_square_sum: Mapped[Total]
    authors: Mapped[int]
    unread: Mapped[int]
    written: Mapped[int]
    writers: Mapped[int]


class ToldDayRow(Base):
    """What is told, once, of those hours of a local day that are hidden, together; `authors` 0: nothing."""

    __tablename__ = "told_days"
    __table_args__ = (Index(None, "guild_id", "first_hour"), {"sqlite_with_rowid": False})

    channel_id: Mapped[KeySnowflake]
    first_hour: Mapped[KeyNumber]
    end_hour: Mapped[int]
    guild_id: Mapped[Snowflake]
    negative: Mapped[int]
    neutral: Mapped[int]
    positive: Mapped[int]
    score_sum: Mapped[Total]
    score_square_sum: Mapped[Total]
    authors: Mapped[int]


class LateChangeRow(Base):
    """Somebody whose messages in an hour have changed since it was told; it goes when the hour is told anew.

    `messages` is the most of theirs that were read in it, before or since. When they are forgotten, `author` becomes a
    random number: all it is needed for is to count distinct people.
    """

    __tablename__ = "late_changes"
    __table_args__ = (Index(None, "author"), {"sqlite_with_rowid": False})

    channel_id: Mapped[KeySnowflake]
    hour: Mapped[KeyNumber]
    author: Mapped[KeyAuthor]
    messages: Mapped[int]


class OptOutRow(Base):
    """Somebody who must not be read."""

    __tablename__ = "opt_outs"

    author: Mapped[KeyAuthor]
    since: Mapped[Total]


class GapRow(Base):
    """A time in which the bot saw nothing of a channel, of a server, of the servers of one shard, or of all of them.

    A server belongs to shard `(guild_id >> 22) % shards`, whatever else is known of it. `ended` is None while it lasts.
    `looked` is how often the history of that time was looked at. See `bot.domain.records.Absence`.
    """

    __tablename__ = "gaps"
    __table_args__ = (Index(None, "ended"), Index(None, "guild_id"))

    number: Mapped[Number]
    guild_id: Mapped[Snowflake | None]
    channel_id: Mapped[Snowflake | None]
    shard: Mapped[int | None]
    shards: Mapped[int | None]
    cause: Mapped[Word | None]
    started: Mapped[Total]
    ended: Mapped[Total | None]
    looked: Mapped[Later]


class SignOfLifeRow(Base):
    """Until when all that happened on a shard, one of so many, is written, or noted as a gap; see `BookkeepingRow`."""

    __tablename__ = "signs_of_life"

    shards: Mapped[KeyNumber]
    shard: Mapped[KeyNumber]
    alive: Mapped[Total]


class DigestRow(Base):
    """One digest of one period, claimed before it is sent, so that there is never a second."""

    __tablename__ = "digests"

    guild_id: Mapped[KeySnowflake]
    kind: Mapped[KeyWord]
    period: Mapped[KeyWord]
    claimed: Mapped[Total]
    sent: Mapped[Total | None]


class AuditRow(Base):
    """What an admin has done. Who did it is a hash, and is blanked after the retention time."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "guild_id"), Index(None, "actor"))

    number: Mapped[Number]
    guild_id: Mapped[Snowflake]
    done: Mapped[Total]
    actor: Mapped[Author | None]
    action: Mapped[Word]
    target_kind: Mapped[Word | None]
    target_id: Mapped[Snowflake | None]


class NoticeRow(Base):
    """The notice of a channel or thread: where it stands, or that people have deleted it.

    `message_id` is the bot's own message (in a forum that is the post), None for a notice of before the third schema.
    `posted` is None while none stands; `deletions` and `tells` are as in `bot.domain.notice`.
    """

    __tablename__ = "notices"
    __table_args__ = (Index(None, "guild_id"),)

    channel_id: Mapped[KeySnowflake]
    guild_id: Mapped[Snowflake]
    message_id: Mapped[Snowflake | None]
    posted: Mapped[Total | None]
    deletions: Mapped[Later]
    tells: Mapped[Later]


class TagRow(Base):
    """A reaction that the bot put on a message; kept as long as `MessageScoreRow`, so that it can be taken back.

    `channel_id` and `thread_id` are as there. `author` is blanked when the tag is to go: the row goes with it.
    """

    __tablename__ = "tags"
    __table_args__ = (
        CheckConstraint("length(author) = 16", "author"),
        Index(None, "author"),
        Index(None, "channel_id"),
        Index(None, "thread_id"),
    )

    message_id: Mapped[KeySnowflake]
    emoji: Mapped[KeyEmoji]
    guild_id: Mapped[Snowflake]
    channel_id: Mapped[Snowflake]
    thread_id: Mapped[Snowflake | None]
    author: Mapped[Author | None]


class FeedbackRow(Base):
    """What somebody, nobody knows who, said of an answer: `answered` is the model's label and `label` theirs."""

    __tablename__ = "feedback"

    number: Mapped[Number]
    label: Mapped[int]
    answered: Mapped[int]
    score: Mapped[int]
    model: Mapped[str] = mapped_column(String(64))
    hour: Mapped[int]


class DepartureRow(Base):
    """A server that the bot is not in any more. Everything of it stays for a day, in case it is added again."""

    __tablename__ = "departures"

    guild_id: Mapped[KeySnowflake]
    since: Mapped[Total]


class BookkeepingRow(Base):
    """The only row of its table. Rows of messages before `purged_before` are gone.

    `alive` is the last sign of life, of all that this bot sees together: no later than that of any of its shards.
    `application_id` is the bot's own, so that a wrong token is known as such. `erasures` is the number of the last
    entry of the log of erasures that is done here, and `key` the fingerprint of the key of the last start. Links lead
    only to messages with ids from `linked_from` on: those before were read under a notice that said nothing of links.
    """

    __tablename__ = "bookkeeping"

    number: Mapped[KeySnowflake]
    purged_before: Mapped[int]
    alive: Mapped[Total | None]
    application_id: Mapped[Snowflake | None]
    erasures: Mapped[Total] = mapped_column(server_default="0")
    key: Mapped[Word | None]
    linked_from: Mapped[LaterTotal]
