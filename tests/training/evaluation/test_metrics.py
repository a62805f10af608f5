import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from training.evaluation.metrics import figures, reliability, share, table


@pytest.fixture
def answers():
    random = np.random.default_rng(5)
    truth = random.integers(0, 3, 900)
    return truth, np.where(random.random(900) < 0.7, truth, random.integers(0, 3, 900))


def test_the_metrics_are_those_of_scikit_learn(answers):
    truth, found = answers
    measured = figures(table(truth, found))
    assert measured["accuracy"].value == pytest.approx((truth == found).mean())
    assert measured["macro_recall"].value == pytest.approx(recall_score(truth, found, average="macro"))
    assert measured["macro_f1"].value == pytest.approx(f1_score(truth, found, average="macro"))


def test_classes_the_truth_lacks_do_not_count():
    truth, found = np.array([0, 0, 2, 2]), np.array([0, 1, 2, 2])
    assert figures(table(truth, found))["macro_recall"].value == pytest.approx(0.75)


def test_the_interval_is_that_of_drawing_texts(answers):
    truth, found = answers
    random = np.random.default_rng(1)
    draws = []
    for _ in range(500):
        chosen = random.integers(0, len(truth), len(truth))
        draws.append(recall_score(truth[chosen], found[chosen], average="macro"))
    low, high = np.quantile(draws, [0.025, 0.975])
    measured = figures(table(truth, found))["macro_recall"]
    assert (measured.low, measured.high) == pytest.approx((low, high), abs=0.006)


def test_a_share_has_the_interval_of_its_size():
    few, many = share(np.array([True, True, False, False])), share(np.tile([True, False], 500))
    assert few.value == many.value == 0.5
    assert few.high - few.low > 10 * (many.high - many.low)


def test_reliability_has_a_bin_for_each_confidence_and_counts_every_text():
    probabilities = np.array([[0.9, 0.05, 0.05], [0.92, 0.04, 0.04], [0.2, 0.5, 0.3]])
    bins = reliability(probabilities, np.array([0, 1, 1]))
    assert bins == [
        {"confidence": 0.5, "right": 1.0, "count": 1},
        {"confidence": 0.91, "right": 0.5, "count": 2},
    ]
