"""What a server's admins are told without having asked: in the channel they chose for it, or else their owner by DM.

It is said in the language of the server, whoever's command or message it comes from.

One cause is one note. Channels in which the same thing went wrong are collected for some seconds and named together;
of those in which it goes wrong later the admins hear an hour after, and then daily.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field

import discord

from bot.connection import Connection
from bot.i18n import gettext, ngettext, npgettext, speaking
from bot.i18n.formats import listed
from bot.link.failures import REQUEST_FAILURES, is_refusal, kind_of_failure
from bot.link.spoken import server_language
from bot.mod_channel import ModChannels, NotPosted
from bot.monitoring.rule_cache import RuleCache
from bot.storage.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

COLLECTING = (10.0, 3600.0, 86_400.0)
"""Seconds for which channels are collected: for the first note of a cause, the second, and every further one."""

FORGOTTEN_SECONDS = 7 * 86_400.0
"""After so long without it a cause is news again."""

AGAIN = (60.0, 600.0, 3600.0, 6 * 3600.0)
"""Seconds until a note that failed in passing is tried again; then it is given up, and that is logged."""

NAMED = 10
"""Channels that a note names one by one."""

OWNER_SECONDS = 86_400.0
"""A server's owner gets no second direct message within this time."""

OWNERS_AN_HOUR = 20
"""Direct messages to owners in all: Discord takes a bot that opens many for one that sends spam."""


@dataclass(slots=True)
class _Cause:
    """Where something went wrong that was not told yet, and how often it was told before."""

    places: dict[str, None] = field(default_factory=dict)
    notes: int = 0
    told: float = float("-inf")
    waiting: bool = False


_MENTION = re.compile(r"<#([0-9]{1,20})>")


