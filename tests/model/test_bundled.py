"""The weights this repository ships: whole, small, and right about the plainest of cases."""

import json

import numpy as np
import pytest

from model import Sentiment, load_engine, open_checkpoint
from model.checkpoints.checkpoint import BUNDLED_FOLDER
from model.verdict import SENTIMENTS
from training.checkpointing import history

LARGEST = 30_000_000


@pytest.fixture(scope="module")
def engine():
    return load_engine("bundled", "cpu", 2)


@pytest.fixture(scope="module")
def read(engine):
    """The verdict on one text."""
    return engine.answer


def test_the_artefact_is_whole_small_and_knows_three_labels():
    checkpoint = open_checkpoint("bundled")
    assert checkpoint.labels == SENTIMENTS
    assert checkpoint.weights.stat().st_size <= LARGEST
    assert {path.suffix for path in BUNDLED_FOLDER.iterdir()} == {".json", ".onnx"}


def test_the_golden_examples_come_out_as_they_did_at_the_export(read):
    golden = json.loads((BUNDLED_FOLDER / "golden.json").read_text("utf-8"))
    assert len(golden) >= 10
    for row in golden:
        verdict = read(row["text"])
        assert verdict.sentiment == row["sentiment"], row["text"]
        # Processors sum in different orders, and an activation near a rounding border then takes the next int8 step.
        assert verdict.probabilities == pytest.approx(row["probabilities"], abs=0.05), row["text"]


def test_the_artefact_records_how_it_was_made_and_what_the_gate_said():
    manifest = json.loads((BUNDLED_FOLDER / "vibecheck.json").read_text("utf-8"))
    steps = list(history(manifest["training"]))
    assert [step["recipe"]["phase"] for step in steps][:2] == ["imdb", "slang"]
    assert all(set(step["versions"]) >= {"torch", "transformers", "datasets"} for step in steps)
    assert {"imdb", "tweet_eval"} <= set(manifest["gate"])
    assert all(figures["same_label"] >= 0.99 for figures in manifest["gate"].values())


def test_a_clear_rave_is_positive_with_95_percent(read):
    verdict = read("This movie was absolutely amazing! Best film of the year!")
    assert verdict.sentiment is Sentiment.POSITIVE
    assert verdict.confidence >= 0.95


def test_a_clear_pan_is_negative_with_90_percent(read):
    verdict = read("Terrible waste of time. I want my money back.")
    assert verdict.sentiment is Sentiment.NEGATIVE
    assert verdict.confidence >= 0.90


@pytest.mark.xfail(strict=True, reason="the present weights are 91 % sure that it is blame")
def test_praise_and_blame_in_one_sentence_is_not_above_85_percent(read):
    assert read("The plot was great but the ending disappointed me.").confidence <= 0.85


def test_lukewarm_is_neutral_or_below_60_percent(read):
    verdict = read("It was okay, I guess.")
    assert verdict.sentiment is Sentiment.NEUTRAL or verdict.confidence < 0.60


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("OMG this film was fire 🔥 So good!", Sentiment.POSITIVE),
        ("this slaps fr 🔥", Sentiment.POSITIVE),
        ("This movie was mid tbh", Sentiment.NEGATIVE),
        (
            "I was blown away by every single scene. This film exceeded all my expectations and left me speechless.",
            Sentiment.POSITIVE,
        ),
        ("I ate pizza for dinner last night.", Sentiment.NEUTRAL),
        ("brb", Sentiment.NEUTRAL),
        ("what time is the raid?", Sentiment.NEUTRAL),
        ("The capital of France is Paris", Sentiment.NEUTRAL),
    ],
)
def test_films_and_chat_come_out_right(read, text, sentiment):
    assert read(text).sentiment is sentiment


@pytest.mark.parametrize("text", ["gg ez", "🔥🔥🔥", "W", "💀"])
def test_very_short_chat_gets_a_verdict(read, text):
    assert sum(read(text).probabilities) == pytest.approx(1)


@pytest.mark.torch
def test_the_torch_backend_reads_the_same_weights_and_gives_the_same_labels(engine, texts):
    from model.backends.torch_gpu import TorchBackend

    torch_backend = TorchBackend(open_checkpoint("bundled"), "cpu")
    rows = sorted((engine.reader.read(text)[0] for text in texts), key=len)
    int8 = np.concatenate([engine.backend.predict([row]) for row in rows]).argmax(1)
    floats = np.concatenate([torch_backend.predict(rows[start : start + 20]) for start in range(0, len(rows), 20)])
    assert (int8 == floats.argmax(1)).mean() >= 0.97
