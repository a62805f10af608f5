"""The line between two phases, on tiny networks."""

from dataclasses import replace

import numpy as np
import pytest
from datasets import Dataset

from training.errors import TrainingError
from training.evaluation.forgetting import forgetting_curve
from training.recipe import Source
from training.train import read_network, run_phase

pytestmark = pytest.mark.filterwarnings("ignore")

TWEETS = ["bad", "so lovely", "an awful table"]


@pytest.fixture(scope="module")
def data(phase, tmp_path_factory):
    folder = tmp_path_factory.mktemp("curve")
    (folder / "tweet_eval").mkdir()
    train = {
        "text": [f"{words} number {n}" for n in range(16) for words in ("awful", "a table", "lovely")],
        "label": [0, 1, 2] * 16,
    }
    Dataset.from_dict(train).to_parquet(folder / "tweet_eval" / "train.parquet")
    Dataset.from_dict({"text": TWEETS, "label": [0, 2, 1]}).to_parquet(folder / "tweet_eval" / "validation.parquet")
    (folder / "imdb").mkdir()
    Dataset.from_parquet(str(phase.data / "imdb" / "train.parquet")).to_parquet(folder / "imdb" / "train.parquet")
    return folder


@pytest.fixture(scope="module")
def second(phase, data, tmp_path_factory):
    recipe = replace(
        phase.recipe, phase="slang", sources=(Source("tweet_eval"),), labels=("negative", "neutral", "positive")
    )
    return run_phase(recipe, str(phase.result.folder), data, tmp_path_factory.mktemp("run") / "slang").folder


def test_the_ends_of_the_curve_are_the_two_phases(phase, data, second):
    curve = forgetting_curve(phase.result.folder, second, phase.recipe, data, rows=50, points=3)
    assert curve["between"] == [phase.result.folder.name, second.name]
    assert [point["share"] for point in curve["points"]] == [0, 0.5, 1]
    assert curve["rows"]["tweets"] == 3
    found = read_network(second, phase.recipe, TWEETS).argmax(axis=1)
    assert curve["points"][-1]["tweets"] == pytest.approx(np.mean(found == [0, 2, 1]), abs=1e-4)
    assert curve["points"][0]["reviews"] == pytest.approx(phase.result.metrics["validation_accuracy"], abs=1e-4)


def test_a_curve_to_a_checkpoint_of_two_labels_is_refused(phase, data):
    with pytest.raises(TrainingError, match="three labels; give phase 2's folder"):
        forgetting_curve(phase.result.folder, phase.result.folder, phase.recipe, data)
