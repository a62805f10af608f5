"""How far a golden example may come out from what was recorded: in another precision, further."""

import pytest

from model.acceptance import Example, golden_failures
from model.verdict import Sentiment, Verdict

EXAMPLE = Example("fine by me", "positive", (0.02, 0.27, 0.71))


def failures(backend, *probabilities):
    found = max(range(3), key=probabilities.__getitem__)
    sentiment = [Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE][found]
    return golden_failures([EXAMPLE], [Verdict(sentiment, probabilities, 1, "v")], backend)


@pytest.mark.parametrize(
    ("backend", "positive", "failed"),
    [
        ("onnxruntime", 0.68, 0),
        ("onnxruntime", 0.65, 1),
        ("openvino", 0.65, 0),  # as bfloat16 gives one of the bundled model's, and float16 on a GPU
        ("torch", 0.65, 0),
        ("openvino", 0.59, 1),
    ],
)
def test_what_int8_rounds_away_is_not_asked_of_another_precision(backend, positive, failed):
    assert len(failures(backend, 0.02, 0.98 - positive, positive)) == failed


def test_another_sentiment_is_a_failure_in_every_precision():
    near = Example("fine by me", "positive", (0.02, 0.48, 0.50))
    verdict = Verdict(Sentiment.NEUTRAL, (0.02, 0.50, 0.48), 1, "v")
    assert len(golden_failures([near], [verdict], "openvino")) == 1
