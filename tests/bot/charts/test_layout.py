"""Every word of a picture is in it, and none on another, however long words and names are."""

import io
from dataclasses import replace
from itertools import combinations
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from PIL import Image

from bot.charts.canvas import WIDTH
from bot.charts.drawing import draw
from bot.charts.gaps import FILLED, INTERVAL, UNSEEN
from bot.charts.heatmap import draw_heatmap
from bot.charts.rhythm import cells
from bot.domain.marks import Mark
from tests.bot.charts.test_drawing import LINE, NO_DATA, START, hour, line

FAR = ZoneInfo("America/Argentina/Buenos_Aires")
FAINT = (0xA7, 0xAB, 0xB3)
LONG_WEEK = 7 * 24

LEADING = 6
"""Pixels of the height of a word in which no letter is."""


def week(name="#general", *, usual=False, score=0.1):
    """A week with everything that a legend explains."""
    hours = [
        replace(hour(number), score_sum=int(1000 * 30 * score))
        for number in range(LONG_WEEK)
        if not (30 <= number < 54 or 90 <= number < 114)
    ]
    told = line(hours, [(30, 54)], LONG_WEEK, name)
    filled = ((START + 60) * 3600, (START + 80) * 3600)
    with_usual = (0.1,) * len(told.timeline.buckets) if usual else ()
    return replace(told, timeline=replace(told.timeline, filled=(filled,)), usual=with_usual)


def marks(*named):
    return [Mark(number, int((START + at) * 3600), text) for number, (at, text) in enumerate(named)]


LONG = "an event with a very long name"
CHARTS = {
    "two with all signs": lambda: draw([week(), week("#off-topic", score=-0.2)], FAR),
    "two with long names": lambda: draw([week("#" + "w" * 40), week("#" + "long-name-" * 4)], FAR),
    "one with all signs": lambda: draw([week(usual=True)], FAR),
    "one far above 0": lambda: draw([week(score=0.8)], FAR),
    "one far below 0": lambda: draw([week(score=-0.8)], FAR),
    "events far apart": lambda: draw([week()], FAR, marks=marks((1, LONG), (60, LONG), (110, LONG), (166, LONG))),
    "events close together": lambda: draw([week()], FAR, marks=marks(*((70 + at, LONG) for at in range(6)))),
    "events at the beginning": lambda: draw([week()], FAR, marks=marks(*((at, LONG) for at in range(6)))),
    "events at the end": lambda: draw([week()], FAR, marks=marks(*((162 + at, LONG) for at in range(6)))),
    "heatmap": lambda: draw_heatmap(cells([hour(number) for number in range(0, LONG_WEEK, 2)], FAR), FAR),
}


@pytest.mark.parametrize("chart", CHARTS)
def test_no_word_leaves_the_picture_or_covers_another(drawn, chart):
    height = Image.open(io.BytesIO(CHARTS[chart]())).height
    assert len(drawn) > 10
    for text, (left, bottom, right, top) in drawn:
        assert left >= 0 and bottom >= 0 and right <= WIDTH and top <= height, text
    for (one, first), (other, second) in combinations(drawn, 2):
        wide = min(first[2], second[2]) - max(first[0], second[0])
        high = min(first[3], second[3]) - max(first[1], second[1])
        assert wide <= 1 or high <= LEADING, (one, other, wide, high)


def test_the_legend_of_two_channels_explains_all_four_signs(drawn):
    CHARTS["two with all signs"]()
    assert {UNSEEN, NO_DATA, FILLED, INTERVAL} <= {text for text, _ in drawn}


def test_events_that_have_no_room_for_a_name_keep_their_line(drawn):
    several = marks(*((at, LONG) for at in range(6)))
    picture = np.asarray(Image.open(io.BytesIO(draw([week()], FAR, marks=several))).convert("RGB")).astype(int)
    assert sum(text.startswith("an ") for text, _ in drawn) == 3
    bottom_panel = picture[-240:-130, 120:160]
    lines = np.count_nonzero(bottom_panel.min(axis=2) > 150, axis=0) > 30
    assert np.count_nonzero(np.diff(lines.astype(int)) == 1) == 6


def test_names_of_events_are_above_the_curve(drawn):
    several = marks((20, "patch"), (24, "hotfix"), (28, "maintenance"), (150, "raid"))
    picture = np.asarray(Image.open(io.BytesIO(draw([week()], FAR, marks=several))).convert("RGB")).astype(int)
    lowest = min(bottom for text, (_, bottom, _, _) in drawn if text in {"patch", "hotfix", "maintenance", "raid"})
    curve = abs(picture - LINE).sum(axis=2) <= 6
    rows = np.flatnonzero(curve[75:400, 130:970].any(axis=1)) + 75
    assert rows.min() > len(picture) - lowest


def test_a_picture_grows_by_what_is_written_into_it_and_the_curve_stays_as_high():
    def measured(**options):
        picture = np.asarray(Image.open(io.BytesIO(draw([told], FAR, **options))).convert("RGB")).astype(int)
        rows = np.flatnonzero((abs(picture - LINE).sum(axis=2) <= 6)[75:420, 130:970].any(axis=1))
        return len(picture), rows.max() - rows.min()

    told = line([replace(hour(number), score_sum=(number % 2 * 2 - 1) * 3000) for number in range(24)])
    for options in ({}, {"full_scale": True}):
        plain, marked = measured(**options), measured(**options, marks=marks((5, "patch")))
        assert marked[0] > plain[0]
        assert abs(marked[1] - plain[1]) <= 1


def test_what_was_read_later_can_be_seen_beside_names_of_events():
    told = line([hour(number) for number in range(24)])
    told = replace(told, timeline=replace(told.timeline, filled=((START * 3600, (START + 24) * 3600),)))
    several = marks((2, LONG), (12, LONG), (22, LONG))
    picture = np.asarray(Image.open(io.BytesIO(draw([told], FAR, marks=several))).convert("RGB")).astype(int)
    found = np.count_nonzero(abs(picture[60:75, 125:975] - FAINT).sum(axis=2) <= 6, axis=1)
    assert np.count_nonzero(found > 0.97 * 850) >= 3


def test_two_channels_have_no_line_at_nothing_where_nothing_is_told():
    few = [hour(number) for number in range(24) if not 8 <= number < 16]
    picture = Image.open(io.BytesIO(draw([line(few), line(few, name="#other")], FAR))).convert("RGB")
    inside = np.asarray(picture).astype(int)[515:740, 125 + 850 * 8 // 24 + 5 : 125 + 850 * 16 // 24 - 5]
    colours = inside.max(axis=2) - inside.min(axis=2)  # whatever is neither ground nor grey
    assert colours.max() < 30
