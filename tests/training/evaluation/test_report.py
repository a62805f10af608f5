"""The whole report on a few texts: the bundled model, the lexicons, and systems whose answers are known."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from model import Unreadable
from model.text.tokenization import Reader
from training.__main__ import main
from training.errors import TrainingError
from training.evaluation.report import evaluate
from training.evaluation.systems import Answers, TextBlobSystem, VaderSystem, open_systems
from training.evaluation.tables import results_table, slices_table

TWEETS = [2, 0, 1, 2]
"""The labels of the tweets in `small_data`, over and over."""


class Oracle:
    """Says what it was told and remembers what it was asked."""

    version = "oracle-1"

    def __init__(self, name, found):
        self.name, self._found = name, found
        self.asked = []

    def answer(self, texts, title, language=""):
        assert not language, "the suites are English"
        self.asked.append(title)
        found = np.resize(self._found, len(texts))
        return Answers(found, found - 1.0, np.eye(3)[found], np.zeros(len(texts), bool))


def test_a_system_that_is_always_right_scores_one_and_one_that_never_is_zero(small_data, tmp_path):
    right, wrong = Oracle("right", TWEETS), Oracle("wrong", [0, 1, 2, 0])
    wrong.version = "oracle-2"
    report = evaluate([right, wrong], ("tweet_eval",), small_data, tmp_path / "out")
    assert report["results"]["tweet_eval"]["right"]["macro_recall"]["value"] == 1
    assert report["results"]["tweet_eval"]["wrong"]["accuracy"]["value"] == 0
    assert report["results"]["tweet_eval"]["right"]["ece"] == {"value": 0}
    assert report["confusion"]["tweet_eval"]["right"] == [[5, 0, 0], [0, 5, 0], [0, 0, 10]]
    assert report["slices"]["chat, with emoji"]["right"]["count"] == 5
    assert json.loads((tmp_path / "out" / "report.json").read_text("utf-8")) == report


def test_neutral_is_no_answer_where_the_truth_has_none(small_data, tmp_path):
    leaning = Oracle("leaning", [1])
    leaning.answer = lambda texts, _title, _language="": Answers(
        np.ones(len(texts), int),
        np.resize([0.2, -0.2], len(texts)),
        np.resize([[0.1, 0.6, 0.3], [0.3, 0.6, 0.1]], (len(texts), 3)),
        np.zeros(len(texts), bool),
    )
    report = evaluate([leaning], ("imdb",), small_data, tmp_path / "out")
    assert report["results"]["imdb"]["leaning"]["accuracy"]["value"] == 1
    assert report["results"]["imdb"]["leaning"]["ece"]["value"] == pytest.approx(0.25)


def test_a_second_run_asks_again_only_to_measure_the_time(small_data, tmp_path):
    oracle = Oracle("right", TWEETS)
    first = evaluate([oracle], ("tweet_eval", "negation"), small_data, tmp_path / "out")
    asked = len(oracle.asked)
    second = evaluate([oracle], ("tweet_eval", "negation"), small_data, tmp_path / "out")
    assert oracle.asked[asked:] == ["right: timing"]
    assert second["results"] == first["results"]


def test_the_lexicons_read_the_raw_text():
    texts = ["I love it, GREAT!!!", "I hate it, horrible", "The bus leaves at nine"]
    assert VaderSystem().answer(texts, "").found.tolist() == [2, 0, 1]
    assert TextBlobSystem().answer(texts, "").found.tolist() == [2, 0, 1]


def test_two_models_of_one_name_are_refused():
    with pytest.raises(TrainingError, match="Two models are named 'a'; say --model NAME=SOURCE"):
        open_systems(["a=bundled", "a=bundled"], peers=False)


def test_the_command_prints_every_suite_beside_its_peers(small_data, tmp_path):
    out = tmp_path / "out"
    ran = CliRunner().invoke(
        main, ["evaluate", "--data", str(small_data), "--model", "ours=bundled", "--output", str(out)]
    )
    assert ran.exit_code == 0, ran.output
    assert "| VADER | TextBlob | ours |" in ran.stdout
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert set(report["suites"]) >= {"imdb", "tweet_eval", "slang_unseen", "negation"}
    assert results_table(report) in ran.stdout
    assert slices_table(report) in ran.stdout
    assert report["countries"]["ours"]["countries"] >= 190
    assert report["seconds_per_1000"]["ours"] > 0
    assert report["results"]["imdb"]["ours"]["accuracy"]["value"] == 1


def test_a_text_that_a_checkpoint_refuses_counts_as_neutral(monkeypatch):
    def refusing(self, text):
        raise Unreadable("Spanish")

    (bundled,) = open_systems(["bundled"], peers=False)
    monkeypatch.setattr(Reader, "read", refusing)
    answers = bundled.answer(["te amo"], "")
    assert answers.found.tolist() == [1]
    assert answers.probabilities.tolist() == [[0, 1, 0]]
