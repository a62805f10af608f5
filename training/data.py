"""Data sets by name, from the hub or from local Parquet, cleaned as the bot cleans."""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict, Features, Sequence, Value, concatenate_datasets, load_dataset

from model.cleaning import clean, is_readable
from model.verdict import SENTIMENTS, Sentiment
from training.corpora import CORPORA, NEUTRAL, Corpus
from training.errors import DataError
from training.recipe import Source
from training.saving import read_json

_ONE_HOT = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
EXPRESSIONS = Path(__file__).parent / "slang" / "expressions.csv"


_FEATURES = Features({"text": Value("string"), "label3": Value("int64")})
_SOFT = Features({**_FEATURES, "probabilities": Sequence(Value("float64"), length=3)})
_LISTS = ("slang", "lexicons")
"""Folders of sets that are lists of terms."""

_WORD = re.compile(r"[\w'/+:()]+")
_TWITTER_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}|\\\"")


@dataclass(frozen=True, slots=True)
class Mixture:
    """Rows to train on, and for each source how many rows it gave and how many were left out, by reason."""

    rows: Dataset
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)


def load_split(name: str, split: str, data: Path | None) -> Dataset:
    """One split as a data set of cleaned, readable `text` and `label3`; unlabelled rows are left out.

    `data` is a folder of Parquet files; without it the set comes from the hub. "expressions:KIND" is the part of our
    own sentences of that kind, "tweet_eval:negative" the part of another set with that label. Raises DataError naming
    the set, and what would bring it, when it cannot be had.
    """
    raw = load_raw(name, split, data)
    rows = raw.map(lambda row: {"text": clean(row["text"])}, desc=f"cleaning {name}/{split}")
    return rows.filter(lambda row: row["label3"] >= 0 and is_readable(row["text"]), desc="labelled and readable")


def load_raw(name: str, split: str, data: Path | None) -> Dataset:
    """One split as its people wrote it: all rows, `text` not yet cleaned, `label3` -1 where there is no label."""
    name, _, part = name.partition(":")
    corpus = CORPORA.get(name)
    if corpus is None:
        raise DataError(f"There is no data set named {name!r}; known sets are {', '.join(CORPORA)}.")
    if split not in corpus.files:
        raise DataError(f"{name} has no {split} split; it has {', '.join(corpus.files)}.")
    if part and name != "expressions" and part not in SENTIMENTS:
        raise DataError(f"{name} has no part {part!r}; its parts are {', '.join(SENTIMENTS)}.")
    raw = _read_expressions(split, part) if name == "expressions" else _read(name, corpus, split, data)

    def prepare(row: dict[str, Any]) -> dict[str, Any]:
        label = corpus.label3(row)
        if label is not None and label not in (-1, *range(len(_ONE_HOT))):
            raise ValueError(f"the label {label!r} is none of 0, 1 and 2")
        return {"text": _plain(row[corpus.text] or ""), "label3": -1 if label is None else label}

    try:
        rows = raw.map(prepare, remove_columns=raw.column_names, features=_FEATURES, desc=f"reading {name}/{split}")
    except KeyError as error:
        raise DataError(f"{name}/{split} lacks the column {error}; it has {', '.join(raw.column_names)}.") from None
    except (ValueError, TypeError) as error:  # pyarrow's errors are among these
        raise DataError(f"{name}/{split} could not be read as text and label: {_first_line(error)}.") from None
    if not part or name == "expressions":
        return rows
    wanted = SENTIMENTS.index(Sentiment(part))
    return rows.filter(lambda row: row["label3"] == wanted, desc=f"{part} of {name}")


def load_texts(name: str, data: Path | None, *, without: Iterable[str]) -> Dataset:
    """Distinct, cleaned, readable texts of an unlabelled set, as one column `text`, less those of `without`."""
    corpus = CORPORA[name]
    raw = _read(name, corpus, "train", data)
    if corpus.text not in raw.column_names:
        raise DataError(f"{name} lacks the column {corpus.text!r}; it has {', '.join(raw.column_names)}.")
    raw = raw.select_columns([corpus.text])
    rows = raw.map(
        lambda row: {"text": clean(_plain(row[corpus.text] or ""))},
        remove_columns=raw.column_names,
        desc=f"cleaning {name}",
    )
    seen = {text.casefold() for text in without}
    keep: list[int] = []
    for index, text in enumerate(rows["text"]):
        if is_readable(text) and text.casefold() not in seen:
            seen.add(text.casefold())
            keep.append(index)
    return rows.select(keep)


