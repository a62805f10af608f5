"""Every stage of training on a few of our own sentences: does the whole path still work on this machine?

The sets are written in the layout of the real ones, so that the very commands and recipes of a real run are used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any

import click
from datasets import Dataset

from training.data import LANGUAGE, read_expressions
from training.datasets_catalog import CHAT_SETS, CORPORA
from training.labels import NEGATIVE, NEUTRAL, POSITIVE, Valence
from training.moods import mood_rows
from training.recipe import RECIPES, read_recipe

_ROWS = 120


def write_data(folder: Path) -> None:
    """Small Parquet files of every set that the bundled recipes and the evaluation name."""
    train, test = _sentences("train"), _sentences("test")
    languages = _named_languages()
    for name in sorted(_named_sets()):
        corpus = CORPORA[name]
        if corpus.moods or not corpus.folder:
            continue
        for split in corpus.files:
            rows = [row for row in (train if split == "train" else test) if len(row[0].split()) >= corpus.min_words]
            if split == "validation":
                rows = rows[::2]
            assert corpus.scheme is not None, "recipes name sets with labels"
            if isinstance(corpus.scheme, Valence):
                words = [("awful", -2.5), ("lovely", 2.8), ("boring", -1.3), ("superb", 3.1)]
                _write(corpus.file(folder, split), words, corpus.scheme.column, corpus.text)
                continue
            if corpus.scheme.read(NEUTRAL) != NEUTRAL:  # two classes
                rows = [(text, label // 2) for text, label in rows if label != NEUTRAL]
            file, parts = corpus.file(folder, split), languages.get(name, ())
            _write(file, _spread(rows), corpus.scheme.column, corpus.text, parts)
    polar = [(text, -1) for text, label in test if label != NEUTRAL]
    unlabelled = _spread([(f"{text} again", -1) for text, _ in polar])
    for name in ("imdb_unsupervised", *CHAT_SETS):
        corpus = CORPORA[name]
        if corpus.scheme is None:
            _write(corpus.file(folder, "train"), unlabelled, "label", corpus.text)
    for name in sorted(name for name in CORPORA if CORPORA[name].moods):
        _write_with_moods(folder, name, [text for text, _ in train])


def _named_languages() -> dict[str, list[str]]:
    """Of sets that say in which language their texts are, those that recipes name."""
    found: dict[str, list[str]] = {}
    for file in sorted(RECIPES.glob("*.toml")):
        for source in read_recipe(file).sources:
            name, _, part = source.name.partition(":")
            if name in CORPORA and CORPORA[name].folder.startswith("multilingual/") and part:
                found.setdefault(name, []).append(part)
    return found


def _named_sets() -> set[str]:
    sources = (source for file in RECIPES.glob("*.toml") for source in read_recipe(file).sources)
    return {"goemotions"} | {name for source in sources if (name := source.name.partition(":")[0]) in CORPORA}


def _write_with_moods(folder: Path, name: str, texts: list[str]) -> None:
    """Their moods are ours and go by the number of the row, so the set has as many rows as were labelled, and as long.

    They have labels as well, for another name may read the same file for its own.
    """
    moods = mood_rows(name)
    count = max(int(row["row"]) for row in moods) + 1
    rows = [f"{texts[number % len(texts)]} {number}" for number in range(count)]
    for row in moods:
        if "length" in row:
            number, length = int(row["row"]), int(row["length"])
            rows[number] = rows[number][:length].ljust(length, "a")
    plain, labels = [f"plainly {row}" for row in rows], [row % 3 for row in range(count)]
    corpus = CORPORA[name]
    for split in corpus.files:
        file = corpus.file(folder, split)
        file.parent.mkdir(parents=True, exist_ok=True)
        Dataset.from_dict({"text": rows, "rephrase": plain, "label3": labels}).to_parquet(str(file))


def stages(base: str) -> Iterator[list[str]]:
    """The commands of a whole run, in order; folders are relative to where they run."""
    few, name = ["--data", "data", "--max-rows", str(_ROWS)], ["--model", "my-model", "--card", "docs/model-card.md"]
    yield ["all", "--again", "--base", base, *few]
    yield ["curve", "runs/imdb", "runs/chat", "--rows", "20", "--points", "2", "--data", "data"]
    yield ["card", "--model", "my-model", "--name", "mine", "--output", "docs/model-card.md"]
    yield ["publish", "model", "--repo", "me/smoke", *name, "--dry-run"]


def run_smoke(commands: click.Group, folder: Path, base: str) -> None:
    """Runs all stages in `folder`. Whatever a stage raises ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_data(folder / "data")
    given = str(Path(base).resolve()) if Path(base).is_dir() else base
    with chdir(folder):
        for arguments in stages(given):
            click.secho(f"\n$ python -m training {' '.join(arguments)}", bold=True)
            commands.main(arguments, standalone_mode=False)


def _sentences(split: str) -> list[tuple[str, int]]:
    rows = [(row["sentence"], int(row["label3"])) for row in read_expressions() if row["split"] == split]
    return [row for label in (NEGATIVE, NEUTRAL, POSITIVE) for row in _spread([row for row in rows if row[1] == label])]


def _spread(rows: Sequence[Any]) -> list[Any]:
    """At most `_ROWS` rows, evenly over all."""
    return list(rows[:: max(1, len(rows) // _ROWS)][:_ROWS])


def _write(
    file: Path, rows: Sequence[tuple[str, float]], column: str, text: str, languages: Sequence[str] = ()
) -> None:
    """`languages` come in turn."""
    file.parent.mkdir(parents=True, exist_ok=True)
    columns: dict[str, list[Any]] = {text: [said for said, _ in rows], column: [label for _, label in rows]}
    if languages:
        columns[LANGUAGE] = [languages[number % len(languages)] for number in range(len(rows))]
    Dataset.from_dict(columns).to_parquet(str(file))
