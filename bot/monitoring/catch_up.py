"""After the bot was away, the history of watched channels is read, so that a restart or a lost session leaves no hole.

Only what a message that is written now would be read by: where the notice stood then and stands now, by the rules and
opt-outs of now, messages as they are now. What was deleted is not there; what was read before and is gone goes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from bot.connection import Connection
from bot.domain.discord_clock import DiscordClock
from bot.domain.records import Gap, GapCause
from bot.monitoring.catch_up_channel import CatchUpChannel, Progress, channels_of
from bot.monitoring.downtime import SHORTEST_DOWNTIME, Missed
from bot.monitoring.history_reader import HistoryReader
from bot.monitoring.ingest import Ingest
from bot.monitoring.notice import Notices
from bot.monitoring.rule_cache import RuleCache
from bot.storage.errors import DatabaseUnavailable
from bot.storage.open_storage import Storage

_log = logging.getLogger(__name__)

CAUSES = (GapCause.OFF, GapCause.CONNECTION, GapCause.OUTAGE)
"""Not what an admin has hidden from the bot, nor what was written where no notice stood."""

INTERVAL_SECONDS = 5.0
RUN_SECONDS, LIMIT_SECONDS = 60.0, 600.0
"""How long one run of the job works before it lets go, for the next goes on where it was; and how long at most."""

REQUEST_SECONDS = 0.5
"""Between two requests: a twenty-fifth of what Discord allows a bot in all."""

MOST_PER_CHANNEL, MOST_PER_SERVER = 1000, 5000
"""Messages looked at in one gap; what is left stays a gap."""

TRIES = 2
"""How often a gap's history is begun to be read: a process that is ended meanwhile goes on once after its restart."""

_ABSENT_TURNS = 240
"""Turns after which a server that is not there is given up."""

_MOST_PARTS = 200
"""Parts into which a gap may fall; of more it stays whole."""


class _Filling:
    """A gap that is being filled, and what of it is still missing."""

    def __init__(self, missed: Missed, since: float, servers: set[int]) -> None:
        self.missed = missed
        self.since = since
        self.servers = servers
        self.missing: list[Gap] = []
        self.begun = False


class _Server:
    """What is left to be read in one server."""

    def __init__(self, filling: _Filling, guild_id: int) -> None:
        self.filling = filling
        self.guild_id = guild_id
        self.channels: deque[CatchUpChannel] | None = None
        self.finished: list[CatchUpChannel] = []
        self.looked_at = 0
        self.absent = 0


