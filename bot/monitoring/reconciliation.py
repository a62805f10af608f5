"""What the store knows is compared with what is there: servers that were left, channels and roles that were deleted.

Discord says so by an event, unless nobody listened: the bot was off, or its session was lost. So at each new session
of a shard, and whenever a server becomes available, what is held but not there is asked for, once and a few at a time.
An event alone is no proof that a server was left either.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from math import ceil
from typing import TypeVar

import aiohttp
import discord

from bot.connection import Connection
from bot.domain.records import Gap
from bot.domain.snowflake import SECONDS
from bot.monitoring.rule_cache import RuleCache
from bot.storage.known_places import places_of
from bot.storage.open_storage import Storage

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

GRACE_SECONDS = 24 * SECONDS
"""How long everything of a server that was left stays, in case the bot is added again."""

INTERVAL = 10.0
"""Seconds between two runs of the job."""

MOST_SERVERS, MOST_CHANNELS, MOST_COMPARED = 10, 20, 50
"""Servers and channels that are asked for in one run, and servers whose channels are compared in it."""

LATER_SECONDS = 600.0
"""After how long it is asked again when Discord could not say."""

_UNKNOWN_CHANNEL, _UNKNOWN_GUILD, _MISSING_ACCESS = 10003, 10004, 50001


class Reconciliation:
    """Finds what is gone, and has it removed. Events only touch memory; `work` asks Discord and the database."""

    def __init__(
        self,
        connection: Connection,
        storage: Storage,
        rules: RuleCache,
        *,
        guild_gone: Callable[[int], None],
        channel_gone: Callable[[int, int], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._connection = connection
        self._storage = storage
        self._rules = rules
        self._guild_gone = guild_gone
        self._channel_gone = channel_gone
        self._clock = clock
        self._here: set[int] = set()
        self._ready: set[int] = set()
        self._new_sessions: set[int] = set()
        self._unsure: dict[int, float] = {}
        self._uncompared: dict[int, None] = {}
        self._missing: dict[tuple[int, int], float] = {}
        self._not_before: dict[int, float] = {}
        self._warned = False

    def session_began(self, shard_id: int) -> None:
        """A shard has a new session: what is there is told anew, server by server."""
        self._ready.discard(shard_id)
        self._here = {guild_id for guild_id in self._here if self._shard_of(guild_id) != shard_id}

    def session_ready(self, shard_id: int) -> None:
        """Of a new session every server has been told that there is, but for those in an outage."""
        self._ready.add(shard_id)
        self._new_sessions.add(shard_id)

    def present(self, guild_id: int) -> None:
        """The bot is in this server, and has been told its channels and roles."""
        self._here.add(guild_id)
        self._unsure.pop(guild_id, None)
        self._uncompared[guild_id] = None

    def left(self, guild_id: int) -> None:
        """Discord says that the bot is not in this server any more; it has said so by mistake before."""
        self._here.discard(guild_id)
        self._uncompared.pop(guild_id, None)
        self._unsure[guild_id] = 0.0

    async def work(self, _now: float) -> None:
        """Asks for some of what is missing and removes what is gone. A job. Raises DatabaseUnavailable."""
        if not self._ready:
            return
        departed = await self._storage.departures.all()
        if not (departed or self._new_sessions or self._unsure or self._uncompared or self._missing):
            return
        if self._unsure:
            await self._storage.write_buffer.flush()  # or a server of which all is still in memory would be unknown
        known = await self._storage.guilds.guild_ids() | self._rules.guild_ids()
        if not await self._is_our_database(known):
            return
        for guild_id in known - self._here:
            if self._shard_of(guild_id) in self._new_sessions:
                self._unsure.setdefault(guild_id, 0.0)
        self._new_sessions.clear()
        await self._keep_the_returned(departed)
        await self._note_the_left(known, departed)
        await self._remove_the_left(departed)
        for guild_id in tuple(self._uncompared)[:MOST_COMPARED]:
            del self._uncompared[guild_id]
            guild = self._connection.get_guild(guild_id)
            if guild is not None and guild_id in known:
                self._missing.update(dict.fromkeys(await self._compared(guild), 0.0))
        await self._ask_for_channels(self._due(self._missing)[:MOST_CHANNELS])

    async def look(self, guild: discord.Guild) -> int:
        """Compares one server now, for somebody who waits; returns how many channels and threads were gone.

        Raises DatabaseUnavailable.
        """
        return await self._ask_for_channels((await self._compared(guild))[:MOST_CHANNELS])

    async def _is_our_database(self, known: set[int]) -> bool:
        """Whether the database belongs to this bot's application; noted at the first start."""
        mine, noted = self._connection.application_id, await self._storage.departures.application()
        if noted is None and mine is not None:
            here = {guild.id for guild in self._connection.guilds}
            if not known or here & known:
                await self._storage.departures.set_application(mine)
                return True
        if noted is not None and noted == mine:
            return True
        if not self._warned:
            self._warned = True
            whose = f"belongs to application {noted}" if noted else "knows only servers that this bot isn't in"
            _log.warning(
                "the database %s, and the token to application %s, so nothing is removed from it; is it the right "
                "token, and the right DATA_DIR or DATABASE_URL?",
                whose,
                mine,
            )
        return False

    async def _keep_the_returned(self, departed: dict[int, int]) -> None:
        for guild_id in self._here & departed.keys():
            since = departed.pop(guild_id)
            await self._storage.moods.add_gap(Gap(guild_id, since, max(since, ceil(self._clock()))))
            await self._storage.departures.remove(guild_id)
            _log.info("server %d has the bot again, and everything of it is kept", guild_id)

    async def _note_the_left(self, known: set[int], departed: dict[int, int]) -> None:
        left = []
        for guild_id in self._due(self._unsure)[:MOST_SERVERS]:
            if guild_id not in known or guild_id in departed:
                self._unsure.pop(guild_id, None)
                continue
            member = await self._is_member(guild_id)
            if guild_id not in self._unsure:
                continue  # it was joined again meanwhile
            if member is None:
                self._unsure[guild_id] = self._clock() + LATER_SECONDS
                continue
            del self._unsure[guild_id]
            if member and self._connection.get_guild(guild_id) is not None:
                self.present(guild_id)
            elif not member:
                departed[guild_id] = int(self._clock())
                await self._storage.departures.add(guild_id, departed[guild_id])
                left.append(guild_id)
        if left:
            _log.info(
                "%d servers do not have the bot any more; what is held of them goes in a day: %s", len(left), left
            )

    async def _remove_the_left(self, departed: dict[int, int]) -> None:
        """Removes everything of the servers whose day is over, after one more question: it cannot be taken back."""
        over = {
            guild_id: self._not_before.get(guild_id, 0.0)
            for guild_id, since in departed.items()
            if self._clock() - since >= GRACE_SECONDS and self._shard_of(guild_id) in self._ready
        }
        removed = []
        for guild_id in self._due(over)[:MOST_SERVERS]:
            member = await self._is_member(guild_id)
            if guild_id in self._here:
                continue
            if member is None:
                self._not_before[guild_id] = self._clock() + LATER_SECONDS
                continue
            self._not_before.pop(guild_id, None)
            if member:
                await self._storage.departures.remove(guild_id)
            else:
                self._guild_gone(guild_id)
                removed.append(guild_id)
        if removed:
            await self._storage.write_buffer.flush()
            _log.info("everything of %d servers that were left is removed: %s", len(removed), removed)

    async def _is_member(self, guild_id: int) -> bool | None:
        """Whether the bot is in a server, as Discord says; None when it could not say."""
        try:
            await self._connection.fetch_guild(guild_id, with_counts=False)
        except discord.HTTPException as error:
            return False if error.code in (_UNKNOWN_GUILD, _MISSING_ACCESS) else None
        except (aiohttp.ClientError, OSError):
            return None
        return True

    async def _compared(self, guild: discord.Guild) -> list[tuple[int, int]]:
        """Servers and ids of channels and threads that are held but not known; roles that are gone are forgotten."""
        places = await places_of(self._storage.database, guild.id)
        if guild.unavailable:
            return []
        for role_id in places.roles:
            if guild.get_role(role_id) is None:
                await self._rules.role_gone(guild.id, role_id)
        return [(guild.id, one) for one in sorted(places.channels) if guild.get_channel_or_thread(one) is None]

    async def _ask_for_channels(self, places: list[tuple[int, int]]) -> int:
        """Asks for channels that may be hidden, or threads that are archived; returns how many were gone."""
        gone = []
        for guild_id, channel_id in places:
            self._missing.pop((guild_id, channel_id), None)
            try:
                await self._connection.fetch_channel(channel_id)
            except discord.HTTPException as error:
                if error.code == _UNKNOWN_CHANNEL:
                    self._channel_gone(guild_id, channel_id)
                    gone.append(channel_id)
                elif error.status != 403:
                    self._missing[guild_id, channel_id] = self._clock() + LATER_SECONDS
            except discord.InvalidData:
                continue  # it is there, of a kind that the library does not know
            except (aiohttp.ClientError, OSError):
                self._missing[guild_id, channel_id] = self._clock() + LATER_SECONDS
        if gone:
            _log.info("%d channels or threads were deleted unseen, and what is held of them goes: %s", len(gone), gone)
        return len(gone)

    def _due(self, waiting: Mapping[_T, float]) -> list[_T]:
        now = self._clock()
        return [one for one, not_before in waiting.items() if not_before <= now]

    def _shard_of(self, guild_id: int) -> int:
        """Discord's own formula."""
        return (guild_id >> 22) % (self._connection.shard_count or 1)
