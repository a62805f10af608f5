"""Hours in buckets of local time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.analytics.buckets import Size, edges, merged, size_for, timeline
from bot.domain.records import Gap, HourMood, Mood

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana")
ZONES += ("Africa/Cairo", "Pacific/Apia", "Asia/Kathmandu")  # type: ignore[assignment]


def hour_of(text, zone="UTC"):
    """The whole hour since the epoch of a local time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() // 3600)


def hour(number, messages=5, score=0):
    return HourMood(number, 0, messages, 0, score * messages, score * score * messages, 5)


@given(
    st.sampled_from(ZONES),
    st.sampled_from(list(Size)),
    st.integers(hour_of("2011-12-01T00:00"), hour_of("2027-01-01T00:00")),
    st.integers(1, 900),
)
def test_each_hour_is_in_exactly_one_bucket_that_begins_at_a_local_boundary(zone, size, first, length):
    bounds = edges(first, first + length, size, ZoneInfo(zone))
    assert list(bounds) == sorted(set(bounds))
    assert bounds[0] <= first
    assert bounds[-2] < first + length <= bounds[-1]
    begins = [datetime.fromtimestamp(edge * 3600, ZoneInfo(zone)) for edge in bounds[:-1]]
    if size is not Size.HOUR:
        # An hour that begins at half past, or that the clocks skip, moves the edge by less than two hours.
        steps = 6 if size is Size.QUARTER else 24
        assert all(begin.hour % steps <= 1 for begin in begins)
    if size is Size.WEEK:
        assert all(begin.weekday() == 0 for begin in begins)


def test_a_day_has_23_hours_when_the_clocks_go_forward_and_25_when_they_go_back():
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)):
        start = hour_of(day + "T00:00", "Europe/Berlin")
        bounds = edges(start, start + 1, Size.DAY, BERLIN)
        assert [end - begin for begin, end in pairwise(bounds)] == [hours]


def test_the_quarter_of_a_day_in_which_the_clocks_change_is_shorter_or_longer():
    for day, hours in (("2026-03-29", 5), ("2026-10-25", 7)):
        start = hour_of(day + "T00:00", "Europe/Berlin")
        assert edges(start, start + 3, Size.QUARTER, BERLIN) == (start, start + hours)


def test_a_week_begins_on_monday():
    wednesday = hour_of("2026-11-25T12:00", "Europe/Berlin")
    start, end = edges(wednesday, wednesday + 1, Size.WEEK, BERLIN)
    assert (start, end) == (hour_of("2026-11-23T00:00", "Europe/Berlin"), hour_of("2026-11-30T00:00", "Europe/Berlin"))


@pytest.mark.parametrize(
    ("days", "size"),
    [(1, Size.HOUR), (3, Size.HOUR), (7, Size.QUARTER), (30, Size.DAY), (90, Size.DAY), (366, Size.WEEK)],
)
def test_a_range_is_told_in_as_many_buckets_as_a_phone_can_show(days, size):
    assert size_for(days * 24) is size
    start = hour_of("2026-01-01T00:00")
    assert 20 <= len(edges(start, start + days * 24, size, BERLIN)) <= 122


@given(st.lists(st.integers(0, 400), unique=True), st.sampled_from([Size.HOUR, Size.QUARTER, Size.DAY]))
def test_the_buckets_together_are_what_the_hours_are(numbers, size):
    first = hour_of("2026-03-20T00:00")
    hours = tuple(hour(first + number, 5 + number % 3, number) for number in sorted(numbers))
    told = timeline(Mood(hours, (), ()), size, edges(first, first + 401, size, BERLIN))
    assert sum(bucket.mood.messages for bucket in told.buckets if bucket.mood) == sum(one.messages for one in hours)
    for one in hours:
        assert any(bucket.start <= one.hour < bucket.end and bucket.mood for bucket in told.buckets)


def test_gaps_are_cut_to_the_range_and_put_together_where_they_meet():
    gaps = [Gap(None, 50, 120), Gap(1, 110, 130), Gap(None, 140, 150), Gap(1, 195, 300), Gap(1, 300, 400)]
    assert merged(gaps, 100, 200) == ((100, 130), (140, 150), (195, 200))


def test_no_gap_reaches_into_the_future():
    start = hour_of("2026-11-25T00:00")
    now = (start + 1) * 3600 + 60
    mood = Mood((), (start,), (Gap(None, start * 3600, now + 99_999),))
    told = timeline(mood, Size.DAY, edges(start, start + 2, Size.DAY, ZoneInfo("UTC")), until=now)
    assert (told.gaps, told.missing_seconds, told.hidden) == (((start * 3600, now),), 3660, 1)
    assert told.total is None


def test_edges_of_a_year_in_havana_never_repeat():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = edges(hour_of("2026-01-01T00:00"), hour_of("2027-01-01T00:00"), Size.DAY, ZoneInfo("America/Havana"))
    lengths = [end - begin for begin, end in pairwise(days)]
    assert sorted(set(lengths)) == [23, 24, 25]
    assert sum(lengths) * timedelta(hours=1) >= datetime(2027, 1, 1, tzinfo=UTC) - start
