"""Which digest is due."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.digests.periods import latest_due
from bot.domain.records import DigestKind
from tests.bot.analytics.test_buckets import ZONES, hour_of

BERLIN = ZoneInfo("Europe/Berlin")


def instant(text, zone=BERLIN):
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def test_a_day_is_told_of_on_the_next_at_the_hour_chosen():
    before = latest_due(DigestKind.DAILY, 9, BERLIN, instant("2026-11-25T08:59:59"))
    after = latest_due(DigestKind.DAILY, 9, BERLIN, instant("2026-11-25T09:00"))
    assert (before.key, after.key) == ("2026-11-23", "2026-11-24")
    assert after.title == "Tuesday 24 November"
    assert (after.first_hour, after.end) == (
        hour_of("2026-11-24T00:00", "Europe/Berlin"),
        hour_of("2026-11-25T00:00", "Europe/Berlin"),
    )
    assert after.due == instant("2026-11-25T09:00")


@pytest.mark.parametrize(("zone", "due"), [("Asia/Kolkata", "00:30"), ("Asia/Kathmandu", "00:45"), ("UTC", "00:00")])
def test_a_day_is_not_told_of_before_the_hour_is_over_in_which_midnight_falls(zone, due):
    """A digest at midnight would be posted in the middle of the last hour that it tells of."""
    period = latest_due(DigestKind.DAILY, 0, ZoneInfo(zone), instant("2026-11-25T12:00", ZoneInfo(zone)))
    assert f"{datetime.fromtimestamp(period.due, ZoneInfo(zone)):%Y-%m-%d %H:%M}" == f"2026-11-25 {due}"
    assert period.due >= period.end * 3600


def test_a_week_is_told_of_on_the_monday_after_it():
    before = latest_due(DigestKind.WEEKLY, 9, BERLIN, instant("2026-11-30T08:00"))
    after = latest_due(DigestKind.WEEKLY, 9, BERLIN, instant("2026-12-03T08:00"))
    assert (before.key, after.key) == ("2026-W47", "2026-W48")
    assert after.title == "Week 48: 23 November to 29 November"
    assert after.end - after.first_hour == 7 * 24


def test_a_week_across_the_new_year_has_its_iso_name():
    assert latest_due(DigestKind.WEEKLY, 9, BERLIN, instant("2027-01-05T08:00")).key == "2026-W53"


@pytest.mark.parametrize(("day", "local"), [("2026-03-29", "03:00"), ("2026-10-25", "02:00")])
def test_an_hour_that_the_clocks_skip_or_repeat_is_due_once(day, local):
    period = latest_due(DigestKind.DAILY, 2, BERLIN, instant(f"{day}T12:00"))
    due = datetime.fromtimestamp(period.due, BERLIN)
    assert (f"{due:%Y-%m-%d %H:%M}", due.fold) == (f"{day} {local}", 0)


@given(
    st.sampled_from([DigestKind.DAILY, DigestKind.WEEKLY]),
    st.integers(0, 23),
    st.sampled_from([zone for zone in ZONES if zone != "Pacific/Apia"]),
    st.integers(1_767_225_600, 1_798_761_600),
)
def test_looking_every_half_hour_each_period_is_due_exactly_once_and_none_is_left_out(kind, at_hour, zone, start):
    seen = [latest_due(kind, at_hour, ZoneInfo(zone), start + step * 1800) for step in range(48 * 15)]
    assert all(period.due <= start + step * 1800 for step, period in enumerate(seen))
    keys = [period.key for period in seen]
    assert sorted(keys) == keys
    periods = list(dict.fromkeys(seen))
    assert len(periods) == len({period.key for period in periods})
    assert all(one.end == following.first_hour for one, following in pairwise(periods))
