"""A model is measured as the bot runs it: in the text's language, by whichever of two models reads that."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from model.checkpoints.checkpoint import BUNDLED_FOLDER
from tests.model.spoiling import seal, weights
from tests.model.two_models import SPANISH, with_languages
from training.__main__ import main
from training.evaluation.systems import CheckpointSystem, open_systems
from training.scoring import read_logits, verdicts

ENGLISH = ("what a lovely day", "i hate this patch so much")
RUSSIAN = "это лучшая игра в мире"


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """Another network than the bundled one, with a temperature for each language."""
    folder = tmp_path_factory.mktemp("second") / "model"
    with_languages(BUNDLED_FOLDER, folder)
    weights(lambda values: values[::-1].copy())(folder)
    seal(folder)
    return str(folder)


@pytest.fixture(scope="module")
def both(second):
    return CheckpointSystem("both", f"bundled+{second}")


def shares(answers):
    """The probabilities that a checkpoint always gives."""
    assert answers.probabilities is not None
    return answers.probabilities


def test_of_two_models_the_one_that_reads_the_language_is_measured(both, second):
    alone = {"es": CheckpointSystem("second", second), "": CheckpointSystem("first", "bundled")}
    for texts, language in ((SPANISH, "es"), (ENGLISH, "")):
        found, expected = both.answer(texts, "", language), alone[language].answer(texts, "", language)
        np.testing.assert_allclose(shares(found), shares(expected), atol=1e-5)
        said = verdicts(both.engine, texts, read_logits(both.engine, texts, "", language), language)
        assert {one.model for one in said} == {alone[language].version}


def test_a_language_that_neither_of_two_models_reads_is_refused(both):
    answers = both.answer([RUSSIAN, RUSSIAN], "", "ru")
    assert (answers.refused.tolist(), answers.found.tolist()) == ([True, True], [1, 1])


def test_a_system_may_find_the_language_out_as_the_bot_does(both, second):
    identifying = CheckpointSystem("both", f"bundled+{second}", identify=True)
    assert identifying.version != both.version
    found = identifying.answer([ENGLISH[0], SPANISH[2], RUSSIAN, "...", ENGLISH[1]], "", "de")
    assert found.refused.tolist() == [False, False, True, True, False]
    assert found.found[2:4].tolist() == [1, 1]
    np.testing.assert_allclose(shares(found)[[0, 4]], shares(both.answer(ENGLISH, "")), atol=1e-5)
    np.testing.assert_allclose(shares(found)[1], shares(both.answer(SPANISH[2:3], "", "es"))[0], atol=1e-5)


def test_a_model_for_english_alone_that_finds_the_language_out_refuses_others():
    (bundled,) = open_systems(["bundled"], peers=False, identify=True)
    assert bundled.answer([ENGLISH[0], SPANISH[2]], "", "es").refused.tolist() == [False, True]


def test_the_command_counts_what_is_refused(small_data, tmp_path):
    asked = ["evaluate", "--identify", "--no-peers", "--suite", "es_chat", "--rows", "20", "--data", str(small_data)]
    ran = CliRunner().invoke(main, [*asked, "--output", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.output
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert report["systems"]["bundled"]["version"].endswith("-identified")
    assert report["results"]["es_chat"]["bundled"]["refused"]["value"] > 0.5
