from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import InferenceFailed, NothingToRead, Unreadable
from model.explain import MAX_PIECES, influences, split_pieces, without
from model.verdict import Sentiment, Verdict


def verdict(score):
    return Verdict(Sentiment.NEUTRAL, ((1 - score) / 2, 0.0, (1 + score) / 2), 1, "v")


@given(st.text(max_size=400), st.integers(1, 30))
def test_pieces_hold_every_word_once_and_in_order(text, limit):
    spans = split_pieces(text, limit)
    assert len(spans) == min(limit, len(text.split()))
    assert " ".join(text[start:end] for start, end in spans).split() == text.split()
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@given(st.text(max_size=400))
def test_a_piece_neither_begins_nor_ends_with_space(text):
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in split_pieces(text))


def test_a_long_text_gives_runs_of_about_the_same_number_of_words():
    text = "word " * 1000
    counts = {len(text[start:end].split()) for start, end in split_pieces(text)}
    assert max(counts) - min(counts) <= 1
    assert len(split_pieces(text)) == MAX_PIECES


def test_without_leaves_out_exactly_the_span():
    assert without("so good now", (3, 7)) == "so  now"


def test_an_effect_is_the_score_with_the_piece_minus_the_score_without_it():
    found = influences([(0, 2), (3, 7)], verdict(0.6), [verdict(0.7), verdict(-0.2)])
    assert [(one.start, one.end) for one in found] == [(0, 2), (3, 7)]
    assert [one.effect for one in found] == pytest.approx([-0.1, 0.8])


@pytest.mark.parametrize("nothing", [NothingToRead(), Unreadable("Spanish")])
def test_a_text_with_nothing_left_to_read_scores_zero(nothing):
    assert influences([(0, 2)], verdict(0.6), [nothing])[0].effect == pytest.approx(0.6)


def test_any_other_error_is_raised():
    with pytest.raises(InferenceFailed, match="broken"):
        influences([(0, 2)], verdict(0.6), [InferenceFailed("broken")])
