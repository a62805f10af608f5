"""Data sets by name, from the hub or from local Parquet, cleaned as the bot cleans."""

from __future__ import annotations

import codecs
import csv
import hashlib
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from datasets import Dataset, DatasetDict, Features, Value

from model.text.cleaning import clean, is_readable
from model.verdict import SENTIMENTS, Sentiment
from training.datasets_catalog import CORPORA, Corpus
from training.errors import DataError
from training.frequent_messages import read_frequent_rows
from training.labels import NEUTRAL, UNLABELLED, read_labels, read_texts
from training.languages import read_languages
from training.moods import with_moods
from training.stored import read_rows

EXPRESSIONS = Path(__file__).parent / "slang" / "expressions.csv"
CHAT = Path(__file__).parent / "chat" / "chat.csv"
CHAT_TEST = CHAT.with_name("test.csv")

LANGUAGE = "lang"
"""The column in which a set says in which language a text is."""

_FEATURES = Features({"text": Value("string"), "label3": Value("int64")})
_TWITTER_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}|\\\"")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows with `text` and `label3`, and how many rows of their split were left out, by reason.

    "unlabelled" have no label, in a lexicon no clear one, or fewer words than the set must have; "unreadable" have a
    label and nothing to read.
    """

    rows: Dataset
    left_out: dict[str, int]


def load_split(name: str, split: str, data: Path | None) -> Dataset:
    """The rows of `load_labelled` alone: cleaned, readable `text` and `label3`."""
    return load_labelled(name, split, data).rows


def load_labelled(
    name: str, split: str, data: Path | None, *, cleaned: bool = True, drop: Callable[[str], bool] | None = None
) -> LabelledRows:
    """One split's labelled, readable rows, their texts cleaned as the bot cleans or else as people wrote them.

    `data` is a folder of Parquet files; without it the set comes from the hub. "expressions:KIND" and "chat:KIND" are
    the parts of our own sentences of that kind, "tweet_eval:negative" the part of another set with that label,
    "umsab:es" the part in that language of a set that says in which its texts are, and "languages:es" that of our own.
    Texts that `drop` says so of, as people wrote them, count as "terms". Rows that are left out are counted, and logged
    as a warning. Raises DataError naming the set, and what would bring it, when it cannot be had, has no labels or
    others than it should, or when no row of it is left.
    """
    raw = load_raw(name, split, data)
    words = CORPORA[name.partition(":")[0]].min_words
    labelled = raw.filter(
        lambda texts, labels: [
            label != UNLABELLED and len(text.split()) >= words for text, label in zip(texts, labels, strict=True)
        ],
        input_columns=["text", "label3"],
        batched=True,
        desc=f"labelled rows of {name}/{split}",
    )
    labelled_count = len(labelled)
    if drop is not None:
        labelled = labelled.filter(lambda row: not drop(row["text"]), desc="terms")
    if cleaned:
        rows = _readable(labelled.map(_cleaned, batched=True, desc=f"cleaning {name}/{split}"))
    else:
        rows = labelled.filter(lambda row: is_readable(clean(row["text"])), desc="readable")
    left_out = {"unlabelled": len(raw) - labelled_count, "unreadable": len(labelled) - len(rows)}
    if drop is not None:
        left_out["terms"] = labelled_count - len(labelled)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items() if count)
    if len(rows) == 0:
        raise DataError(f"Of the {len(raw):,} rows of {name}/{split} none is left: {reasons or 'there are none'}.")
    if reasons:
        _log.warning("%s/%s: of %s rows are left out: %s.", name, split, f"{len(raw):,}", reasons)
    return LabelledRows(rows, left_out)


def load_raw(name: str, split: str, data: Path | None) -> Dataset:
    """One split as its people wrote it: all rows, `text` not yet cleaned, `label3` -1 where there is no label.

    Raises DataError as `load_labelled` does.
    """
    name, _, part = name.partition(":")
    corpus = _known(name, split)
    if corpus.scheme is None or (corpus.moods and split != "train"):
        raise DataError(f"{name} has no labels of negative, neutral and positive: it can neither train nor be scored.")
    stored = _OWN[name](split, part) if name in _OWN else read_rows(name, corpus, split, data)
    if corpus.moods:
        stored = with_moods(name, stored)
    if part and name not in _OWN and part not in SENTIMENTS:
        stored, part = _in_language(name, stored, part), ""
    where = f"{name}/{split}"
    labels = read_labels(stored, corpus.scheme, where)
    texts = [_plain(text) for text in read_texts(stored, corpus.text, where)]
    rows = Dataset.from_dict({"text": texts, "label3": labels}, features=_FEATURES)
    if not part or name in _OWN:
        return rows
    wanted = SENTIMENTS.index(Sentiment(part))
    return rows.filter(lambda row: row["label3"] == wanted, desc=f"{part} of {name}")


def _in_language(name: str, stored: Dataset, language: str) -> Dataset:
    """The rows that a set says are in a language."""
    said = stored[LANGUAGE][:] if LANGUAGE in stored.column_names else []
    if language not in said:
        parts = ", ".join([*SENTIMENTS, *sorted(set(said))])
        raise DataError(f"{name} has no part {language!r}; its parts are {parts}.")
    return stored.select([place for place, one in enumerate(said) if one == language])


def raw_texts(name: str, split: str, data: Path | None) -> list[str]:
    """All texts of a split as people wrote them, whatever its labels. Raises DataError as `load_labelled` does."""
    corpus = _known(name, split)
    stored = _OWN[name](split, "") if name in _OWN else read_rows(name, corpus, split, data)
    return [_plain(text) for text in read_texts(stored, corpus.text, f"{name}/{split}")]


def load_texts(name: str, data: Path | None, *, without: Iterable[str]) -> Dataset:
    """Distinct, cleaned, readable texts of an unlabelled set, as one column `text`, less those of `without`."""
    raw = Dataset.from_dict({"text": raw_texts(name, "train", data)})
    rows = raw.map(_cleaned, batched=True, desc=f"cleaning {name}")
    seen = {text.casefold() for text in without}
    keep: list[int] = []
    for index, text in enumerate(rows["text"][:]):
        if is_readable(text) and text.casefold() not in seen:
            seen.add(text.casefold())
            keep.append(index)
    return rows.select(keep)


@cache
def read_expressions() -> tuple[dict[str, str], ...]:
    """Our own sentences, all columns as text; `training/slang/README.md` explains them."""
    with EXPRESSIONS.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def read_chat() -> tuple[dict[str, str], ...]:
    """Our own chat messages, all columns as text; `training/chat/README.md` explains them."""
    rows: list[dict[str, str]] = []
    for path in (CHAT, CHAT_TEST):
        with path.open(encoding="utf-8", newline="") as file:
            rows.extend(csv.DictReader(file))
    return tuple(rows)


def without_duplicates(rows: Dataset) -> Dataset:
    """Keeps the first of rows whose texts are equal up to case and whose labels agree."""
    seen: set[tuple[str, int]] = set()
    keep: list[int] = []
    for index, (text, label) in enumerate(zip(rows["text"][:], rows["label3"][:], strict=True)):
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

    chosen = [held_out(text) for text in rows["text"][:]]
    train = [index for index, held in enumerate(chosen) if not held]
    validation = list(dict.fromkeys(index for index, held in enumerate(chosen) if held))
    return DatasetDict(train=rows.select(train), validation=without_duplicates(rows.select(validation)))


def fingerprint(rows: Dataset) -> str:
    """A short SHA-256 over texts and labels in order: the same data gives the same word."""
    digest = hashlib.sha256()
    for text, label in zip(rows["text"][:], rows["label3"][:], strict=True):
        digest.update(f"{label}\t{text}\n".encode("utf-8", "replace"))
    return digest.hexdigest()[:16]


def _cleaned(batch: dict[str, list[str]]) -> dict[str, list[str]]:
    """Texts as the bot cleans them. By the batch: row by row the library takes ten times as long as the cleaning."""
    return {"text": [clean(text) for text in batch["text"]]}


def _readable(rows: Dataset) -> Dataset:
    """The rows whose cleaned text can be read."""
    return rows.filter(
        lambda texts: [is_readable(text) for text in texts], input_columns="text", batched=True, desc="readable"
    )


def _known(name: str, split: str) -> Corpus:
    """The set called `name`. Raises DataError when there is none or it has no such split."""
    corpus = CORPORA.get(name)
    if corpus is None:
        raise DataError(f"There's no data set named {name!r}; known sets are {', '.join(CORPORA)}.")
    if split not in corpus.files:
        raise DataError(f"{name} has no {split} split; it has {', '.join(corpus.files)}.")
    return corpus


def _read_expressions(split: str, kind: str) -> Dataset:
    """Our own sentences. Praise and blame in one sentence stands there twice, as its leaning and as neutral."""
    rows = [row for row in read_expressions() if row["split"] == split and kind in ("", row["kind"])]
    if not rows:
        raise DataError(f"Our own sentences have none of the kind {kind!r}.")
    texts = [(row["sentence"], int(row["label3"])) for row in rows]
    texts += [(row["sentence"], NEUTRAL) for row in rows if row["kind"] == "mixed" and int(row["label3"]) != NEUTRAL]
    return Dataset.from_dict({"text": [text for text, _ in texts], "label3": [label for _, label in texts]})


def _read_chat(split: str, kind: str) -> Dataset:
    """Our own chat, less what its readers did not agree on."""
    rows = [row for row in read_chat() if kind in ("", row["kind"])]
    return _agreed(rows, split, f"Our own chat has none of the kind {kind!r}.")


def _read_languages(split: str, language: str) -> Dataset:
    """Our own chat in other languages, in all of them or in one, less what its readers did not agree on."""
    rows = [row for row in read_languages() if language in ("", row["language"])]
    return _agreed(rows, split, f"Our own chat in other languages has none in {language!r}.")


def _agreed(rows: Iterable[dict[str, str]], split: str, none: str) -> Dataset:
    """Those of a split on which all readers agreed. Raises DataError with the sentence `none` where there are none."""
    kept = [row for row in rows if row["split"] == split and row["debatable"] == "0"]
    if not kept:
        raise DataError(none)
    labels = [SENTIMENTS.index(Sentiment(row["label"])) for row in kept]
    return Dataset.from_dict({"text": [row["text"] for row in kept], "label3": labels})


def _read_frequent(_split: str, _part: str) -> Dataset:
    """The messages that people send most, those whose two readers agree."""
    rows = [row for row in read_frequent_rows() if row["label"]]
    labels = [SENTIMENTS.index(Sentiment(row["label"])) for row in rows]
    return Dataset.from_dict({"text": [row["text"] for row in rows], "label3": labels})


_OWN = {"expressions": _read_expressions, "chat": _read_chat, "languages": _read_languages, "frequent": _read_frequent}
"""Sets that come with the program, by split and kind."""


def _plain(text: str) -> str:
    """Undoes the JSON escapes that some tweet collections keep in their text."""
    plain = _TWITTER_ESCAPE.sub(lambda match: codecs.decode(match[0], "unicode_escape"), text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # an emoji is two escapes
