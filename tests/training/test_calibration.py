import numpy as np
import pytest

from model.register import Register, Traits
from training.calibration import expected_calibration_error, fit_register, fit_temperature, softmax


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


def test_each_register_becomes_as_sure_as_it_is_right(honest):
    logits, labels = honest
    short = np.arange(len(labels)) % 4 == 0
    loud = np.where(short[:, None], logits * 3, logits)  # short texts are three times as sure as they may be
    traits = [Traits(2) if one else Traits(200) for one in short]
    one = fit_temperature(loud, labels)
    assert expected_calibration_error(softmax(loud[short] / one), labels[short]) > 0.05
    temperature, register = fit_register(loud, labels, traits, np.where(short, "chat", "reviews"))
    margins = np.diff(np.sort(loud)[:, -2:]).ravel()
    factors = np.array([register.factor(of, margin) for of, margin in zip(traits, margins, strict=True)])
    fitted = loud / (temperature * factors)[:, None]
    assert (fitted.argmax(-1) == loud.argmax(-1)).all()
    assert expected_calibration_error(softmax(fitted[short]), labels[short]) < 0.03
    assert expected_calibration_error(softmax(fitted[~short]), labels[~short]) < 0.03
    assert register.tokens < 0


def test_a_group_weighs_the_same_however_many_rows_it_has(honest):
    logits, labels = (part[:4000] for part in honest)
    rare = np.arange(len(labels)) < 200
    loud = np.where(rare[:, None], logits * 4, logits)
    traits = [Traits(16)] * len(labels)
    alike, _ = fit_register(loud, labels, traits, np.full(len(labels), "all"))
    apart, _ = fit_register(loud, labels, traits, np.where(rare, "rare", "usual"))
    assert apart > alike


def test_with_nothing_to_tell_texts_apart_it_is_one_temperature(honest):
    logits, labels = honest
    temperature, register = fit_register(logits * 2, labels, [Traits(16)] * len(labels), np.zeros(len(labels)))
    assert temperature == pytest.approx(2, rel=0.15)
    assert (register.tokens, register.pieces) == (0.0, 0.0)
    assert isinstance(register, Register)
