"""Looks every minute whether a channel's storm starts or ends, and posts it once.

What is judged of an hour is what was told of it when it was over. Only an hour of so many people that it will be told
without noise is judged before, exactly as it is at that minute, so that an alert comes while it still helps.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bot.alerts.post import alert_post, footer, over_footer, recovered_post
from bot.analytics.anomaly import SILENT_SECONDS, Anomaly, Change, enough, judge
from bot.analytics.backtest import HELD_BACK
from bot.analytics.baseline import WEEKS, Baseline, learn
from bot.background_jobs import SERVER_SECONDS, ServerTurns
from bot.charts.executor import TooBusy
from bot.domain.records import Alert, GuildSettings, HourMood, Mode, Rule, Sensitivity, TargetKind
from bot.domain.rules import Place, decide
from bot.domain.snowflake import SECONDS
from bot.link.failures import REQUEST_FAILURES
from bot.mod_channel import NotPosted, Unreadable
from bot.services import Services

_log = logging.getLogger(__name__)

_SILENT_HOURS = SILENT_SECONDS // SECONDS


@dataclass(frozen=True, slots=True)
class _Learned:
    """A baseline, and for which day and time zone it was learned."""

    day: int
    zone: str
    baseline: Baseline | None


@dataclass(frozen=True, slots=True)
class _Judged:
    """An hour that is judged: as it was told, or exactly, for it is not told yet."""

    hour: HourMood
    told: bool

    def may_end(self, alert: Alert) -> bool:
        """Whether it is later than what began an alert.

        Exactly as it is, the hour in which it began may not: from a start and an end in it somebody could reckon what
        one person wrote in between.
        """
        began = alert.started // SECONDS
        return self.hour.hour > began or (self.told and self.hour.hour == began)


@dataclass(frozen=True, slots=True)
class _End:
    """An alert that was over at `at`, where that is to be posted, and the hour that showed it."""

    alert: Alert
    mod_channel_id: int
    at: float
    hour: HourMood | None


class AlertJob:
    """The job. What it must not forget is in the database, so a restart changes nothing."""

    def __init__(self, services: Services) -> None:
        self._connection = services.connection
        self._mod_channels = services.mod_channels
        self._storage = services.storage
        self._learning = services.learning
        self._learned: dict[tuple[int, int], _Learned] = {}
        self._turns = ServerTurns("alerts")
        self._ends: dict[int, _End] = {}
        """By number, alerts whose end is being posted, or may not have been."""
        self._not_posted: set[int] = set()
        """Numbers of alerts of which it is certain that they were not posted."""

    async def tick(self, now: float) -> None:
        """Looks at the present hour, if it may be judged before it is told, or else at the latest that was told."""
        if not self._connection.is_ready():
            return
        present = int(now // SECONDS)
        running = {(alert.guild_id, alert.channel_id): alert for alert in await self._storage.alerts.running_alerts()}
        recent: dict[tuple[int, int], list[_Judged]] = {place: [] for place in running}
        guilds = {rule.guild_id for rule in await self._storage.guilds.rules()} | {guild_id for guild_id, _ in running}
        for (guild_id, channel_id), hours in (await self._hours(present, guilds)).items():
            recent[guild_id, channel_id] = hours
        by_server: defaultdict[int, list[tuple[int, list[_Judged]]]] = defaultdict(list)
        for (guild_id, channel_id), hours in recent.items():
            by_server[guild_id].append((channel_id, hours))
        for end in self._ends.values():
            by_server.setdefault(end.alert.guild_id, [])

        async def turn(guild_id: int) -> None:
            async with asyncio.timeout(SERVER_SECONDS):
                await self._look_at_server(guild_id, by_server[guild_id], running, now)

        await self._turns.take(list(by_server), turn)

    async def _hours(self, present: int, guilds: Collection[int]) -> dict[tuple[int, int], list[_Judged]]:
        """The latest hours of each server's channels, in order."""
        first, moods = present - _SILENT_HOURS, self._storage.moods
        found: defaultdict[tuple[int, int], dict[int, _Judged]] = defaultdict(dict)
        for guild_id, channel_id, hour in await moods.hours_to_judge(first, present, guilds):
            found[guild_id, channel_id][hour.hour] = _Judged(hour, told=False)
        # Read last: an hour that is told in between is in both, rather than in neither.
        for guild_id, channel_id, hour in await moods.told_hours(first, present, guilds):
            found[guild_id, channel_id][hour.hour] = _Judged(hour, told=True)
        return {place: [hours[number] for number in sorted(hours)] for place, hours in found.items()}

    async def _look_at_server(
        self,
        guild_id: int,
        channels: list[tuple[int, list[_Judged]]],
        running: dict[tuple[int, int], Alert],
        now: float,
    ) -> None:
        settings = await self._storage.guilds.settings(guild_id)
        for end in tuple(self._ends.values()):
            if end.alert.guild_id == guild_id:  # whether it was posted is not known
                with self._forgiving(guild_id):
                    await self._post_end(end, now)
        for channel_id, hours in channels:
            judged = [one for one in hours if enough(one.hour, settings)]
            alert = running.get((guild_id, channel_id))
            if alert is not None or (judged and judged[-1].hour.hour >= int(now // SECONDS) - 1):
                with self._forgiving(guild_id):
                    await self._look(settings, channel_id, alert, judged, now)

    @contextmanager
    def _forgiving(self, guild_id: int) -> Iterator[None]:
        """What goes wrong with one post keeps no other from its turn."""
        try:
            yield
        except (*REQUEST_FAILURES, TooBusy) as error:
            _log.warning("an alert of server %d was not posted (%s)", guild_id, type(error).__name__)

    async def _look(
        self, settings: GuildSettings, channel_id: int, alert: Alert | None, judged: list[_Judged], now: float
    ) -> None:
        sensitivity = await self._sensitivity(settings.guild_id, channel_id)
        if sensitivity is None or settings.mod_channel_id is None:
            if alert is not None:  # it is watched no longer: nobody wants to hear how it ends
                await self._storage.alerts.recover(alert.guild_id, alert.number)
            return
        present = int(now // SECONDS)
        latest = judged[-1] if judged and judged[-1].hour.hour >= present - 1 else None
        hour = latest.hour if latest is not None else None
        baseline = await self._baseline(settings, channel_id, present)
        if baseline is None:
            return
        if alert is not None and alert.post_id is None:
            await self._post_what_waits(alert, settings.mod_channel_id, now)
        last = await self._last_storm(settings.guild_id, channel_id, alert, judged, now)
        change = judge(last, hour, baseline, sensitivity, now)
        if change is Change.STARTS and hour is not None:
            told = await self._may_be_told(settings.guild_id, channel_id, settings.mod_channel_id, now)
            if told is False:
                return  # not everybody who reads the mod channel may know it: so nobody is told
            levels = (10 * round(hour.mean * 100), 10 * round(baseline.usual(hour.hour) * 100))
            started = await self._storage.alerts.start_alert(settings.guild_id, channel_id, *levels)
            if started is not None:
                self._not_posted.add(started.number)
                if told:
                    await self._post(started, settings.mod_channel_id, now)
        elif change is Change.ENDS and alert is not None and (latest is None or latest.may_end(alert)):
            await self._end(alert, settings.mod_channel_id, now, hour)

    async def _may_be_told(self, guild_id: int, channel_id: int, mod_channel_id: int, now: float) -> bool | None:
        """Whether everybody who reads the mod channel may be told of a channel; None: it cannot be known at present."""
        try:
            return bool(await self._mod_channels.told_of(guild_id, mod_channel_id, (channel_id,), now))
        except NotPosted:
            return None

    async def _post_what_waits(self, alert: Alert, mod_channel_id: int, now: float) -> None:
        """Posts an alert that is noted and was not posted yet, or forgets it where it may not be told any more."""
        told = await self._may_be_told(alert.guild_id, alert.channel_id, mod_channel_id, now)
        if told:
            await self._post(alert, mod_channel_id, now)
        elif told is False:
            await self._storage.alerts.recover(alert.guild_id, alert.number)

    async def _post(self, alert: Alert, mod_channel_id: int, now: float) -> None:
        """Posts an alert, unless it turns out that this process, or the one before, did already."""
        posts, channels = self._storage.alerts, self._mod_channels
        if channels.paused(mod_channel_id, now):
            return
        if alert.number not in self._not_posted:
            there = None
            with suppress(Unreadable):  # when it cannot be looked up: rather two than none
                there = await channels.find(alert.guild_id, mod_channel_id, footer(alert.number))
            if there is not None:
                await posts.posted(alert.number, there)
                return
        self._not_posted.discard(alert.number)
        try:
            post_id = await channels.post(alert.guild_id, mod_channel_id, now, **alert_post(alert))
        except NotPosted:
            self._not_posted.add(alert.number)
            return
        await posts.posted(alert.number, post_id)

    async def _end(self, alert: Alert, mod_channel_id: int, now: float, hour: HourMood | None) -> None:
        self._not_posted.discard(alert.number)
        current = (await self._storage.alerts.alerts(alert.guild_id, alert.channel_id, limit=1))[0]
        if not await self._storage.alerts.recover(alert.guild_id, alert.number) or current.post_id is None:
            return  # of a storm that nobody heard of, nobody needs to hear the end
        await self._post_end(_End(current, mod_channel_id, now, hour), now)

    async def _post_end(self, end: _End, now: float) -> None:
        """Posts that it is over. What is broken off on the way is looked up and posted at the next tick."""
        alert, mod_channel_id, channels = end.alert, end.mod_channel_id, self._mod_channels
        again = alert.number in self._ends
        self._ends[alert.number] = end
        if channels.paused(mod_channel_id, now) and not channels.refuses(mod_channel_id):
            return
        told = await self._may_be_told(alert.guild_id, alert.channel_id, mod_channel_id, now)
        there = None
        if again and told:
            with suppress(Unreadable):
                there = await channels.find(alert.guild_id, mod_channel_id, over_footer(alert.number))
        if told and there is None:
            with suppress(NotPosted):
                await channels.post(alert.guild_id, mod_channel_id, now, **recovered_post(alert, end.at, end.hour))
        del self._ends[alert.number]

    async def _last_storm(
        self, guild_id: int, channel_id: int, alert: Alert | None, judged: list[_Judged], now: float
    ) -> Anomaly | None:
        latest = min(now, (judged[-1].hour.hour + 1) * SECONDS) if judged else 0.0
        if alert is not None:
            return Anomaly(alert.started, max(latest, alert.started))
        former = await self._storage.alerts.alerts(guild_id, channel_id, limit=1)
        if not former or former[0].recovered is None:
            return None
        return Anomaly(former[0].started, former[0].recovered, former[0].recovered)

    async def _baseline(self, settings: GuildSettings, channel_id: int, present: int) -> Baseline | None:
        """Learned once a day for each channel."""
        key, day = (settings.guild_id, channel_id), present // 24
        known = self._learned.get(key)
        if known is None or (known.day, known.zone) != (day, settings.timezone):
            first, last = present - HELD_BACK - WEEKS * 7 * 24, present - HELD_BACK - 1
            past = (await self._storage.moods.mood(settings.guild_id, channel_id, first, last)).hours
            baseline = await self._learning.run(lambda: learn(past, settings.zone))
            known = self._learned[key] = _Learned(day, settings.timezone, baseline)
        return known.baseline

    async def _sensitivity(self, guild_id: int, channel_id: int) -> Sensitivity | None:
        guild = self._connection.get_guild(guild_id)
        channel = guild.get_channel(channel_id) if guild is not None else None
        category = channel.category_id if channel is not None else None
        rules = await self._storage.guilds.rules(guild_id)
        found = sensitivity_of(rules, guild_id, channel_id, category)
        if found is not None or guild is None:
            return found
        return highest_of_threads(rules, {thread.id for thread in guild.threads if thread.parent_id == channel_id})


def sensitivity_of(
    rules: Iterable[Rule], guild_id: int, channel_id: int, category_id: int | None
) -> Sensitivity | None:
    """That of the narrowest rule about a channel: its own, its category's, its server's; None: it is not watched."""
    place = Place(guild_id, channel_id, category_id)
    decision = decide({(rule.target_kind, rule.target_id): rule for rule in rules}, place)
    return decision.rule.sensitivity if decision.watched and decision.rule is not None else None


def highest_of_threads(rules: Iterable[Rule], threads: Collection[int]) -> Sensitivity | None:
    """The highest of those watched by rules of their own; None: none of them is.

    What is written in a thread counts in its channel's hours: of a channel that is not watched they are all there is.
    """
    theirs = {
        rule.sensitivity
        for rule in rules
        if rule.target_kind is TargetKind.THREAD and rule.target_id in threads and rule.mode is Mode.WATCH
    }
    return max(theirs, key=tuple(Sensitivity).index, default=None)
