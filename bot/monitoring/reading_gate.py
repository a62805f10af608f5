"""The one gate before another person's words: may this message be read, for that purpose, and if not, why not?

Every path asks here, before it does anything with what a message says, and again before it tells or keeps what came of
it. Where a message stands has one answer for each kind of channel:

- text, announcement, voice and stage channels count for themselves;
- public threads, announcement threads and the posts of forums and media channels count for the channel they are in;
- private threads are never watched nor previewed, for who reads the channel's mood need not know of them;
- categories, forums and media channels hold no messages of their own, and direct messages are no server's to watch.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from typing import Self, TypeVar

import discord

from bot.channels import is_private_thread, place_of
from bot.domain.backfill import MOST_DAYS
from bot.domain.records import Mode, TargetKind
from bot.domain.rules import Decision, Place
from bot.domain.snowflake import written_at
from bot.monitoring.rule_cache import RuleCache
from bot.presentation.language_words import english_name
from bot.storage.opt_outs import OptOuts
from model import ModelError, Unreadable, Verdict
from model.text.languages import ENGLISH
from model.text.telling import tells_language

_Answer = TypeVar("_Answer", bound=Verdict | ModelError)

HISTORY_AFTER = 86_400
"""Seconds that a notice must have stood before what was written earlier is read."""

_TYPED = {discord.MessageType.default, discord.MessageType.reply}
"""What people type; the other types are Discord's own, such as "somebody has joined", or answers of bots."""


class ReadingFor(StrEnum):
    """What words are read for.

    `WATCHED`: the bot reads by itself, and counts. `PREVIEW`: an admin looks at what would be read if a channel were
    watched. `ASKED`: somebody has pointed at one message, and is answered alone.
    """

    WATCHED = "watched"
    PREVIEW = "preview"
    ASKED = "asked"


class Barred(Enum):
    """Why a message is not read."""

    NO_CONTENT = auto()
    """Discord doesn't show the bot what messages say."""
    NOT_A_PERSON = auto()
    """A bot, a webhook or Discord itself wrote it."""
    UNKNOWN_CHANNEL = auto()
    """The bot can't tell which rules apply to this channel."""
    PRIVATE_THREAD = auto()
    """It's in a private thread."""
    EXEMPT_PLACE = auto()
    """The channel is exempt."""
    EXEMPT_ROLE = auto()
    """Its author has an exempt role."""
    ROLES_UNKNOWN = auto()
    """Some roles are exempt, and its author's aren't known."""
    OPTED_OUT = auto()
    """Its author has opted out."""
    NOT_WATCHED = auto()
    """No rule watches there."""
    NO_NOTICE = auto()
    """There's no notice there."""
    BEFORE_NOTICE = auto()
    """It was written before the notice."""
    TOO_OLD = auto()
    """It's older than what may be read back."""
    TOLD_TOO_LATE = auto()
    """The notice hasn't said for a whole day that older messages may be read."""


_UNASKED = Decision(False)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the gate says; `barred` is None for a message that may be read.

    `place` is where it stands and `decision` the rule for it, as far as they were looked at.
    """

    barred: Barred | None
    place: Place | None = None
    decision: Decision = _UNASKED


@dataclass(frozen=True, slots=True)
class Written:
    """What the gate needs to know of a message: everything but what it says.

    A person may have written what is no message of theirs: Discord quotes what it has blocked. `roles` are the ids of
    its author's roles, None where they are not known. Messages of the past do not tell them.
    """

    message_id: int
    author_id: int
    guild_id: int | None
    channel: object
    by_a_bot: bool
    is_typed: bool
    roles: Collection[int] | None = None

    @classmethod
    def of(cls, message: discord.Message, *, roles: Collection[int] | None = None, channel: object = None) -> Self:
        """A message, with its author's roles where the message itself may not tell them."""
        author = message.author
        if roles is None and isinstance(author, discord.Member):
            roles = [role.id for role in author.roles]
        guild = message.guild
        return cls(
            message.id,
            author.id,
            guild.id if guild is not None else None,
            message.channel if channel is None else channel,
            author.bot or message.webhook_id is not None,
            message.type in _TYPED,
            roles,
        )


