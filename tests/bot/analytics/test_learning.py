"""The day that is named for the first alert is the day from which on the job has a baseline, and not one day later."""

import random

import pytest

from bot.analytics.baseline import WEEKS, learn
from bot.analytics.learning import DAYS, ToldSpan, days_so_far, first_alert, learned_until
from bot.domain.records import HourMood
from tests.bot.analytics.test_baseline import UTC

START = 480_000


def hours(numbers):
    return [HourMood(number, 2, 20, 8, 3000, 10**7, 10) for number in sorted(numbers)]


def learned_at(numbers, hour):
    """What the job has at this hour."""
    until = learned_until(hour)
    return learn(hours(number for number in numbers if until - WEEKS * 168 < number <= until), UTC) is not None


def known(numbers, present):
    there = [number for number in numbers if number <= present]
    return ToldSpan(there[0], there[-1], len(there)) if there else None


@pytest.mark.parametrize("begins", range(0, 24, 5))
def test_of_a_channel_that_is_always_busy_the_day_is_right_from_the_first_hour_on(begins):
    numbers = range(START + begins, START + begins + 500)
    for present in range(START + begins - 1, START + begins + 190):
        day = first_alert(known(numbers, present), present)
        if present >= START + begins:
            assert learned_at(numbers, day)
            assert not learned_at(numbers, day - 24)
        assert day > present
        assert day % 24 == 0


def test_no_alert_can_come_before_the_day_that_was_named():
    rng = random.Random(5)
    for _ in range(200):
        numbers = [START + hour for hour in range(900) if rng.random() < rng.choice((0.03, 0.1, 0.5))]
        present = START + rng.randrange(900)
        if learned_at(numbers, present):
            continue
        day = first_alert(known(numbers, present), present)
        earlier = range(present - present % 24 + 24, day, 24)
        assert not any(learned_at(numbers, morning) for morning in earlier), (present, day)


def test_days_are_counted_from_the_first_hour_that_may_be_told():
    assert days_so_far(None, START) == 0
    spans = [days_so_far(ToldSpan(START, START + 5, 6), START + hour) for hour in (0, 23, 24, 167, 168, 900)]
    assert spans == [0, 0, 1, 6, 7, DAYS]
