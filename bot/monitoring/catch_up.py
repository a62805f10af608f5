"""After the bot was away, the history of watched channels is read, so that a restart or a lost session leaves no hole.

Only what a message that is written now would be read by: where the notice stood then and stands now, by the rules and
opt-outs of now, messages as they are now. What was deleted is not there; what was read before and is gone goes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection

from bot.connection import Connection
from bot.domain.discord_clock import OFF_SECONDS, DiscordClock
from bot.domain.records import Absence, Gap, GapCause
from bot.link.brake import KeptOut
from bot.monitoring.catch_up_channel import CatchUpChannel, Progress, channels_of, still_missing
from bot.monitoring.downtime import SHORTEST_DOWNTIME, Downtime, Missed
from bot.monitoring.history_reader import HistoryReader
from bot.monitoring.ingest import Ingest
from bot.monitoring.notice import Notices
from bot.monitoring.rule_cache import RuleCache
from bot.storage.errors import DatabaseUnavailable
from bot.storage.open_storage import Storage

CAUSES = (GapCause.OFF, GapCause.CONNECTION, GapCause.OUTAGE)
"""Not what an admin has hidden from the bot, nor what was written where no notice stood."""

INTERVAL_SECONDS = 5.0
RUN_SECONDS, LIMIT_SECONDS = 60.0, 600.0
"""How long one run of the job works before it lets go, for the next goes on where it was; and how long at most."""

REQUEST_SECONDS = 0.2
"""Between two requests of all processes: a tenth of what Discord allows a bot in all. Meanwhile hours are held back."""

MOST_PER_CHANNEL, MOST_PER_SERVER = 1000, 5000
"""Messages looked at in one gap; what is left stays a gap."""

TRIES = 2
"""How often a gap's history is begun to be read: a process that is ended meanwhile goes on once after its restart."""

_ABSENT_SECONDS = 120.0
"""After how long a server that is not there is given up."""

_AT_START = "what was missed isn't known yet"
"""Holds back publication from the start on. It is the same for every client: one that never logs in releases nothing,
and the one that takes its place does.
"""

_MOST_PARTS = 200
"""Parts into which a gap may fall; of more it stays whole."""


