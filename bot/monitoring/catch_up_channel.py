"""The channels and threads of a server of which something may have been missed, and how far each was read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from math import inf

import discord

from bot.channels import WithMessages, place_of
from bot.domain.records import Gap, GapCause
from bot.domain.rules import Place
from bot.domain.snowflake import first_id_at, written_at
from bot.monitoring.rule_cache import RuleCache
from bot.monitoring.watched_channels import watched

THREADS_SLEEP_AFTER = 3600.0
"""Seconds of silence after which Discord archives a thread, at the earliest; somebody may do so sooner."""

FAILURES = 3
"""After how many a channel is given up."""


class Progress(Enum):
    """How far a channel's history was read."""

    MORE = "there is more"
    DONE = "all of it"
    GIVEN_UP = "not all of it, and it isn't tried again"


@dataclass(slots=True, eq=False)
class CatchUpChannel:
    """A place whose history from `since` to `ended` (seconds since the Unix epoch) is read.

    `cursor` is the last message that was dealt with. A forum has no messages of its own, only threads to be found.
    """

    channel: WithMessages | discord.ForumChannel
    place: Place
    since: float
    ended: float
    cursor: int = 0
    looked_back: bool = False
    threads_found: bool = False
    looked_at: int = 0
    failures: int = 0
    progress: Progress = Progress.MORE
    away_since: float | None = None
    """When the absence began, where less of it is read than it lasted."""
    members: dict[int, frozenset[int] | None] = field(default_factory=dict)
    skipped_from: float | None = None
    """When the first message was written that was left out, because of too many people nobody can be asked about."""

    def __post_init__(self) -> None:
        self.cursor = self.cursor or first_id_at(self.since) - 1

    @property
    def looked_back_from(self) -> float:
        """What was written before this is compared with what is there: it may have been changed or deleted since."""
        return self.since if self.away_since is None else min(self.since, self.away_since)

    def fail(self) -> None:
        """Something went wrong in it: it is tried again, a few times."""
        self.failures += 1
        if self.failures >= FAILURES:
            self.progress = Progress.GIVEN_UP

    @property
    def may_have_sleeping_threads(self) -> bool:
        """Whether a thread in which somebody wrote since may be archived by now."""
        return self.ended - self.since >= THREADS_SLEEP_AFTER

    @property
    def missing_from(self) -> float | None:
        """From when on something of it is still missing; None: nothing is."""
        if self.skipped_from is not None:
            return self.skipped_from
        return max(self.since, written_at(self.cursor)) if self.progress is Progress.GIVEN_UP else None


def channels_of(cache: RuleCache, guild: discord.Guild, since: float, ended: float) -> Iterator[CatchUpChannel]:
    """What is watched and told now, from when its notice stood on; of threads those that are not archived."""
    threads_of_own = set()
    for one in watched(cache, guild):
        channel, place = one.channel, place_of(one.channel)
        if place is None or not one.told:
            continue
        if isinstance(channel, discord.Thread):
            threads_of_own.add(channel.id)
        begun = max(since, _stands_since(cache, place))
        if begun < ended:
            yield CatchUpChannel(channel, place, begun, ended)
    for thread in guild.threads:
        found = thread_of(cache, thread, since, ended)
        if found is not None and thread.id not in threads_of_own:
            yield found


def thread_of(cache: RuleCache, thread: discord.Thread, since: float, ended: float) -> CatchUpChannel | None:
    """A thread, if it is watched by whatever rule and somebody may have written in it since then."""
    place = place_of(thread)
    if place is None or thread.is_private() or not cache.decide(place).watched or not cache.stands(place):
        return None
    begun = max(since, _stands_since(cache, place))
    return CatchUpChannel(thread, place, begun, ended) if begun < ended else None


def _stands_since(cache: RuleCache, place: Place) -> float:
    """Since when a notice stands for those who write there; nothing is read where none is noted."""
    since = cache.stands_since(place)
    return inf if since is None else since


def still_missing(guild_id: int, channels: Iterable[CatchUpChannel], cause: GapCause | None, ended: int) -> list[Gap]:
    """One gap for each channel that was not read to the end, its threads counted in."""
    begins: dict[int, float] = {}
    for one in channels:
        begun = one.missing_from
        if begun is not None:
            begins[one.place.channel_id] = min(begun, begins.get(one.place.channel_id, begun))
    return [Gap(guild_id, int(begun), ended, channel, cause=cause) for channel, begun in begins.items()]
