"""How far back somebody asks."""

import subprocess
import sys
from datetime import date, datetime, timedelta
from math import ceil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.mood.time_range import LONGEST_DAYS, SUGGESTED, NoSuchTime, read_since

ROOT = Path(__file__).parents[4]
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 0, 30, tzinfo=BERLIN).timestamp()
"""Half an hour into a Wednesday in Berlin, still Tuesday in UTC."""


def local(text, zone=BERLIN):
    """The first whole hour that begins then or after."""
    return ceil(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() / 3600)


@pytest.mark.parametrize(
    ("typed", "start", "words"),
    [
        ("today", "2026-11-25T00:00", "today"),
        ("  Yesterday ", "2026-11-24T00:00", "since yesterday"),
        ("monday", "2026-11-23T00:00", "since Monday"),
        ("wednesday", "2026-11-25T00:00", "since Wednesday"),
        ("since thursday", "2026-11-19T00:00", "since Thursday"),
        ("2026-11-01", "2026-11-01T00:00", "since 1 November 2026"),
        ("2026-11-25", "2026-11-25T00:00", "since 25 November 2026"),
        ("1 hour", "2026-11-25T00:00", "in the last hour"),
        ("24h", "2026-11-24T01:00", "in the last 24 hours"),
        ("Last 7 DAYS", "2026-11-18T01:00", "in the last 7 days"),
        ("2 weeks ago", "2026-11-11T01:00", "in the last 2 weeks"),
        ("week", "2026-11-18T01:00", "in the last week"),
        ("last tuesday", "2026-11-24T00:00", "since 24 November 2026"),
        ("since last Wednesday", "2026-11-18T00:00", "since 18 November 2026"),
        ("wed", "2026-11-25T00:00", "since Wednesday"),
        ("Thurs.", "2026-11-19T00:00", "since Thursday"),
        ("nov 1", "2026-11-01T00:00", "since 1 November 2026"),
        ("Nov. 1st, 2026", "2026-11-01T00:00", "since 1 November 2026"),
        ("the 1st of November", "2026-11-01T00:00", "since 1 November 2026"),
        ("nov 25", "2026-11-25T00:00", "since 25 November 2026"),
        ("dec 25", "2025-12-25T00:00", "since 25 December 2025"),
        ("march", "2026-03-01T00:00", "since 1 March 2026"),
        ("may 2026", "2026-05-01T00:00", "since 1 May 2026"),
        ("the day before yesterday", "2026-11-23T00:00", "since 23 November 2026"),
        ("yesterday at 5pm", "2026-11-24T17:00", "since 24 November 2026, 17:00"),
        ("last friday, 9:30", "2026-11-20T09:00", "since 20 November 2026, 09:00"),
        ("noon", "2026-11-24T12:00", "since 24 November 2026, 12:00"),
        ("today at 00:10", "2026-11-25T00:00", "since 25 November 2026, 00:00"),
        ("3 days ago", "2026-11-22T01:00", "in the last 3 days"),
        ("three days ago", "2026-11-22T01:00", "in the last 3 days"),
        ("a week ago", "2026-11-18T01:00", "in the last 7 days"),
        ("1 day and 3 hours ago", "2026-11-23T22:00", "in the last 27 hours"),
        ("two months ago", "2026-09-25T02:00", "in the last 61 days"),
    ],
)
def test_what_people_type_is_read_in_the_servers_time(typed, start, words):
    since = read_since(typed, BERLIN, NOW)
    assert (since.first_hour, since.words) == (local(start), words)


def test_what_is_suggested_can_be_read():
    assert all(read_since(text, BERLIN, NOW).first_hour <= NOW // 3600 for text in SUGGESTED)


def test_the_day_of_a_change_of_clocks_begins_at_its_own_midnight():
    evening = datetime(2026, 3, 29, 20, tzinfo=BERLIN).timestamp()
    assert read_since("today", BERLIN, evening).first_hour == local("2026-03-29T00:00")
    assert evening // 3600 - local("2026-03-29T00:00") == 19


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("tomorrow", 'I don\'t understand "tomorrow" as a time. Try `7 days`, `today` or `2026-11-25`.'),
        ("-3 days", "I don't understand"),
        ("**@everyone**", r"I don't understand"),
        ("٣ days", "I don't understand"),
        ("2026-11-26", "2026-11-26 is still to come; today is 2026-11-25 in this server's time (Europe/Berlin)."),
        ("9999-12-31", "still to come"),
        ("2026-02-30", "There's no day 2026-02-30"),
        ("0000-01-01", "There's no day"),
        ("0 days", "That's no time at all"),
        ("999999999 years", f"I can only look back {LONGEST_DAYS} days"),
        ("2020-01-01", f"I can only look back {LONGEST_DAYS} days"),
        ("next tuesday", "I don't understand"),
        ("in 3 days", "I don't understand"),
        ("12/11", "I don't understand"),
        ("11/12/2025", "I don't understand"),
        ("99", "I don't understand"),
        ("the 5th", "I don't understand"),
        ("an", "I don't understand"),
        ("nov 1 25", "I don't understand"),
        ("nov 99", "I don't understand"),
        ("nov 31", "I don't understand"),
        ("monday nov 1", "I don't understand"),
        ("last tuesday utc", "I don't understand"),
        ("2026-13-01 14:00", "I don't understand"),
        ("martes pasado", "I don't understand"),
        ("1700000000", "I don't understand"),
        ("today at 5pm", "2026-11-25 17:00 is still to come; today is 2026-11-25 in this server's time"),
        ("nov 26 2026", "2026-11-26 is still to come"),
        ("0 hours and 0 days ago", "That's no time at all"),
        ("november 2025", f"I can only look back {LONGEST_DAYS} days"),
        ("one year and 2 days ago", f"I can only look back {LONGEST_DAYS} days"),
        ("13 months", f"I can only look back {LONGEST_DAYS} days"),
    ],
)
def test_what_cannot_be_is_one_sentence_that_says_what_can(typed, sentence):
    with pytest.raises(NoSuchTime) as refusal:
        read_since(typed, BERLIN, NOW)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "**@everyone" not in str(refusal.value)


