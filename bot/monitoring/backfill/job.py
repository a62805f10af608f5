"""Has histories read: one run for each server at a time, servers by turns, and everything that is news goes first."""

from __future__ import annotations

import logging
import random
from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum
from math import inf

import discord

from bot.connection import Connection
from bot.domain.backfill import NEWEST_HOURS, Backfill, BackfillState
from bot.domain.disclosure import Randomness
from bot.domain.discord_clock import DiscordClock
from bot.domain.snowflake import SECONDS
from bot.link.failures import REQUEST_FAILURES, is_refusal, kind_of_failure
from bot.monitoring.backfill.members import Members
from bot.monitoring.backfill.pace import Pace
from bot.monitoring.backfill.places import HistoryPlace, can_read, channels_to_read, places_of
from bot.monitoring.backfill.reading import HistoryReading, NotNow
from bot.monitoring.backfill.window_reader import NoHistory, WindowReader
from bot.monitoring.catch_up import CatchUp
from bot.monitoring.notice import Notices
from bot.monitoring.reading_gate import HISTORY_AFTER
from bot.monitoring.rule_cache import RuleCache
from bot.storage.backfill_repository import BackfillRepository, Window, note_place
from bot.storage.open_storage import Storage

_log = logging.getLogger(__name__)

INTERVAL_SECONDS = 5.0
RUN_SECONDS, LIMIT_SECONDS = 60.0, 600.0
"""How long one run of the job works before it lets go, for the next goes on where it was; and how long at most."""

FAILURES = 5
"""How often Discord may refuse a day of a channel before the rest of it is left out."""

FIRST_WAIT, LONGEST_WAIT = 60.0, 900.0
"""Seconds until a request is made again that failed in passing; twice as long each time in a row."""

_A_DAY = 24
"""Hours of a channel that may pass out of reach while it is read, before that is said."""


class Turn(Enum):
    """What one step in a server came to."""

    ON = "it goes on"
    WAIT = "nothing can be done now"
    OVER = "it is over"


class _Ended(Exception):
    """It was stopped or paused while it was being written: nothing is."""


@dataclass(slots=True, eq=False)
class _Run:
    """A history that is being read: the place in the store, and what is in memory of what comes after it."""

    at: Backfill
    members: Members
    channel: int | None = None
    places: list[HistoryPlace] = field(default_factory=list)
    reader: WindowReader | None = None
    failures: int = 0
    wait: float = 0.0
    not_before: float = -inf

    def begin_again(self) -> None:
        """The hours in hand are read once more, and the threads listed."""
        self.channel, self.reader, self.places = None, None, []

    def failed_in_passing(self, now: float) -> None:
        """Nothing more is asked there for a while; `now` is a steady time."""
        self.wait = min(2 * self.wait, LONGEST_WAIT) if self.wait else FIRST_WAIT
        self.not_before = now + self.wait


