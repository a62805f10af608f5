import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.presentation import palette
from bot.presentation.danger import kind_words
from bot.presentation.verdict_words import (
    EMOJI,
    bar,
    confidence_in_words,
    headline,
    interpret,
    is_mixed,
    percentages,
    printed_confidence,
    sureness,
)
from bot.ui.verdict_card import verdict_card
from model import SENTIMENTS, Sentiment, Verdict

SHARES = st.tuples(*[st.floats(0, 1) for _ in SENTIMENTS]).filter(sum)


def verdict(*probabilities, windows=1):
    return Verdict(SENTIMENTS[probabilities.index(max(probabilities))], probabilities, windows, "v1")


def normalised(shares):
    return tuple(share / sum(shares) for share in shares)


@given(SHARES.map(normalised))
def test_percentages_sum_to_one_hundred(probabilities):
    percents = percentages(probabilities)
    assert sum(percents) == 100
    assert all(abs(percent - 100 * share) < 1 for percent, share in zip(percents, probabilities, strict=True))


@given(SHARES.map(normalised))
def test_every_verdict_gives_one_sentence(probabilities):
    sentence = interpret(verdict(*probabilities))
    assert sentence.endswith(".")
    assert sentence.count(".") == 1


@pytest.mark.parametrize(
    ("probabilities", "sentence"),
    [
        ((0.01, 0.02, 0.97), "Clearly positive."),
        ((0.97, 0.02, 0.01), "Clearly negative."),
        ((0.05, 0.1, 0.85), "Pretty clearly positive."),
        ((0.3, 0.1, 0.6), "More good than bad."),
        ((0.6, 0.1, 0.3), "More bad than good."),
        ((0.1, 0.35, 0.55), "Slightly positive."),
        ((0.15, 0.15, 0.7), "Mostly positive."),
        ((0.05, 0.9, 0.05), "Just information, no clear feeling."),
        ((0.25, 0.5, 0.25), "A mix of good and bad."),
        ((0.1, 0.6, 0.3), "Mostly neutral, a bit positive."),
        ((0.3, 0.6, 0.1), "Mostly neutral, a bit negative."),
        ((0.13, 0.75, 0.12), "Mostly neutral."),
    ],
)
def test_the_sentence_fits_the_probabilities(probabilities, sentence):
    assert interpret(verdict(*probabilities)) == sentence


@pytest.mark.parametrize(
    ("confidence", "words"),
    [(95, "very sure"), (94, "sure"), (80, "sure"), (65, "fairly sure"), (50, "a guess"), (49, "unsure")],
)
def test_confidence_has_words(confidence, words):
    assert confidence_in_words(confidence) == words


@pytest.mark.parametrize(("percent", "full"), [(0, 0), (1, 1), (4, 1), (50, 5), (96, 10), (100, 10)])
def test_a_bar_is_ten_parts_long_and_never_empty_for_something(percent, full):
    assert bar(percent) == "━" * full + " " * (10 - full)


def test_each_sentiment_has_an_emoji_and_a_colour_of_its_own():
    assert len({EMOJI[sentiment] for sentiment in SENTIMENTS}) == len({*palette.SENTIMENT.values()}) == 3


def words(card):
    """All that a card says."""
    return "\n".join(item.content for item in card.walk_children() if isinstance(item, discord.ui.TextDisplay))


def edge(card):
    (container,) = card.children
    return container.accent_colour


def test_a_two_label_model_that_abstains_says_so():
    unsure = Verdict(Sentiment.NEUTRAL, (0.27, 0.0, 0.73), 1, "v1")
    assert headline(unsure) == "Hard to tell"
    assert "I'm not sure." in words(verdict_card(unsure))


