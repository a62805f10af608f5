"""How far it is until a channel can have an alert: what is still missing to call anything usual there."""

from __future__ import annotations

from dataclasses import dataclass

from bot.analytics.backtest import HELD_BACK
from bot.analytics.baseline import FEWEST_HOURS, FEWEST_SPAN

DAYS = FEWEST_SPAN // 24
"""How many days of a channel are the least to call anything usual."""

_DAY = 24


@dataclass(frozen=True, slots=True)
class ToldSpan:
    """A channel's hours that may be told: the first, the last, and how many there are."""

    first: int
    last: int
    count: int

    @property
    def is_enough(self) -> bool:
        """Whether `bot.analytics.baseline.learn` makes a baseline of them."""
        return self.count >= FEWEST_HOURS and self.last - self.first >= FEWEST_SPAN


def learned_until(present: int) -> int:
    """The last hour that can be learned from at the hour `present`."""
    return present - HELD_BACK - 1


def days_so_far(known: ToldSpan | None, present: int) -> int:
    """How many of `DAYS` have passed since the first hour that may be told."""
    return 0 if known is None else max(0, min(DAYS, (present - known.first) // _DAY))


def first_alert(known: ToldSpan | None, present: int) -> int:
    """The earliest hour in which there can be an alert, of a channel that is still learned; `present` is this hour.

    It has to hold `HELD_BACK` hours more than are learned from, and what is usual is learned when a day of UTC begins.
    """
    first, count = (present, 0) if known is None else (known.first, known.count)
    latest = max(first + FEWEST_SPAN, present + FEWEST_HOURS - count - 1 if count < FEWEST_HOURS else 0)
    soonest = max(latest + HELD_BACK + 1, present + 1)
    return -(-soonest // _DAY) * _DAY
