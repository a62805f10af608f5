"""When a channel's mood is a storm, and when it is over: the rules, without clock or database.

Live and in the replay of the past the same rules judge the same numbers. What is judged is how many standard deviations
an hour's mean score lies below the channel's own usual for that hour of the week, and by how much in all. A storm
begins beyond one threshold and ends above another, nearer to usual; in between nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.analytics.baseline import Baseline
from bot.domain.records import FEWEST_AUTHORS, GuildSettings, HourMood, Sensitivity
from bot.domain.snowflake import SECONDS

COOLDOWN_SECONDS = 3 * SECONDS
"""From the end of a channel's storm to the earliest start of its next."""

SILENT_SECONDS = 6 * SECONDS
"""A storm is over when for so long no hour had enough messages to be judged."""


RAISED = 1.5
"""By how much a false alarm raises what the next storm needs, for a day."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A storm starts `start` standard deviations below usual, if that is `least` in score; it ends at `end` of them."""

    start: float
    end: float
    least: float

    @property
    def raised(self) -> Thresholds:
        """What it takes for a day after a false alarm: half as much again."""
        return Thresholds(self.start * RAISED, self.end, self.least * RAISED)


THRESHOLDS = {
    Sensitivity.LOW: Thresholds(4.0, 2.0, 0.30),
    Sensitivity.NORMAL: Thresholds(3.0, 1.5, 0.20),
    Sensitivity.HIGH: Thresholds(2.0, 1.0, 0.12),
}


class Change(StrEnum):
    """What becomes of a channel's storm."""

    NONE = "none"
    STARTS = "starts"
    ENDS = "ends"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What is known of a channel's last storm; instants are seconds since the Unix epoch.

    `judged` is when an hour could last be judged; `ended` is None while the storm goes on.
    """

    started: float
    judged: float
    ended: float | None = None


def enough(hour: HourMood, settings: GuildSettings) -> bool:
    """Whether so many people wrote so many messages in an hour that it is judged.

    As it is told its people are rounded down: of 9 with at least 6 asked for, they are 5 and not enough.
    """
    authors = max(FEWEST_AUTHORS, settings.alert_authors)
    return hour.messages >= max(2, settings.alert_messages) and hour.authors >= authors


def judge(
    last: Anomaly | None,
    hour: HourMood | None,
    baseline: Baseline,
    sensitivity: Sensitivity,
    now: float,
    *,
    raised: bool = False,
) -> Change:
    """What changes now; `hour` is the latest that had enough messages, None when none of late did.

    `raised`: somebody has called an alert false of late, and a storm takes more to start.
    """
    threshold = THRESHOLDS[sensitivity].raised if raised else THRESHOLDS[sensitivity]
    if last is not None and last.ended is None:
        if hour is None:
            return Change.ENDS if now - last.judged >= SILENT_SECONDS else Change.NONE
        return Change.ENDS if baseline.deviation(hour) > -threshold.end else Change.NONE
    if hour is None or (last is not None and last.ended is not None and now - last.ended < COOLDOWN_SECONDS):
        return Change.NONE
    low_enough = baseline.usual(hour.hour) - hour.mean >= threshold.least
    return Change.STARTS if low_enough and baseline.deviation(hour) <= -threshold.start else Change.NONE