@given(st.integers(0, 364), st.sampled_from(["{0:%b} {0.day}", "{0.day} {0:%B}", "the {0.day}th of {0:%b} {0.year}"]))
def test_every_day_of_the_past_year_can_be_named_by_its_month(back, form):
    day = date(2026, 11, 25) - timedelta(days=back)
    since = read_since(form.format(day), BERLIN, NOW)
    assert since.first_hour == local(f"{day}T00:00")
    assert since.words == f"since {day.day} {day:%B %Y}"


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata", "UTC"])
def test_days_are_the_servers_own_wherever_it_is(zone):
    zone = ZoneInfo(zone)
    today = datetime.fromtimestamp(NOW, zone).date()
    assert read_since("nov 1", zone, NOW).first_hour == local("2026-11-01T00:00", zone)
    assert read_since("last sunday", zone, NOW).first_hour == local("2026-11-22T00:00", zone)
    assert read_since(f"{today:%B %d}", zone, NOW).first_hour == local(f"{today}T00:00", zone)


@pytest.mark.parametrize(
    ("typed", "begins", "words"),
    [
        ("today", "2026-11-25 00:30", "today"),
        ("yesterday", "2026-11-24 00:30", "since yesterday"),
        ("monday", "2026-11-23 00:30", "since Monday"),
        ("nov 1", "2026-11-01 00:30", "since 1 November 2026"),
        ("yesterday at 5pm", "2026-11-24 16:30", "since 24 November 2026, 16:30"),
        ("yesterday at 00:10", "2026-11-24 00:30", "since 24 November 2026"),
        ("yesterday, 9:30", "2026-11-24 09:30", "since 24 November 2026, 09:30"),
    ],
)
def test_where_midnight_falls_into_an_hour_nothing_of_the_day_before_is_told_and_the_words_say_from_when(
    typed, begins, words
):
    india = ZoneInfo("Asia/Kolkata")
    since = read_since(typed, india, datetime(2026, 11, 25, 12, 15, tzinfo=india).timestamp())
    assert f"{datetime.fromtimestamp(since.first_hour * 3600, india):%Y-%m-%d %H:%M}" == begins
    assert since.words == words


@pytest.mark.parametrize(("zone", "begins"), [("Asia/Kolkata", "00:30"), ("Asia/Kathmandu", "00:45")])
@pytest.mark.parametrize("typed", ["today", "wednesday", "2026-11-25", "nov 25", "today at 00:05"])
def test_a_day_whose_first_hour_has_not_begun_is_one_sentence_that_says_when_it_does(zone, begins, typed):
    zone = ZoneInfo(zone)
    with pytest.raises(NoSuchTime, match=f"begins at {begins} in this server's time"):
        read_since(typed, zone, datetime(2026, 11, 25, 0, 10, tzinfo=zone).timestamp())


def test_what_was_asked_before_is_answered_without_dateparser():
    """The bot's start does not wait for it, nor does who asks in the usual words."""
    asked = "import bot.commands.mood.command; from bot.commands.mood.time_range import SUGGESTED, read_since, ZoneInfo"
    code = f"{asked}; [read_since(text, ZoneInfo('UTC'), {NOW}) for text in (*SUGGESTED, 'monday', '2026-11-01')]"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print('dateparser' in sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


# fmt: off
WORDS = [
    "last", "since", "ago", "a", "an", "one", "three", "1", "3", "25", "99", "2026", "9999", "1st", "the", "of",
    "on", "at", "and", ",", "noon", "5pm", "13:00", "day", "days", "week", "hours", "months", "mon", "tuesday",
    "sunday", "nov", "may", "december", "today", "yesterday", "before", "tomorrow", "next", "in",
]
# fmt: on


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join) | st.text(max_size=60))
def test_any_text_is_a_time_before_now_or_one_sentence(typed):
    try:
        since = read_since(typed, BERLIN, NOW)
    except NoSuchTime as refusal:
        assert len(str(refusal)) < 300
    else:
        assert NOW // 3600 - (LONGEST_DAYS + 1) * 24 <= since.first_hour <= NOW // 3600
