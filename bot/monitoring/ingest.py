"""A message on its way from Discord to the buffer, if it is to be read at all."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import discord

from bot.channels import WithMessages, place_of
from bot.domain.rules import Decision, Place
from bot.domain.snowflake import written_at
from bot.monitoring.command_filter import is_command
from bot.monitoring.notice import Notices
from bot.monitoring.overload import Overload
from bot.monitoring.reactions import Reactions, tag_for
from bot.monitoring.rule_cache import RuleCache
from bot.storage.errors import DatabaseUnavailable
from bot.storage.open_storage import Storage
from model import (
    Classifier,
    ClassifierClosed,
    DeadlinePassed,
    InferenceFailed,
    NothingToRead,
    Overloaded,
    Priority,
    Unreadable,
    Verdict,
)

LONGEST_WAIT = 120.0
"""Seconds after which a message that nobody waits for is not read any more."""

NEWS_SECONDS = 3600.0
"""An edit older than this is not why Discord reports a change: the message was pinned, say, or got a link's preview."""

_WRITTEN = {discord.MessageType.default, discord.MessageType.reply}
"""What people write; the other types are Discord's own, such as "somebody has joined"."""


def is_from_a_person(message: discord.Message) -> bool:
    """Whether a person wrote it: no bot, no webhook, and not Discord itself."""
    return not message.author.bot and message.webhook_id is None and message.type in _WRITTEN


@dataclass(slots=True)
class Counts:
    """What has become of a server's watched messages since the start.

    `read`: scored, edits included. `shed`: not read because too much waited for the model, or for too long, or because
    the bot stopped. `failed`: the model failed on them. `unread`: in a language or script that the model cannot read,
    edits included.
    """

    read: int = 0
    shed: int = 0
    failed: int = 0
    unread: int = 0


