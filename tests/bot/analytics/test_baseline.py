"""What is usual."""

import random
from zoneinfo import ZoneInfo

import pytest

from bot.analytics.baseline import FEWEST_HOURS, learn
from bot.domain.records import HourMood
from tests.bot.analytics.test_buckets import hour_of

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
MONDAY = hour_of("2026-08-31T00:00")


def hour(number, mean, messages=30, spread=200):
    """An hour in which half of the messages lie above the mean and half below."""
    level = round(mean * 1000)
    squares = messages * (level * level + spread * spread)
    return HourMood(number, 0, messages, 0, level * messages, squares, 9)


def weeks(mean_of, count=6, zone=UTC):
    return [hour(MONDAY + number, mean_of(number)) for number in range(count * 168)]


def test_of_too_little_past_nothing_is_usual():
    assert learn([], UTC) is None
    assert learn(weeks(lambda _: 0.1, 1)[: FEWEST_HOURS * 2], UTC) is None
    assert learn([hour(MONDAY + 24 * day, 0.1) for day in range(FEWEST_HOURS - 1)], UTC) is None
    assert learn(weeks(lambda _: 0.1, 2), UTC) is not None


def test_each_hour_of_the_week_has_its_own_usual():
    evenings = learn(weeks(lambda number: 0.4 if 18 <= number % 24 <= 22 else -0.1), UTC)
    assert evenings.usual(MONDAY + 20) == pytest.approx(0.4, abs=0.15)
    assert evenings.usual(MONDAY + 10) == pytest.approx(-0.1, abs=0.05)
    assert evenings.usual(MONDAY + 20) == evenings.usual(MONDAY + 20 + 168 * 50)


def test_with_few_weeks_an_hour_is_drawn_towards_the_whole():
    def mean_of(number):
        return 0.6 if number % 168 in (10, 11, 12) else 0.0

    few, many = (learn(weeks(mean_of, count), UTC).usual(MONDAY + 11) for count in (2, 8))
    assert 0 < few < many < 0.6


def test_one_bad_evening_does_not_become_usual():
    plain = weeks(lambda _: 0.2)
    bad = [hour(one.hour, -0.9) if 600 <= one.hour - MONDAY <= 606 else one for one in plain]
    assert learn(bad, UTC).usual(MONDAY + 603) == pytest.approx(0.2, abs=0.01)


def test_habits_follow_the_local_clock_over_a_change_of_daylight_saving():
    start = hour_of("2026-09-28T00:00", "Europe/Berlin")
    hours = [hour(start + number, 0.5 if 19 <= number % 24 <= 21 else 0.0) for number in range(4 * 168)]
    summer = learn([one for one in hours if one.hour < hour_of("2026-10-25T01:00")], BERLIN)
    at_20 = [hour_of(f"2026-{day}T20:00", "Europe/Berlin") for day in ("10-19", "11-02")]
    assert summer.usual(at_20[0]) == summer.usual(at_20[1]) > summer.usual(at_20[1] + 4)


def test_an_hour_is_judged_by_the_channels_own_spread_and_its_own_error():
    rng = random.Random(1)
    calm = learn([hour(MONDAY + n, 0.1 + rng.gauss(0, 0.01)) for n in range(6 * 168)], UTC)
    lively = learn([hour(MONDAY + n, 0.1 + rng.gauss(0, 0.3)) for n in range(6 * 168)], UTC)
    bad = hour(MONDAY + 7 * 168 + 20, -0.4, 50)
    assert calm.deviation(bad) < lively.deviation(bad) < 0
    assert calm.deviation(hour(bad.hour, -0.4, 5, 900)) > calm.deviation(bad)


def test_what_is_expected_weighs_hours_by_their_messages():
    baseline = learn(weeks(lambda number: 0.4 if number % 24 < 12 else -0.4, 8), UTC)
    morning, evening = MONDAY + 6, MONDAY + 18
    expected = baseline.expected([hour(morning, 0, 90), hour(evening, 0, 10)])
    assert expected == pytest.approx(0.9 * baseline.usual(morning) + 0.1 * baseline.usual(evening))
