"""Every data set by name: where it is found, how its rows become text and label, and its licence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from training.labels import LABEL3, THREE, TWO, Scheme, Valence


@dataclass(frozen=True, slots=True)
class Corpus:
    """Where a data set is found and how its rows become `text` and `label3` (0 negative, 1 neutral, 2 positive).

    `scheme` says what its labels mean; without one it has none. `files` names the split's file in `folder` and, where
    there is a `hub` id, the split there; a set without a folder comes with the program. A set of `evaluation_only`
    never trains: its texts, like those of every test and validation split, are taken out of training mixtures.
    """

    folder: str
    files: dict[str, str]
    scheme: Scheme | None
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


_SPLITS = {"train": "train", "validation": "validation", "test": "test"}
_TRAIN_TEST = {"train": "train", "test": "test"}
_IMDB = "research use, please cite Maas et al. 2011"
_UNSTATED = "not stated; evaluation only"

CORPORA: dict[str, Corpus] = {
    "imdb": Corpus("imdb", _TRAIN_TEST, replace(TWO, gaps=True), _IMDB, hub="stanfordnlp/imdb"),
    "imdb_unsupervised": Corpus("imdb", {"train": "unsupervised"}, None, _IMDB, hub="stanfordnlp/imdb"),
    "tweet_eval": Corpus(
        "tweet_eval", _SPLITS, THREE, "Twitter's terms apply", hub="cardiffnlp/tweet_eval", config="sentiment"
    ),
    "goemotions": Corpus("goemotions", _SPLITS, replace(LABEL3, gaps=True), "CC BY 4.0"),
    "figure_eight": Corpus("figure_eight", _TRAIN_TEST, LABEL3, "CC BY 4.0"),
    "senti4sd": Corpus("senti4sd", _TRAIN_TEST, LABEL3, "MIT"),
    "amazon": Corpus("snippets", {"train": "amazonReviewSnippets"}, LABEL3, "MIT"),
    "movie": Corpus("snippets", {"train": "movieReviewSnippets"}, LABEL3, "MIT"),
    "nyt": Corpus("snippets", {"train": "nytEditorialSnippets"}, LABEL3, "MIT"),
    "isarcasm": Corpus("isarcasm", {"train": "train_en", "test": "test_en"}, None, "MIT"),
    "expressions": Corpus("", _SPLITS, LABEL3, "MIT"),
    "chat": Corpus("", {"train": "train", "validation": "validation"}, LABEL3, "MIT"),
    "slang_list": Corpus("slang", {"train": "seed_49"}, LABEL3, "MIT"),
    "genz_terms": Corpus("slang", {"train": "genz_kaspercools"}, None, "MIT", text="meaning"),
    "genz_emojis": Corpus("slang", {"train": "genz_emojis_kaspercools"}, None, "MIT", text="meaning"),
    "film_slang": Corpus("slang", {"train": "opensub_slang_terms"}, None, "Apache-2.0", text="meaning"),
    "vader_lexicon": Corpus("lexicons", {"train": "vader_lexicon"}, Valence(4), "MIT", text="term"),
    "afinn": Corpus("lexicons", {"train": "afinn_165_emoticon8"}, Valence(5), "MIT", text="term"),
    "twitch": Corpus("evaluate", {"test": "twitch_2026"}, LABEL3, _UNSTATED, evaluation_only=True),
    "ss_youtube": Corpus("evaluate", {"test": "ss_youtube"}, LABEL3, _UNSTATED, evaluation_only=True),
    "sst2": Corpus(
        "evaluate", {"validation": "sst2_dev", "test": "sst2_test"}, LABEL3, _UNSTATED, evaluation_only=True
    ),
    "dota2_students": Corpus("evaluate/dota2_students", {"validation": "dev"}, LABEL3, _UNSTATED, evaluation_only=True),
    "field_cases": Corpus("evaluate", {"validation": "field_cases"}, None, _UNSTATED, evaluation_only=True),
}