@given(SHARES.map(normalised))
def test_words_and_bars_agree_with_the_percent_that_is_printed(probabilities):
    """0.949 is printed as 95 %: beside it "very sure" is right, and "sure" would be another number's word."""
    found = verdict(*probabilities)
    printed = printed_confidence(found)
    if found.sentiment is Sentiment.NEUTRAL or not is_mixed(found):
        assert sureness(found) == confidence_in_words(printed)
    assert interpret(found).startswith("Clearly ") is (printed >= 95 and found.sentiment is not Sentiment.NEUTRAL)
    negative, _, positive = percentages(probabilities)
    assert is_mixed(found) is (negative >= 20 and positive >= 20)


def test_a_card_has_each_number_once_and_no_models_version():
    said = words(verdict_card(verdict(0.02, 0.03, 0.95), quote="fine"))
    assert re.findall(r"\d+ %", said) == ["95 %", "3 %", "2 %"]
    assert not re.search(r"\d", re.sub(r"\d+ %", "", said))
    assert "v1" not in said


def test_a_card_is_a_glance_high():
    """The text, the mood, one line of words, three bars, and how sure."""
    lines = words(verdict_card(verdict(0.02, 0.03, 0.95), quote="fine")).splitlines()
    assert lines[:3] == ["> fine", "### 👍 Positive", "Clearly positive."]
    assert [line.split()[0].strip("`") for line in lines[3:6]] == [*reversed(SENTIMENTS)]
    assert lines[6:] == ["-# I'm very sure."]
    assert max(len(line) for line in lines[1:]) <= 30


@pytest.mark.parametrize(
    ("probabilities", "line"),
    [
        ((0.5, 0.1, 0.4), "More bad than good."),
        ((0.3, 0.2, 0.5), "More good than bad."),
        ((0.3, 0.4, 0.3), "A mix of good and bad."),
    ],
)
def test_what_is_mixed_is_called_mixed_first_of_all(probabilities, line):
    card = verdict_card(verdict(*probabilities))
    assert words(card).startswith(f"### ⚖️ Mixed\n{line}\n")
    assert edge(card) == palette.MIXED


def test_a_card_says_as_which_language_a_text_was_read_and_by_which_of_two_models():
    spanish = replace(verdict(0.02, 0.03, 0.95), language="es")
    one: Any = SimpleNamespace(languages=("en", "es"), version=spanish.model, versions=(spanish.model,))
    two: Any = SimpleNamespace(languages=("en", "es"), version="of both", versions=("of", "both"))
    assert words(verdict_card(spanish)).endswith("-# I'm very sure. Read as Spanish.")
    assert words(verdict_card(spanish, running=one)).endswith("-# I'm very sure. Read as Spanish.")
    assert words(verdict_card(spanish, running=two)).endswith(f"Read as Spanish by model {spanish.model}.")
    assert "Read" not in words(verdict_card(replace(spanish, language="en"), running=one))


def test_parts_are_named_only_when_there_are_several():
    assert "part" not in words(verdict_card(verdict(0, 0, 1)))
    assert words(verdict_card(verdict(0, 0, 1, windows=3))).endswith("It's long: I read it in 3 parts.")


def test_a_text_that_was_too_long_says_how_much_of_it_was_read():
    partly = replace(verdict(0, 0, 1, windows=24), skipped=16)
    assert words(verdict_card(partly)).endswith("It's too long to read whole: I read 24 of 40 parts.")
    assert words(verdict_card(replace(partly, windows=1, skipped=1))).endswith("I read 1 of 2 parts.")


@given(SHARES.map(normalised))
def test_where_somebody_may_be_in_danger_no_sentence_rates(probabilities):
    sentence = interpret(replace(verdict(*probabilities), danger=True))
    assert not [word for word in ("positive", "neutral", "praise") if word in sentence.lower()]


@given(st.text(max_size=6000))
def test_an_answer_about_any_text_fits_discord(text):
    assert verdict_card(verdict(0.1, 0.2, 0.7), quote=text).content_length() <= 4000


@pytest.mark.parametrize("url", ["https://help.example", ""])
def test_the_kind_words_are_whole_with_and_without_a_link(url):
    said = kind_words(url)
    assert said.endswith(f"<{url}>" if url else ".")
    assert ("http" in said) is bool(url)
    assert "None" not in said
