"""A checkpoint is calibrated by register; what it says stays as it is."""

import json

import numpy as np
import pytest

from model.backends.engine import load_engine
from model.checkpoints.checkpoint import BUNDLED_FOLDER, open_checkpoint
from tests.training.small_tweets import MOODS, write_tweets
from training.errors import TrainingError
from training.recipe import Recipe, Source
from training.registers import calibrate
from training.scoring import read_logits, verdicts
from training.train import run_phase

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.torch]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_tweets(tmp_path_factory.mktemp("data"), 90)


@pytest.fixture(scope="module")
def checkpoint(tiny_base, data, tmp_path_factory):
    recipe = Recipe(
        phase="slang",
        sources=(Source("tweet_eval"), Source("chat:plain", repeat=2)),  # of chat it must know something
        labels=("negative", "neutral", "positive"),
        learning_rate=1e-3,
        batch_size=8,
        epochs=1,
        max_length=32,
        validation_share=0.25,
    )
    folder = tmp_path_factory.mktemp("run") / "slang"
    run_phase(recipe, str(tiny_base), data, folder)
    return folder


def test_it_is_calibrated_and_says_the_same_as_before(checkpoint, data, caplog):
    texts = [f"{mood} {number}" for mood in MOODS for number in range(20)]
    before = load_engine(str(checkpoint), "cpu")
    said = verdicts(before, texts, read_logits(before, texts))
    figures = calibrate(checkpoint, data)
    assert {"ece_chat", "ece_tweets"} <= figures.keys()
    assert "ece_reviews" not in figures
    assert "reviews are left out: imdb/train is not there" in caplog.text
    opened = open_checkpoint(str(checkpoint))
    assert opened.temperature == figures["temperature"]
    assert opened.register
    assert opened.register.tokens == figures["tokens"]
    record = json.loads((checkpoint / "training.json").read_text("utf-8"))
    assert record["register"]["tokens"] == opened.register.tokens
    after = load_engine(str(checkpoint), "cpu")
    now = verdicts(after, texts, read_logits(after, texts))
    assert [one.sentiment for one in now] == [one.sentiment for one in said]
    assert not np.allclose([one.confidence for one in now], [one.confidence for one in said])


def test_what_is_exported_cannot_be_calibrated(data):
    with pytest.raises(TrainingError, match="not an exported one"):
        calibrate(BUNDLED_FOLDER, data)
