"""Pictures, and the sentences beside them, in other languages than English."""

import asyncio
import re
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from matplotlib import font_manager

from bot.analytics.buckets import Size
from bot.charts import fonts
from bot.charts.drawing import draw
from bot.charts.executor import MOST_OF_ONE, MOST_WAITING, ChartExecutor, TooBusy
from bot.charts.heatmap import draw_heatmap, heatmap_alt
from bot.charts.marks import marks_alt, marks_in_words
from bot.charts.rhythm import cells, dip, week_in_words
from bot.charts.summary import alternative_text, beside_usual, compared, sentences
from bot.charts.ticks import ticks
from bot.domain.marks import Mark
from bot.i18n import LANGUAGES, speaking
from tests.bot.analytics.test_baseline import hour
from tests.bot.charts.conftest import drawn  # noqa: F401 -- a fixture
from tests.bot.charts.test_layout import marks, week
from tests.bot.charts.test_rhythm import MONDAY, USUAL
from tests.bot.charts.test_rhythm import week as usual_week
from tests.i18n.pseudo import PSEUDO, english_left

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
EVERYTHING = "Last Resort High-Efficiency"
"""A font with a sign for every character, which matplotlib brings from 3.11 on."""

NAMES = ("Europe/Berlin", "UTC", "#general", "#off-topic", "#a", "#b", "patch")


@pytest.fixture
def pseudo_spoken(pseudo_language):
    with speaking(PSEUDO):
        yield


@pytest.fixture
def with_fonts(monkeypatch):
    """Lets a test choose which fonts the machine has besides matplotlib's own."""

    def choose(*others):
        monkeypatch.setattr(fonts, "OTHERS", others)
        fonts.families.cache_clear()
        fonts._fonts.cache_clear()

    yield choose
    monkeypatch.undo()
    choose(*fonts.OTHERS)


PICTURES = {
    "one": lambda: draw([week(usual=True)], BERLIN, marks=marks((20, "patch"))),
    "two": lambda: draw([week(), week("#off-topic")], BERLIN),
    "heatmap": lambda: draw_heatmap(cells([hour(MONDAY + number, 0.1) for number in range(99)], BERLIN), BERLIN),
}


@pytest.mark.parametrize("picture", PICTURES)
def test_no_word_of_a_picture_is_left_in_english(pseudo_spoken, drawn, picture):  # noqa: F811
    PICTURES[picture]()
    words = [text for text, _ in drawn]
    assert sum("⟦" in text for text in words) >= 4
    assert [text for text in words if english_left(text, NAMES)] == []
    assert any(re.search(r"⟦(Mo|Di|Mi|Do|Fr|Sa|So)⟧", text) for text in words)
    assert "⟦better⟧ ↑\n+0,2" in words or "⟦better⟧ ↑" in words


@pytest.mark.parametrize("size", Size)
def test_every_size_of_bucket_is_said(pseudo_spoken, drawn, size):  # noqa: F811
    told = week()
    draw([replace(told, timeline=replace(told.timeline, size=size))], BERLIN)
    (volume,) = [text for text, _ in drawn if "Messages" in text]
    assert not english_left(volume)
    said = alternative_text([replace(told, timeline=replace(told.timeline, size=size))], BERLIN)
    assert english_left(said, NAMES) == []


@pytest.mark.parametrize("mean", [0.1, 0.2, 0.0, 0.4, -0.3])
@pytest.mark.parametrize("days", [1, 4, 7])
@pytest.mark.parametrize("low", [(), range(18, 21)])
def test_what_is_said_beside_the_usual_is_whole(pseudo_spoken, mean, days, low):
    hours = usual_week(low, mean=mean, days=days)
    total = hours[0]
    for baseline in (USUAL, None):
        said = beside_usual(total, hours, baseline, BERLIN)
        assert english_left(said) == []
        assert "{" not in said


def test_sentences_alternative_texts_and_what_is_missing_are_whole(pseudo_spoken):
    told = week()
    for size in Size:
        missing = replace(told.timeline, size=size, hidden=7, partly=3)
        for unread in (None, 40, 99):
            said = sentences(missing, [], None, BERLIN, unread)
            assert english_left(said, NAMES) == []
            assert "{" not in said
    assert "⟦quiet hours" in said
    assert "3 ⟦" in said
    for scores in ((0.3, 0.3), (0.3, 0.2), (0.2, 0.3), (0.9, -0.9), (-0.9, 0.9)):
        pair = tuple(week(score=score).timeline for score in scores)
        assert english_left(compared(("#a", "#b"), pair), NAMES) == []
    assert english_left(alternative_text([told, week("#off-topic")], BERLIN), NAMES) == []
    found = cells([hour(MONDAY + number, 0.1) for number in range(99)], BERLIN)
    assert english_left(heatmap_alt("#a", found, BERLIN), NAMES) == []


def test_times_of_the_week_are_whole(pseudo_spoken):
    worst = range(4 * 24 + 18, 4 * 24 + 21)
    for zone in (UTC, BERLIN):
        for days in (7, 20):
            said = dip(usual_week(worst, days=days), USUAL, zone)
            assert said and english_left(said, NAMES) == []
        assert english_left(week_in_words(usual_week(worst), zone), NAMES) == []
        best = [hour(MONDAY + number, 0.9 if number in worst else 0.1, 300) for number in range(168)]
        both = [hour(MONDAY + number, -0.9 if number < 3 else one.mean, 300) for number, one in enumerate(best)]
        for hours in (best, both, usual_week()):
            assert english_left(week_in_words(hours, zone), NAMES) == []


