"""How far back somebody asks."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.mood.time_range import LONGEST_DAYS, SUGGESTED, NoSuchTime, read_since

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 0, 30, tzinfo=BERLIN).timestamp()
"""Half an hour into a Wednesday in Berlin, still Tuesday in UTC."""


def local(text, zone=BERLIN):
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() // 3600)


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
        ("tomorrow", 'I cannot read "tomorrow" as a time: try `7 days`, `today` or `2026-11-25`.'),
        ("-3 days", "I cannot read"),
        ("**@everyone**", r"I cannot read"),
        ("٣ days", "I cannot read"),
        ("2026-11-26", "2026-11-26 is still to come; today is 2026-11-25 in this server's time (Europe/Berlin)."),
        ("9999-12-31", "still to come"),
        ("2026-02-30", "There is no day 2026-02-30"),
        ("0000-01-01", "There is no day"),
        ("0 days", "That is no time at all"),
        ("999999999 years", f"I look back {LONGEST_DAYS} days at most"),
        ("2020-01-01", f"I look back {LONGEST_DAYS} days at most"),
        ("13 months", f"I look back {LONGEST_DAYS} days at most"),
    ],
)
def test_what_cannot_be_is_one_sentence_that_says_what_can(typed, sentence):
    with pytest.raises(NoSuchTime) as refusal:
        read_since(typed, BERLIN, NOW)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "**@everyone" not in str(refusal.value)


@given(st.text(max_size=60))
def test_any_text_is_a_time_before_now_or_one_sentence(typed):
    try:
        since = read_since(typed, BERLIN, NOW)
    except NoSuchTime as refusal:
        assert len(str(refusal)) < 300
    else:
        assert NOW // 3600 - (LONGEST_DAYS + 1) * 24 <= since.first_hour <= NOW // 3600
