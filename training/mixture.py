"""What a phase trains on: its sources joined, less every text that no training may see."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, Sequence, Value, concatenate_datasets

from model.text.cleaning import clean
from training.augmentation import varied
from training.checkpointing import read_json
from training.data import load_labelled, raw_texts, read_expressions, without_duplicates
from training.datasets_catalog import CORPORA
from training.errors import DataError
from training.labels import LABEL3, read_labels, read_texts
from training.recipe import Source
from training.stored import check_folder, read_parquet

_ONE_HOT = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
_SOFT = Features(
    {"text": Value("string"), "label3": Value("int64"), "probabilities": Sequence(Value("float64"), length=3)}
)
_LISTS = ("slang", "lexicons")
"""Folders of sets that are lists of terms."""

_REASONS = ("rows", "duplicates", "overlaps", "unlabelled", "unreadable")
"""What is counted of each source."""

_WORD = re.compile(r"[\w'/+:()]+")


@dataclass(frozen=True, slots=True)
class Mixture:
    """Rows to train on, and for each source how many rows it gave and how many were left out, by reason."""

    rows: Dataset
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The counts for a sentence, such as "imdb gave 6 rows, 1 duplicates"."""
        return "; ".join(
            f"{name} gave "
            + ", ".join(f"{counts[what]:,} {what}" for what in _REASONS if what == "rows" or counts.get(what))
            for name, counts in self.counts.items()
        )


def load_mixture(sources: tuple[Source, ...], data: Path | None, seed: int) -> Mixture:
    """The training splits of all sources, sampled, repeated and joined.

    Left out and counted: rows without a label or without anything to read, exact duplicates within a set, and every
    text that a test, validation or evaluation split holds as well (the letters alone are compared); of lists of slang
    and of lexicons, every text with a term of our own test split. Each row has `probabilities` of the three labels:
    those of a taught file (`training.pseudo_labels`), or 1 for its label. Raises DataError.
    """
    check_folder(data)
    held_out = held_out_keys(data)
    is_test_term = held_out_terms()
    parts: list[Dataset] = []
    counts: dict[str, dict[str, Any]] = {}
    for source in sources:
        rows, left_out = _soft(source, data)
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
            **left_out,
        }
        if (record := Path(source.name).with_suffix(".json")).is_file() and source.name.endswith(".parquet"):
            counts[source.name]["teacher"] = read_json(record)
        kept = kept.add_column("source", [source.name] * len(kept))
        parts.extend([kept] * source.repeat)
        if source.vary:
            copies = varied(kept, source.vary, seed)
            copies = copies.select([index for index, text in enumerate(copies["text"]) if key(text) not in held_out])
            counts[source.name]["copies"] = len(copies)
            parts.append(copies)
    return Mixture(concatenate_datasets(parts), counts)


def held_out_keys(data: Path | None) -> set[str]:
    """Keys of every text in a split that no training may see; sets that are not there hold nothing."""
    found: set[str] = set()
    for name, corpus in CORPORA.items():
        for split in corpus.held_out():
            there = data is not None and corpus.file(data, split).is_file()
            if not corpus.folder or there or (data is None and corpus.hub):
                found.update(map(key, raw_texts(name, split, data)))
    return found


def held_out_terms() -> Callable[[str], bool]:
    """Tells whether a text holds a slang term of our own test split, as whole words of both cleaned.

    An emoji is looked for as it stands: cleaned, it is an ordinary word such as "angry".
    """
    terms = {row["term"] for row in read_expressions() if row["split"] == "test"} - {""}
    signs = {term for term in terms if not _WORD.search(term)}
    phrases = sorted({_words(term) for term in terms - signs})
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, phrases))})(?!\w)")
    return lambda text: bool(pattern.search(_words(text))) or any(sign in text for sign in signs)


def _words(text: str) -> str:
    return " ".join(_WORD.findall(clean(text).casefold()))


def key(text: str) -> str:
    """The letters and digits of a text, cleaned and case-folded: what two copies of it share."""
    letters = "".join(char for char in clean(text).casefold() if char.isalnum())
    return letters or text


def read_taught(file: Path) -> Dataset:
    """Rows that a teacher labelled: `text`, `label3` and `probabilities` of the three labels.

    Raises DataError when the file is missing, lacks a column, or holds what is no label or no probabilities.
    """
    if not file.is_file():
        raise DataError(f"There is no taught file at {file}; `python -m training teach` writes one.")
    rows = read_parquet(file)
    missing = [name for name in _SOFT if name not in rows.column_names]
    if missing:
        raise DataError(f"{file} lacks the column {missing[0]!r}; it needs {', '.join(_SOFT)}.")
    texts = read_texts(rows, "text", file.name)
    labels = read_labels(rows, LABEL3, file.name)
    shares = list(rows["probabilities"])
    wrong = [number for number, (row, label) in enumerate(zip(shares, labels, strict=True)) if not _fits(row, label)]
    if wrong:
        raise DataError(
            f"{len(wrong):,} of the {len(shares):,} rows of {file} have no three probabilities with one for their "
            f"label, such as row {wrong[0] + 1:,}: {str(shares[wrong[0]])[:60]}."
        )
    return Dataset.from_dict({"text": texts, "label3": labels, "probabilities": shares}, features=_SOFT)


def _fits(shares: object, label: int) -> bool:
    """Whether they are three finite probabilities, that of the label above 0."""
    return (
        isinstance(shares, list)
        and len(shares) == len(_ONE_HOT)
        and all(isinstance(share, (int, float)) and math.isfinite(share) and share >= 0 for share in shares)
        and shares[label] > 0
    )


def _soft(source: Source, data: Path | None) -> tuple[Dataset, dict[str, int]]:
    """A source's rows with their probabilities, and how many of its rows were left out, by reason."""
    if source.name.endswith(".parquet"):
        return read_taught(Path(source.name)), {}
    hard = load_labelled(source.name, "train", data)
    rows = hard.rows.map(lambda row: {"probabilities": _ONE_HOT[row["label3"]]}, features=_SOFT, desc="targets")
    return rows, hard.left_out
