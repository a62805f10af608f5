"""Which alerts the stored past would have brought, so that an admin can choose a sensitivity."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from bot.analytics.anomaly import Anomaly, Change, enough, judge
from bot.analytics.baseline import WEEKS, Baseline, learn
from bot.domain.records import GuildSettings, HourMood, Sensitivity
from bot.domain.snowflake import SECONDS

HELD_BACK = 24
"""Hours before the one that is judged which are not learned from: a storm of a day does not become usual."""


@dataclass(frozen=True, slots=True)
class BacktestAlert:
    """An alert as it would have been: the hour after which it starts, and the one after which it is over, if it is.

    `level` and `usual` are mean scores of the first hour.
    """

    hour: int
    level: float
    usual: float
    recovered: int | None = None


def backtest(
    hours: Sequence[HourMood], settings: GuildSettings, sensitivity: Sensitivity, zone: ZoneInfo
) -> tuple[BacktestAlert, ...]:
    """Judges these hours of a channel, as they are told, in order, each when it is over.

    So the job does, too, of all hours that are told with noise. One of many people it judges at every minute besides:
    an alert of that hour may come, or be over, before the hour is, and a drop or a rise that the rest of the hour makes
    up for is not found here.

    Learns each day from the weeks before it, as it is done live. It may take a second: not for the event loop.
    """
    found: list[BacktestAlert] = []
    storm: Anomaly | None = None
    by_hour = {hour.hour: hour for hour in hours}
    starts = [hour.hour for hour in hours]
    baseline: Baseline | None = None
    learned = -HELD_BACK
    for end in range(hours[0].hour + 1, hours[-1].hour + 2) if hours else ():
        if end - learned >= HELD_BACK:
            oldest = bisect_left(starts, end - HELD_BACK - WEEKS * 7 * 24)
            baseline = learn(hours[oldest : bisect_left(starts, end - HELD_BACK)], zone)
            learned = end
        if baseline is None:
            continue
        hour = by_hour.get(end - 1)
        if hour is not None and not enough(hour, settings):
            hour = None
        now = end * SECONDS
        change = judge(storm, hour, baseline, sensitivity, now)
        if change is Change.STARTS and hour is not None:
            found.append(BacktestAlert(hour.hour, hour.mean, baseline.usual(hour.hour)))
            storm = Anomaly(now, now)
        elif change is Change.ENDS and storm is not None:
            found[-1] = replace(found[-1], recovered=end - 1)
            storm = replace(storm, ended=now)
        elif hour is not None and storm is not None and storm.ended is None:
            storm = replace(storm, judged=now)
    return tuple(found)
