"""A message on its way from Discord to the buffer, if it is to be read at all."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

import discord

from bot.channels import WithMessages
from bot.domain.rules import Place
from bot.monitoring.command_filter import is_command
from bot.monitoring.forwards import words_to_watch
from bot.monitoring.member_roles import MemberRoles
from bot.monitoring.message_words import words_of_author
from bot.monitoring.notice import Notices
from bot.monitoring.overload import Overload
from bot.monitoring.reactions import Reactions, tag_for
from bot.monitoring.reading_gate import Barred, ReadingGate, Ruling
from bot.monitoring.rule_cache import RuleCache
from bot.monitoring.unknown_threads import UnknownThreads
from bot.monitoring.unread_languages import UnreadLanguages
from bot.storage.errors import DatabaseUnavailable
from bot.storage.open_storage import Storage
from model import (
    ClassifierClosed,
    DeadlinePassed,
    InferenceFailed,
    NothingToRead,
    Overloaded,
    Priority,
    Unreadable,
    Verdict,
)
from model.any_classifier import AnyClassifier

LONGEST_WAIT = 120.0
"""Seconds after which a message that nobody waits for is not read any more."""

NEWS_SECONDS = 3600.0
"""An edit older than this is not why Discord reports a change: the message was pinned, say, or got a link's preview."""


@dataclass(slots=True)
class Counts:
    """What has become of a server's watched messages since the start.

    `read`: scored, edits included. `shed`: not read because too much waited, for the model or for its thread to be
    known, or for too long, or because the bot stopped. `failed`: the model failed on them. `unread`: in a language or
    script that the model cannot read, or that the server does not want read, edits included.
    """

    read: int = 0
    shed: int = 0
    failed: int = 0
    unread: int = 0

    def add(self, other: Counts) -> None:
        """Counts in what another has counted."""
        self.read += other.read
        self.shed += other.shed
        self.failed += other.failed
        self.unread += other.unread