def load_mixture(sources: tuple[Source, ...], data: Path | None, seed: int) -> Mixture:
    """The training splits of all sources, sampled, repeated and joined.

    Left out and counted: exact duplicates within a set, and every text that a test, validation or evaluation split
    holds as well (the letters alone are compared); of lists of slang and of lexicons, every text with a term of our
    own test split. Each row has `probabilities` of the three labels: those of a taught file (`training.teacher`), or
    1 for its label. Raises DataError.
    """
    check_folder(data)
    held_out = held_out_keys(data)
    is_test_term = held_out_terms()
    parts: list[Dataset] = []
    counts: dict[str, dict[str, Any]] = {}
    for source in sources:
        rows = _soft(source, data)
        distinct = without_duplicates(rows)
        name = source.name.partition(":")[0]
        listed = name in CORPORA and CORPORA[name].folder in _LISTS
        clear = distinct.select(
            [
                index
                for index, text in enumerate(distinct["text"])
                if key(text) not in held_out and not (listed and is_test_term(text))
            ]
        )
        kept = clear
        if source.rows and source.rows < len(clear):
            kept = clear.shuffle(seed=seed).select(range(source.rows))
        counts[source.name] = {
            "rows": len(kept),
            "duplicates": len(rows) - len(distinct),
            "overlaps": len(distinct) - len(clear),
        }
        if (record := Path(source.name).with_suffix(".json")).is_file() and source.name.endswith(".parquet"):
            counts[source.name]["teacher"] = read_json(record)
        kept = kept.add_column("source", [source.name] * len(kept))
        parts.extend([kept] * source.repeat)
    return Mixture(concatenate_datasets(parts), counts)


def check_folder(data: Path | None) -> None:
    """Raises DataError for a folder of sets that is not there."""
    if data is not None and not data.is_dir():
        raise DataError(f"There is no folder {data}; give the folder that holds the sets with --data.")


@cache
def read_expressions() -> tuple[dict[str, str], ...]:
    """Our own sentences, all columns as text; `training/slang/README.md` explains them."""
    with EXPRESSIONS.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def held_out_keys(data: Path | None) -> set[str]:
    """Keys of every text in a split that no training may see; sets that are not there hold nothing."""
    found: set[str] = set()
    for name, corpus in CORPORA.items():
        for split in corpus.held_out():
            there = data is not None and corpus.file(data, split).is_file()
            if name == "expressions" or there or (data is None and corpus.hub):
                found.update(map(key, load_raw(name, split, data)["text"]))
    return found


def held_out_terms() -> Callable[[str], bool]:
    """Tells whether a text holds a slang term of our own test split, as whole words of both cleaned."""
    terms = {_words(row["term"]) for row in read_expressions() if row["split"] == "test"} - {""}
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(terms)))})(?!\w)")
    return lambda text: bool(pattern.search(_words(text)))


def _words(text: str) -> str:
    return " ".join(_WORD.findall(clean(text).casefold()))


def key(text: str) -> str:
    """The letters and digits of a text, cleaned and case-folded: what two copies of it share."""
    letters = "".join(char for char in clean(text).casefold() if char.isalnum())
    return letters or text


def read_taught(file: Path) -> Dataset:
    """Rows that a teacher labelled: `text`, `label3` and `probabilities` of the three labels.

    Raises DataError when the file is missing or lacks a column.
    """
    if not file.is_file():
        raise DataError(f"There is no taught file at {file}; `python -m training teach` writes one.")
    rows = read_parquet(file)
    missing = [name for name in _SOFT if name not in rows.column_names]
    if missing:
        raise DataError(f"{file} lacks the column {missing[0]!r}; it needs {', '.join(_SOFT)}.")
    return rows.select_columns(list(_SOFT)).cast(_SOFT)


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


def _soft(source: Source, data: Path | None) -> Dataset:
    if source.name.endswith(".parquet"):
        return read_taught(Path(source.name))
    hard = load_split(source.name, "train", data)
    return hard.map(lambda row: {"probabilities": _ONE_HOT[row["label3"]]}, features=_SOFT, desc="targets")


def _read_expressions(split: str, kind: str) -> Dataset:
    """Our own sentences. Praise and blame in one sentence stands there twice, as its leaning and as neutral."""
    rows = [row for row in read_expressions() if row["split"] == split and kind in ("", row["kind"])]
    if not rows:
        raise DataError(f"Our own sentences hold none of the kind {kind!r}.")
    texts = [(row["sentence"], int(row["label3"])) for row in rows]
    texts += [(row["sentence"], NEUTRAL) for row in rows if row["kind"] == "mixed" and int(row["label3"]) != NEUTRAL]
    return Dataset.from_dict({"text": [text for text, _ in texts], "label3": [label for _, label in texts]})


def _read(name: str, corpus: Corpus, split: str, data: Path | None) -> Dataset:
    if data is not None:
        file = corpus.file(data, split)
        if not file.is_file():
            raise DataError(f"{name}/{split} should be at {file}; give the folder that holds the sets with --data.")
        return read_parquet(file)
    if corpus.hub is None:
        raise DataError(
            f"{name} is not read from the hub; give a folder of Parquet files with --data, or take the recipe "
            "slang-hub, which needs none."
        )
    try:
        return load_dataset(corpus.hub, corpus.config, split=corpus.files[split])
    except (OSError, ValueError) as error:
        raise DataError(f"{name} could not be loaded from the hub ({error}); give local files with --data.") from error


def read_parquet(file: Path) -> Dataset:
    """A file's rows as they are. Raises DataError when it cannot be read."""
    try:
        return Dataset.from_parquet(str(file))
    except Exception as error:  # datasets wraps what pyarrow raises in errors of its own
        raise DataError(f"{file} is not a Parquet file that can be read: {_first_line(error)}.") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _plain(text: str) -> str:
    """Undoes the JSON escapes that some tweet collections keep in their text."""
    plain = _TWITTER_ESCAPE.sub(lambda match: codecs.decode(match[0], "unicode_escape"), text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # an emoji is two escapes
