"""What the store is told and tells, as frozen values. Hours, instants and scores are as in `bot.storage.schema`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt
from typing import Self
from zoneinfo import ZoneInfo

from bot.domain.local_hours import known_zone
from model.verdict import SENTIMENTS, Sentiment, Verdict

FEWEST_AUTHORS = 5
"""Distinct people in an hour under which nothing is told about it, not even how many messages there were."""

UNREAD = len(SENTIMENTS)
"""In the place of a label id: the message is in a language or script that the model cannot read."""


class TargetKind(StrEnum):
    """What a rule is about; a rule of a narrower kind goes before one of a wider."""

    SERVER = "server"
    CATEGORY = "category"
    CHANNEL = "channel"
    THREAD = "thread"
    ROLE = "role"


class Mode(StrEnum):
    """What a rule says."""

    WATCH = "watch"
    EXEMPT = "exempt"


class Sensitivity(StrEnum):
    """How far from its usual mood a channel must be for an alert: low is far."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class DigestKind(StrEnum):
    """How often a server wants a digest."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"


class AdminAction(StrEnum):
    """What an admin can do that is written down."""

    ENABLE = "enable"
    DISABLE = "disable"
    EXEMPT = "exempt"
    INCLUDE = "include"
    SETTINGS = "settings"
    PREVIEW = "preview"
    EXPORT = "export"
    REPLAY = "replay"
    ACKNOWLEDGE = "acknowledge"
    LINKS = "links"
    FALSE_ALARM = "false alarm"
    SNOOZE = "snooze"
    MARK = "mark"
    WEBHOOK = "webhook"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class GuildSettings:
    """What a server has chosen.

    `timezone` is an IANA name. The reactions are Unicode emoji, or custom ones as `<:name:id>`; they are given at a
    confidence of at least `reaction_floor` thousandths. Alerts need so many messages and authors in an hour, and a
    digest of fewer than `digest_messages` says that nothing notable happened. `digest_hour` is local, 0 to 23. An alert
    mentions `alert_role_id`. With `links` moderators may have the strongest messages of a time shown as links.
    What is posted is in `language`; empty: in the one that the server has at Discord. `languages` are the codes of
    those in which messages are read, with spaces between; empty: all that the model reads.
    """

    guild_id: int
    timezone: str = "UTC"
    mod_channel_id: int | None = None
    positive_reaction: str = "\N{GLOWING STAR}"
    negative_reaction: str = "\N{CLOUD WITH RAIN}"
    reaction_floor: int = 900
    alert_messages: int = 20
    alert_authors: int = FEWEST_AUTHORS
    digest: DigestKind = DigestKind.OFF
    digest_hour: int = 9
    digest_messages: int = 20
    alert_role_id: int | None = None
    links: bool = True
    language: str = ""
    languages: str = ""

    def wants(self, language: str) -> bool:
        """Whether messages in a language, by its code, are read; without one it is English."""
        return not self.languages or (language or "en") in self.languages.split()

    def english_only(self, languages: Iterable[str]) -> bool:
        """Whether nothing but English is read, of the languages that the model reads, by their codes."""
        return list(filter(self.wants, languages)) == ["en"]

    @property
    def zone(self) -> ZoneInfo:
        """The time zone; UTC where the one that was chosen is no longer known: see `lost_zone`."""
        return known_zone(self.timezone) or ZoneInfo("UTC")

    @property
    def lost_zone(self) -> bool:
        """Whether the time zone that was chosen is not known here, so that everything is told in UTC."""
        return known_zone(self.timezone) is None


@dataclass(frozen=True, slots=True)
class Rule:
    """Whether something is watched or exempt; for a server `target_id` is the server's own id.

    `alert_messages` and `alert_authors` are what an hour needs here before it can raise an alert; None: what the server
    has chosen.
    """

    guild_id: int
    target_kind: TargetKind
    target_id: int
    mode: Mode
    tagging: bool = False
    sensitivity: Sensitivity = Sensitivity.NORMAL
    alert_messages: int | None = None
    alert_authors: int | None = None

    def thresholds(self, settings: GuildSettings) -> GuildSettings:
        """The server's settings, with what is needed here."""
        messages = settings.alert_messages if self.alert_messages is None else self.alert_messages
        authors = settings.alert_authors if self.alert_authors is None else self.alert_authors
        return replace(settings, alert_messages=messages, alert_authors=authors)


