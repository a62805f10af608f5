"""What a phase trains on: its sources joined, less every text that no training may see."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, Sequence, Value, concatenate_datasets

from model.text.cleaning import clean
from training.augmentation import ironic, varied
from training.checkpointing import read_json
from training.data import load_labelled, raw_texts, read_expressions, split_validation, without_duplicates
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

_OURS = ("chat", "languages", "frequent")
_OWN_SENTENCES = ("chat", "expressions", "languages")
_ANYBODYS_WORDS = 3

LABELLED, UNLABELLED = "labelled.parquet", "unlabelled.parquet"
"""The files of a folder of soft labels: of the phase's own rows, and of texts that had no label."""

_REASONS = ("rows", "duplicates", "overlaps", "unlabelled", "unreadable")
"""What is counted of each source."""

_WORD = re.compile(r"[\w'/+:()]+")


@dataclass(frozen=True, slots=True)
class Mixture:
    """Rows to train on, and for each source how many rows it gave and how many were left out, by reason.

    `copies` are edited copies of rows (`training.augmentation`), none of a row that is held out. They are for training
    alone: nothing is to be measured by them.
    """

    rows: Dataset
    copies: Dataset
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The counts for a sentence, such as "imdb gave 6 rows, 1 duplicates"."""
        return "; ".join(
            f"{name} gave "
            + ", ".join(f"{counts[what]:,} {what}" for what in _REASONS if what == "rows" or counts.get(what))
            for name, counts in self.counts.items()
        )


def load_mixture(
    sources: tuple[Source, ...],
    data: Path | None,
    seed: int,
    without: Collection[str] = (),
    validation_share: float = 0.0,
    *,
    taught: Taught | None = None,
    copied: bool = True,
    drawn: int = 0,
) -> Mixture:
    """The training splits of all sources, sampled, repeated and joined.

    Left out and counted: rows without a label or without anything to read, exact duplicates within a set, and every
    text that a test, validation or evaluation split holds as well (the letters alone are compared; of our own chat not
    those of one or two words); of lists of slang and of lexicons, every text with a term of our own test split; of
    these, of our own sentences and of what a teacher labelled, every text with one of the terms `without`. Each row has
    `probabilities` of the three labels: those of a file that a teacher labelled (`training.pseudo_labels`,
    `training.soft_labels`), or 1 for its label, less the share that `taught` has. Edited copies are only made if they
    are `copied`. Of a source that gives some of its rows only, `drawn` says which, and `seed` where it's 0. Raises
    DataError.
    """
    check_folder(data)
    held_out = held_out_keys(data)
    is_test_term, is_left_out = held_out_terms(), terms_in(without)
    parts: list[Dataset] = []
    every_copy: list[Dataset] = []
    counts: dict[str, dict[str, Any]] = {}
    for source in sources:
        name = source.name.partition(":")[0]
        drop: Callable[[str], bool] | None = None
        if name in CORPORA and CORPORA[name].folder in _LISTS:
            drop = partial(_either, is_test_term, is_left_out)
        elif without and (name in _OWN_SENTENCES or name.endswith(".parquet")):
            drop = is_left_out
        rows, left_out = _soft(source, data, drop)
        distinct = without_duplicates(rows)
        clear = distinct.select(
            [index for index, text in enumerate(distinct["text"][:]) if not _is_held_out(text, name, held_out)]
        )
        kept = clear
        if source.rows and source.rows < len(clear):
            kept = clear.shuffle(seed=drawn or seed).select(range(source.rows))
        counts[source.name] = {
            "rows": len(kept),
            "duplicates": len(rows) - len(distinct),
            "overlaps": len(distinct) - len(clear) + left_out.pop("terms", 0),
            **left_out,
        }
        if (record := Path(source.name).with_suffix(".json")).is_file() and source.name.endswith(".parquet"):
            counts[source.name]["teacher"] = read_json(record)
        if taught is not None:
            kept = taught.soften(kept, is_left_out)
        kept = kept.add_column("source", [source.name] * len(kept))
        parts.extend([kept] * source.repeat)
        if copied and (source.vary or source.irony):
            trained = kept  # of a text that will be held out no copy may train either
            if validation_share:
                trained = split_validation(kept, validation_share, seed)["train"]
            copies = concatenate_datasets([varied(trained, source.vary, seed), ironic(trained, source.irony, seed)])
            copies = copies.select(
                [index for index, text in enumerate(copies["text"][:]) if not _is_held_out(text, name, held_out)]
            )
            counts[source.name]["copies"] = len(copies)
            every_copy.append(copies)
    rows = concatenate_datasets(parts)
    return Mixture(rows, concatenate_datasets(every_copy) if every_copy else rows.select([]), counts)


@dataclass(frozen=True, slots=True)
class Taught:
    """What a teacher says of texts: the probabilities of the three labels, and which share of a row they make up."""

    says: Mapping[str, list[float]]
    share: float

    def soften(self, rows: Dataset, but: Callable[[str], bool]) -> Dataset:
        """The rows with the teacher's part in their `probabilities`, save where it says nothing or `but` is true."""

        def mixed(text: str, probabilities: list[float]) -> list[float]:
            says = self.says.get(text)
            if says is None or but(text):
                return probabilities
            return [own * (1 - self.share) + its * self.share for own, its in zip(probabilities, says, strict=True)]

        def of_batch(batch: dict[str, list[Any]]) -> dict[str, list[list[float]]]:
            return {"probabilities": list(map(mixed, batch["text"], batch["probabilities"]))}

        return rows.map(of_batch, batched=True, features=rows.features, desc="what the teacher says")