class Ingest:
    """Reads what may be read. `content_seen` is whether Discord shows the bot what messages say."""

    def __init__(
        self,
        classifier: Classifier,
        storage: Storage,
        rules: RuleCache,
        notices: Notices,
        reactions: Reactions,
        *,
        content_seen: bool,
    ) -> None:
        self.counts: defaultdict[int, Counts] = defaultdict(Counts)
        self._classifier = classifier
        self._storage = storage
        self._rules = rules
        self._notices = notices
        self._reactions = reactions
        self._content_seen = content_seen
        self._waiting: set[asyncio.Task[object]] = set()
        self.overload: Overload | None = None

    async def drained(self, seconds: float) -> int:
        """Waits for those messages that wait for the model now, at most so long; returns how many still do."""
        if not self._waiting:
            return 0
        _, left = await asyncio.wait(self._waiting, timeout=seconds)
        return len(left)

    async def created(self, message: discord.Message) -> None:
        """A message was written."""
        wanted = self._wanted(message)
        if wanted is None or not message.content.strip() or is_command(message.content):
            return
        place, decision = wanted
        if not self._rules.is_told(place):
            if isinstance(message.channel, WithMessages):
                await self._notices.post_where_due(message.channel, decision)
            return
        verdict = await self._verdict(message, place.guild_id)
        still = self._wanted(message)
        if not isinstance(verdict, Verdict | Unreadable) or still is None:
            return
        place, decision = still
        kept = self._keep(message, place, verdict)
        if kept and decision.tagging and isinstance(verdict, Verdict):
            await self._tag(message, place, verdict)

    async def edited(self, message: discord.Message) -> None:
        """A message has changed, perhaps in what it says. It keeps the tag it has, or has not.

        One that has become a command says nothing any more, as one that was emptied.
        """
        edited = message.edited_at
        if edited is None:
            return
        if (discord.utils.utcnow() - edited).total_seconds() - self._storage.clock.off > NEWS_SECONDS:
            return
        wanted = self._wanted(message)
        if wanted is None or not self._rules.is_told(wanted[0]):
            return
        place, _ = wanted
        moment = round(edited.timestamp() * 1000)
        if is_command(message.content):
            self._storage.write_buffer.emptied(message.id, moment)
            return
        verdict = await self._verdict(message, place.guild_id)
        if isinstance(verdict, Verdict | Unreadable):
            if self._wanted(message) is not None:
                self._keep(message, place, verdict, edited=moment)
        elif isinstance(verdict, NothingToRead):
            self._storage.write_buffer.emptied(message.id, moment)

    async def caught_up(self, message: discord.Message, roles: Collection[int] | None) -> bool:
        """Reads a message that was missed, as it is now, without tags or notices; `roles` are its author's, if known.

        What its author wrote while they were opted out is not read. False: it is to be read and could not be.
        """
        wanted = self._wanted(message, roles)
        if wanted is None or not self._rules.is_told(wanted[0]) or is_command(message.content):
            return True
        if written_at(message.id) < self._storage.opt_outs.in_again_since(message.author.id):
            return True
        if not message.content.strip():
            return True
        verdict = await self._verdict(message, wanted[0].guild_id)
        still = self._wanted(message, roles)
        if isinstance(verdict, Verdict | Unreadable) and still is not None:
            edited = round(message.edited_at.timestamp() * 1000) if message.edited_at is not None else 0
            self._keep(message, still[0], verdict, edited=edited)
        return verdict is not None

    def _wanted(self, message: discord.Message, roles: Collection[int] | None = None) -> tuple[Place, Decision] | None:
        """Where a message stands and the rule that has it read; None for one that is not to be read.

        Asked before the model reads it and again after: its author may have opted out meanwhile.
        """
        if not self._content_seen or message.guild is None or not is_from_a_person(message):
            return None
        place, author = place_of(message.channel), message.author
        if isinstance(author, discord.Member):
            roles = [role.id for role in author.roles]
        if place is None or (roles is None and self._rules.has_exempt_roles(place.guild_id)):
            return None
        decision = self._rules.decide(place, roles or ())
        if not decision.watched or self._storage.opt_outs.includes(author.id):
            return None
        return place, decision

    async def _verdict(self, message: discord.Message, guild_id: int) -> Verdict | Unreadable | NothingToRead | None:
        """The model's verdict, why there can be none, or None for a message that is counted as shed or failed."""
        task = asyncio.current_task()
        assert task is not None, "events are handled in tasks"
        self._waiting.add(task)
        try:
            verdict = await self._classifier.classify(
                message.content, Priority.PASSIVE, origin=guild_id, within=LONGEST_WAIT
            )
            if self.overload is not None:
                self.overload.answered(message, read=True)
            return verdict
        except (NothingToRead, Unreadable) as answer:
            return answer
        except (Overloaded, DeadlinePassed, ClassifierClosed):
            self.counts[guild_id].shed += 1
            if self.overload is not None:
                self.overload.answered(message, read=False)
        except InferenceFailed:
            self.counts[guild_id].failed += 1
        finally:
            self._waiting.discard(task)
        return None

    async def _tag(self, message: discord.Message, place: Place, verdict: Verdict) -> None:
        """Has the message tagged if it is strong enough, and if the database says what the server has chosen."""
        try:
            settings = await self._rules.settings(place.guild_id)
        except DatabaseUnavailable:
            return
        emoji = tag_for(verdict, settings)
        if emoji is not None:
            self._reactions.offer(message, emoji, place.channel_id)

    def _keep(self, message: discord.Message, place: Place, verdict: Verdict | Unreadable, *, edited: int = 0) -> bool:
        """Counts an answer; False when the buffer refuses it, for the message is deleted, say."""
        kept = self._storage.write_buffer.scored(
            message.id,
            place.guild_id,
            place.channel_id,
            self._storage.pseudonyms.author(message.author.id),
            verdict,
            thread_id=place.thread_id,
            edited=edited,
        )
        if isinstance(verdict, Unreadable):
            self.counts[place.guild_id].unread += 1
        else:
            self.counts[place.guild_id].read += 1
        return kept
