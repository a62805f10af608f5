"""When a storm starts and ends."""

from dataclasses import replace
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.anomaly import COOLDOWN_SECONDS, SILENT_SECONDS, THRESHOLDS, Anomaly, Change, enough, judge
from bot.analytics.backtest import BacktestAlert, backtest
from bot.analytics.baseline import learn
from bot.domain.records import FEWEST_AUTHORS, GuildSettings, HourMood, Sensitivity
from tests.bot.analytics.test_baseline import MONDAY, hour, weeks

UTC = ZoneInfo("UTC")
SETTINGS = GuildSettings(1)
NOW = MONDAY + 6 * 168 + 20
BASELINE = learn(weeks(lambda number: 0.1 + 0.06 * (-1) ** number), UTC)
BEFORE = Anomaly(0, 0, 0)
RUNNING = Anomaly((NOW - 2) * 3600, NOW * 3600)


def at(deviation, number=NOW):
    """An hour of so many messages that its mean lies so many standard deviations above usual."""
    usual = BASELINE.usual(number)
    low, high = -1.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if BASELINE.deviation(hour(number, middle, 3000)) < deviation else (low, middle)
    found = hour(number, low, 3000)
    assert BASELINE.deviation(found) == pytest.approx(deviation, abs=0.05)
    assert (found.mean < usual) == (deviation < 0)
    return found


@pytest.mark.parametrize("sensitivity", list(Sensitivity))
def test_a_storm_starts_beyond_one_threshold_and_ends_above_another(sensitivity):
    limits = THRESHOLDS[sensitivity]
    assert limits.end < limits.start
    at_start, between, at_end = -limits.start - 0.2, -(limits.start + limits.end) / 2, -limits.end + 0.2
    changes = [
        [judge(last, at(deviation), BASELINE, sensitivity, NOW * 3600) for deviation in (at_start, between, at_end, 3)]  # type: ignore[arg-type]
        for last in (None, RUNNING)
    ]
    assert changes == [
        [Change.STARTS, Change.NONE, Change.NONE, Change.NONE],
        [Change.NONE, Change.NONE, Change.ENDS, Change.ENDS],
    ]


def test_a_higher_sensitivity_hears_what_a_lower_one_does_not():
    starts = [
        [judge(None, at(deviation), BASELINE, sensitivity, NOW * 3600) is Change.STARTS for sensitivity in Sensitivity]  # type: ignore[arg-type]
        for deviation in (-2.5, -3.5, -4.5)
    ]
    assert starts == [[False, False, True], [False, True, True], [True, True, True]]


def test_a_drop_that_is_unusual_but_small_is_no_storm():
    steady = learn(weeks(lambda _: 0.1), UTC)
    slight = hour(NOW, 0.1 - 0.19, 3000, 1)
    assert steady.deviation(slight) < -THRESHOLDS[Sensitivity.NORMAL].start
    assert judge(None, slight, steady, Sensitivity.NORMAL, NOW * 3600) is Change.NONE  # type: ignore[arg-type]


def test_after_a_storm_there_is_a_rest():
    ended = Anomaly(0, 0, NOW * 3600)
    storm = at(-6)
    assert judge(ended, storm, BASELINE, Sensitivity.NORMAL, NOW * 3600 + COOLDOWN_SECONDS - 1) is Change.NONE  # type: ignore[arg-type]
    assert judge(ended, storm, BASELINE, Sensitivity.NORMAL, NOW * 3600 + COOLDOWN_SECONDS) is Change.STARTS  # type: ignore[arg-type]


def test_a_storm_is_over_when_the_channel_falls_silent():
    assert judge(RUNNING, None, BASELINE, Sensitivity.NORMAL, RUNNING.judged + SILENT_SECONDS - 1) is Change.NONE  # type: ignore[arg-type]
    assert judge(RUNNING, None, BASELINE, Sensitivity.NORMAL, RUNNING.judged + SILENT_SECONDS) is Change.ENDS  # type: ignore[arg-type]
    assert judge(None, None, BASELINE, Sensitivity.NORMAL, NOW * 3600) is Change.NONE  # type: ignore[arg-type]


