import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.verdict import SENTIMENTS, Sentiment, Verdict, decide

NEGATIVE, NEUTRAL, POSITIVE = SENTIMENTS
TWO = (NEGATIVE, POSITIVE)


def verdict(logits, labels=SENTIMENTS, temperature=1.0, abstain_below=0.75):
    return decide(
        np.asarray(logits, dtype=np.float32),
        labels,
        temperature=temperature,
        abstain_below=abstain_below,
        version="v",
    )


@given(
    st.sampled_from([SENTIMENTS, TWO, (POSITIVE, NEGATIVE, NEUTRAL)]).flatmap(
        lambda labels: st.tuples(
            st.just(labels),
            st.integers(1, 5).flatmap(
                lambda windows: arrays(np.float32, (windows, len(labels)), elements=st.floats(-1e6, 1e6, width=32))
            ),
        )
    ),
    st.floats(0.05, 20),
)
def test_probabilities_sum_to_one_and_score_and_confidence_stay_in_range(case, temperature):
    labels, logits = case
    found = verdict(logits, labels, temperature)
    assert math.isclose(sum(found.probabilities), 1.0, abs_tol=1e-9)
    assert 1 / 3 - 1e-9 <= found.confidence <= 1
    assert -1 <= found.score <= 1
    assert found.windows == len(logits)


def test_the_largest_probability_names_the_sentiment_whatever_the_column_order():
    assert verdict([[0, 1, 2]]).sentiment is POSITIVE
    swapped = verdict([[2, 0, 1]], labels=(POSITIVE, NEGATIVE, NEUTRAL))
    assert swapped.sentiment is POSITIVE
    assert swapped.probabilities == verdict([[0, 1, 2]]).probabilities


@pytest.mark.parametrize(
    ("gap", "sentiment"), [(3.0, POSITIVE), (0.5, NEUTRAL), (0.0, NEUTRAL), (-0.5, NEUTRAL), (-3.0, NEGATIVE)]
)
def test_two_labels_abstain_when_unsure(gap, sentiment):
    found = verdict([[0, gap]], TWO)
    assert found.sentiment is sentiment
    assert found.probabilities[1] == 0.0


def test_three_labels_never_abstain():
    assert verdict([[0, 0, 0.01]], abstain_below=0.99).sentiment is POSITIVE


def test_a_strong_window_outweighs_two_bland_ones():
    merged = verdict([[0, 0.5, 0], [0, 0.5, 0], [0, 0, 9]])
    assert (merged.sentiment, merged.windows) == (POSITIVE, 3)


def test_equal_windows_say_what_one_says():
    assert verdict([[1, 2, 3]] * 4).probabilities == pytest.approx(verdict([[1, 2, 3]]).probabilities)


def test_temperature_softens_the_confidence_and_keeps_the_label():
    sharp, soft = verdict([[0, 1, 4]]), verdict([[0, 1, 4]], temperature=3.0)
    assert soft.confidence < sharp.confidence
    assert soft.sentiment is sharp.sentiment


def test_the_score_is_positive_minus_negative():
    assert Verdict(Sentiment.POSITIVE, (0.1, 0.2, 0.7), 1, "v").score == pytest.approx(0.6)
