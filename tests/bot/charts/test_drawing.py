"""The picture, looked at by its pixels."""

import io
import logging
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from bot.analytics.buckets import edges, size_for, timeline
from bot.charts.canvas import BETTER, WIDTH, WORSE
from bot.charts.drawing import HEIGHT, Line, draw, round_up, short_number
from bot.charts.fonts import printable
from bot.charts.gaps import FILLED, UNSEEN
from bot.charts.gaps import NO_DATA as NO_DATA_UNDER
from bot.domain.records import FEWEST_AUTHORS, Gap, HourMood, Mood
from tests.bot.analytics.test_buckets import hour_of

NO_DATA = NO_DATA_UNDER.format(fewest=FEWEST_AUTHORS)
BERLIN = ZoneInfo("Europe/Berlin")
START = hour_of("2026-11-24T00:00", "Europe/Berlin")
NEGATIVE, NEUTRAL, POSITIVE = (0xD5, 0x5E, 0x00), (0x59, 0x5D, 0x66), (0x4C, 0xD3, 0xA6)
LINE, OTHER, HATCHED, GROUND = (0x56, 0xB4, 0xE9), (0xF0, 0xE4, 0x42), (0x2B, 0x2D, 0x31), (0x1E, 0x1F, 0x22)


def hour(number, negative=10, neutral=10, positive=10):
    messages = negative + neutral + positive
    return HourMood(START + number, negative, neutral, positive, 100 * messages, 90_000 * messages, 9)


def line(hours, gaps=(), length=24, name="#general", usual=()):
    told = Mood(tuple(hours), (), tuple(Gap(None, int((START + a) * 3600), int((START + b) * 3600)) for a, b in gaps))
    size = size_for(length)
    return Line(name, timeline(told, size, edges(START, START + length, size, BERLIN)), usual)


def pixels(*lines, **options):
    image = Image.open(io.BytesIO(draw(lines, BERLIN, **options))).convert("RGB")
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
    assert len(away) == pytest.approx(WIDTH * 0.86 / 3, rel=0.1)
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


def test_what_was_read_later_has_a_solid_line_on_top_and_a_word_in_the_legend(monkeypatch):
    said = []
    draw_text = Text.draw

    def noted(text, *rest):
        said.append(text.get_text())
        draw_text(text, *rest)

    monkeypatch.setattr(Text, "draw", noted)
    plain = line([hour(number) for number in range(24)])
    span = ((START + 6) * 3600, (START + 12) * 3600)
    before = pixels(plain)
    assert FILLED not in said
    marked = pixels(replace(plain, timeline=replace(plain.timeline, filled=(span,))))
    assert FILLED in said
    changed = abs(marked - before).sum(axis=2) > 60
    top = np.flatnonzero(changed[:380].any(axis=0))
    assert len(top) == pytest.approx(WIDTH * 0.86 / 4, rel=0.1)
    assert parts(set(top)) == 1
    rows = np.flatnonzero(changed[:540].any(axis=1))
    assert rows.max() - rows.min() < 10
    assert changed[540:].any()


def test_a_short_gap_can_still_be_seen():
    picture = pixels(line([hour(number) for number in range(0, 90 * 24, 2)], [(500, 501)], length=90 * 24))
    assert 2 <= len(columns(picture, HATCHED)) <= 8


def test_two_channels_are_drawn_in_two_colours():
    picture = pixels(line([hour(1), hour(2)]), line([hour(1), hour(2)], name="#other"))
    assert columns(picture, OTHER, 1)
    assert columns(picture, LINE, 1)


def areas(picture, *colours):
    return [int(np.count_nonzero(abs(picture - colour).sum(axis=2) <= 6)) for colour in colours]


def test_shares_are_separated_by_a_line_of_the_ground():
    picture = pixels(line([hour(number, 30, 60, 10) for number in range(24)]))
    column = picture[400:535, 500]
    looked_for = (NEGATIVE, NEUTRAL, POSITIVE, GROUND)
    found = [next((n for n, c in enumerate(looked_for) if abs(p - c).sum() <= 12), None) for p in column]
    kinds = [kind for kind in found if kind is not None]
    shown = [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind != before]
    assert "".join(map(str, shown)).strip("3") == "23130"


def test_where_two_channels_overlap_no_third_colour_comes_out():
    """Two see-through bands blend into one, which stands for neither."""
    wide = [replace(hour(number), score_square_sum=10**9) for number in range(24)]
    picture = pixels(line(wide), line(wide, name="#other"))[75:400, 130:970]
    colours = {tuple(row) for row in picture.reshape(-1, 3).tolist()}
    large = [np.array(colour) for colour in colours if areas(picture, colour)[0] > 2600]
    assert large
    for colour in large:  # each is the ground, or one of the two with the soft edge that it has on the ground
        assert any(off(colour, GROUND, known) <= 12 for known in (LINE, OTHER)), colour


def off(colour, one, other):
    """How far a colour is from every mixture of two."""
    towards = np.subtract(other, one)
    share = np.clip(np.dot(np.subtract(colour, one), towards) / np.dot(towards, towards), 0, 1)
    return abs(np.subtract(colour, one) - share * towards).sum()


def test_the_full_scale_is_the_same_in_every_chart():
    """What is near zero fills the picture where it may, and stays near zero where charts are to be compared."""

    def height(**options):
        picture = pixels(line(told), **options)[75:380]
        rows = np.flatnonzero(np.count_nonzero(abs(picture - LINE).sum(axis=2) <= 6, axis=1))
        return rows.max() - rows.min()

    told = [replace(hour(number), score_sum=(number % 2 * 2 - 1) * 3000) for number in range(24)]
    assert height() > 2 * height(full_scale=True)


def test_words_say_which_way_is_better_and_what_each_gap_is(monkeypatch):
    said = []
    monkeypatch.setattr(Text, "draw", lambda text, *_: said.append(text.get_text()))
    told = [hour(number) for number in range(24) if not 8 <= number < 16]
    draw([line(told, [(8, 12)])], ZoneInfo("Etc/UTC"))
    words = "\n".join(said)
    assert BETTER in words
    assert WORSE in words
    assert {UNSEEN, NO_DATA, "UTC"} <= set(said)
    assert "Etc/UTC" not in said


def test_the_hour_that_runs_is_not_said_to_have_few_people(monkeypatch):
    said = []
    monkeypatch.setattr(Text, "draw", lambda text, *_: said.append(text.get_text()))
    draw([line([hour(number) for number in range(23)])], BERLIN)
    assert NO_DATA not in said


def test_a_chart_without_gaps_explains_none(monkeypatch):
    said = []
    monkeypatch.setattr(Text, "draw", lambda text, *_: said.append(text.get_text()))
    draw([line([hour(number) for number in range(24)])], BERLIN)
    assert not {UNSEEN, NO_DATA} & set(said)
    assert "Europe/Berlin" in said


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
        ("#日本", "#…"),
        ("#raid-日本", "#raid-"),
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