class CatchUp:
    """Reads what was missed within the last `hours`, one request at a time, servers and their channels by turns.

    Meanwhile no hour is told: what is read may still change it.
    """

    def __init__(
        self,
        storage: Storage,
        rules: RuleCache,
        ingest: Ingest,
        notices: Notices,
        connection: Connection,
        *,
        hours: int,
    ) -> None:
        self._storage = storage
        self._clock: DiscordClock = storage.clock
        self._rules = rules
        self._notices = notices
        self._reader = HistoryReader(storage, rules, ingest)
        self._connection = connection
        self._hours = hours
        self._servers: deque[_Server] = deque()
        self._resumed = hours == 0
        if self._was_away():
            storage.publication.hold(self)  # until it is known what was missed
        self._pause = REQUEST_SECONDS

    def _was_away(self) -> bool:
        """Whether the bot did not run for so long that hours may have to be filled."""
        last_alive = self._storage.last_alive
        return not self._resumed and last_alive is not None and self._clock.now() - last_alive >= SHORTEST_DOWNTIME

    def missed(self, missed: Missed) -> None:
        """Something was not seen, and is again: its history is read soon, if that is wanted."""
        cause = missed.absence.cause
        if not self._hours or cause not in CAUSES or missed.ended <= missed.started:
            return
        since = max(missed.started, self._clock.now() - self._hours * 3600)
        servers = {guild for guild in self._rules.guild_ids() if missed.absence.concerns(guild)}
        if since >= missed.ended or not servers:
            return
        filling = _Filling(missed, since, servers)
        for guild_id in sorted(servers):
            self._servers.append(_Server(filling, guild_id))
            self._storage.publication.hold(self, guild_id)

    def forget(self, guild_id: int) -> None:
        """The bot has left a server."""
        for server in [one for one in self._servers if one.guild_id == guild_id]:
            self._servers.remove(server)
            server.filling.servers.discard(guild_id)
            self._storage.publication.release(self, guild_id)

    @property
    def waiting(self) -> int:
        """Servers of which something may still be read."""
        return len(self._servers)

    async def work(self, _now: float) -> None:
        """A job: reads for a minute; what is not read by then is read by the next run. Raises DatabaseUnavailable."""
        if not self._connection.is_ready():
            self._storage.publication.prolong()  # nothing can be read yet, and nothing comes in either
            self._prolong()
            return
        await self._resume()
        self._storage.publication.release(self)
        until, before = self._clock.steady() + RUN_SECONDS, self._reader.requests
        while self._servers and self._clock.steady() < until:
            server = self._servers[0]
            requests = self._reader.requests
            more = await self._turn(server)
            if server in self._servers:  # it may have been left meanwhile
                self._servers.remove(server)
                if more:
                    self._servers.append(server)
                else:
                    await self._finish(server)
            if self._reader.requests > requests or server.absent:
                await asyncio.sleep(self._pause)
        if self._reader.requests > before:
            self._prolong()

    def _prolong(self) -> None:
        """Servers take turns, so all of them get on; those that are not there do not."""
        for server in self._servers:
            if not server.absent:
                self._storage.publication.prolong(server.guild_id)

    async def _resume(self) -> None:
        """Once after the start: the gaps of before that were not, or only begun to be, filled."""
        if self._resumed:
            return
        in_hand = {server.filling.missed.number for server in self._servers}
        since = int(self._clock.now()) - self._hours * 3600
        for noted in await self._storage.gaps.to_catch_up(since, CAUSES, TRIES):
            if noted.number not in in_hand and noted.ended is not None:
                self.missed(Missed(noted.absence, noted.started, noted.ended, noted.number))
        self._resumed = True

    async def _turn(self, server: _Server) -> bool:
        """One step in a server; whether there is more to do."""
        filling, guild = server.filling, self._connection.get_guild(server.guild_id)
        if guild is None or guild.unavailable:
            server.absent += 1
            return server.absent < _ABSENT_TURNS
        if not filling.begun and filling.missed.number is not None:
            await self._storage.gaps.looked(filling.missed.number)
        filling.begun = True
        if server.channels is None:
            server.channels = deque(channels_of(self._rules, guild, filling.since, filling.missed.ended))
        if not server.channels:
            return False
        channel = server.channels.popleft()
        if (
            server.looked_at >= MOST_PER_SERVER
            or channel.looked_at >= MOST_PER_CHANNEL
            or not await self._notices.stands(channel.place)
        ):
            channel.progress = Progress.GIVEN_UP
        else:
            before = channel.looked_at
            server.channels.extend(await self._reader.step(channel))
            server.looked_at += channel.looked_at - before
        if channel.progress is Progress.MORE:
            server.channels.append(channel)
        else:
            server.finished.append(channel)
        return bool(server.channels)

    async def _finish(self, server: _Server) -> None:
        """Everything that can be read of a server is."""
        filling = server.filling
        started, ended = int(filling.since), int(filling.missed.ended) + 1
        cause = filling.missed.absence.cause
        if server.channels is None:
            filling.missing.append(Gap(server.guild_id, started, ended, cause=cause))
        else:
            filling.missing += _still_missing(server.finished, cause, ended)
        filling.servers.discard(server.guild_id)
        if all(other.guild_id != server.guild_id for other in self._servers):  # another gap of it may be left
            self._storage.publication.release(self, server.guild_id)
        if not filling.servers:
            await self._shorten(filling)

    async def _shorten(self, filling: _Filling) -> None:
        """What was a gap is none any more, or a shorter one, or one of single channels."""
        missed = filling.missed
        if missed.number is None or len(filling.missing) > _MOST_PARTS:
            return
        parts = list(filling.missing)
        if missed.started < filling.since:
            parts.append(Gap.of(missed.absence, int(missed.started), int(filling.since)))
        try:
            await self._storage.gaps.replace(missed.number, parts)
        except DatabaseUnavailable:
            _log.warning("a gap that is filled could not be shortened")


def _still_missing(channels: Sequence[CatchUpChannel], cause: GapCause | None, ended: int) -> list[Gap]:
    """One gap for each channel that was not read to the end, its threads counted in."""
    begins: dict[int, float] = {}
    for one in channels:
        begun = one.missing_from
        if begun is not None:
            begins[one.place.channel_id] = min(begun, begins.get(one.place.channel_id, begun))
    guild_id = channels[0].place.guild_id if channels else None
    return [Gap(guild_id, int(begun), ended, channel, cause=cause) for channel, begun in begins.items()]
