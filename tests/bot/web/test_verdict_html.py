import re
import tomllib
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from bot.web.about import LIMITS, about_panel
from bot.web.templating import FOLDER, render
from bot.web.verdict_html import comparison_cards, difference, kind_card, marked, model_line, notice, verdict_card
from model import Explanation, Influence, Missed, Sentiment, Verdict

ROOT = Path(__file__).parents[3]
GOOD = Verdict(Sentiment.POSITIVE, (0.01, 0.04, 0.95), 1, "v")
UNSURE = Verdict(Sentiment.POSITIVE, (0.2, 0.2, 0.6), 1, "v")
BAD = Verdict(Sentiment.NEGATIVE, (0.9, 0.05, 0.05), 3, "v")
HOSTILE = "<script>alert(1)</script> \"'&"


def test_everything_typed_is_escaped():
    explanation = Explanation(GOOD, HOSTILE, (Influence(0, 25, 0.8),))
    for shown in (
        verdict_card(GOOD, explanation),
        notice(HOSTILE),
        comparison_cards([(HOSTILE, GOOD), ("b", BAD)], HOSTILE),
    ):
        assert "<script" not in shown


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_every_template_is_packed_and_lets_nothing_through_unescaped(name):
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]["bot"]
    assert any(fnmatch((FOLDER / name).relative_to(ROOT / "bot").as_posix(), pattern) for pattern in packed)
    assert not re.search(r"\|\s*safe\b|autoescape", (FOLDER / name).read_text("utf-8"))


def test_what_a_model_or_an_operator_says_is_escaped_too(classifier, settings):
    missed = Missed(HOSTILE, HOSTILE)
    info = replace(classifier.info, source=HOSTILE, version=HOSTILE, missed=missed, metrics={HOSTILE: 0.5})
    panel = about_panel(info, settings.model_copy(update={"source_url": HOSTILE, "privacy_url": "https://b.example/"}))
    for shown in (
        panel,
        model_line(info),
        verdict_card(replace(GOOD, model=HOSTILE), remark=HOSTILE),
        kind_card(HOSTILE),
    ):
        assert "<script" not in shown
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &#34;&#39;&amp;" in shown


def test_a_value_that_a_template_lacks_is_an_error_and_no_empty_place():
    with pytest.raises(UndefinedError, match="sentence"):
        render("notice")


def test_marks_stand_where_the_words_are_and_lose_nothing():
    shown = marked("good & bad", [Influence(7, 10, -0.5), Influence(0, 4, 0.4)])
    assert shown.index('class="vc-up"') < shown.index("&amp;") < shown.index('class="vc-down"')
    assert "towards negative" in shown
    assert "\n" not in shown


def test_slight_effects_are_no_reasons():
    shown = verdict_card(UNSURE, Explanation(UNSURE, "so so", (Influence(0, 2, 0.01),)))
    assert "No single word did it" in shown
    assert "<mark" not in shown


def test_a_sure_verdict_that_no_word_alone_moved_stands_on_many():
    shown = verdict_card(GOOD, Explanation(GOOD, "good good good", (Influence(0, 4, 0.01),)))
    assert "Many words point the same way" in shown


def test_the_text_is_shown_as_it_was_read():
    shown = verdict_card(GOOD, Explanation(GOOD, "fire so good", (Influence(0, 4, 0.5), Influence(8, 12, 0.2))))
    assert re.sub("<span.*?</span>|<[^>]+>", "", re.search('<p class="vc-text".*?</p>', shown)[0]) == "fire so good"  # type: ignore[index]


@pytest.mark.parametrize(
    ("url", "way"), [("https://help.example/?a&b", 'href="https://help.example/?a&amp;b"'), ("", "emergency")]
)
def test_help_is_offered_with_and_without_a_link(url, way):
    assert way in kind_card(url)
    assert "</a>" in kind_card(url) or not url


def test_parts_are_counted_with_those_that_were_left_out():
    assert "Read in 1 part of" in verdict_card(GOOD)
    assert "Read in 3 parts of" in verdict_card(BAD)
    assert "Read in 24 of 40 parts of" in verdict_card(replace(GOOD, windows=24, skipped=16))


def test_a_card_says_as_which_language_a_text_was_read():
    assert "Read as Spanish in 1 part of" in verdict_card(replace(GOOD, language="es"))
    assert "Read in 1 part of" in verdict_card(replace(GOOD, language="en"))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (BAD, "They disagree: positive here, negative there."),
        (GOOD, "They agree: positive, and about as sure."),
        (Verdict(Sentiment.POSITIVE, (0.2, 0.2, 0.6), 1, "w"), "They agree: positive, but the first is surer."),
    ],
)
def test_two_verdicts_are_compared_in_a_sentence(other, said):
    assert difference(GOOD, other) == said


def test_the_limits_are_those_of_the_model_card():
    card = (ROOT / "docs" / "model-card.md").read_text("utf-8")
    assert [limit for limit in LIMITS if limit not in card] == []


def test_about_names_the_languages_that_the_model_reads(classifier, settings):
    assert "English chat and reviews" in about_panel(classifier.info, settings)
    panel = about_panel(replace(classifier.info, languages=("en", "es")), settings)
    assert "English and Spanish chat and reviews" in panel
    assert LIMITS[0] not in panel


def test_about_names_version_metrics_and_links(classifier, settings):
    panel = about_panel(classifier.info, settings.model_copy(update={"source_url": "https://example.com/a?b&c"}))
    assert classifier.info.version in panel
    assert "imdb validation accuracy" in panel
    assert 'href="https://example.com/a?b&amp;c"' in panel
