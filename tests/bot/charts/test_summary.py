"""A mood in sentences."""

from zoneinfo import ZoneInfo

import pytest

from bot.analytics.baseline import learn
from bot.analytics.buckets import Bucket, Size, Timeline, edges, timeline
from bot.charts.drawing import Line
from bot.charts.summary import alternative_text, beside_usual, compared, sentences
from bot.domain.records import Gap, HourMood, Mood
from bot.presentation.text import signed, span
from tests.bot.analytics.test_baseline import hour, weeks
from tests.bot.analytics.test_buckets import hour_of

UTC = ZoneInfo("UTC")
TUESDAY = hour_of("2026-11-24T00:00")
USUAL = learn(weeks(lambda _: 0.1), UTC)


def said(*means, messages=300):
    return [hour(TUESDAY + 10 + number, mean, messages) for number, mean in enumerate(means)]


def told(hours, baseline=USUAL):
    total = timeline(Mood(tuple(hours), (), ()), Size.DAY, edges(TUESDAY, TUESDAY + 24, Size.DAY, UTC)).total
    return beside_usual(total, hours, baseline, UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mean", "sentence"),
    [
        (0.1, "A normal Tuesday"),
        (0.13, "A normal Tuesday"),
        (0.2, "More positive than a usual Tuesday"),
        (0.0, "More negative than a usual Tuesday"),
        (-0.3, "Much more negative than a usual Tuesday"),
    ],
)
def test_a_day_is_told_beside_its_usual_weekday(mean, sentence):
    assert told(said(mean, mean)).startswith(sentence)
    assert f"mean score {signed(mean)}, usually +0.10" in told(said(mean, mean))


def test_a_longer_time_is_told_beside_the_usual_of_its_hours():
    hours = [hour(TUESDAY + 24 * day, 0.3, 300) for day in range(4)]
    assert told(hours).startswith("More positive than usual (")


def test_a_difference_that_chance_explains_is_called_none():
    few = [hour(TUESDAY + 10, 0.3, 5, 900)]
    assert told(few).startswith("A normal Tuesday")


def test_without_a_past_nothing_is_called_usual():
    unknown = "I don't know yet what's normal here (that takes about a week); mean score +0.30"
    assert told(said(0.3), None).startswith(unknown)


def test_people_are_a_number_there_were_at_least_and_what_is_missing_is_said():
    hours = (HourMood(TUESDAY, 1, 2, 3, 0, 0, 6), HourMood(TUESDAY + 1, 2, 2, 2, 0, 0, 5))
    gap = Gap(None, (TUESDAY + 3) * 3600, (TUESDAY + 5) * 3600 + 120)
    line = timeline(Mood(hours, (TUESDAY + 7,), (gap,)), Size.HOUR, edges(TUESDAY, TUESDAY + 9, Size.HOUR, UTC))
    lines = sentences(line, hours, None, UTC).split("\n")
    assert lines[1] == "12 messages by 6+ people: 42 % positive, 33 % neutral, 25 % negative."
    assert lines[2] == ("I couldn't see anything for 2 hours 2 minutes. 1 quiet hour (under 5 people) is hidden.")
    assert len(lines) == 3


def test_nothing_missing_is_said_too():
    hours = said(0.1)
    line = timeline(Mood(tuple(hours), (), ()), Size.DAY, edges(TUESDAY, TUESDAY + 9, Size.DAY, UTC))
    assert sentences(line, hours, None, UTC).endswith("\nNothing is missing.")


@pytest.mark.parametrize(
    ("unread", "sentence"),
    [
        (None, None),
        (4, None),
        (5, "5 % of the messages here aren't in English: the mood covers the rest."),
        (97, "97 % of the messages here aren't in English: the mood covers the rest."),
        (100, "100 % of the messages here aren't in English, and I only read English."),
    ],
)
def test_what_could_not_be_read_is_said_where_it_is_more_than_a_little(unread, sentence):
    hours = said(0.1)
    line = timeline(Mood(tuple(hours), (TUESDAY,), ()), Size.HOUR, edges(TUESDAY, TUESDAY + 12, Size.HOUR, UTC))
    lines = sentences(line, hours, None, UTC, unread).split("\n")
    assert lines[2:-1] == ([sentence] if sentence else [])
    assert lines[-1] == f"1 quiet hour (under 5 people{' I can read' if sentence else ''}) is hidden."


def one_bucket(mean, messages=300, spread=200):
    mood = hour(TUESDAY, mean, messages, spread)
    return Timeline(Size.HOUR, (Bucket(TUESDAY, TUESDAY + 1, mood),), (), 0)


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        (0.3, 0.2, "#a is more positive than #b (+0.30 and +0.20)."),
        (-0.3, 0.2, "#a is much more negative than #b (\N{MINUS SIGN}0.30 and +0.20)."),
        (0.2, 0.21, "#a and #b feel about the same (+0.20 and +0.21)."),
    ],
)
def test_two_channels_are_compared(first, second, sentence):
    assert compared(("#a", "#b"), (one_bucket(first), one_bucket(second))).startswith(sentence)


def test_two_channels_of_few_messages_are_not_told_apart():
    lines = (one_bucket(0.3, 5, 900), one_bucket(0.0, 5, 900))
    assert "feel about the same" in compared(("#a", "#b"), lines)


def test_the_alternative_text_tells_what_the_picture_shows():
    line = Line("#general", one_bucket(0.3))
    assert alternative_text([line], UTC) == (
        "Chart from 24 November 00:00 to 24 November 01:00 (UTC), by hour. "
        "#general: mean score between +0.30 and +0.30, at the end +0.30; 300 messages."
    )
    assert len(alternative_text([Line("x" * 2000, one_bucket(0.3))], UTC)) == 1024


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 minute"),
        (3600, "1 hour"),
        (5400, "1 hour 30 minutes"),
        (108_000, "30 hours"),
        (180_000, "2 days 2 hours"),
    ],
)
def test_a_length_of_time_in_words(seconds, words):
    assert span(seconds) == words


def test_a_score_that_rounds_to_nothing_has_no_sign():
    assert [signed(value) for value in (0.004, -0.004, 0.005001)] == ["0.00", "0.00", "+0.01"]
