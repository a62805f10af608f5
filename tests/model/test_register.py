"""How sure a verdict is may depend on the text's register; what it says may not."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.backends.engine import load_engine
from model.checkpoints.checkpoint import MANIFEST, artefact_version, open_checkpoint
from model.classifier import Classifier
from model.errors import CheckpointError, HashMismatch
from model.register import Register, Traits
from model.verdict import SENTIMENTS, Sentiment, decide
from tests.model.spoiling import change

CHAT = Register(tokens=-0.3, pieces=0.5, margin=0.05)
weights = st.builds(Register, st.floats(-10, 10), st.floats(-10, 10), st.floats(-10, 10))
traits = st.builds(Traits, st.integers(0, 5000), st.floats(0, 1))


def verdict(logits, register, of, labels=SENTIMENTS):
    rows = np.array([logits], np.float32)
    return decide(rows, labels, temperature=1.2, abstain_below=0.75, version="v", register=register, traits=of)


@given(st.lists(st.floats(-20, 20, width=32), min_size=3, max_size=3, unique=True), weights, traits)
def test_no_register_changes_what_is_said(logits, register, of):
    found = verdict(logits, register, of)
    assert found.sentiment == SENTIMENTS[int(np.argmax(np.float32(logits)))]
    assert sum(found.probabilities) == pytest.approx(1)
    assert 0.1 < register.factor(of, 3.0) < 10


def test_a_short_text_is_less_sure_than_a_long_one_with_the_same_logits():
    short, long = (verdict([0, 0, 3], CHAT, Traits(tokens)).confidence for tokens in (2, 200))
    assert short < long
    pieces = verdict([0, 0, 3], CHAT, Traits(2, pieces=1.0)).confidence
    assert pieces < short


def test_of_one_register_the_larger_margin_is_the_surer():
    found = [verdict([0, 0, margin], CHAT, Traits(5)).confidence for margin in np.linspace(0.1, 12, 60)]
    assert found == sorted(found)


def test_two_labels_say_what_they_said():
    two = (Sentiment.NEGATIVE, Sentiment.POSITIVE)
    assert verdict([0, 1.5], CHAT, Traits(2), two) == verdict([0, 1.5], Register(), Traits(), two)


def test_tokens_and_pieces_are_counted_without_special_ones(small_model):
    reader = load_engine(str(small_model.int8), "cpu", 1).reader
    known = reader.traits(reader.read("good morning"))
    assert (known.tokens, known.pieces) == (2, 0.0)
    unknown = reader.traits(reader.read("pogchampion"))
    assert unknown.tokens > 1
    assert unknown.pieces == pytest.approx(1 - 1 / unknown.tokens)


def test_a_plain_folder_and_an_artefact_bring_theirs(plain_folder, artefact):
    change(plain_folder / "config.json", calibration_register={"tokens": -0.25})
    checkpoint = open_checkpoint(str(plain_folder))
    assert checkpoint.register == Register(tokens=-0.25)
    assert open_checkpoint(str(artefact)).register == Register(-0.05, 0.2, 0.02)
    change(artefact / MANIFEST, register={"tokens": -0.25})
    with pytest.raises(HashMismatch, match="changed after it was written"):
        open_checkpoint(str(artefact))


def test_a_model_without_one_keeps_the_name_that_it_had():
    said = {"files": {"model.onnx": "0" * 64}, "labels": ["negative", "positive"], "temperature": 1.5}
    record = '[[["model.onnx", "' + "0" * 64 + '"]], ["negative", "positive"], 1.5]'
    assert artefact_version(said) == hashlib.sha256(record.encode()).hexdigest()[:10]
    assert artefact_version(said | {"register": {}}) == artefact_version(said)
    assert artefact_version(said | {"register": {"tokens": -0.3}}) != artefact_version(said)


@pytest.mark.parametrize(
    "register",
    [
        [1],
        "warm",
        {"tokens": "a"},
        {"tokens": True},
        {"tokens": float("nan")},
        {"tokens": 11},
        {"margin": 0.2},
        {"size": 1},
    ],
)
def test_a_register_that_calibrates_nothing_is_refused(plain_folder, register):
    change(plain_folder / "config.json", calibration_register=register)
    with pytest.raises(CheckpointError, match="register"):
        open_checkpoint(str(plain_folder))


@pytest.mark.parametrize("kind", ["int8", "floats"])
async def test_the_worker_and_its_memory_know_how_sure_a_text_of_its_kind_may_be(small_model, kind):
    """On ONNX Runtime and on PyTorch, computed and remembered."""
    source = str(getattr(small_model, kind))
    engine = load_engine(source, "cpu", 1)
    texts = ["ok", "it is lovely and warm", "awful " * 200, "pogchampion kekwait"]
    async with await Classifier.open(source, device="cpu", threads=1) as classifier:
        for _ in range(2):
            for text in texts:
                found, alone = await classifier.classify(text), engine.answer(text)
                assert found.probabilities == pytest.approx(alone.probabilities, abs=1e-3)
                assert found.temperature == pytest.approx(alone.temperature, rel=1e-4)
                assert found.temperature != engine.checkpoint.temperature


def test_a_score_is_compared_at_one_temperature():
    warm, cold = (
        decide(np.array([[0.0, 1.0, 3.0]], np.float32), SENTIMENTS, temperature=one, abstain_below=0.75, version="v")
        for one in (2.0, 0.5)
    )
    assert warm.score < cold.score
    assert warm.score_at(0.5) == pytest.approx(cold.score)
    assert cold.score_at(2.0) == pytest.approx(warm.score)
    assert cold.score_at(0.5) == cold.score
