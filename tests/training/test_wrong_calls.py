"""A wrong call of `python -m training` ends at once in one sentence that says what is wrong."""

import json
import sys
from pathlib import Path

import pytest
from datasets import Dataset

from tests.training.conftest import MINILM
from training.__main__ import run

REPOSITORY = ["--repo", "owner/vibecheck", "--dry-run"]
SPACE = Path(__file__).parents[2] / "training" / "space"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a file, an empty folder, broken checkpoints, recipes and reports, and a little data."""
    place = tmp_path_factory.mktemp("place")
    (place / "a_file").write_text("hi", "utf-8")
    (place / "empty").mkdir()
    (place / "data" / "imdb").mkdir(parents=True)
    rows = {"text": [f"film {number}" for number in range(60)], "label": [number % 2 for number in range(60)]}
    Dataset.from_dict(rows).to_parquet(place / "data" / "imdb" / "train.parquet")
    (place / "no_table.toml").write_text("sources = [1]", "utf-8")
    (place / "endless.toml").write_text(
        'phase = "imdb"\nlabels = ["negative", "positive"]\nepochs = nan\n[[sources]]\nname = "imdb"\n', "utf-8"
    )
    (place / "broken").mkdir()
    labels = {"0": "negative", "1": "neutral", "2": "positive"}
    config = {"model_type": "distilbert", "id2label": labels, "max_position_embeddings": 512}
    (place / "broken" / "config.json").write_text(json.dumps(config), "utf-8")
    (place / "broken" / "tokenizer.json").write_bytes((MINILM / "tokenizer.json").read_bytes())
    (place / "broken" / "model.safetensors").write_bytes(b"none")
    reports = {"nothing": "{}", "a_list": "[1]", "no_json": "{not", "of_another": json.dumps(REPORT)}
    for name, text in reports.items():
        (place / name).mkdir()
        (place / name / "report.json").write_text(text, "utf-8")
    (place / "card.md").write_text("# A card", "utf-8")
    return place


_EMPTY = ("suites", "results", "trivial_edits", "field_cases")

REPORT = {
    **{part: {} for part in (*_EMPTY, "confusion", "reliability", "slices", "countries", "seconds_per_1000")},
    "rows": 0,
    "systems": {"VADER": {"version": "v"}, "mine": {"version": "x"}},
}


@pytest.fixture
def call(place, monkeypatch, capsys):
    """Calls the command line in `place`; returns exit code and what it wrote to stderr."""

    def call(*arguments):
        monkeypatch.chdir(place)
        monkeypatch.setattr(sys, "argv", ["training", *arguments])
        with pytest.raises(SystemExit) as ended:
            run()
        return ended.value.code, capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    "arguments",
    [
        ("imdb",),
        ("slang",),
        ("blend", "empty", "empty"),
        ("curve", "empty", "empty"),
        ("export",),
        ("evaluate", "--suite", "emoji"),
        ("smoke",),
    ],
)
@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("a_file", "Directory 'a_file' is a file."),
        ("a_file/runs", "'a_file' isn't a folder, so I can't write into 'a_file/runs'."),
    ],
)
def test_an_output_that_is_no_folder_is_refused_before_the_work(call, arguments, output, sentence):
    code, errors = call(*arguments, "--output", output)
    assert code == 2
    assert errors.endswith(f"Error: Invalid value for '--output': {sentence}\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("teach", "--checkpoint", "empty", "--output", "empty"), "File 'empty' is a directory."),
        (("teach", "--checkpoint", "empty", "--output", "taught.json"), "'taught.json' should end in .parquet."),
        (("teach", "--checkpoint", "empty", "--output", "a_file/t.parquet"), "I can't write into 'a_file'."),
        (("card", "--output", "empty"), "File 'empty' is a directory."),
        (("card", "--output", "a_file/card.md"), "I can't write into 'a_file'."),
        (("card", "--output", "card.txt"), "'card.txt' should end in .md."),
    ],
)
def test_an_output_that_is_no_file_is_refused_before_the_work(call, arguments, sentence):
    code, errors = call(*arguments)
    assert code == 2
    assert errors.endswith(f"{sentence}\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("imdb", "--recipe", "./"), ". isn't a recipe file: Is a directory."),
        (("imdb", "--recipe", "a_file/x.toml"), "a_file/x.toml isn't a recipe file: Not a directory."),
        (("imdb", "--recipe", "no_table.toml"), "no_table.toml needs at least one [[sources]] table."),
        (("imdb", "--recipe", "endless.toml"), "endless.toml: epochs must be a finite number, not nan."),
        (("imdb", "--data", "empty"), "imdb/train should be at empty/imdb/train.parquet; give the folder"),
        (("imdb", "--data", "data", "--base", "a_file"), "The base 'a_file' couldn't be loaded"),
        (("teach", "--checkpoint", "empty", "--output", "t.parquet"), "empty isn't a model folder"),
        (("teach", "--checkpoint", "broken", "--output", "t.parquet"), "broken has 3 labels; the teacher is"),
        (("blend", "broken", "broken"), "broken/model.safetensors isn't a file of weights"),
        (("blend", "broken", "broken", "--odds", "nan", "1", "1"), "Odds must be numbers above 0."),
        (("curve", "empty", "broken"), "broken/model.safetensors isn't a file of weights"),
        (("export", "--checkpoint", "broken", "--gate-rows", "0", "--output", "x"), "The weights in broken couldn't"),
        (("export", "--checkpoint", "broken", "--floats", "--output", "x"), "The weights in broken couldn't"),
        (("evaluate", "--model", "x="), "'x=' lacks its name or its source; say --model NAME=SOURCE."),
        (("evaluate", "--model", "=bundled", "--suite", "emoji"), "'=bundled' lacks its name or its source"),
        (("evaluate", "--model", "VADER=bundled", "--suite", "emoji"), "Two models are named 'VADER'"),
        (("evaluate", "--suite", "nonsense"), "There's no suite named 'nonsense'; known suites are chat_atoms"),
        (("card", "--report", "nothing"), "The report isn't complete: it lacks 'systems'"),
        (("card", "--report", "a_list"), "a_list/report.json doesn't hold a JSON object."),
        (("card", "--report", "no_json"), "no_json/report.json couldn't be read as JSON"),
        (("card", "--report", "of_another"), "The report is of VADER, mine, not of 'bundled'; evaluate it first"),
        (("card", "--report", "of_another", "--name", "mine"), "The report is about another version of 'mine'"),
        (("publish", "model", *REPOSITORY, "--card", "card.md"), "card.md isn't the card of version"),
        (("publish", "space", *REPOSITORY, "--folder", "empty"), "There's no Space in empty: app.py is missing."),
        (
            ("publish", "space", *REPOSITORY, "--folder", str(SPACE), "--model", "owner/name"),
            "'owner/name' lacks its revision",
        ),
        (
            ("publish", "space", *REPOSITORY, "--folder", str(SPACE), "--model", "bad name/x@1"),
            "'bad name/x' isn't a name for a repository",
        ),
        (("field-cases", "--data", "nowhere"), "There's no folder nowhere"),
        (("field-cases", "--data", "data"), "The field cases should be at data/evaluate/field_cases.parquet"),
    ],
)
def test_a_wrong_call_is_one_sentence(call, arguments, sentence):
    code, errors = call(*arguments)
    said = [line for line in errors.splitlines() if sentence in line]
    assert code == 1, errors
    assert said == errors.splitlines()[-1:], errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("kind", ["model", "space"])
@pytest.mark.parametrize(
    ("repository", "sentence"),
    [
        ("bad name/with space", "'bad name/with space' isn't a name for a repository: Repo id must"),
        ("a/b/c", "'a/b/c' isn't a name for a repository"),
        ("noowner", "'noowner' lacks its owner; write NAME/noowner."),
    ],
)
def test_a_dry_run_refuses_what_cannot_be_a_repository(call, tmp_path, kind, repository, sentence):
    from model import open_checkpoint

    (tmp_path / "card.md").write_text(f"Version {open_checkpoint().version}", "utf-8")
    card = ("--card", str(tmp_path / "card.md")) if kind == "model" else ()
    folder = ("--folder", str(SPACE)) if kind == "space" else ()
    code, errors = call("publish", kind, "--repo", repository, "--dry-run", *card, *folder)
    assert code == 1
    assert errors.startswith(sentence)
    assert errors.count("\n") == 1


def test_a_file_that_the_system_refuses_is_one_sentence(call, place):
    report = place / "of_another" / "report.json"
    (place / "half").mkdir()
    (place / "half" / "report.json").symlink_to(report)
    answers = place / "half" / "answers"
    answers.write_text("a file in the way", "utf-8")
    code, errors = call("evaluate", "--suite", "emoji", "--no-peers", "--output", "half")
    assert code == 1
    assert errors.splitlines()[-1] == "half/answers can't be used: File exists."
