from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.presentation import palette
from bot.presentation.danger import kind_words
from bot.presentation.verdict_words import EMOJI, bar, confidence_in_words, interpret, percentages
from bot.ui.verdict_embed import verdict_embed
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
        ((0.05, 0.1, 0.85), "Positive, with little doubt."),
        ((0.3, 0.1, 0.6), "Leans positive, but it criticises as well: mixed."),
        ((0.6, 0.1, 0.3), "Leans negative, but it praises as well: mixed."),
        ((0.1, 0.35, 0.55), "Leans positive, though it could be meant neutrally."),
        ((0.15, 0.15, 0.7), "Leans positive."),
        ((0.05, 0.9, 0.05), "States something without praise or blame."),
        ((0.25, 0.5, 0.25), "Praise and blame about balance out."),
        ((0.1, 0.6, 0.3), "Mostly neutral, with a positive undertone."),
        ((0.3, 0.6, 0.1), "Mostly neutral, with a negative undertone."),
        ((0.13, 0.75, 0.12), "Mostly neutral."),
    ],
)
def test_the_sentence_fits_the_probabilities(probabilities, sentence):
    assert interpret(verdict(*probabilities)) == sentence


@pytest.mark.parametrize(
    ("confidence", "words"),
    [(0.95, "very sure"), (0.949, "sure"), (0.8, "sure"), (0.65, "fairly sure"), (0.5, "leaning"), (0.4, "unsure")],
)
def test_confidence_has_words(confidence, words):
    assert confidence_in_words(confidence) == words


@pytest.mark.parametrize(("share", "full"), [(0, 0), (0.04, 0), (0.5, 5), (0.96, 10), (1, 10)])
def test_a_bar_is_ten_blocks_long(share, full):
    assert bar(share) == "█" * full + "░" * (10 - full)


def test_each_sentiment_has_an_emoji_and_a_colour_of_its_own():
    assert len({EMOJI[sentiment] for sentiment in SENTIMENTS}) == len({*palette.SENTIMENT.values()}) == 3


def test_a_two_label_model_that_abstains_says_so():
    unsure = Verdict(Sentiment.NEUTRAL, (0.27, 0.0, 0.73), 1, "v1")
    assert interpret(unsure) == "Neither side is clear enough to call."
    assert verdict_embed(unsure).fields[0].value.endswith("73 % · unsure")


def test_parts_are_named_only_when_there_are_several():
    assert verdict_embed(verdict(0, 0, 1)).footer.text == "model v1"
    assert verdict_embed(verdict(0, 0, 1, windows=3)).footer.text == "model v1 · read in 3 parts"


def test_a_text_that_was_too_long_says_how_much_of_it_was_read():
    partly = replace(verdict(0, 0, 1, windows=24), skipped=16)
    assert verdict_embed(partly).footer.text == "model v1 · read in 24 of 40 parts"
    assert verdict_embed(replace(partly, windows=1, skipped=1)).footer.text == "model v1 · read in 1 of 2 parts"


@given(SHARES.map(normalised))
def test_where_somebody_may_be_in_danger_no_sentence_rates(probabilities):
    sentence = interpret(replace(verdict(*probabilities), danger=True))
    assert not [word for word in ("positive", "neutral", "praise") if word in sentence.lower()]


@given(st.text(max_size=6000))
def test_an_answer_about_any_text_fits_discord(text):
    embed = verdict_embed(verdict(0.1, 0.2, 0.7), quote=text)
    assert len(embed.description) <= 4096  # type: ignore[arg-type]
    assert len(embed) <= 6000


@pytest.mark.parametrize("url", ["https://help.example", ""])
def test_the_kind_words_are_whole_with_and_without_a_link(url):
    said = kind_words(url)
    assert said.endswith(f"<{url}>" if url else ".")
    assert ("http" in said) is bool(url)
    assert "None" not in said
