"""What a teacher says of a phase's rows and of unlabelled chat is written, and learned beside the labels."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from datasets import Dataset

from training.datasets_catalog import CHAT_SETS
from training.errors import DataError, RecipeError, TrainingError
from training.mixture import LABELLED, UNLABELLED, load_mixture, read_soft_labels, read_taught
from training.recipe import Recipe, Source
from training.soft_labels import FEWEST_NEUTRAL, MOST_NEUTRAL, write_soft_labels
from training.train import run_phase

pytestmark = pytest.mark.filterwarnings("ignore")

FILES = {
    "small_talk": "chitchat_byu/all",
    "irc": "irc/train",
    "conda": "conda/train",
    "text_messages": "nus_sms/all",
    "emoji_tweets": "tweeteval_emoji/train",
}


@pytest.fixture(scope="module")
def recipe():
    return Recipe(
        phase="slang",
        sources=(Source("expressions:negation"),),
        labels=("negative", "neutral", "positive"),
        epochs=1,
        max_length=32,
    )


@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    """A folder with ten messages of each set of chat, one of which stands among our own sentences."""
    folder = tmp_path_factory.mktemp("chat")
    known = load_mixture((Source("expressions:negation"),), folder, 42).rows["text"][0]
    for name, file in FILES.items():
        (folder / file).parent.mkdir(exist_ok=True)
        texts = [known, "ok", *(f"message number {number} of {name}" for number in range(8))]
        Dataset.from_dict({"text": texts}).to_parquet(folder / f"{file}.parquet")
    return folder


@pytest.fixture(scope="module")
def teacher(recipe, tiny_base, chat, tmp_path_factory):
    output = tmp_path_factory.mktemp("runs") / "teacher"
    run_phase(recipe, str(tiny_base), chat, output, max_rows=80)
    return output


@pytest.fixture(scope="module")
def soft(recipe, teacher, chat):
    output = teacher.parent / "soft"
    return output, write_soft_labels(teacher, recipe, chat, 100, output)


def test_every_row_of_the_phase_gets_what_the_teacher_says(recipe, chat, soft):
    output, record = soft
    labelled = read_taught(output / LABELLED)
    assert set(labelled["text"]) == set(load_mixture(recipe.sources, chat, recipe.seed).rows["text"])
    assert all(sum(shares) == pytest.approx(1, abs=1e-3) for shares in labelled["probabilities"])
    assert record["labelled"] == len(labelled)
    assert json.loads((output / LABELLED).with_suffix(".json").read_text("utf-8")) == record


def test_talk_that_nobody_labelled_is_asked_of_but_what_is_known_and_single_words(soft):
    output, record = soft
    talk = read_taught(output / UNLABELLED)
    assert all(text.startswith("message number") for text in talk["text"])
    assert len(set(talk["text"])) == len(talk) == record["unlabelled"]
    assert sum(CHAT_SETS.values()) == pytest.approx(1)
    assert record["shares"][1] <= max(MOST_NEUTRAL * len(talk), math.ceil(FEWEST_NEUTRAL * 8 * len(CHAT_SETS)))


def test_a_row_is_learned_by_half_from_its_teacher_and_keeps_its_label(recipe, chat, soft):
    taught = read_soft_labels(soft[0], 0.5)
    hard = load_mixture(recipe.sources, chat, recipe.seed).rows
    mixed = load_mixture(recipe.sources, chat, recipe.seed, taught=taught).rows
    for own, both in zip(hard, mixed, strict=True):
        says = taught.says[own["text"]]
        expected = [(one + other) / 2 for one, other in zip(own["probabilities"], says, strict=True)]
        assert both["probabilities"] == pytest.approx(expected)
        assert max(both["probabilities"]) == both["probabilities"][own["label3"]]


def test_what_is_left_out_as_unseen_is_not_learned_from_the_teacher_either(recipe, chat, soft):
    taught = read_soft_labels(soft[0], 0.5)
    sources = (Source(str(soft[0] / UNLABELLED)), Source("expressions:negation"))
    gone, *others = read_taught(soft[0] / UNLABELLED)["text"]
    term = gone.removeprefix("message ")  # "number 3 of irc"
    rows = load_mixture(sources, chat, recipe.seed, without={term, "hardly"}, taught=taught).rows
    assert not any(term in text or "hardly" in text for text in rows["text"])
    assert set(others) <= set(rows["text"])


def test_a_phase_trains_with_a_teacher(recipe, tiny_base, chat, soft, tmp_path):
    taught = replace(
        recipe, teacher=str(soft[0]), sources=(Source("expressions:negation"), Source(str(soft[0] / UNLABELLED)))
    )
    result = run_phase(taught, str(tiny_base), chat, tmp_path / "student", max_rows=60)
    record = json.loads((result.folder / "training.json").read_text("utf-8"))
    assert record["sources"][str(soft[0] / UNLABELLED)]["teacher"]["temperature"] == soft[1]["temperature"]


def test_a_teacher_of_other_labels_and_a_folder_without_labels_are_refused(phase, recipe, teacher, chat, tmp_path):
    """By what its outputs are: a mean of two checkpoints has no recipe that would say it."""
    two_labels = Path(shutil.copytree(phase.result.folder, tmp_path / "mean"))
    record = json.loads((two_labels / "training.json").read_text("utf-8"))
    del record["recipe"]
    (two_labels / "training.json").write_text(json.dumps(record), "utf-8")
    for checkpoint in (phase.result.folder, two_labels):
        with pytest.raises(TrainingError, match=r"2 labels \(negative, positive\); a teacher of chat knows three"):
            write_soft_labels(checkpoint, recipe, chat, 10, tmp_path / "soft")
    turned = Path(shutil.copytree(teacher, tmp_path / "turned"))
    config = json.loads((turned / "config.json").read_text("utf-8"))
    config["id2label"] = {"0": "positive", "1": "neutral", "2": "negative"}
    (turned / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(TrainingError, match=r"3 labels \(positive, neutral, negative\)"):
        write_soft_labels(turned, recipe, chat, 10, tmp_path / "soft")
    with pytest.raises(DataError, match="soft-labels"):
        run_phase(replace(recipe, teacher=str(tmp_path / "none")), "minilm", chat, tmp_path / "student")


def test_a_teacher_has_half_a_say_at_most(recipe):
    with pytest.raises((RecipeError, ValueError), match=r"0\.5"):
        replace(recipe, teacher_share=0.6)
