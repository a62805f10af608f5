"""Between two checkpoints: the ends are the two, the middle is the mean, and what does not fit is refused."""

# mypy: disable-error-code="call-arg"
# It takes `*pair` for any number of arguments.

import json
import math
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from model import Unreadable, open_checkpoint
from model.text.tokenization import Reader
from tests.training.small_tweets import MOODS, write_tweets
from training.checkpointing import RECORD, history
from training.errors import TrainingError
from training.recipe import Recipe, Source
from training.train import run_phase
from training.weight_blend import blend

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_tweets(tmp_path_factory.mktemp("data"), 60)


@pytest.fixture(scope="module")
def pair(tiny_base, data, tmp_path_factory):
    """Two checkpoints of three labels, trained with different seeds."""
    folders = []
    for seed in (1, 2):
        recipe = Recipe(
            phase="slang",
            sources=(Source("tweet_eval"),),
            labels=("negative", "neutral", "positive"),
            learning_rate=1e-3,
            batch_size=8,
            epochs=1,
            max_length=32,
            validation_share=0.25,
            seed=seed,
        )
        folders.append(tmp_path_factory.mktemp("pair") / str(seed))
        run_phase(recipe, str(tiny_base), data, folders[-1])
    return folders


def weights(folder):
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_weights_lie_between_the_two_by_the_share(pair, data, tmp_path, share):
    blend(*pair, share, data, tmp_path / "blend")
    first, second, between = (weights(folder) for folder in (*pair, tmp_path / "blend"))
    for name, values in between.items():
        np.testing.assert_allclose(values, (1 - share) * first[name] + share * second[name], rtol=1e-5, atol=1e-7)


def test_the_blend_can_be_opened_and_carries_its_own_temperature(pair, data, tmp_path):
    figures = blend(*pair, 0.5, data, tmp_path / "blend")
    checkpoint = open_checkpoint(str(tmp_path / "blend"))
    assert checkpoint.temperature == figures["temperature"]
    assert 0 <= figures["validation_ece"] <= 1


def test_texts_that_the_model_refuses_are_not_calibrated_on(pair, data, tmp_path, monkeypatch):
    read = Reader.read

    def refusing(self, text):
        if MOODS[0] in text:
            raise Unreadable("Spanish")
        return read(self, text)

    monkeypatch.setattr(Reader, "read", refusing)
    figures = blend(*pair, 0.5, data, tmp_path / "blend")
    assert all(math.isfinite(figure) for figure in figures.values())


def test_odds_move_the_labels_and_nothing_else(pair, data, tmp_path):
    blend(*pair, 0.5, data, tmp_path / "even")
    blend(*pair, 0.5, data, tmp_path / "odds", (2.0, 0.5, 1.0))
    even, odds = weights(tmp_path / "even"), weights(tmp_path / "odds")
    np.testing.assert_allclose(
        odds.pop("classifier.bias") - even.pop("classifier.bias"), np.log([2, 0.5, 1]), atol=1e-6
    )
    for name, values in even.items():
        np.testing.assert_array_equal(values, odds[name])
    record = json.loads((tmp_path / "odds" / RECORD).read_text("utf-8"))
    assert record["odds"] == list(history(record))[-1]["odds"] == [2.0, 0.5, 1.0]


def test_odds_of_nothing_are_refused(pair, data, tmp_path):
    with pytest.raises(TrainingError, match="Odds"):
        blend(*pair, 0.5, data, tmp_path / "blend", (1.0, 0.0, 1.0))


def test_networks_of_different_shapes_are_refused_and_nothing_is_written(pair, data, tmp_path):
    other = shutil.copytree(pair[1], tmp_path / "other")
    save_file({name: values[:1] for name, values in weights(other).items()}, other / "model.safetensors")
    with pytest.raises(TrainingError, match="different shapes"):
        blend(pair[0], other, 0.5, data, tmp_path / "blend")
    assert not (tmp_path / "blend").exists()


def test_a_checkpoint_of_two_labels_is_refused(pair, phase, data, tmp_path):
    with pytest.raises(TrainingError, match="three labels"):
        blend(pair[0], phase.result.folder, 0.5, data, tmp_path / "blend")


def test_a_share_beyond_the_ends_is_refused(pair, data, tmp_path):
    with pytest.raises(TrainingError, match="between 0 and 1"):
        blend(*pair, 1.5, data, tmp_path / "blend")


def test_an_exported_model_as_floats_again_has_no_settings_of_its_tokenizer_and_is_blended_all_the_same(
    pair, data, tmp_path
):
    first = shutil.copytree(pair[0], tmp_path / "first")
    (first / "tokenizer_config.json").unlink()
    blend(first, pair[1], 0.5, data, tmp_path / "blend")
    assert open_checkpoint(str(tmp_path / "blend")).labels == open_checkpoint(str(pair[0])).labels
    assert not (tmp_path / "blend" / "tokenizer_config.json").exists()
