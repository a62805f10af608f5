"""Every stage of training, one after the other, as `make train-smoke` runs them, but from a tiny base."""

import json
from contextlib import chdir

import pytest
from click.testing import CliRunner

from model import load_engine, open_checkpoint
from training.__main__ import main
from training.checkpointing import history
from training.recipe import RECIPES, read_recipe
from training.smoke import write_data

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def folder(tiny_base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke")
    ran = CliRunner().invoke(main, ["smoke", "--base", str(tiny_base), "--output", str(folder)])
    assert ran.exit_code == 0, ran.output[-2000:]
    assert "nothing was sent" in ran.output
    return folder


def test_the_path_ends_in_an_artefact_that_the_bot_can_load(folder):
    checkpoint = open_checkpoint(str(folder / "my-model"))
    assert len(checkpoint.labels) == 3
    assert load_engine(str(folder / "my-model")).checkpoint.version == checkpoint.version


def test_the_artefact_tells_its_whole_history(folder, tiny_base):
    training = json.loads((folder / "my-model" / "vibecheck.json").read_text("utf-8"))["training"]
    steps = list(history(training))
    assert [step["phase"] for step in steps] == ["imdb", "slang", "slang", "slang", "slang"]
    assert [step["base"] for step in steps] == [tiny_base.name, "imdb", "slang", "slang", "chat"]
    assert [step["recipe"]["order_seed"] for step in steps] == [0, 0, 1, 2, 0]
    assert [step["recipe"]["rounded"] for step in steps] == [False] * 4 + [True]
    assert {step["recipe"]["seed"] for step in steps} == {42}
    for step in steps:
        assert set(step["data"]) == {"train", "validation"}
        assert "torch" in step["versions"]
    assert steps[1]["sources"]["runs/taught.parquet"]["teacher"]["rows"] == 120
    assert training["register"].keys() == {"tokens", "pieces", "margin"}


def test_what_is_done_is_not_done_again(folder, tiny_base):
    with chdir(folder):
        ran = CliRunner().invoke(main, ["all", "--base", str(tiny_base), "--data", "data", "--max-rows", "120"])
    assert ran.exit_code == 0, ran.output[-2000:]
    assert ran.output.count("(is there already)") == 9


def test_the_report_and_the_card_are_of_that_artefact(folder):
    report = json.loads((folder / "build" / "evaluation" / "report.json").read_text("utf-8"))
    version = open_checkpoint(str(folder / "my-model")).version
    assert report["systems"]["mine"]["version"] == version
    card = (folder / "docs" / "model-card.md").read_text("utf-8")
    assert version in card
    assert "forgetting.png" in card
    assert str(folder) not in card


def test_the_small_data_has_every_set_the_bundled_recipes_name(tmp_path):
    from training.data import load_split

    write_data(tmp_path)
    names = {source.name for file in RECIPES.glob("*.toml") for source in read_recipe(file).sources}
    for name in sorted(name for name in names if not name.endswith(".parquet")):
        assert len(load_split(name, "train", tmp_path)) > 0, name
