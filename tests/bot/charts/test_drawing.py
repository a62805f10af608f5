"""The picture, looked at by its pixels."""

import io
import logging
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from PIL import Image

from bot.analytics.buckets import edges, size_for, timeline
from bot.charts.drawing import HEIGHT, WIDTH, Line, draw, printable, round_up, short_number
from bot.domain.records import Gap, HourMood, Mood
from tests.bot.analytics.test_buckets import hour_of

BERLIN = ZoneInfo("Europe/Berlin")
START = hour_of("2026-11-24T00:00", "Europe/Berlin")
NEGATIVE, NEUTRAL, POSITIVE = (0xD5, 0x5E, 0x00), (0x80, 0x84, 0x8E), (0x00, 0x9E, 0x73)
LINE, HATCHED = (0x56, 0xB4, 0xE9), (0x2B, 0x2D, 0x31)


def hour(number, negative=10, neutral=10, positive=10):
    messages = negative + neutral + positive
    return HourMood(START + number, negative, neutral, positive, 100 * messages, 90_000 * messages, 9)


def line(hours, gaps=(), length=24, name="#general", usual=()):
    told = Mood(tuple(hours), (), tuple(Gap(None, int((START + a) * 3600), int((START + b) * 3600)) for a, b in gaps))
    size = size_for(length)
    return Line(name, timeline(told, size, edges(START, START + length, size, BERLIN)), usual)


def pixels(*lines):
    image = Image.open(io.BytesIO(draw(lines, BERLIN))).convert("RGB")
    assert image.size == (WIDTH, HEIGHT)
    return np.asarray(image).astype(int)


def columns(picture, colour, least=20):
    """The columns of the picture that have a colour in so many places; the smooth edges of letters have few."""
    return set(np.flatnonzero(np.count_nonzero(abs(picture - colour).sum(axis=2) <= 6, axis=0) >= least))


def parts(found):
    """How many stretches of neighbouring columns there are."""
    return sum(column - 1 not in found for column in found)


def test_the_shares_are_as_large_as_they_are():
    picture = pixels(line([hour(number, 30, 60, 10) for number in range(24)]))
    areas = [np.count_nonzero(abs(picture - colour).sum(axis=2) <= 6) for colour in (NEGATIVE, NEUTRAL, POSITIVE)]
    assert [area / sum(areas) for area in areas] == pytest.approx([0.3, 0.6, 0.1], abs=0.03)


def test_where_the_bot_was_away_is_hatched_and_nothing_is_drawn_across():
    hours = [hour(number) for number in range(24) if not 8 <= number < 16]
    whole, broken = pixels(line([hour(n) for n in range(24)])), pixels(line(hours, [(8, 16)]))
    assert parts(columns(whole[75:380], LINE, 1)) == 1
    away = columns(broken, HATCHED)
    assert len(away) == pytest.approx(WIDTH * 0.875 / 3, rel=0.1)
    assert not away & columns(broken, NEUTRAL)
    # Below the heading, whose "Mood" has the line's colour as well.
    inside = columns(broken[75:380], LINE, 1)
    assert parts(inside) == 2
    assert not inside & set(sorted(away)[3:-3])


def test_no_line_leads_over_a_gap_between_two_hours_that_are_told():
    """The gap ends an hour before the second point: what would lead from one to the other is seen outside of it."""
    told = [hour(0), hour(1), hour(2)]
    whole, broken = pixels(line(told, length=3)), pixels(line(told, [(0.5, 1)], length=3))
    hatched = columns(broken, HATCHED)
    behind = set(range(max(hatched) + 20, max(hatched) + 100))
    assert behind <= columns(whole[75:380], LINE, 1)
    assert not behind & columns(broken[75:380], LINE, 1)


def test_hours_of_which_nothing_is_told_stay_empty_and_unhatched():
    picture = pixels(line([hour(number) for number in range(24) if number not in (10, 11, 12)]))
    assert columns(picture, HATCHED) == set()
    assert parts(columns(picture, NEUTRAL)) == 2
    assert parts(columns(picture[75:380], LINE, 1)) == 2


def test_a_short_gap_can_still_be_seen():
    picture = pixels(line([hour(number) for number in range(0, 90 * 24, 2)], [(500, 501)], length=90 * 24))
    assert 2 <= len(columns(picture, HATCHED)) <= 8


def test_two_channels_are_drawn_in_two_colours():
    picture = pixels(line([hour(1), hour(2)]), line([hour(1), hour(2)], name="#other"))
    assert columns(picture, (0xE6, 0x9F, 0x00), 1)
    assert columns(picture, LINE, 1)


@pytest.mark.parametrize("length", [1, 24, 72, 7 * 24, 90 * 24, 366 * 24])
def test_every_length_is_drawn_and_under_a_megabyte(length):
    png = draw([line([hour(number, number % 7) for number in range(length)], length=length)], BERLIN)
    assert len(png) < 1 << 20


def test_one_lonely_bucket_is_drawn():
    assert columns(pixels(line([hour(5)]))[75:380], LINE, 1)


def test_a_name_that_no_font_has_is_drawn_without_its_letters(caplog, recwarn):
    with caplog.at_level(logging.WARNING):
        draw([line([hour(1)]), line([hour(1)], name="#日本 $x^2$ <@1>")], BERLIN)
    assert caplog.text == ""
    assert not recwarn.list


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("#general", "#general"),
        ("#日本", "#"),
        ("日本", "#…"),
        ("#a$b", r"#a\$b"),
        ("#" + "x" * 99, "#" + "x" * 23 + "…"),
    ],
)
def test_names_are_drawn_as_far_as_possible(name, drawn):
    assert printable(name) == drawn


@pytest.mark.parametrize(("count", "top"), [(0, 5), (5, 5), (7, 8), (9, 10), (21, 30), (101, 200), (80_001, 100_000)])
def test_the_top_of_the_volume_is_a_round_number(count, top):
    assert round_up(count) == top


def test_numbers_are_short():
    assert [short_number(count) for count in (5, 999, 1000, 30_000, 2_000_000)] == ["5", "999", "1k", "30k", "2M"]
