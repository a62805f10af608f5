"""Times in which the bot saw nothing become gaps, so that a chart shows them as such and not as quiet hours.

An absence that lasts is in the database within a minute, without an end, so that it is a gap also if the process is
killed meanwhile. Durations are measured by a clock that nobody sets (`DiscordClock.steady`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from math import ceil, inf

from bot.domain.discord_clock import DiscordClock
from bot.domain.records import Absence, GapCause
from bot.storage.errors import DatabaseUnavailable
from bot.storage.gap_repository import GapRepository, Noted
from bot.storage.sign_of_life import Shard

_log = logging.getLogger(__name__)

SHORTEST_DOWNTIME = 120.0
"""Seconds. The last sign of life may be a minute old while the bot runs, and a restart takes seconds."""

LASTING = 60.0
"""Seconds after which an absence is written down although it is not over: most sessions are resumed sooner."""

_MOST_UNWRITTEN = 10_000

_LAST_OVER_A_RESTART = {GapCause.CONTENT, GapCause.HIDDEN, GapCause.UNTOLD}
"""What the end of the process does not end: it is the same when it starts again, and admins were told of it."""


@dataclass(slots=True)
class _Lasting:
    """An absence that is not over: since when, in seconds of `steady`; its gap's number, once that is written."""

    since: float
    shortest: float
    number: int | None = None


@dataclass(slots=True)
class _Over:
    """An absence that is over and not written yet."""

    absence: Absence
    started: int
    ended: int
    number: int | None


@dataclass(frozen=True, slots=True)
class Missed:
    """Something was not seen between two instants, in seconds since the Unix epoch; `number` is its gap's, if any."""

    absence: Absence
    started: float
    ended: float
    number: int | None = None


