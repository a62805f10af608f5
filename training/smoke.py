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

from training.data import read_expressions
from training.datasets_catalog import CORPORA
from training.labels import NEGATIVE, NEUTRAL, POSITIVE

_ROWS = 120


def write_data(folder: Path) -> None:
    """Small Parquet files of every labelled set that the bundled recipes and the evaluation name."""
    train, test = _sentences("train"), _sentences("test")
    for name in ("imdb", "tweet_eval", "goemotions", "figure_eight", "senti4sd", "amazon", "slang_list"):
        corpus = CORPORA[name]
        for split in corpus.files:
            rows = list(train if split == "train" else test)
            if split == "validation":
                rows = rows[::2]
            if name == "imdb":
                rows = [(text, label // 2) for text, label in rows if label != NEUTRAL]
            column = "label" if name in ("imdb", "tweet_eval") else "label3"
            _write(corpus.file(folder, split), _spread(rows), column)
    polar = [(text, -1) for text, label in test if label != NEUTRAL]
    _write(
        CORPORA["imdb_unsupervised"].file(folder, "train"),
        _spread([(f"{text} again", -1) for text, _ in polar]),
        "label",
    )
    words = [("awful", -2.5), ("lovely", 2.8), ("boring", -1.3), ("superb", 3.1)]
    target = CORPORA["vader_lexicon"].file(folder, "train")
    target.parent.mkdir(parents=True, exist_ok=True)
    Dataset.from_dict({"term": [word for word, _ in words], "valence": [v for _, v in words]}).to_parquet(str(target))


def stages(base: str) -> Iterator[list[str]]:
    """The commands of a whole run, in order; folders are relative to where they run."""
    few = ["--data", "data", "--max-rows", str(_ROWS)]
    yield ["imdb", "--recipe", "imdb-compact", "--base", base, "--output", "runs/imdb", *few]
    yield ["teach", "--checkpoint", "runs/imdb", "--rows", "40", "--output", "runs/taught.parquet", "--data", "data"]
    yield ["imdb", "--recipe", "imdb-taught", "--base", "runs/imdb", "--output", "runs/imdb-taught", *few]
    yield ["slang", "--base", "runs/imdb-taught", "--output", "runs/slang", *few]
    yield ["slang", "--recipe", "slang-mixed", "--base", "runs/slang", "--output", "runs/mixed", *few]
    yield ["blend", "runs/slang", "runs/mixed", "--share", "0.5", "--output", "runs/blend", "--data", "data"]
    yield ["curve", "runs/imdb-taught", "runs/blend", "--rows", "20", "--points", "2", "--data", "data"]
    # So short a training leaves near-ties that no int8 can keep: the gate is tested elsewhere, not here.
    yield ["export", "--checkpoint", "runs/blend", "--gate-rows", "0", "--output", "artefact", "--data", "data"]
    yield ["evaluate", "--model", "fp32=runs/blend", "--model", "int8=artefact", "--rows", "20", "--data", "data"]
    yield ["card", "--model", "artefact", "--name", "int8", "--output", "docs/model-card.md"]
    yield ["publish", "model", "--repo", "me/smoke", "--model", "artefact", "--card", "docs/model-card.md", "--dry-run"]


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


def _write(file: Path, rows: Sequence[tuple[str, int]], column: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Dataset.from_dict({"text": [text for text, _ in rows], column: [label for _, label in rows]}).to_parquet(str(file))
