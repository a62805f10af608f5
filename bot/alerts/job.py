"""Looks every minute whether a channel's storm starts or ends, and posts it once.

What is judged of an hour is what was told of it when it was over. Only an hour of so many people that it will be told
without noise is judged before, exactly as it is at that minute, so that an alert comes while it still helps.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import discord

from bot.alerts.baselines import Baselines, Place
from bot.alerts.candidates import Candidate, Candidates
from bot.alerts.channel_rules import highest_of_threads, sensitivity_of
from bot.alerts.embed import footer, over_footer
from bot.alerts.picture import picture_for
from bot.alerts.post import alert_post, recovered_post
from bot.analytics.anomaly import Change
from bot.background_jobs import SERVER_SECONDS, ServerTurns
from bot.charts.executor import TooBusy
from bot.domain.records import Alert, GuildSettings, HourMood, Rule, Sensitivity
from bot.i18n import in_every_language, speaking
from bot.link.failures import REQUEST_FAILURES
from bot.link.spoken import server_language
from bot.mod_channel import NotPosted, Unreadable
from bot.services import Services
from bot.storage.alert_holds import Hold

_log = logging.getLogger(__name__)


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
        self._baselines = Baselines(services.storage.moods, services.learning)
        self._turns = ServerTurns("alerts")
        self._ends: dict[int, _End] = {}
        """By number, alerts whose end is being posted, or may not have been."""
        self._not_posted: set[int] = set()
        """Numbers of alerts of which it is certain that they were not posted."""

    async def tick(self, now: float) -> None:
        """Looks at the present hour, if it may be judged before it is told, or else at the latest that was told.

        Only servers in which something may change have a turn.
        """
        if not self._connection.is_ready():
            return
        found = await Candidates.find(self._storage, self._baselines, now, self._category)
        holds = await self._storage.holds.of(found.channels)
        ending = {end.alert.guild_id for end in self._ends.values()}

        async def turn(guild_id: int) -> None:
            async with asyncio.timeout(SERVER_SECONDS):
                for end in tuple(self._ends.values()):
                    if end.alert.guild_id == guild_id:  # whether it was posted is not known
                        with self._forgiving(guild_id):
                            await self._post_end(end, now)
                for channel in found.channels.get(guild_id, ()):
                    with self._forgiving(guild_id):
                        hold = holds.get(channel.place[1], Hold())
                        await self._look(found.settings[guild_id], found.rules[guild_id], channel, hold, now)

        await self._turns.take(ending | found.channels.keys(), turn)

    @contextmanager
    def _forgiving(self, guild_id: int) -> Iterator[None]:
        """What goes wrong with one post keeps no other from its turn."""
        try:
            yield
        except (*REQUEST_FAILURES, TooBusy) as error:
            _log.warning("an alert of server %d was not posted (%s)", guild_id, type(error).__name__)

    async def _look(
        self, settings: GuildSettings, rules: Collection[Rule], channel: Candidate, hold: Hold, now: float
    ) -> None:
        alert, (guild_id, channel_id) = channel.alert, channel.place
        sensitivity = self._sensitivity(rules, guild_id, channel_id)
        if sensitivity is None or settings.mod_channel_id is None:
            if alert is not None:  # it is watched no longer: nobody wants to hear how it ends
                await self._forget(alert)
            return
        if alert is not None and alert.post_id is None and channel.baseline is not None:
            await self._post_what_waits(alert, settings.mod_channel_id, now)
        raised, snoozed = hold.raised_until is not None, hold.snoozed_until is not None
        change, latest = channel.change(sensitivity, now, raised=raised), channel.latest(now)
        if change is Change.STARTS and not snoozed:
            await self._start(channel, sensitivity, now)
        elif change is Change.ENDS and alert is not None and (latest is None or channel.may_end()):
            await self._end(alert, settings.mod_channel_id, now, latest.hour if latest is not None else None)

    async def _start(self, channel: Candidate, sensitivity: Sensitivity, now: float) -> None:
        """Notes an alert and posts it, by what the server has chosen at this moment: its turn may have come late."""
        (guild_id, channel_id), latest = channel.place, channel.latest(now)
        assert latest is not None and channel.baseline is not None, "without these nothing starts"
        mod_channel_id = (await self._storage.guilds.settings(guild_id)).mod_channel_id
        rules = await self._storage.guilds.rules(guild_id)
        if mod_channel_id is None or self._sensitivity(rules, guild_id, channel_id) is not sensitivity:
            return
        told = await self._may_be_told(guild_id, channel_id, mod_channel_id, now)
        if told is False:
            return  # not everybody who reads the mod channel may know it: so nobody is told
        usual = channel.baseline.usual(latest.hour.hour)
        levels = (10 * round(latest.hour.mean * 100), 10 * round(usual * 100))
        started = await self._storage.alerts.start_alert(guild_id, channel_id, *levels)
        if started is not None:
            self._not_posted.add(started.number)
            if told:
                await self._post(started, mod_channel_id, now)

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
            await self._forget(alert)

    async def _forget(self, alert: Alert) -> None:
        self._not_posted.discard(alert.number)
        await self._storage.alerts.recover(alert.guild_id, alert.number)

    async def _post(self, alert: Alert, mod_channel_id: int, now: float) -> None:
        """Posts an alert, unless it turns out that this process, or the one before, did already."""
        posts, channels = self._storage.alerts, self._mod_channels
        if channels.paused(mod_channel_id, now):
            return
        if alert.number not in self._not_posted:
            there = None
            with suppress(Unreadable):  # when it cannot be looked up: rather two than none
                footers = in_every_language(lambda: footer(alert.number))
                there = await channels.find(alert.guild_id, mod_channel_id, footers)
            if there is not None:
                await posts.posted(alert.number, there)
                return
        self._not_posted.discard(alert.number)
        guild, settings = (
            self._connection.get_guild(alert.guild_id),
            await self._storage.guilds.settings(alert.guild_id),
        )
        with speaking(server_language(guild, settings)):
            picture = await picture_for(alert, guild, settings, self._storage.moods, self._learning)
            post = alert_post(alert, _role(guild, settings), picture=picture, links=settings.links)
        try:
            post_id = await channels.post(alert.guild_id, mod_channel_id, now, **post)
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
                footers = in_every_language(lambda: over_footer(alert.number))
                there = await channels.find(alert.guild_id, mod_channel_id, footers)
        if told and there is None:
            settings = await self._storage.guilds.settings(alert.guild_id)
            with speaking(server_language(self._connection.get_guild(alert.guild_id), settings)):
                post = recovered_post(alert, end.at, end.hour)
            with suppress(NotPosted):
                await channels.post(alert.guild_id, mod_channel_id, now, **post)
        del self._ends[alert.number]

    def _category(self, place: Place) -> int | None:
        guild_id, channel_id = place
        guild = self._connection.get_guild(guild_id)
        channel = guild.get_channel(channel_id) if guild is not None else None
        return channel.category_id if channel is not None else None

    def _sensitivity(self, rules: Collection[Rule], guild_id: int, channel_id: int) -> Sensitivity | None:
        guild = self._connection.get_guild(guild_id)
        found = sensitivity_of(rules, guild_id, channel_id, self._category((guild_id, channel_id)))
        if found is not None or guild is None:
            return found
        return highest_of_threads(rules, {thread.id for thread in guild.threads if thread.parent_id == channel_id})


def _role(guild: discord.Guild | None, settings: GuildSettings) -> int | None:
    """Whom an alert mentions, while that role is there."""
    role_id = settings.alert_role_id
    return role_id if guild is not None and role_id is not None and guild.get_role(role_id) is not None else None