@dataclass(frozen=True, slots=True)
class HourMood:
    """The messages of an hour, or of several added together, as they are told: rounded, and noisy where few wrote.

    The sums of scores are such that `mean` and `standard_error`, which counts the noise in, are those that are told.
    `authors` is a number that there were at least: it is rounded down, and of several hours that of the one with most,
    since people of two hours may be the same. `unread` more messages could not be read: nothing else here knows of
    them. Of a quiet day they are not told. Only `bot.storage.judged_hours` gives exact ones, of many people.
    """

    hour: int
    negative: int
    neutral: int
    positive: int
    score_sum: int
    score_square_sum: int
    authors: int
    unread: int = 0

    @property
    def messages(self) -> int:
        """How many were read."""
        return self.negative + self.neutral + self.positive

    @property
    def mean(self) -> float:
        """The mean score, in [-1, 1]; there must be a message."""
        return self.score_sum / self.messages / 1000

    @property
    def standard_error(self) -> float:
        """Of the mean, from the sample's variance, as if messages were independent; infinite for one message."""
        n = self.messages
        if n < 2:
            return float("inf")
        return sqrt(max(0.0, (self.score_square_sum - self.score_sum**2 / n) / (n - 1) / n)) / 1000

    def plus(self, other: HourMood) -> HourMood:
        """Both together, under the earlier hour."""
        return HourMood(
            min(self.hour, other.hour),
            self.negative + other.negative,
            self.neutral + other.neutral,
            self.positive + other.positive,
            self.score_sum + other.score_sum,
            self.score_square_sum + other.score_square_sum,
            max(self.authors, other.authors),
            self.unread + other.unread,
        )


class GapCause(StrEnum):
    """Why nothing was seen."""

    OFF = "off"
    CONNECTION = "connection"
    OUTAGE = "outage"
    CONTENT = "content"
    HIDDEN = "hidden"
    UNTOLD = "untold"
    OVERLOAD = "overload"


@dataclass(frozen=True, slots=True)
class Absence:
    """What is not seen, and why: a channel, a server, the servers of one of so many shards, or, without any, all."""

    cause: GapCause | None = None
    guild_id: int | None = None
    channel_id: int | None = None
    shard: int | None = None
    shards: int | None = None

    def shard_of(self, shards: int) -> int | None:
        """Which of so many shards it is about; None: more than one, as when there were another number of them."""
        if self.guild_id is not None:
            return (self.guild_id >> 22) % shards
        return self.shard if self.shards == shards else None

    def concerns(self, guild_id: int) -> bool:
        """Whether it is about this server or about something in it."""
        if self.guild_id is not None:
            return self.guild_id == guild_id
        return self.shards is None or (guild_id >> 22) % self.shards == self.shard


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which the bot saw nothing, in seconds since the Unix epoch; of what, is as in `Absence`."""

    guild_id: int | None
    started: int
    ended: int
    channel_id: int | None = None
    shard: int | None = None
    shards: int | None = None
    cause: GapCause | None = None

    @classmethod
    def of(cls, absence: Absence, started: int, ended: int) -> Self:
        """The gap that an absence of that time is."""
        whose = (absence.channel_id, absence.shard, absence.shards, absence.cause)
        return cls(absence.guild_id, started, ended, *whose)


@dataclass(frozen=True, slots=True)
class Mood:
    """The hours of a range that may be told, those that had messages but too few people, and the gaps in it.

    `partly` are gaps of single channels in the mood of several: there was something to see, but not everything.
    `filled` are (start, end) in seconds since the Unix epoch, in order: what was read afterwards, from the history.
    """

    hours: tuple[HourMood, ...]
    hidden: tuple[int, ...]
    gaps: tuple[Gap, ...]
    partly: tuple[Gap, ...] = ()
    filled: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """What is held about one message; `sentiment` is a label id or `UNREAD`."""

    message_id: int
    guild_id: int
    channel_id: int
    thread_id: int | None
    hour: int
    edited: int
    score: int
    sentiment: int
    model: str


@dataclass(frozen=True, slots=True)
class Audited:
    """What an admin has done; `actor` is their hash, None after the retention time."""

    guild_id: int
    done: int
    actor: bytes | None
    action: AdminAction
    target_kind: TargetKind | None = None
    target_id: int | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """A reaction of the bot's on a message; `author` is who wrote it, as a hash, None once the tag is to go.

    `channel_id` is the channel that counts the message, `thread_id` the thread that it stands in.
    """

    message_id: int
    emoji: str
    guild_id: int
    channel_id: int
    thread_id: int | None
    author: bytes | None


@dataclass(frozen=True, slots=True)
class HeldMessages:
    """What is held of one person's messages.

    `hours` counts them by channel and hour: read, and unread. `late` are the channels and hours in which some have
    changed since the hour was told, with the most there were.
    """

    messages: tuple[HeldMessage, ...] = ()
    hours: tuple[tuple[int, int, int, int], ...] = ()
    late: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer said: its label, its score in thousandths and the model's version."""

    sentiment: Sentiment
    score: int
    model: str

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """What a verdict says, without how sure it was."""
        return cls(verdict.sentiment, round(verdict.score * 1000), verdict.model[:64])


@dataclass(frozen=True, slots=True)
class Feedback:
    """How often an answer of one label was said to be of another, or of the same; labels are label ids."""

    model: str
    answered: int
    label: int
    times: int


@dataclass(frozen=True, slots=True)
class Alert:
    """A channel that was far from its usual mood; levels are mean scores in thousandths.

    `post_id` is the message that says so, None until it was posted. `acknowledged`, `recovered` and `false_alarm`, when
    a moderator said that it was one, are instants, None until then.
    """

    number: int
    guild_id: int
    channel_id: int
    post_id: int | None
    level: int
    usual_level: int
    started: int
    acknowledged: int | None
    recovered: int | None
    false_alarm: int | None = None
