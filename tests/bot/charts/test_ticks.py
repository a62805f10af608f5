"""The marks of the time axis."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.buckets import Size, edges
from bot.charts.ticks import MOST, ticks
from tests.bot.analytics.test_buckets import ZONES, hour_of


def at(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def labels(start, end, zone="Europe/Berlin"):
    return [mark.label for mark in ticks(at(start, zone), at(end, zone), ZoneInfo(zone))]


def test_a_day_is_marked_by_hours_and_a_week_by_days():
    assert labels("2026-11-25T00:00", "2026-11-26T00:00") == ["Wed 25", "06:00", "12:00", "18:00"]
    assert labels("2026-11-19T00:00", "2026-11-25T12:00")[:2] == ["Thu 19", "Fri 20"]


def test_months_are_named_and_january_with_its_year():
    assert labels("2026-08-15T00:00", "2027-02-15T00:00") == ["Sep", "Oct", "Nov", "Dec", "Jan 2027", "Feb"]


def test_marks_stay_at_the_same_local_hour_when_the_clocks_change():
    assert labels("2026-10-24T12:00", "2026-10-26T00:00") == ["12:00", "18:00", "Sun 25", "06:00", "12:00", "18:00"]
    assert labels("2026-03-29T00:00", "2026-03-29T06:00") == ["Sun 29", "01:00", "03:00", "04:00", "05:00"]


@pytest.mark.parametrize(("zone", "first"), [("Asia/Kolkata", "00:30"), ("Asia/Kathmandu", "00:45"), ("UTC", "00:00")])
@pytest.mark.parametrize("days", [1, 3, 7, 30])
def test_a_day_is_marked_where_its_first_bar_begins(zone, first, days):
    bounds = edges(
        hour_of(f"2026-11-02T{first}", zone), hour_of(f"2026-11-02T{first}", zone) + 24 * days, Size.DAY, ZoneInfo(zone)
    )
    marks = ticks(bounds[0] * 3600, bounds[-1] * 3600, ZoneInfo(zone))
    begins = {edge * 3600 for edge in bounds}
    named = [mark for mark in marks if ":" not in mark.label]
    assert named
    assert {mark.at for mark in named} <= begins
    assert marks[0].at == bounds[0] * 3600


@given(st.sampled_from(ZONES), st.integers(1_322_700_000, 1_798_000_000), st.integers(3600, 366 * 86_400))
def test_there_are_few_of_them_in_order_and_inside(zone, start, length):
    marks = ticks(start, start + length, ZoneInfo(zone))
    instants = [mark.at for mark in marks]
    assert len(marks) <= MOST
    assert instants == sorted(set(instants))
    assert all(start <= instant < start + length for instant in instants)
    assert len(marks) >= 2 or length < 8 * 3600
