"""The teacher labels what nobody labelled, and never what the phase has seen."""

import json
import shutil

import numpy as np
import pytest
from datasets import Dataset

from training.errors import TrainingError
from training.mixture import read_taught
from training.pseudo_labels import WordTeacher, teach
from training.train import read_network

pytestmark = pytest.mark.filterwarnings("ignore")

UNLABELLED = [
    "a lovely warm film about bees",
    "an awful dull film about bees",
    "a warm and lovely film number 1",
    "...",
]


@pytest.fixture
def data(phase, tmp_path):
    """The phase's reviews, and four without a label: one is a labelled one again, one has nothing to read."""
    (tmp_path / "imdb").mkdir()
    rows = Dataset.from_parquet(str(phase.data / "imdb" / "train.parquet"))
    rows.to_parquet(tmp_path / "imdb" / "train.parquet")
    texts = [*UNLABELLED[:2], rows["text"][1].upper(), UNLABELLED[3]]
    Dataset.from_dict({"text": texts, "label": [-1] * 4}).to_parquet(tmp_path / "imdb" / "unsupervised.parquet")
    return tmp_path


def test_words_alone_tell_praise_from_blame():
    words = WordTeacher()
    texts = ["a dull and awful film", "a warm and lovely film"] * 20
    words.fit(texts, np.array([False, True] * 20))
    decisions = words.decide(["so lovely and warm", "awful, dull"])
    assert decisions[0] > 0 > decisions[1]


def test_unlabelled_reviews_get_probabilities_and_known_ones_stay_out(phase, data):
    output = data / "runs" / "taught.parquet"
    record = teach(phase.result.folder, phase.recipe, data, 0, output)
    taught = read_taught(output)
    assert sorted(taught["text"]) == sorted(UNLABELLED[:2])
    by_text = dict(zip(taught["text"], taught["probabilities"], strict=True))
    assert by_text[UNLABELLED[0]][2] > by_text[UNLABELLED[1]][2]
    assert all(sum(row) == pytest.approx(1) and row[1] == 0 for row in by_text.values())
    assert json.loads(output.with_suffix(".json").read_text("utf-8")) == record
    assert record["rows"] == 2


def test_a_checkpoint_of_three_labels_is_no_teacher(phase, data):
    folder = shutil.copytree(phase.result.folder, data / "three")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["id2label"] = {"0": "negative", "1": "neutral", "2": "positive"}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(TrainingError, match="has 3 labels; the teacher is a checkpoint of phase 1"):
        teach(folder, phase.recipe, data, 0, data / "taught.parquet")


def test_logits_come_back_in_the_order_of_the_texts(phase):
    texts = ["a dull and awful film", "a warm and lovely film " * 4, "film"]
    together = read_network(phase.result.folder, phase.recipe, texts)
    alone = np.concatenate([read_network(phase.result.folder, phase.recipe, [text]) for text in texts])
    assert np.allclose(together, alone, atol=0.05)
