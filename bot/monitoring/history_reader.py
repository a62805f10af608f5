"""Reads a channel's history page by page: what was missed is read, and what is gone is removed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

import discord

from bot.channels import WithMessages
from bot.domain.snowflake import first_id_at, written_at
from bot.link.brake import KeptOut
from bot.link.failures import REQUEST_FAILURES
from bot.monitoring.blind_spots import sees
from bot.monitoring.catch_up_channel import CatchUpChannel, Progress, thread_of
from bot.monitoring.ingest import Ingest
from bot.monitoring.rule_cache import RuleCache
from bot.storage.open_storage import Storage

_log = logging.getLogger(__name__)

PAGE = 100
"""Messages that Discord gives at once, at most."""

MOST_MEMBERS = 100
"""People of one channel whose roles are asked for, where a role is exempt; who else wrote there is not read."""

_REQUEST_SECONDS = 30.0
_ARCHIVED = 50
_FIRST_ID = 1

_T = TypeVar("_T")


class HistoryReader:
    """Each step makes one request, besides those for the roles of people where some role is exempt."""

    def __init__(self, storage: Storage, rules: RuleCache, ingest: Ingest) -> None:
        self._storage = storage
        self._rules = rules
        self._ingest = ingest
        self.requests = 0
        """How many were made so far."""

    async def step(self, one: CatchUpChannel, until: float) -> Sequence[CatchUpChannel]:
        """Goes on in a channel, up to `until` (seconds since the Unix epoch), and returns threads that it has found.

        Its `progress` then says whether there is more. What Discord refuses is given up; what merely fails is tried
        again a few times. Raises DatabaseUnavailable, and KeptOut where nothing may be asked now: then nothing is lost.
        """
        if not sees(one.channel) or not one.channel.permissions_for(one.channel.guild.me).read_message_history:
            one.progress = Progress.GIVEN_UP
            return ()
        try:
            return await self._step(one, until)
        except KeptOut:
            self.requests -= 1
            raise
        except (discord.Forbidden, discord.NotFound):
            one.progress = Progress.GIVEN_UP
        except REQUEST_FAILURES as error:
            one.fail()
            _log.info("the history of channel %d could not be read (%s)", one.channel.id, type(error).__name__)
        return ()

    async def has_nothing(self, one: CatchUpChannel) -> bool:
        """Whether nothing need be asked: nobody wrote there since, and nothing of before is held. Asks nothing itself.

        Raises DatabaseUnavailable.
        """
        channel = one.channel
        if isinstance(channel, discord.ForumChannel) or (channel.last_message_id or 0) > one.cursor:
            return False
        if isinstance(channel, discord.TextChannel) and not one.threads_found and one.may_have_sleeping_threads:
            return False
        return one.looked_back or not await self._held_before(one)

    async def _step(self, one: CatchUpChannel, until: float) -> Sequence[CatchUpChannel]:
        channel = one.channel
        if isinstance(channel, discord.TextChannel | discord.ForumChannel) and not one.threads_found:
            found = await self._archived(channel, one)
            one.threads_found = True
            if isinstance(channel, discord.ForumChannel):
                one.progress = Progress.DONE
            return found
        assert isinstance(channel, WithMessages), "a forum has only threads"
        if not one.looked_back:
            if not await self._look_back(channel, one):
                one.fail()
                return ()
            one.looked_back = True
            if (channel.last_message_id or 0) <= one.cursor:
                one.progress = Progress.DONE
            return ()
        await self._read_on(channel, one, until)
        return ()

    async def _archived(
        self, channel: discord.TextChannel | discord.ForumChannel, one: CatchUpChannel
    ) -> list[CatchUpChannel]:
        """The threads in which somebody may have written since, and which are archived by now."""
        if not one.may_have_sleeping_threads:
            return []
        found = []
        for thread in await self._all(channel.archived_threads(limit=_ARCHIVED)):
            if thread.archive_timestamp.timestamp() < one.since:
                break
            missed = thread_of(self._rules, thread, one.since, one.ended)
            if missed is not None:
                found.append(missed)
        return found

    async def _look_back(self, channel: WithMessages, one: CatchUpChannel) -> bool:
        """Compares what is held of the last messages before the gap with what is there: gone, or edited since.

        False when an edited one is to be read and could not be.
        """
        held = await self._held_before(one)
        if not held:
            return True
        page = await self._all(channel.history(limit=PAGE, before=discord.Object(first_id_at(one.looked_back_from))))
        if not page:
            return True  # also what a channel looks like whose history may not be read after all
        lowest = min(message.id for message in page) if len(page) == PAGE else _FIRST_ID
        gone = {number for number in held if number >= lowest} - {message.id for message in page}
        self._storage.write_buffer.deleted(gone)
        for message in page:
            if message.id in held and message.edited_at and message.edited_at.timestamp() >= one.looked_back_from:
                read = await self._read(message, one)
                if not read:
                    return False
        return True

    async def _held_before(self, one: CatchUpChannel) -> frozenset[int]:
        """What is held of the messages before the gap."""
        last = first_id_at(one.looked_back_from) - 1
        return await self._storage.gaps.held_messages(one.place.channel_id, one.place.thread_id, _FIRST_ID, last)

    async def _read_on(self, channel: WithMessages, one: CatchUpChannel, until: float) -> None:
        """Reads the next page after the last message that was dealt with."""
        after, end = discord.Object(one.cursor), first_id_at(until)
        known = await self._storage.gaps.held_messages(
            one.place.channel_id, one.place.thread_id, one.cursor + 1, end - 1
        )
        page = await self._all(channel.history(limit=PAGE, after=after, oldest_first=True))
        last = page[-1].id if page else one.cursor
        gone = {number for number in known if number <= last or len(page) < PAGE} - {message.id for message in page}
        if page:
            self._storage.write_buffer.deleted(gone)
        one.looked_at += len(page)
        for message in page:
            if message.id >= end:
                break
            if not await self._read(message, one):
                one.fail()
                return
            one.cursor = message.id
        if len(page) < PAGE or last >= end:
            one.progress = Progress.DONE

    async def _all(self, pages: AsyncIterator[_T]) -> list[_T]:
        """What one request brings."""
        self.requests += 1
        async with asyncio.timeout(_REQUEST_SECONDS):
            return [one async for one in pages]

    async def _read(self, message: discord.Message, one: CatchUpChannel) -> bool:
        """Has a message read, if it may be; False when it could not be."""
        roles: frozenset[int] | None = None
        if self._rules.has_exempt_roles(one.place.guild_id):
            roles = await self._roles(message, one)
        return await self._ingest.caught_up(message, roles)

    async def _roles(self, message: discord.Message, one: CatchUpChannel) -> frozenset[int] | None:
        """The roles that an author has now; None, and they are not read, for who has left and for too many people."""
        user_id = message.author.id
        if self._storage.opt_outs.includes(user_id, one.place.guild_id):
            return None
        if user_id not in one.members:
            if len(one.members) >= MOST_MEMBERS:
                one.skipped_from = one.skipped_from or written_at(message.id)
                return None
            self.requests += 1
            try:
                member = await one.channel.guild.fetch_member(user_id)
            except discord.NotFound:
                one.members[user_id] = None
            else:
                one.members[user_id] = frozenset(role.id for role in member.roles)
        return one.members[user_id]