class Backfills:
    """What admins have asked for. `work` is a job."""

    def __init__(
        self,
        storage: Storage,
        rules: RuleCache,
        notices: Notices,
        reading: HistoryReading,
        connection: Connection,
        *,
        catch_up: CatchUp,
        rng: Randomness | None = None,
    ) -> None:
        self.pace = Pace()
        self._storage = storage
        self._kept: BackfillRepository = storage.backfills
        self._clock: DiscordClock = storage.clock
        self._rules = rules
        self._notices = notices
        self._reading = reading
        self._connection = connection
        self._catch_up = catch_up
        self._rng = random.SystemRandom() if rng is None else rng
        self._runs: deque[_Run] = deque()
        self._loaded = False

    async def of(self, guild_id: int) -> Backfill | None:
        """The last one of a server, with the place where it is. Raises DatabaseUnavailable."""
        return await self._kept.of(guild_id)

    async def start(self, guild_id: int, days: int) -> None:
        """Begins one; there must be none that is not over. Raises DatabaseUnavailable."""
        now = self._clock.now()
        end = int(now // SECONDS) + 1 - NEWEST_HOURS
        one = Backfill(guild_id, BackfillState.RUNNING, days, end - days * 24, end, changed=int(now))
        await self._kept.begin(one)
        self._begin(one)

    async def set(self, guild_id: int, state: BackfillState) -> None:
        """Pauses, goes on with or stops one. What is in hand just then is dropped. Raises DatabaseUnavailable."""
        self.forget(guild_id)
        try:
            await self._kept.mark(guild_id, state, self._clock.now())
        finally:
            self._loaded = False  # it goes on as the store has it

    def forget(self, guild_id: int) -> None:
        """Nothing more is read there, as when the bot has left; the store removes its place with the server."""
        for run in [one for one in self._runs if one.at.guild_id == guild_id]:
            self._runs.remove(run)

    async def work(self, _now: float) -> None:
        """A job: reads for a minute, while nothing that was missed has to be read. Raises DatabaseUnavailable."""
        await self._load()
        until, waiting = self._clock.steady() + RUN_SECONDS, 0
        while waiting < len(self._runs) and self._clock.steady() < until:
            if not self._connection.is_ready() or self._catch_up.waiting:
                return
            run = self._runs[0]
            turn = await self._step(run)
            if run in self._runs:  # it may have been stopped meanwhile
                self._runs.remove(run)
                if turn is not Turn.OVER:
                    self._runs.append(run)
            waiting = waiting + 1 if turn is Turn.WAIT else 0

    async def _load(self) -> None:
        """Takes up what is to be read by the store, after a start and after a change."""
        if self._loaded:
            return
        self._loaded = True
        try:
            running = await self._kept.running()
        except BaseException:
            self._loaded = False
            raise
        here = {run.at.guild_id for run in self._runs}
        for one in running:
            if one.guild_id not in here:
                self._begin(one)

    def _begin(self, one: Backfill) -> None:
        self.forget(one.guild_id)
        self._runs.append(_Run(one, Members(one.guild_id, self.pace, self._clock.steady)))

    async def _step(self, run: _Run) -> Turn:
        guild = self._connection.get_guild(run.at.guild_id)
        if guild is None or guild.unavailable or self._clock.steady() < run.not_before:
            return Turn.WAIT
        channel = self._channel(run, guild)
        if channel is None:
            await self._end(run)
            return Turn.OVER
        try:
            await self._go_on(run, guild, channel)
            run.wait = 0.0
        except _Ended:
            return Turn.OVER
        except NotNow:
            return Turn.WAIT  # nothing is lost: the page is asked for again
        except (NoHistory, *REQUEST_FAILURES) as error:
            _log.info("the history of channel %d could not be read (%s)", channel, kind_of_failure(error))
            if not isinstance(error, NoHistory) and not is_refusal(error):
                run.failed_in_passing(self._clock.steady())
                return Turn.WAIT
            await self._refused(run, channel, can_read(guild.get_channel(channel)))
        return Turn.ON

    async def _refused(self, run: _Run, channel: int, still_there: bool) -> None:
        """It may be that only a thread is gone: then the threads are listed once more."""
        run.failures += 1
        if still_there and run.failures < FAILURES:
            run.begin_again()
        else:
            await self._leave_out(run, channel)

    async def _go_on(self, run: _Run, guild: discord.Guild, channel: int) -> None:
        """Reads a page, or what comes before the first, and writes what was read behind the last."""
        if run.channel != channel or not await self._all_told(run.places):
            run.begin_again()
        if run.reader is None and not await self._open(run, guild, channel):
            return
        assert run.reader is not None
        if not run.reader.is_done:
            await run.reader.step(exact_roles=self._rules.has_exempt_roles(guild.id))
        if run.reader.is_done:
            await self._write(run, run.reader)

    def _channel(self, run: _Run, guild: discord.Guild) -> int | None:
        """The channel that comes next, or goes on; None: none does."""
        at = run.at
        for number in channels_to_read(self._rules, guild):
            if at.channel_id is None or number > at.channel_id:
                return number
            if number == at.channel_id and at.hour > at.first_hour:
                return number
        return None

    async def _open(self, run: _Run, guild: discord.Guild, channel: int) -> bool:
        """Begins the next hours of a channel; False where nothing of it can be read."""
        settings = await self._rules.settings(guild.id)
        now = self._clock.now()
        hours, first = run.at.next_window(channel, settings.zone, now), run.at.first_hour_at(now)
        if hours is None:  # the rest is too long ago by now
            await self._leave_out(run, channel, is_much=first - run.at.first_hour > _A_DAY)
            return False
        if run.channel != channel:
            found = await places_of(self._rules, guild, channel, self.pace, first)
            run.places = [one for one in found if await self._is_told(one)]
            run.channel = channel
        if not run.places:
            await self._leave_out(run, channel)
            return False
        since = max(self._rules.stands_since(one.place) or inf for one in run.places)
        window = Window(guild.id, channel, *hours, since)
        await self._storage.write_buffer.flush()
        held = await self._kept.held(window, self._clock.now())
        places = () if held.is_whole else run.places
        run.reader = WindowReader(window, places, held, reading=self._reading, members=run.members, pace=self.pace)
        return True

    async def _all_told(self, places: list[HistoryPlace]) -> bool:
        return all([await self._is_told(one) for one in places])

    async def _is_told(self, one: HistoryPlace) -> bool:
        """Raises NotNow where nobody can say, for Discord does not say whether the notice is there."""
        since = await self._notices.history_told_since(one.place)
        if since is None and any(notice.tells_of_history for notice in self._rules.doubted(one.place)):
            raise NotNow("a notice is in doubt")
        return since is not None and self._clock.now() - since >= HISTORY_AFTER

    async def _write(self, run: _Run, reader: WindowReader) -> None:
        """Counts the hours in hand and notes the place, both or neither."""
        buffer, window = self._storage.write_buffer, reader.window
        if not await self._all_told(run.places) or window.start < run.at.first_hour_at(self._clock.now()):
            run.begin_again()  # not all of these hours may be read any more
            return
        run.reader = None
        try:
            async with buffer.between_writes() as connection:
                kept = [one for one in reader.found.values() if self._reading.may_be_kept(one)]
                scores = [one.scored for one in kept if not buffer.refuses(one.scored, one.former)]
                new = await self._kept.fill(connection, window, scores, self._clock.now(), self._rng)
                at = replace(run.at, channel_id=window.channel_id, hour=window.start, messages=run.at.messages + new)
                if not await note_place(connection, at):
                    raise _Ended
        except BaseException:
            run.begin_again()
            raise
        run.at, run.failures = at, 0

    async def _leave_out(self, run: _Run, channel: int, *, is_much: bool = True) -> None:
        """The rest of a channel is not read: it can't be, it's too old, or people were not told for long enough."""
        run.begin_again()
        run.failures = 0
        at = replace(run.at, channel_id=channel, hour=run.at.first_hour, left_out=run.at.left_out + is_much)
        await self._kept.place(at)
        run.at = at

    async def _end(self, run: _Run) -> None:
        await self._kept.mark(run.at.guild_id, BackfillState.DONE, self._clock.now())
        _log.info("the history of server %d is read: %d days", run.at.guild_id, run.at.days)