class Ingest:
    """Reads what the gate lets through."""

    def __init__(
        self,
        classifier: AnyClassifier,
        storage: Storage,
        rules: RuleCache,
        gate: ReadingGate,
        *,
        notices: Notices,
        reactions: Reactions,
    ) -> None:
        self.counts: defaultdict[int, Counts] = defaultdict(Counts)
        self.unread_languages = UnreadLanguages()
        self._classifier = classifier
        self._storage = storage
        self._rules = rules
        self._gate = gate
        self._notices = notices
        self._reactions = reactions
        self.threads = UnknownThreads()
        self._of_left = Counts()
        self._waiting: set[asyncio.Task[object]] = set()
        self.overload: Overload | None = None

    def forget(self, guild_id: int) -> None:
        """The bot has left a server: its counts go on in the sums alone."""
        self.unread_languages.forget(guild_id)
        gone = self.counts.pop(guild_id, None)
        if gone is not None:
            self._of_left.add(gone)

    def totals(self) -> dict[str, int]:
        """What has become of watched messages since the start, in all servers together."""
        total = replace(self._of_left)
        for one in self.counts.values():
            total.add(one)
        return asdict(total)

    async def drained(self, seconds: float) -> int:
        """Waits for those messages that wait for the model now, at most so long; returns how many still do."""
        if not self._waiting:
            return 0
        _, left = await asyncio.wait(self._waiting, timeout=seconds)
        return len(left)

    async def created(self, message: discord.Message) -> None:
        """A message was written."""
        with self._storage.write_buffer.in_hand():
            await self._created(message)

    async def _created(self, message: discord.Message) -> None:
        ruling = await self._ruling(message)
        if ruling.barred not in {None, Barred.NO_NOTICE}:
            return
        typed = words_of_author(message)
        if is_command(typed) or not (typed or message.message_snapshots):
            return
        ruling = await self._with_notice(message, ruling)
        if ruling.barred is Barred.NO_NOTICE and isinstance(message.channel, WithMessages):
            await self._notices.post_where_due(message.channel, ruling.decision)
        if ruling.barred is not None:
            return
        said = await words_to_watch(self._gate, message)
        if not said.words or is_command(said.words):
            return
        verdict = await self._verdict(message, said.words)
        if not isinstance(verdict, Verdict | Unreadable):
            return
        ruling = await self._ruling_now(message)  # its author may have opted out meanwhile, or the notice be gone
        if ruling.barred is not None or ruling.place is None or not said.may_be_read(self._gate):
            return
        if self._keep(message, ruling.place, verdict):
            await self._tag(message, ruling, verdict, new=True)

    async def edited(self, message: discord.Message) -> None:
        """A message has changed, perhaps in what it says; a tag that it had for what it said before goes.

        One that has become a command says nothing any more, as one that was emptied.
        """
        if message.edited_at is None:
            return
        edited = message.edited_at.timestamp()
        if self._storage.clock.now() - edited > NEWS_SECONDS:
            return
        with self._storage.write_buffer.in_hand():
            await self._edited(message, edited)

    async def _edited(self, message: discord.Message, edited: float) -> None:
        roles = None
        ruling = await self._ruling(message)
        if ruling.barred is Barred.ROLES_UNKNOWN and message.guild is not None:
            roles = await MemberRoles(message.guild, most=1).of(message.author)
            ruling = self._gate.watching(message, roles=roles)
        ruling = await self._with_notice(message, ruling, roles)
        settled = ruling.barred is None and await self._read_again(message, roles, round(edited * 1000))
        if not settled and ruling.barred is not Barred.NOT_A_PERSON:
            if ruling.barred is not None:
                self._unread(message, round(edited * 1000))
            await self._untag(message)

    async def _read_again(self, message: discord.Message, roles: Collection[int] | None, moment: int) -> bool:
        """Counts what a message says since that moment, in milliseconds; False: it says nothing that a tag could."""
        words = words_of_author(message)
        if is_command(words):
            self._storage.write_buffer.emptied(message.id, moment)
            return False
        verdict = await self._verdict(message, words)
        if not isinstance(verdict, Verdict | Unreadable):
            # Nothing to read, or not read because too much waits: the text of the score that is there is gone.
            self._storage.write_buffer.emptied(message.id, moment)
            return False
        ruling = await self._ruling_now(message, roles)
        if ruling.barred is not None or ruling.place is None:
            self._unread(message, moment)
            return False
        if not self._keep(message, ruling.place, verdict, edited=moment):
            return False
        await self._tag(message, ruling, verdict)
        return True

    async def _with_notice(
        self, message: discord.Message, ruling: Ruling, roles: Collection[int] | None = None
    ) -> Ruling:
        """What the gate says once it is known whether a notice stands that may have been deleted unseen."""
        if ruling.barred is not Barred.NO_NOTICE or ruling.place is None:
            return ruling
        return self._gate.watching(message, roles=roles) if await self._notices.stands(ruling.place) else ruling

    async def _ruling_now(self, message: discord.Message, roles: Collection[int] | None = None) -> Ruling:
        """What the gate says at last, before something is kept: a notice may have come into doubt meanwhile."""
        return await self._with_notice(message, self._gate.watching(message, roles=roles), roles)

    def _is_open(self, ruling: Ruling) -> bool:
        """Whether nobody can say now if a message may be read, for Discord does not say if its notice stands."""
        return (
            ruling.barred is Barred.NO_NOTICE and ruling.place is not None and bool(self._rules.doubted(ruling.place))
        )

    async def _ruling(self, message: discord.Message) -> Ruling:
        """What the gate says, once the bot knows where the message stands: its thread may be as new as it is."""
        ruling = self._gate.watching(message)
        guild = message.guild
        if ruling.barred is not Barred.UNKNOWN_CHANNEL or guild is None or not self._rules.watches_somewhere(guild.id):
            return ruling
        if not isinstance(message.channel, discord.PartialMessageable):
            return ruling  # a thread whose channel the bot cannot see
        full = self.threads.full
        channel = await self.threads.known(guild, message.channel.id)
        if channel is None:
            self.counts[guild.id].shed += full
            return ruling
        message.channel = channel
        return self._gate.watching(message)

    async def caught_up(self, message: discord.Message, roles: Collection[int] | None) -> bool:
        """Reads a message that was missed, as it is now, without tags or notices; `roles` are its author's, if known.

        What its author wrote while they were opted out is not read. False: it is to be read and could not be.
        """
        edited = round(message.edited_at.timestamp() * 1000) if message.edited_at is not None else 0
        if edited:  # a tag was given for what it said before
            await self._untag(message)
        ruling = await self._ruling_now(message, roles)
        if ruling.barred is not None:
            if edited:
                self._unread(message, edited)
            return not self._is_open(ruling)
        said = await words_to_watch(self._gate, message)
        if not said.words or is_command(said.words):
            return True
        verdict = await self._verdict(message, said.words)
        ruling = await self._ruling_now(message, roles)
        if not said.may_be_read(self._gate):
            return True
        if isinstance(verdict, Verdict | Unreadable) and ruling.barred is None and ruling.place is not None:
            self._keep(message, ruling.place, verdict, edited=edited, missed=True)
        return verdict is not None and not self._is_open(ruling)

    async def _verdict(self, message: discord.Message, words: str) -> Verdict | Unreadable | NothingToRead | None:
        """The model's verdict, why there can be none, or None for a message that is counted as shed or failed."""
        task, guild = asyncio.current_task(), message.guild
        assert task is not None, "events are handled in tasks"
        assert guild is not None, "the gate lets nothing else through"
        self._waiting.add(task)
        try:
            verdict = await self._classifier.classify(words, Priority.PASSIVE, origin=guild.id, within=LONGEST_WAIT)
            if self.overload is not None:
                self.overload.answered(message, read=True)
            return self._gate.wanted(guild.id, verdict, words)
        except (NothingToRead, Unreadable) as answer:
            return answer
        except (Overloaded, DeadlinePassed, ClassifierClosed):
            self.counts[guild.id].shed += 1
            if self.overload is not None:
                self.overload.answered(message, read=False)
        except InferenceFailed:
            self.counts[guild.id].failed += 1
        finally:
            self._waiting.discard(task)
        return None

    async def _tag(
        self, message: discord.Message, ruling: Ruling, verdict: Verdict | Unreadable, *, new: bool = False
    ) -> None:
        """Has the message tagged as what it says now is, if the database says what the server has chosen."""
        assert ruling.place is not None, "the gate lets nothing else through"
        emoji = None
        if ruling.decision.tagging and isinstance(verdict, Verdict):
            with suppress(DatabaseUnavailable):
                emoji = tag_for(verdict, await self._rules.settings(ruling.place.guild_id))
        author = self._storage.pseudonyms.author(message.author.id)
        if not new:
            await self._reactions.settle(message, ruling.place, author, emoji)
        elif emoji is not None:
            self._reactions.offer(message, ruling.place, author, emoji)

    def _unread(self, message: discord.Message, edited: int) -> None:
        """What a message says since that moment, in milliseconds, is not to be read, and what it said is gone."""
        if message.guild is not None and self._rules.knows(message.guild.id):
            self._storage.write_buffer.emptied(message.id, edited)

    async def _untag(self, message: discord.Message) -> None:
        """What the message said is gone, and so is what a tag on it said."""
        if message.guild is not None and self._rules.knows(message.guild.id):
            await self._reactions.text_gone(message.id)

    def _keep(
        self,
        message: discord.Message,
        place: Place,
        verdict: Verdict | Unreadable,
        *,
        edited: int = 0,
        missed: bool = False,
    ) -> bool:
        """Counts an answer; False when the buffer refuses it, for the message is deleted, say."""
        author, *former = self._storage.pseudonyms.authors(message.author.id)
        kept = self._storage.write_buffer.scored(
            message.id,
            place.guild_id,
            place.channel_id,
            author,
            verdict,
            thread_id=place.thread_id,
            edited=edited,
            missed=missed,
            former=former,
        )
        if isinstance(verdict, Unreadable):
            self.counts[place.guild_id].unread += 1
            self.unread_languages.note(place.guild_id, verdict.language, author)
        else:
            self.counts[place.guild_id].read += 1
        return kept
