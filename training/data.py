"""Data sets by name, from the hub or from local Parquet, cleaned as the bot cleans."""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict, Features, Value, concatenate_datasets, load_dataset

from model.cleaning import clean, is_readable
from training.errors import DataError
from training.recipe import Source

NEGATIVE, NEUTRAL, POSITIVE = 0, 1, 2
EXPRESSIONS = Path(__file__).parent / "slang" / "expressions.csv"


@dataclass(frozen=True, slots=True)
class Corpus:
    """Where a data set is found and how its rows become `text` and `label3` (0 negative, 1 neutral, 2 positive)."""

    hub: str | None
    folder: str
    label3: Callable[[dict[str, Any]], int | None]
    files: dict[str, str]
    licence: str


def _column(row: dict[str, Any]) -> int | None:
    label: int | None = row["label3"]
    return label


def _binary(row: dict[str, Any]) -> int | None:
    return {0: NEGATIVE, 1: POSITIVE}.get(row["label"])


def _three(row: dict[str, Any]) -> int | None:
    return int(row["label"]) if row["label"] in (0, 1, 2) else None


_SPLITS = {"train": "train", "validation": "validation", "test": "test"}
_TRAIN_TEST = {"train": "train", "test": "test"}

CORPORA: dict[str, Corpus] = {
    "imdb": Corpus("stanfordnlp/imdb", "imdb", _binary, _TRAIN_TEST, "research use, please cite Maas et al. 2011"),
    "tweet_eval": Corpus("cardiffnlp/tweet_eval", "tweet_eval", _three, _SPLITS, "Twitter's terms apply"),
    "goemotions": Corpus(None, "goemotions", _column, _SPLITS, "CC BY 4.0"),
    "figure_eight": Corpus(None, "figure_eight", _column, _TRAIN_TEST, "CC BY 4.0"),
    "senti4sd": Corpus(None, "senti4sd", _column, _TRAIN_TEST, "MIT"),
    "amazon": Corpus(None, "snippets", _column, {"train": "amazonReviewSnippets"}, "MIT"),
    "nyt": Corpus(None, "snippets", _column, {"train": "nytEditorialSnippets"}, "MIT"),
    "expressions": Corpus(None, "", _column, _TRAIN_TEST, "MIT"),
    "slang_list": Corpus(None, "slang", _column, {"train": "seed_49"}, "MIT"),
}

_FEATURES = Features({"text": Value("string"), "label3": Value("int64")})
_TWITTER_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}|\\\"")


def load_split(name: str, split: str, data: Path | None) -> Dataset:
    """One split as a data set of cleaned, readable `text` and `label3`; unlabelled rows are left out.

    `data` is a folder of Parquet files; without it the set comes from the hub. "expressions:KIND" is the part of our
    own sentences of that kind. Raises DataError naming the set, and what would bring it, when it cannot be had.
    """
    name, _, kind = name.partition(":")
    corpus = CORPORA.get(name)
    if corpus is None:
        raise DataError(f"There is no data set named {name!r}; known sets are {', '.join(CORPORA)}.")
    if split not in corpus.files:
        raise DataError(f"{name} has no {split} split; it has {', '.join(corpus.files)}.")
    raw = _read_expressions(split, kind) if name == "expressions" else _read(name, corpus, split, data)

    def prepare(row: dict[str, Any]) -> dict[str, Any]:
        label = corpus.label3(row)
        return {"text": clean(_plain(row["text"] or "")), "label3": -1 if label is None else label}

    rows = raw.map(prepare, remove_columns=raw.column_names, features=_FEATURES, desc=f"cleaning {name}/{split}")
    return rows.filter(lambda row: row["label3"] >= 0 and is_readable(row["text"]), desc="labelled and readable")


def load_mixture(sources: tuple[Source, ...], data: Path | None, seed: int) -> Dataset:
    """The training splits of all sources, sampled, repeated and joined; exact duplicates within a set go once."""
    parts: list[Dataset] = []
    for source in sources:
        rows = without_duplicates(load_split(source.name, "train", data))
        if source.rows and source.rows < len(rows):
            rows = rows.shuffle(seed=seed).select(range(source.rows))
        rows = rows.add_column("source", [source.name] * len(rows))
        parts.extend([rows] * source.repeat)
    return concatenate_datasets(parts)


def without_duplicates(rows: Dataset) -> Dataset:
    """Keeps the first of rows whose texts are equal up to case and whose labels agree."""
    seen: set[tuple[str, int]] = set()
    keep: list[int] = []
    for index, (text, label) in enumerate(zip(rows["text"], rows["label3"], strict=True)):
        key = (text.casefold(), label)
        if key not in seen:
            seen.add(key)
            keep.append(index)
    return rows.select(keep)


def split_validation(rows: Dataset, share: float, seed: int) -> DatasetDict:
    """Holds out a share of the distinct texts; copies of a text all go to one side. Keys: "train", "validation"."""
    limit = int(share * 2**32)

    def held_out(text: str) -> bool:
        digest = hashlib.sha256(f"{seed}:{text.casefold()}".encode("utf-8", "replace")).digest()
        return int.from_bytes(digest[:4]) < limit

    chosen = [held_out(text) for text in rows["text"]]
    train = [index for index, held in enumerate(chosen) if not held]
    validation = list(dict.fromkeys(index for index, held in enumerate(chosen) if held))
    return DatasetDict(train=rows.select(train), validation=without_duplicates(rows.select(validation)))


def fingerprint(rows: Dataset) -> str:
    """A short SHA-256 over texts and labels in order: the same data gives the same word."""
    digest = hashlib.sha256()
    for text, label in zip(rows["text"], rows["label3"], strict=True):
        digest.update(f"{label}\t{text}\n".encode("utf-8", "replace"))
    return digest.hexdigest()[:16]


def _read_expressions(split: str, kind: str) -> Dataset:
    """Our own sentences. Praise and blame in one sentence stands there twice, as its leaning and as neutral."""
    with EXPRESSIONS.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split and kind in ("", row["kind"])]
    if not rows:
        raise DataError(f"Our own sentences hold none of the kind {kind!r}.")
    texts = [(row["sentence"], int(row["label3"])) for row in rows]
    texts += [(row["sentence"], NEUTRAL) for row in rows if row["kind"] == "mixed" and int(row["label3"]) != NEUTRAL]
    return Dataset.from_dict({"text": [text for text, _ in texts], "label3": [label for _, label in texts]})


def _read(name: str, corpus: Corpus, split: str, data: Path | None) -> Dataset:
    if data is not None:
        file = data / corpus.folder / f"{corpus.files[split]}.parquet"
        if not file.is_file():
            raise DataError(f"{name}/{split} should be at {file}; give the folder that holds the sets with --data.")
        return Dataset.from_parquet(str(file))
    if corpus.hub is None:
        raise DataError(f"{name} is not read from the hub; give a folder of Parquet files with --data.")
    try:
        config = ("sentiment",) if name == "tweet_eval" else ()
        return load_dataset(corpus.hub, *config, split=split)
    except (OSError, ValueError) as error:
        raise DataError(f"{name} could not be loaded from the hub ({error}); give local files with --data.") from error


def _plain(text: str) -> str:
    """Undoes the JSON escapes that some tweet collections keep in their text."""
    return _TWITTER_ESCAPE.sub(lambda match: codecs.decode(match[0], "unicode_escape"), text)