class _Filling:
    """A gap that is being filled, and what of it is still missing. Its history is read from `since` to `until`."""

    def __init__(self, missed: Missed, since: float, until: float, servers: set[int]) -> None:
        self.missed = missed
        self.since, self.until = since, until
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
        self.absent_since: float | None = None


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
        downtime: Downtime,
        hours: int,
    ) -> None:
        self._storage = storage
        self._clock: DiscordClock = storage.clock
        self._rules = rules
        self._notices = notices
        self._downtime = downtime
        self._reader = HistoryReader(storage, rules, ingest)
        self._connection = connection
        self._hours = hours
        self._servers: deque[_Server] = deque()
        self._filled: deque[_Filling] = deque()
        self._closed = False
        self._resumed = hours == 0
        if self._was_away():
            storage.publication.hold(_AT_START)
        self._pause = REQUEST_SECONDS * storage.processes

    def _was_away(self) -> bool:
        """Whether the bot did not run for so long that hours may have to be filled."""
        last_alive = self._storage.last_alive
        return not self._resumed and last_alive is not None and self._clock.now() - last_alive >= SHORTEST_DOWNTIME

    def missed(self, missed: Missed, *, until: float | None = None) -> None:
        """Something was not seen, and is again: its history is read soon, if that is wanted.

        It is read to `until`, in seconds since the Unix epoch: by default a little further than this machine's clock
        says, which may be that far behind Discord's. What was read there already counts once.
        """
        if not self.wants(missed.absence) or missed.ended <= missed.started:
            return
        since = max(missed.started, self._clock.now() - self._hours * 3600)
        if since >= missed.ended or self._has_in_hand(missed):
            return
        servers = self._servers_of(missed.absence)
        filling = _Filling(missed, since, missed.ended + OFF_SECONDS if until is None else until, servers)
        for guild_id in sorted(servers):
            server = _Server(filling, guild_id)
            self._servers.append(server)
            self._storage.publication.hold(server, guild_id)

    def wants(self, absence: Absence) -> bool:
        """Whether what is missed in such an absence is read afterwards."""
        wanted = bool(self._hours) and not self._closed and absence.cause in CAUSES
        return wanted and bool(self._servers_of(absence))

    def _servers_of(self, absence: Absence) -> set[int]:
        return {guild for guild in self._rules.guild_ids() if absence.concerns(guild)}

    def _has_in_hand(self, missed: Missed) -> bool:
        fillings = [*(server.filling for server in self._servers), *self._filled]
        return missed.number is not None and any(one.missed.number == missed.number for one in fillings)

    def forget(self, guild_id: int) -> None:
        """The bot has left a server."""
        for server in [one for one in self._servers if one.guild_id == guild_id]:
            self._servers.remove(server)
            self._is_done(server)

    def close(self) -> None:
        """This client ends: nothing is held back for it any more, and what is not read yet is left to the next."""
        self._closed = True
        while self._servers:
            server = self._servers.popleft()
            self._storage.publication.release(server, server.guild_id)

    @property
    def waiting(self) -> int:
        """Servers of which something may still be read."""
        return len(self._servers)

    async def work(self, _now: float) -> None:
        """A job: reads for a minute; what is not read by then is read by the next run. Raises DatabaseUnavailable."""
        if self._closed:
            return
        if not self._connection.is_ready():
            self._storage.publication.prolong()  # nothing can be read yet, and nothing comes in either
            self._prolong()
            return
        await self._resume()
        if self._closed:
            return  # it is held back for the next client by now
        self._storage.publication.release(_AT_START)
        await self._shorten_the_filled()
        departed = await self._storage.departures.all() if self._servers else {}
        until, before = self._clock.steady() + RUN_SECONDS, self._reader.requests
        absent = 0
        while absent < len(self._servers) and self._clock.steady() < until:
            server = self._servers[0]
            requests = self._reader.requests
            try:
                more = await self._turn(server, departed)
            except KeptOut:
                break  # the next run goes on here
            if server in self._servers:  # it may have been left meanwhile
                self._servers.remove(server)
                if more:
                    self._servers.append(server)
                else:
                    self._finish(server)
            await self._shorten_the_filled()
            absent = absent + 1 if more and server.absent_since is not None else 0
            if self._reader.requests > requests:
                await asyncio.sleep(self._pause)
        if self._reader.requests > before:
            self._prolong()

    def _prolong(self) -> None:
        """Servers take turns, so all of them get on; those that are not there do not."""
        for server in self._servers:
            if server.absent_since is None:
                self._storage.publication.prolong(server.guild_id)

    async def _resume(self) -> None:
        """Once after the start: the gaps of before that were not, or only begun to be, filled."""
        if self._resumed:
            return
        await self._downtime.write()  # what was left lasting by the process before may have ended just now
        since = int(self._clock.now()) - self._hours * 3600
        for noted in await self._storage.gaps.to_catch_up(since, CAUSES, TRIES):
            if noted.ended is not None:
                # No further: somebody may have opted out then and in again, and only the process of then knew when.
                self.missed(Missed(noted.absence, noted.started, noted.ended, noted.number), until=noted.ended)
        self._resumed = True

    async def _turn(self, server: _Server, departed: Collection[int]) -> bool:
        """One step in a server; whether there is more to do."""
        filling, guild = server.filling, self._connection.get_guild(server.guild_id)
        if guild is None or guild.unavailable:
            now = self._clock.steady()
            if server.absent_since is None:
                server.absent_since = now
            return server.guild_id not in departed and now - server.absent_since < _ABSENT_SECONDS
        server.absent_since = None
        if not filling.begun and filling.missed.number is not None:
            await self._storage.gaps.looked(filling.missed.number)
        filling.begun = True
        if server.channels is None:
            server.channels = deque(channels_of(self._rules, guild, filling.since, filling.missed.ended))
            for one in server.channels:
                one.away_since = filling.missed.started
        if not server.channels:
            return False
        channel = server.channels.popleft()
        try:
            await self._step(server, server.channels, channel)
        except (DatabaseUnavailable, KeptOut):
            raise
        except BaseException:  # also a run that was broken off: a channel in which that happens is not tried for ever
            channel.fail()
            raise
        finally:
            (server.channels if channel.progress is Progress.MORE else server.finished).append(channel)
        return bool(server.channels)

    async def _step(self, server: _Server, channels: deque[CatchUpChannel], channel: CatchUpChannel) -> None:
        if server.looked_at >= MOST_PER_SERVER or channel.looked_at >= MOST_PER_CHANNEL:
            channel.progress = Progress.GIVEN_UP
        elif await self._reader.has_nothing(channel):
            channel.progress = Progress.DONE
        elif not await self._notices.stands(channel.place):
            if self._notices.kept_out(channel.place):
                raise KeptOut(0.0)
            channel.progress = Progress.GIVEN_UP
        else:
            before = channel.looked_at
            try:
                channels.extend(await self._reader.step(channel, server.filling.until))
            finally:
                server.looked_at += channel.looked_at - before

    def _finish(self, server: _Server) -> None:
        """Everything that can be read of a server is; what is left of it is given up."""
        filling = server.filling
        started, ended = int(filling.since), int(filling.missed.ended) + 1
        cause = filling.missed.absence.cause
        if server.channels is None:
            filling.missing.append(Gap(server.guild_id, started, ended, cause=cause))
        else:
            for channel in server.channels:
                channel.progress = Progress.GIVEN_UP
            filling.missing += still_missing(server.guild_id, [*server.finished, *server.channels], cause, ended)
        self._is_done(server)

    def _is_done(self, server: _Server) -> None:
        self._storage.publication.release(server, server.guild_id)
        server.filling.servers.discard(server.guild_id)
        if not server.filling.servers:
            self._filled.append(server.filling)

    async def _shorten_the_filled(self) -> None:
        """What could not be written stays a gap, and is tried again at the next run."""
        while self._filled:
            filling = self._filled.popleft()
            try:
                await self._shorten(filling)
            except (DatabaseUnavailable, asyncio.CancelledError):
                self._filled.appendleft(filling)
                raise

    async def _shorten(self, filling: _Filling) -> None:
        """What was a gap is none any more, or a shorter one, or one of single channels, once what was read is kept."""
        missed = filling.missed
        if missed.number is None or len(filling.missing) > _MOST_PARTS:
            return
        # A restart that took seconds was noted only to be read; what could not be read of it is no gap.
        short = missed.absence.cause is GapCause.OFF and missed.ended - missed.started < SHORTEST_DOWNTIME
        parts = [] if short else list(filling.missing)
        if missed.started < filling.since:
            parts.append(Gap.of(missed.absence, int(missed.started), int(filling.since)))
        await self._storage.write_buffer.flush()
        await self._storage.gaps.replace(missed.number, parts)