def _either(first: Callable[[str], bool], second: Callable[[str], bool], text: str) -> bool:
    return first(text) or second(text)


def _is_held_out(text: str, name: str, held_out: set[str]) -> bool:
    """Whether a text of the source `name` is one that no training may see.

    Of what we wrote ourselves one or two words are anybody's: "gg" stands in every set of game chat, and is not
    learned from there.
    """
    if name in _OURS and len(text.split()) < _ANYBODYS_WORDS:
        return False
    return key(text) in held_out


def held_out_keys(data: Path | None) -> set[str]:
    """Keys of every text in a split that no training may see; sets that are not there hold nothing."""
    found: set[str] = set()
    for name, corpus in CORPORA.items():
        for split in corpus.held_out():
            there = data is not None and corpus.file(data, split).is_file()
            if not corpus.folder or there or (data is None and corpus.hub):
                texts = raw_texts(name, split, data)
                found.update(key(text) for text in texts if name not in _OURS or len(text.split()) >= _ANYBODYS_WORDS)
    return found


def held_out_terms() -> Callable[[str], bool]:
    """Tells whether a text holds a slang term of our own test split."""
    return terms_in(test_terms())


def test_terms() -> frozenset[str]:
    """The slang terms of our own test split."""
    return frozenset(row["term"] for row in read_expressions() if row["split"] == "test") - {""}


def terms_in(terms: Collection[str]) -> Callable[[str], bool]:
    """Tells whether a text holds one of these terms, as whole words of both cleaned.

    The text is as somebody wrote it: an emoji is looked for as it stands, for cleaned it is an ordinary word such as
    "angry".
    """
    if not terms:
        return lambda _text: False
    signs = {term for term in terms if not _WORD.search(term)}
    phrases = sorted({_words(term) for term in terms if term not in signs})
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, phrases))})(?!\w)")
    return lambda text: bool(pattern.search(_words(text))) or any(sign in text for sign in signs)


def _words(text: str) -> str:
    return " ".join(_WORD.findall(clean(text).casefold()))


def key(text: str) -> str:
    """The letters and digits of a text, cleaned and case-folded: what two copies of it share."""
    letters = "".join(char for char in clean(text).casefold() if char.isalnum())
    return letters or text


def read_soft_labels(folder: Path, share: float) -> Taught:
    """What a teacher said of the phase's rows (`training.soft_labels`). Raises DataError as `read_taught` does."""
    rows = read_taught(folder / LABELLED)
    return Taught(dict(zip(rows["text"][:], rows["probabilities"][:], strict=True)), share)


def read_taught(file: Path) -> Dataset:
    """Rows that a teacher labelled: `text`, `label3` and `probabilities` of the three labels.

    Raises DataError when the file is missing, lacks a column, or holds what is no label or no probabilities.
    """
    if not file.is_file():
        command = "soft-labels" if file.name in {LABELLED, UNLABELLED} else "teach"
        raise DataError(f"There's no taught file at {file}; `python -m training {command}` writes one.")
    rows = read_parquet(file)
    missing = [name for name in _SOFT if name not in rows.column_names]
    if missing:
        raise DataError(f"{file} lacks the column {missing[0]!r}; it needs {', '.join(_SOFT)}.")
    texts = read_texts(rows, "text", file.name)
    labels = read_labels(rows, LABEL3, file.name)
    shares = rows["probabilities"][:]
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


def _one_hot(batch: dict[str, list[int]]) -> dict[str, list[list[float]]]:
    return {"probabilities": [_ONE_HOT[label] for label in batch["label3"]]}


def _soft(source: Source, data: Path | None, drop: Callable[[str], bool] | None) -> tuple[Dataset, dict[str, int]]:
    """A source's rows with their probabilities, and how many of its rows were left out, by reason."""
    if source.name.endswith(".parquet"):
        rows = read_taught(Path(source.name))
        return (rows if drop is None else rows.filter(lambda row: not drop(row["text"]), desc="terms")), {}
    hard = load_labelled(source.name, "train", data, drop=drop)
    rows = hard.rows.map(_one_hot, batched=True, features=_SOFT, desc="targets")
    return rows, hard.left_out