class AdminNotifier:
    """Reaches the admins of a server through its mod channel. Nothing here raises anything of Discord's.

    `now` tells the seconds since the Unix epoch by which mod channels go, `clock` seconds for durations.
    """

    def __init__(
        self,
        mod_channels: ModChannels,
        rules: RuleCache,
        connection: Connection,
        now: Callable[[], float],
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._mod_channels = mod_channels
        self._rules = rules
        self._connection = connection
        self._now = now
        self._clock = clock
        self._pause = pause
        self._causes: dict[tuple[int, str], _Cause] = {}
        self._owners: dict[int, float] = {}
        self._direct: deque[float] = deque(maxlen=OWNERS_AN_HOUR)
        self._tasks: dict[asyncio.Task[None], int] = {}

    async def tell(self, guild: discord.Guild, sentence: str, *, cause: str | None = None) -> None:
        """Tells a server's admins a sentence of ours; of one `cause` not twice within a week."""
        if cause is not None:
            known = self._known(guild.id, cause)
            if known.notes:
                return
            known.notes, known.told = 1, self._clock()
        await self._deliver(guild, sentence, 0)

    def report(
        self, guild: discord.Guild, cause: str, place: str, words: Callable[[str], str], *, once: bool = False
    ) -> None:
        """Something has gone wrong in a place, such as a channel's mention.

        After a while one note is written for all places of the same `cause`: `words` makes it of their list. With
        `once` the cause is one thing for the whole server, and places that are found later are no news.
        """
        known = self._known(guild.id, cause)
        if once and known.notes:
            return
        known.places[place] = None
        if not known.waiting:
            known.waiting = True
            self._start(guild, self._tell_collected(guild, known, words))

    def forget(self, guild_id: int) -> None:
        """The bot was removed from a server, whose people are not to be written to any more: what waits is given up."""
        for task in [task for task, theirs in self._tasks.items() if theirs == guild_id]:
            task.cancel()
        for key in [key for key in self._causes if key[0] == guild_id]:
            del self._causes[key]

    async def close(self) -> None:
        """Gives up what waits: what is still wrong after a restart is found again."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _known(self, guild_id: int, cause: str) -> _Cause:
        known = self._causes.get((guild_id, cause))
        if known is None or (not known.waiting and self._clock() - known.told > FORGOTTEN_SECONDS):
            for key in [key for key, one in self._causes.items() if self._is_over(one)]:
                del self._causes[key]
            known = self._causes[guild_id, cause] = _Cause()
        return known

    def _is_over(self, cause: _Cause) -> bool:
        return not cause.waiting and self._clock() - cause.told > FORGOTTEN_SECONDS

    async def _tell_collected(self, guild: discord.Guild, cause: _Cause, words: Callable[[str], str]) -> None:
        pause = COLLECTING[min(cause.notes, len(COLLECTING) - 1)]
        if cause.notes or await self._has_mod_channel(guild):  # a direct message comes but once a day, so at once
            await self._pause(max(COLLECTING[0], pause - max(0.0, self._clock() - cause.told)))
        places, cause.places, cause.waiting = list(cause.places), {}, False
        cause.notes, cause.told = cause.notes + 1, self._clock()
        await self.tell_of(guild, places, words)

    async def tell_of(self, guild: discord.Guild, places: Sequence[str], words: Callable[[str], str]) -> None:
        """Tells of places, such as mentions of channels; of those that not everybody who hears it can read, how many.

        `words` makes the sentence of their list, in the language that is spoken then: the server's.
        """
        if self._connection.get_guild(guild.id) is None:
            return
        named = await self._may_be_named(guild, places)
        shown = [place for place in places if place in named]
        with speaking(await self._language(guild)):
            sentence = words(_in_words(shown, len(places) - len(shown)))
        await self._deliver(guild, sentence, 0)

    async def _language(self, guild: discord.Guild) -> str:
        """Its own at Discord while nobody can say what its admins have chosen."""
        try:
            return server_language(guild, await self._rules.settings(guild.id))
        except DatabaseUnavailable:
            return server_language(guild)

    async def _may_be_named(self, guild: discord.Guild, places: Sequence[str]) -> frozenset[str]:
        """Those of these places that the readers of the mod channel may be told of; an owner sees everything."""
        counting = {place: _counting(guild, place) for place in places}
        channels = {number for number in counting.values() if number is not None}
        try:
            channel_id = (await self._rules.settings(guild.id)).mod_channel_id
            if channel_id is None or not channels:
                return frozenset(places)
            told = await self._mod_channels.told_of(guild.id, channel_id, channels, self._now())
        except (*REQUEST_FAILURES, DatabaseUnavailable, NotPosted):
            told = frozenset()
        return frozenset(place for place, number in counting.items() if number is None or number in told)

    async def _has_mod_channel(self, guild: discord.Guild) -> bool:
        try:
            return (await self._rules.settings(guild.id)).mod_channel_id is not None
        except DatabaseUnavailable:
            return True

    async def _deliver(self, guild: discord.Guild, sentence: str, tries: int) -> None:
        if self._connection.get_guild(guild.id) is None:
            return
        try:
            channel_id = (await self._rules.settings(guild.id)).mod_channel_id
            if channel_id is None:
                await self._tell_owner(guild, sentence)
            else:
                await self._mod_channels.post(guild.id, channel_id, self._now(), insist=True, content=sentence)
        except NotPosted:  # the channel refuses; the owner hears of that from whoever posts to it
            _log.info("the admins of server %d could not be told: their channel refuses", guild.id)
        except (*REQUEST_FAILURES, DatabaseUnavailable) as error:
            if is_refusal(error) or tries == len(AGAIN):
                _log.warning("the admins of server %d could not be told (%s)", guild.id, kind_of_failure(error))
            else:
                self._start(guild, self._deliver_later(guild, sentence, tries))

    async def _deliver_later(self, guild: discord.Guild, sentence: str, tries: int) -> None:
        await self._pause(AGAIN[tries])
        await self._deliver(guild, sentence, tries + 1)

    async def _tell_owner(self, guild: discord.Guild, sentence: str) -> None:
        """Once a day for each server at most, and not too many in an hour; the rest is in `/monitor status`."""
        now = self._clock()
        full = len(self._direct) == OWNERS_AN_HOUR and now - self._direct[0] < 3600
        if guild.owner_id is None or now - self._owners.get(guild.id, float("-inf")) < OWNER_SECONDS or full:
            _log.info("server %d has no channel to tell its admins in", guild.id)
            return
        self._owners = {one: told for one, told in self._owners.items() if now - told < OWNER_SECONDS}
        self._owners[guild.id] = now
        self._direct.append(now)
        name = discord.utils.escape_markdown(guild.name)
        with speaking(await self._language(guild)):
            text = gettext(
                "About **{server}**: {sentence}\nI'm writing to you because the server has no mod channel. `/monitor "
                "settings` with `mod_channel` sets one. I won't send you more than one message a day.",
                server=name,
                sentence=sentence,
            )
        try:
            direct = await self._connection.create_dm(discord.Object(guild.owner_id))
            await direct.send(text)
        except REQUEST_FAILURES as error:
            if not is_refusal(error):
                self._owners.pop(guild.id, None)
            raise

    def _start(self, guild: discord.Guild, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="telling admins")
        self._tasks[task] = guild.id
        task.add_done_callback(lambda done: self._tasks.pop(done, None))


def _counting(guild: discord.Guild, place: str) -> int | None:
    """The channel that a mention is of, or that the thread is in; None for what is no mention of a channel."""
    found = _MENTION.fullmatch(place)
    if found is None:
        return None
    thread = guild.get_thread(int(found[1]))
    return thread.parent_id if thread is not None else int(found[1])


def _in_words(shown: Sequence[str], hidden: int) -> str:
    """Places as a list, with how many there are besides."""
    parts = list(shown[:NAMED])
    if more := len(shown) - len(parts):
        # Translators: The end of a list of channels, as in "#one, #two and 3 more".
        parts.append(npgettext("channels", "{count:,} more", "{count:,} more", more))
    if hidden:
        # Translators: The end of a list of channels. Those who read the list can't all read these channels.
        parts.append(
            ngettext(
                "{count:,} channel not everyone here can read", "{count:,} channels not everyone here can read", hidden
            )
        )
    return listed(parts)
