"""In which channels of all servers an alert may start or end now: a handful of statements, however many there are."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Self

from bot.alerts.baselines import Baselines, Place
from bot.alerts.channel_rules import rule_for
from bot.analytics.anomaly import COOLDOWN_SECONDS, SILENT_SECONDS, Anomaly, Change, enough, judge
from bot.analytics.baseline import Baseline
from bot.domain.records import Alert, GuildSettings, Rule, Sensitivity
from bot.domain.snowflake import SECONDS
from bot.storage.chunks import chunks
from bot.storage.judged_hours import Judged
from bot.storage.open_storage import Storage

_SILENT_HOURS = SILENT_SECONDS // SECONDS


@dataclass(frozen=True, slots=True)
class Candidate:
    """A channel, with its last alert that has not recovered or did so a while ago, and its latest hour of late."""

    place: Place
    baseline: Baseline | None
    storm: Alert | None
    judged: Judged | None

    @property
    def alert(self) -> Alert | None:
        """The alert that has not recovered."""
        return self.storm if self.storm is not None and self.storm.recovered is None else None

    def latest(self, now: float) -> Judged | None:
        """The hour to be judged: of the present hour or the one before."""
        return self.judged if self.judged is not None and self.judged.hour.hour >= now // SECONDS - 1 else None

    def change(self, sensitivity: Sensitivity, now: float, *, raised: bool = False) -> Change:
        """What changes at that sensitivity; see `judge`."""
        if self.baseline is None:
            return Change.NONE
        latest = self.latest(now)
        return judge(self._last(now), latest.hour if latest else None, self.baseline, sensitivity, now, raised=raised)

    def may_end(self) -> bool:
        """Whether the latest hour is later than what began the alert.

        Exactly as it is, the hour in which it began may not end it: from a start and an end in it somebody could reckon
        what one person wrote in between.
        """
        if self.storm is None or self.judged is None:
            return True
        began, hour = self.storm.started // SECONDS, self.judged.hour.hour
        return hour > began or (self.judged.told and hour == began)

    def _last(self, now: float) -> Anomaly | None:
        if self.storm is None:
            return None
        if self.storm.recovered is not None:
            return Anomaly(self.storm.started, self.storm.recovered, self.storm.recovered)
        latest = min(now, (self.judged.hour.hour + 1) * SECONDS) if self.judged is not None else 0.0
        return Anomaly(self.storm.started, max(latest, self.storm.started))


@dataclass(frozen=True, slots=True)
class Candidates:
    """By server the channels in which something may change, and what these servers have chosen."""

    channels: dict[int, list[Candidate]]
    settings: dict[int, GuildSettings]
    rules: dict[int, tuple[Rule, ...]]

    @classmethod
    async def find(
        cls, storage: Storage, baselines: Baselines, now: float, category: Callable[[Place], int | None]
    ) -> Self:
        """Looks at every watched server; `category` tells a channel's. Raises DatabaseUnavailable."""
        present = int(now // SECONDS)
        storms = {
            (alert.guild_id, alert.channel_id): alert for alert in await storage.alerts.storms(now - COOLDOWN_SECONDS)
        }
        lasting = {place for place, alert in storms.items() if alert.recovered is None}
        hours = await storage.moods.hours_to_judge(present - _SILENT_HOURS, present)
        settings = await storage.guilds.settings_of({hour.guild_id for hour in hours} | {guild for guild, _ in lasting})
        own = await storage.guilds.rules_of(await storage.guilds.with_thresholds_of_rules())

        def needed(place: Place) -> GuildSettings:
            rule = rule_for(own[place[0]], *place, category(place)) if place[0] in own else None
            return settings[place[0]] if rule is None else rule.thresholds(settings[place[0]])

        judged: dict[Place, Judged] = {}
        for part in chunks(hours):
            for one in part:
                place = (one.guild_id, one.channel_id)
                before = judged.get(place)
                if enough(one.hour, needed(place)) and (before is None or before.hour.hour < one.hour.hour):
                    judged[place] = one
            await asyncio.sleep(0)

        def urgency(place: Place) -> float:
            return -inf if place in lasting else judged[place].hour.mean

        places = sorted(lasting | judged.keys(), key=urgency)
        await baselines.learn(places, settings, now)
        found: defaultdict[int, list[Candidate]] = defaultdict(list)
        for some in chunks(places):
            for place in some:
                usual = baselines.usual(place, settings[place[0]].timezone)
                candidate = Candidate(place, usual, storms.get(place), judged.get(place))
                if candidate.alert is not None or _may_start(candidate, now):
                    found[place[0]].append(candidate)
            await asyncio.sleep(0)
        return cls(dict(found), settings, await storage.guilds.rules_of(found))


def _may_start(candidate: Candidate, now: float) -> bool:
    """Whether an alert starts at any sensitivity: which it is, the server's rules say, of those that have a turn."""
    return any(candidate.change(sensitivity, now) is Change.STARTS for sensitivity in Sensitivity)