class ReadingGate:
    """Asked for each message. `content_seen` is whether Discord shows the bot what messages say."""

    def __init__(self, rules: RuleCache, opt_outs: OptOuts, *, content_seen: bool) -> None:
        self._rules = rules
        self._opt_outs = opt_outs
        self._content_seen = content_seen

    def watching(self, message: discord.Message, *, roles: Collection[int] | None = None) -> Ruling:
        """Whether a message is read and counted."""
        return self._as_watched(Written.of(message, roles=roles), told=True)

    def history(self, written: Written) -> Ruling:
        """Whether a message of the history is read and counted, also of before the notice, once that stood for a day.

        The notice must say that it may be. Nothing is read of before `MOST_DAYS`, for what people have deleted is not
        remembered for longer. Who is not in the server any more could not read it: of such a person, as of
        one of whom that is not known, `roles` are None, and nothing is read.
        """
        ruling = self._as_watched(written, told=True)
        if ruling.place is None or ruling.barred not in {None, Barred.BEFORE_NOTICE}:
            return ruling
        now, since = self._rules.now(), self._rules.history_told_since(ruling.place)
        if now - written_at(written.message_id) > MOST_DAYS * 86_400:
            return replace(ruling, barred=Barred.TOO_OLD)
        if since is None or now - since < HISTORY_AFTER:
            return replace(ruling, barred=Barred.TOLD_TOO_LATE)
        return replace(ruling, barred=Barred.ROLES_UNKNOWN if written.roles is None else None)

    def preview(self, message: discord.Message, *, roles: Collection[int] | None = None) -> Ruling:
        """Whether a message would be read, if its channel were watched and its people told."""
        return self._as_watched(Written.of(message, roles=roles), told=False)

    def ruling(self, written: Written, purpose: ReadingFor, *, asker_id: int | None = None) -> Ruling:
        """The same, for what is known of a message. `asker_id` is who asks about it, for what one wrote oneself."""
        if purpose is ReadingFor.ASKED:
            return self._asked(written, asker_id)
        return self._as_watched(written, told=purpose is ReadingFor.WATCHED)

    def wanted(self, guild_id: int, answer: _Answer, text: str) -> _Answer | Unreadable:
        """The model's answer, or what stands in its place where the server doesn't have that language read.

        A `text` that doesn't say for certain in which language it is counts as one that the server has read.
        """
        if not isinstance(answer, Verdict) or self._rules.wants(guild_id, answer.language):
            return answer
        if not tells_language(text, answer.language):
            return answer
        return Unreadable(english_name(answer.language or ENGLISH))

    def bars_channel(self, channel: object) -> Barred | None:
        """Why nobody's words are previewed in a channel, whoever wrote them; None where that depends on the message."""
        if not self._content_seen:
            return Barred.NO_CONTENT
        if is_private_thread(channel):
            return Barred.PRIVATE_THREAD
        place = place_of(channel)
        if place is None:
            return Barred.UNKNOWN_CHANNEL
        return Barred.EXEMPT_PLACE if _exempts(self._rules.decide(place)) else None

    def _as_watched(self, written: Written, *, told: bool) -> Ruling:
        """The cheap questions first: most messages stand where nobody is watched."""
        if not self._content_seen:
            return Ruling(Barred.NO_CONTENT)
        if written.by_a_bot or not written.is_typed:
            return Ruling(Barred.NOT_A_PERSON)
        if is_private_thread(written.channel):
            return Ruling(Barred.PRIVATE_THREAD)
        place = place_of(written.channel)
        if place is None:
            return Ruling(Barred.UNKNOWN_CHANNEL)
        decision = self._rules.decide(place, written.roles or ())
        barred = self._barred(written, decision, told=told)
        if barred is None and told:
            since = self._rules.told_since(place)
            if since is None:
                barred = Barred.NO_NOTICE
            elif written_at(written.message_id) < since:
                barred = Barred.BEFORE_NOTICE
        return Ruling(barred, place, decision)

    def _barred(self, written: Written, decision: Decision, *, told: bool) -> Barred | None:
        if _exempts(decision):
            return self._exempted(decision)
        if told and not decision.watched:
            return Barred.NOT_WATCHED
        if self._opt_outs.includes(written.author_id, written.guild_id):
            return Barred.OPTED_OUT
        if self._opt_outs.was_out(written.author_id, written.message_id, written.guild_id):
            return Barred.OPTED_OUT  # as they had when they wrote it
        return self._roles_missing(written)

    def _asked(self, written: Written, asker_id: int | None) -> Ruling:
        """Whoever asks about what they wrote themselves has said with it that it may be read."""
        if written.author_id == asker_id:
            return Ruling(None)
        out = self._opt_outs.includes(written.author_id, written.guild_id)
        if out or self._opt_outs.was_out(written.author_id, written.message_id, written.guild_id):
            return Ruling(Barred.OPTED_OUT)
        if written.guild_id is None or not self._rules.rules(written.guild_id):
            return Ruling(None)
        place = place_of(written.channel)
        known = place if place is not None else _guess(written.guild_id, written.channel)
        decision = self._rules.decide(known, () if written.by_a_bot else written.roles or ())
        barred = self._exempted(decision) if _exempts(decision) else None
        if barred is None and place is None and self._rules.has_exempt_places(written.guild_id):
            barred = Barred.UNKNOWN_CHANNEL
        if barred is None and not written.by_a_bot:
            barred = self._roles_missing(written)
        return Ruling(barred, place, decision)

    def _exempted(self, decision: Decision) -> Barred:
        by_role = decision.rule is not None and decision.rule.target_kind is TargetKind.ROLE
        return Barred.EXEMPT_ROLE if by_role else Barred.EXEMPT_PLACE

    def _roles_missing(self, written: Written) -> Barred | None:
        depends = written.guild_id is not None and self._rules.has_exempt_roles(written.guild_id)
        return Barred.ROLES_UNKNOWN if depends and written.roles is None else None


def _exempts(decision: Decision) -> bool:
    return decision.rule is not None and decision.rule.mode is Mode.EXEMPT


def _guess(guild_id: int, channel: object) -> Place:
    """As much as the ids alone tell of a channel that the bot cannot see, be it a channel or a thread."""
    number = getattr(channel, "id", 0)
    parent = channel.parent_id if isinstance(channel, discord.Thread) else number
    return Place(guild_id, parent, None, number)
