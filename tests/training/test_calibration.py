import numpy as np
import pytest

from training.calibration import expected_calibration_error, fit_temperature, softmax


@pytest.fixture(scope="module")
def honest():
    """Logits whose softmax is the true chance of each label, and labels drawn by it."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20_000, 3))
    chances = softmax(logits).cumsum(-1)
    labels = (random.random((20_000, 1)) > chances).sum(-1).clip(max=2)
    return logits, labels


def test_softmax_sums_to_one_even_for_huge_logits():
    found = softmax(np.array([[1e5, 0.0, -1e5], [1.0, 1.0, 1.0]]))
    np.testing.assert_allclose(found.sum(-1), 1.0)
    np.testing.assert_allclose(found[1], 1 / 3)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0, 4.0])
def test_the_temperature_finds_a_known_scale(honest, scale):
    logits, labels = honest
    assert fit_temperature(logits * scale, labels) == pytest.approx(scale, rel=0.05)


def test_the_temperature_stays_in_its_range():
    logits = np.array([[1.0, 0.0], [0.0, 1.0]] * 50)
    always_right, always_wrong = logits.argmax(-1), logits.argmin(-1)
    assert fit_temperature(logits, always_right) == pytest.approx(0.25, rel=0.01)
    assert fit_temperature(logits, always_wrong) == pytest.approx(8.0, rel=0.01)


def test_honest_probabilities_have_no_calibration_error(honest):
    logits, labels = honest
    assert expected_calibration_error(softmax(logits), labels) < 0.015


def test_always_sure_and_always_right_is_perfect():
    assert expected_calibration_error(np.eye(3), np.arange(3)) == 0.0


def test_sure_of_everything_and_half_right_is_off_by_half():
    probabilities = np.tile([1.0, 0.0], (100, 1))
    assert expected_calibration_error(probabilities, np.arange(100) % 2) == pytest.approx(0.5)


def test_fitting_repairs_overconfidence(honest):
    logits, labels = honest
    loud = logits * 3
    before = expected_calibration_error(softmax(loud), labels)
    after = expected_calibration_error(softmax(loud / fit_temperature(loud, labels)), labels)
    assert before > 0.1
    assert after < 0.015
