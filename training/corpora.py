"""Every data set by name: where it is found, how its rows become text and label, and its licence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NEGATIVE, NEUTRAL, POSITIVE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Corpus:
    """Where a data set is found and how its rows become `text` and `label3` (0 negative, 1 neutral, 2 positive).

    `files` names the split's file in `folder` and, where there is a `hub` id, the split there. A set of
    `evaluation_only` never trains: its texts, like those of every test and validation split, are taken out of
    training mixtures.
    """

    folder: str
    files: dict[str, str]
    label3: Callable[[dict[str, Any]], int | None]
    licence: str
    hub: str | None = None
    config: str | None = None
    text: str = "text"
    evaluation_only: bool = False

    def file(self, data: Path, split: str) -> Path:
        """Where the split's Parquet file lies in a folder of sets."""
        return data / self.folder / f"{self.files[split]}.parquet"

    def held_out(self) -> list[str]:
        """The splits that no training may see."""
        return [split for split in self.files if self.evaluation_only or split != "train"]


def _column(row: dict[str, Any]) -> int | None:
    label: int | None = row["label3"]
    return label


def _binary(row: dict[str, Any]) -> int | None:
    return {0: NEGATIVE, 1: POSITIVE}.get(row["label"])


def _three(row: dict[str, Any]) -> int | None:
    return int(row["label"]) if row["label"] in (0, 1, 2) else None


def _valence(row: dict[str, Any]) -> int | None:
    """A lexicon's mean valence; one weaker than 1 on the scale of -4 to 4 says nothing clear."""
    return POSITIVE if row["valence"] >= 1 else NEGATIVE if row["valence"] <= -1 else None


def _unlabelled(_: dict[str, Any]) -> int | None:
    return None


_SPLITS = {"train": "train", "validation": "validation", "test": "test"}
_TRAIN_TEST = {"train": "train", "test": "test"}
_IMDB = "research use, please cite Maas et al. 2011"
_UNSTATED = "not stated; evaluation only"

CORPORA: dict[str, Corpus] = {
    "imdb": Corpus("imdb", _TRAIN_TEST, _binary, _IMDB, hub="stanfordnlp/imdb"),
    "imdb_unsupervised": Corpus("imdb", {"train": "unsupervised"}, _unlabelled, _IMDB, hub="stanfordnlp/imdb"),
    "tweet_eval": Corpus(
        "tweet_eval", _SPLITS, _three, "Twitter's terms apply", hub="cardiffnlp/tweet_eval", config="sentiment"
    ),
    "goemotions": Corpus("goemotions", _SPLITS, _column, "CC BY 4.0"),
    "figure_eight": Corpus("figure_eight", _TRAIN_TEST, _column, "CC BY 4.0"),
    "senti4sd": Corpus("senti4sd", _TRAIN_TEST, _column, "MIT"),
    "amazon": Corpus("snippets", {"train": "amazonReviewSnippets"}, _column, "MIT"),
    "movie": Corpus("snippets", {"train": "movieReviewSnippets"}, _column, "MIT"),
    "nyt": Corpus("snippets", {"train": "nytEditorialSnippets"}, _column, "MIT"),
    "isarcasm": Corpus("isarcasm", {"train": "train_en", "test": "test_en"}, _unlabelled, "MIT"),
    "expressions": Corpus("", _SPLITS, _column, "MIT"),
    "slang_list": Corpus("slang", {"train": "seed_49"}, _column, "MIT"),
    "genz_terms": Corpus("slang", {"train": "genz_kaspercools"}, _unlabelled, "MIT", text="meaning"),
    "genz_emojis": Corpus("slang", {"train": "genz_emojis_kaspercools"}, _unlabelled, "MIT", text="meaning"),
    "film_slang": Corpus("slang", {"train": "opensub_slang_terms"}, _unlabelled, "Apache-2.0", text="meaning"),
    "vader_lexicon": Corpus("lexicons", {"train": "vader_lexicon"}, _valence, "MIT", text="term"),
    "afinn": Corpus("lexicons", {"train": "afinn_165_emoticon8"}, _valence, "MIT", text="term"),
    "twitch": Corpus("evaluate", {"test": "twitch_2026"}, _column, _UNSTATED, evaluation_only=True),
    "ss_youtube": Corpus("evaluate", {"test": "ss_youtube"}, _column, _UNSTATED, evaluation_only=True),
    "sst2": Corpus(
        "evaluate", {"validation": "sst2_dev", "test": "sst2_test"}, _column, _UNSTATED, evaluation_only=True
    ),
    "dota2_students": Corpus(
        "evaluate/dota2_students", {"validation": "dev"}, _column, _UNSTATED, evaluation_only=True
    ),
    "field_cases": Corpus("evaluate", {"validation": "field_cases"}, _unlabelled, _UNSTATED, evaluation_only=True),
}
