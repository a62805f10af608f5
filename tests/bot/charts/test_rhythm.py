"""When it was worst, and when it usually is."""

from zoneinfo import ZoneInfo

import pytest

from bot.analytics.baseline import Baseline
from bot.charts.canvas import zone_name
from bot.charts.rhythm import cells, dip, week_in_words
from tests.bot.analytics.test_baseline import hour, weeks
from tests.bot.analytics.test_buckets import hour_of

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
MONDAY = hour_of("2026-11-23T00:00")
USUAL = Baseline(weeks(lambda _: 0.1), UTC)


def week(low=(), mean=0.1, days=7, messages=300):
    return [hour(MONDAY + number, -0.3 if number in low else mean, messages) for number in range(24 * days)]


def test_the_worst_hours_are_named_by_day_and_clock():
    friday = range(4 * 24 + 18, 4 * 24 + 21)
    assert dip(week(friday), USUAL, UTC) == "Friday 18\N{EN DASH}21 h UTC"
    assert dip(week(friday), USUAL, BERLIN) == "Friday 18\N{EN DASH}21 h"  # 19 to 22 there: most of it is in this block


def test_a_longer_time_names_the_date_and_a_single_day_none():
    friday = range(4 * 24 + 18, 4 * 24 + 21)
    assert dip(week(friday, days=20), USUAL, UTC) == "Friday 27 November 18\N{EN DASH}21 h UTC"
    assert dip(week(range(18, 21), days=1), USUAL, UTC) == "18\N{EN DASH}21 h UTC"


@pytest.mark.parametrize("hours", [week(), week(mean=0.06), week(mean=0.4)])
def test_without_a_clear_dip_none_is_named(hours):
    assert dip(hours, USUAL, UTC) is None


def test_what_chance_or_the_noise_of_few_people_explains_is_no_dip():
    unsure = [hour(MONDAY + number, -0.3 if number < 3 else 0.1, 5, 900) for number in range(24)]
    assert dip(unsure, USUAL, UTC) is None


def test_a_usual_week_has_its_best_and_its_worst_time():
    hours = [hour(MONDAY + number, _mean(number % 168), 300) for number in range(24 * 28)]
    said = week_in_words(hours, UTC)
    assert said == "Usually best Saturdays 12\N{EN DASH}15 h UTC and worst Mondays 6\N{EN DASH}9 h UTC."


def _mean(number):
    return 0.5 if number // 3 == 5 * 8 + 4 else -0.3 if number // 3 == 2 else 0.1


def test_a_week_without_a_rhythm_is_called_the_same():
    assert week_in_words(week(), UTC).startswith("About the same all week")


def test_hours_of_the_week_are_local_and_added_up():
    found = cells([hour(MONDAY, 0.1, 100), hour(MONDAY + 168, 0.3, 100)], BERLIN)
    ((place, mood),) = found.items()
    assert place == (0, 1)
    assert (mood.messages, round(mood.mean, 3)) == (200, 0.2)


@pytest.mark.parametrize("key", ["UTC", "Etc/UTC", "Etc/Universal", "Zulu", "Etc/UCT"])
def test_utc_is_called_utc(key):
    assert zone_name(ZoneInfo(key)) == "UTC"
    assert zone_name(BERLIN) == "Europe/Berlin"