@pytest.mark.parametrize("sensitivity", list(Sensitivity))
@pytest.mark.parametrize("messages", [5, 6, 10, 20, 40, 80, 200])
def test_one_message_beside_usual_ones_is_no_storm_however_negative(sensitivity, messages):
    """A single message is never further from usual than its own standard error: nobody is reported by one text."""
    usual = round(1000 * BASELINE.usual(NOW))
    sums = usual * (messages - 1) - 1000, usual**2 * (messages - 1) + 1000**2
    one = HourMood(NOW, 1, messages - 1, 0, *sums, 9)
    assert -1.1 < BASELINE.deviation(one) < 0
    assert judge(None, one, BASELINE, sensitivity, NOW * 3600) is Change.NONE  # type: ignore[arg-type]


def test_an_hour_needs_enough_messages_and_people_and_never_fewer_than_five():
    one = replace(hour(NOW, 0, 20), authors=6)
    assert enough(one, SETTINGS)
    assert not enough(hour(NOW, 0, 19), SETTINGS)
    assert not enough(one, replace(SETTINGS, alert_authors=7))
    assert not enough(replace(one, authors=FEWEST_AUTHORS - 1), replace(SETTINGS, alert_authors=1))


# ---- the past, replayed


def past(bad=(), count=6):
    return [
        hour(one.hour, one.mean - bad.get(one.hour - MONDAY, 0) if bad else one.mean, 60)
        for one in weeks(lambda number: 0.1 + 0.06 * (-1) ** number, count)
    ]


def test_one_storm_is_one_alert_and_one_recovery():
    storm = 5 * 168 + 20
    found = backtest(past(dict.fromkeys(range(storm, storm + 5), 0.8)), SETTINGS, Sensitivity.NORMAL, UTC)
    assert [(one.hour, one.recovered) for one in found] == [(MONDAY + storm, MONDAY + storm + 5)]
    assert found[0].usual - found[0].level == pytest.approx(0.8, abs=0.1)


def test_two_bad_hours_with_a_good_one_between_are_one_alert_because_of_the_rest():
    storm = 5 * 168 + 20
    found = backtest(past({storm: 0.8, storm + 2: 0.8}), SETTINGS, Sensitivity.NORMAL, UTC)
    assert [one.hour - MONDAY for one in found] == [storm]
    apart = backtest(past({storm: 0.8, storm + 8: 0.8}), SETTINGS, Sensitivity.NORMAL, UTC)
    assert [one.hour - MONDAY for one in apart] == [storm, storm + 8]


def test_a_storm_of_a_whole_day_does_not_become_usual_while_it_lasts():
    storm = 5 * 168 + 1
    found = backtest(past(dict.fromkeys(range(storm, storm + 30), 0.8)), SETTINGS, Sensitivity.NORMAL, UTC)
    assert [(one.hour - MONDAY, one.recovered - MONDAY) for one in found] == [(storm, storm + 30)]


def test_a_storm_that_goes_on_has_not_recovered():
    hours = past({6 * 168 - 1: 0.8})
    assert [one.recovered for one in backtest(hours, SETTINGS, Sensitivity.NORMAL, UTC)] == [None]


def test_the_first_week_brings_no_alert_for_nothing_is_usual_yet():
    assert backtest(past({100: 1.0}, count=1), SETTINGS, Sensitivity.HIGH, UTC) == ()
    assert backtest([], SETTINGS, Sensitivity.HIGH, UTC) == ()


@given(st.dictionaries(st.integers(2 * 168, 4 * 168 - 1), st.floats(-1, 1), max_size=40), st.sampled_from(Sensitivity))
def test_alerts_never_overlap_and_keep_their_distance(bad, sensitivity):
    found: tuple[BacktestAlert, ...] = backtest(past(bad, 4), SETTINGS, sensitivity, UTC)
    for one, following in pairwise(found):
        assert one.recovered is not None
        assert one.hour < one.recovered < following.hour
        assert (following.hour - one.recovered) * 3600 >= COOLDOWN_SECONDS
    assert all(one.level < one.usual for one in found)