class Downtime:
    """What is away, since when."""

    def __init__(self, gaps: GapRepository, clock: DiscordClock) -> None:
        self._gaps = gaps
        self._clock = clock
        self._lasting: dict[Absence, _Lasting] = {}
        self._left: dict[Absence, Noted] = {}
        self._over: list[_Over] = []
        self._removed: list[int] = []
        self._writing = asyncio.Lock()
        self._shards_alive: dict[Shard, int] = {}

    async def load(self) -> None:
        """Reads what was away when the bot stopped or was killed; once. Raises DatabaseUnavailable."""
        self._left = dict(await self._gaps.unfinished())

    async def started(self, last_alive: int | None, shards_alive: Mapping[Shard, int] | None = None) -> None:
        """Events are seen again. What was away before and is not known to be so still was until the last sign of life.

        That is `last_alive`, or later where its shard's is. Those that only a look at the servers can tell of are left
        for `settled`.
        """
        self._shards_alive = dict(shards_alive or {})
        for absence in tuple(self._left):
            if absence.cause not in _LAST_OVER_A_RESTART:
                self._end_left(absence, last_alive)

    def settled(self, guild_id: int | None, last_alive: int | None) -> None:
        """A server, or with None the whole, was looked at: what is not away again was until the last sign of life."""
        for absence in tuple(self._left):
            if absence.guild_id == guild_id:
                self._end_left(absence, last_alive)

    def _end_left(self, absence: Absence, last_alive: int | None) -> None:
        noted = self._left.pop(absence)
        ended = self._clock.now() if last_alive is None else self.last_seen(absence, last_alive)
        self._over.append(_Over(absence, noted.started, max(noted.started, int(ended)), noted.number))

    def last_seen(self, absence: Absence, last_alive: int) -> int:
        """The last sign of life before this start of all that an absence is about, at the earliest `last_alive`."""
        signs = [
            alive for (shard, shards), alive in self._shards_alive.items() if absence.shard_of(shards) in (None, shard)
        ]
        return max([last_alive, *signs])

    def was_alive(self, absence: Absence, last_alive: int) -> int:
        """The last sign of life before this start of the shard that an absence is about, else that of all.

        With another number of shards than before a server's is another: then only that of all holds for each.
        """
        signs = [alive for (shard, shards), alive in self._shards_alive.items() if absence.shard_of(shards) == shard]
        return max([last_alive, *signs])

    def away(self, absence: Absence, since: float | None = None, *, shortest: float = 0.0) -> bool:
        """From now on, or since then (in seconds of `steady`), this is not seen, unless it is known to be so already.

        What lasts less than `shortest` seconds is no gap. Whether it is news: not if it was so before the last stop.
        """
        if absence in self._lasting:
            return False
        now = self._clock.steady()
        lasting = self._lasting[absence] = _Lasting(now if since is None else min(since, now), shortest)
        left = self._left.pop(absence, None)
        if left is None:
            return True
        lasting.number = left.number
        lasting.since = now - max(0.0, self._clock.now() - left.started)
        return False

    def caught_up(self, absence: Absence) -> None:
        """What was missed has been delivered after all: a session was resumed."""
        lasting = self._lasting.pop(absence, None)
        if lasting is not None and lasting.number is not None:
            self._removed.append(lasting.number)

    async def over(self, absence: Absence, *, is_read: bool = False) -> Missed | None:
        """It is seen again, and what happened in the meantime is lost. None if it was not away.

        `is_read`: its history is read now. Until that is done it is a gap however short, so that a process that is
        ended meanwhile leaves it to the next.
        """
        lasting = self._lasting.pop(absence, None)
        if lasting is None:
            return None
        started, ended = self._clock.at(lasting.since), self._clock.now()
        past = _Over(absence, _whole(started), ceil(round(ended, 2)), lasting.number)
        if (is_read or ended - started >= lasting.shortest) and ended > started:
            self._over.append(past)
            try:
                await self.write()
            except DatabaseUnavailable:
                _log.warning("%d gaps could not be written yet", len(self._over))
        elif lasting.number is not None:
            self._removed.append(lasting.number)
        return Missed(absence, started, ended, past.number)

    def lasting(self, guild_id: int) -> Iterator[tuple[Absence, float]]:
        """What of a server is away now, and since when, in seconds since the Unix epoch."""
        for absence, lasting in self._lasting.items():
            if absence.concerns(guild_id) and self._clock.steady() - lasting.since >= lasting.shortest:
                yield absence, self._clock.at(lasting.since)

    def unwritten_since(self) -> float:
        """Since when something is or was away that the database does not know of, in seconds since the Unix epoch."""
        lasting = (self._clock.at(one.since) for one in self._lasting.values() if one.number is None)
        return min(chain(lasting, (past.started for past in self._over)), default=inf)

    def unwritten_by_shard(self, numbers: Iterable[int], shards: int) -> dict[Shard, float]:
        """The same of each of these shards, of so many: what is away on one holds back no other."""
        found = {(shard, shards): inf for shard in numbers}
        unwritten = ((absence, lasting) for absence, lasting in self._lasting.items() if lasting.number is None)
        away = ((absence, self._clock.at(lasting.since)) for absence, lasting in unwritten)
        for absence, since in chain(away, ((past.absence, float(past.started)) for past in self._over)):
            shard = absence.shard_of(shards)
            for one in found if shard is None else found.keys() & {(shard, shards)}:
                found[one] = min(found[one], since)
        return found

    def knows(self, absence: Absence) -> bool:
        """Whether this is away."""
        return absence in self._lasting

    def left(self, absence: Absence) -> bool:
        """Whether this was away at the last stop, and nobody has said yet whether it is so still."""
        return absence in self._left

    def forget(self, guild_id: int, channel_id: int | None = None) -> None:
        """A server, or a channel of it, is gone: the buffer removes its gaps, and nothing of it is away."""
        for kept in (self._lasting, self._left):
            for absence in [one for one in kept if one.guild_id == guild_id]:
                if channel_id in (None, absence.channel_id):
                    kept.pop(absence)

    async def note(self, _now: float) -> None:
        """Writes what could not be written, and what has been away for a while. A job. Raises DatabaseUnavailable."""
        await self.write()
        for absence, lasting in tuple(self._lasting.items()):
            if lasting.number is None and self._clock.steady() - lasting.since >= max(LASTING, lasting.shortest):
                number = await self._gaps.begin(absence, _whole(self._clock.at(lasting.since)))
                if self._lasting.get(absence) is lasting:
                    lasting.number = number
                else:  # it has ended in this moment, and was then written with its end
                    await self._gaps.remove(number)

    async def close(self) -> None:
        """The bot stops. What the next start would find away as well stays so; the rest ends now."""
        for absence, lasting in tuple(self._lasting.items()):
            if absence.cause not in _LAST_OVER_A_RESTART:
                await self.over(absence)
            elif lasting.number is None:
                try:
                    lasting.number = await self._gaps.begin(absence, _whole(self._clock.at(lasting.since)))
                except DatabaseUnavailable:
                    _log.warning("a gap could not be written before the end")

    async def write(self) -> None:
        """Writes all that is over, the oldest first. Raises DatabaseUnavailable."""
        async with self._writing:
            await self._write_in_turn()

    async def _write_in_turn(self) -> None:
        while self._removed:
            await self._gaps.remove(self._removed[0])
            self._removed.pop(0)
        if len(self._over) > _MOST_UNWRITTEN:
            _log.error("%d gaps are lost: the database was away for too long", len(self._over) - _MOST_UNWRITTEN)
            del self._over[:-_MOST_UNWRITTEN]
        while self._over:
            past = self._over[0]
            if past.number is None:
                past.number = await self._gaps.add(past.absence, past.started, past.ended)
            else:
                await self._gaps.end(past.number, past.ended)
            self._over.pop(0)


def _whole(instant: float) -> int:
    """Without what two clocks that are read one after the other differ by."""
    return int(round(instant, 2))