def test_what_changed_at_an_event_is_whole(pseudo_spoken):
    event = Mark(1, (MONDAY + 84) * 3600, "patch")
    now = (MONDAY + 168) * 3600.0
    said = []
    for change in (0.0, 0.4, -0.4):
        hours = [hour(MONDAY + number, 0.1 + (number >= 84) * change + number % 5 / 100, 300) for number in range(168)]
        for baseline in (USUAL, None):
            said += marks_in_words([event], hours, baseline, now)
    said += marks_in_words([event], [], None, now)
    assert len(set(said)) >= 6
    assert [text for text in said if english_left(text, NAMES)] == []
    assert english_left(marks_alt([event], BERLIN), NAMES) == []


async def test_who_asks_too_much_is_refused_in_their_language(pseudo_spoken):
    charts = ChartExecutor()
    with ExitStack() as waiting:
        for _ in range(MOST_OF_ONE):
            waiting.enter_context(charts.answer_for(1))
        with pytest.raises(TooBusy) as refused, charts.answer_for(1):
            pass
    charts._waiting = MOST_WAITING
    with pytest.raises(TooBusy) as busy:
        await charts.run(lambda: None)
    charts.close()
    assert english_left(f"{refused.value} {busy.value}") == []


async def test_the_thread_that_draws_speaks_the_language_of_who_asks(pseudo_language):
    charts = ChartExecutor()

    async def asked(language):
        with speaking(language):
            return await charts.run(lambda: week_in_words(usual_week(), UTC))

    said = list(await asyncio.gather(asked("en"), asked(PSEUDO)))
    charts.close()
    assert said == ["About the same all week, at any time.", "⟦About the same all week, at any time⟧."]


@pytest.mark.parametrize(
    ("language", "days", "months"),
    [
        ("de", ["Mi 25", "06:00"], ["Sep", "Okt", "Nov", "Dez", "Jan. 2027", "Feb"]),
        ("pl", ["śr 25", "06:00"], ["wrz", "paź", "lis", "gru", "sty 2027", "lut"]),
        ("tr", ["25 Çar", "06:00"], ["Eyl", "Eki", "Kas", "Ara", "Oca 2027", "Şub"]),
        ("ja", ["25日(水)", "06:00"], ["9月", "10月", "11月", "12月", "2027年1月", "2月"]),
    ],
)
def test_the_axis_of_time_has_the_names_of_the_language(language, days, months):
    def at(text):
        return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()

    with speaking(language):
        day = ticks(at("2026-11-25T00:00"), at("2026-11-26T00:00"), BERLIN)
        half_a_year = ticks(at("2026-08-15T00:00"), at("2027-02-15T00:00"), BERLIN)
    assert [mark.label for mark in day][:2] == days
    assert [mark.label for mark in half_a_year] == months


@pytest.mark.parametrize("letters", ["ąćęłńóśźż ĄĆĘŁŃÓŚŹŻ", "çğıöşü ÇĞİÖŞÜ", "äöüß ñ¿ éèêàçœ ãõâ"])
def test_the_font_that_always_is_there_has_the_letters_of_all_languages_but_japanese(with_fonts, letters):
    with_fonts()
    assert fonts.printable(letters) == letters.strip()
    for language in LANGUAGES:
        with speaking(language):
            assert fonts.picture_language() == ("en" if language == "ja" else language)


@pytest.mark.parametrize("picture", PICTURES)
def test_without_a_font_for_them_japanese_words_are_only_beside_the_picture(with_fonts, drawn, picture):  # noqa: F811
    with_fonts()
    with speaking("ja"):
        PICTURES[picture]()
        words = {text for text, _ in drawn}
        assert {"worse ↓", "better ↑"} & {line for text in words for line in text.splitlines()}
        assert any(re.match(r"Mon\b", text) for text in words)
        assert all(fonts.has_glyph(letter) for text in words for letter in text if letter != "\n")
        assert "11月" in alternative_text([week()], BERLIN)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("#雑談", "#raid-雑談"), {"● #…", "■ #raid-"}),
        (("#雑談", "#写真"), {"● #… (1)", "■ #… (2)"}),
    ],
)
def test_without_a_font_for_them_names_have_the_letters_that_there_are_and_can_be_told_apart(
    with_fonts,
    drawn,  # noqa: F811
    names,
    said,
):
    with_fonts()
    draw([week(name) for name in names], BERLIN)
    assert said <= {text for text, _ in drawn}


def test_a_font_of_the_machine_draws_japanese(with_fonts, drawn):  # noqa: F811
    if EVERYTHING not in {font.name for font in font_manager.fontManager.ttflist}:
        pytest.skip("this matplotlib has no such font")
    with_fonts("No Such Font", EVERYTHING)
    assert fonts.families() == (fonts.OWN, EVERYTHING)
    assert fonts.printable("#雑談") == "#雑談"
    with speaking("ja"):
        assert fonts.picture_language() == "ja"
        PICTURES["heatmap"]()
    assert {"月", "火", "日"} <= {text for text, _ in drawn}


def test_a_font_that_was_installed_after_the_first_start_is_found(with_fonts, monkeypatch):
    """matplotlib keeps a list of the machine's fonts in a file and looks for no others."""
    manager = font_manager.fontManager
    (late,) = [
        font for font in manager.ttflist if font.name == "STIXGeneral" and (font.style, font.weight) == ("normal", 400)
    ]
    monkeypatch.setattr(manager, "ttflist", [font for font in manager.ttflist if font.name != late.name])
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["/no/such/font.ttf", late.fname])
    with_fonts(late.name)
    assert fonts.families() == (fonts.OWN, late.name)


def test_a_picture_for_a_polish_reader_counts_by_polish_rules(pseudo_spoken):
    hidden = replace(week().timeline, hidden=1, gaps=())
    assert "1 ⟦quiet hour (under⟧" in sentences(hidden, [], None, BERLIN)
