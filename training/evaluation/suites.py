"""What systems are asked: labelled texts, as people wrote them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import emoji
import numpy as np
from numpy.typing import NDArray

from model.text.cleaning import clean
from model.verdict import SENTIMENTS, Sentiment
from training.data import load_labelled, read_chat, read_expressions
from training.datasets_catalog import CORPORA
from training.errors import DataError
from training.languages import LANGUAGES
from training.stored import check_folder

UMSAB = ("ar", "de", "es", "fr", "hi", "it", "pt")
"""The languages of that benchmark but English."""

COUNTRIES = Path(__file__).parent / "countries.txt"


@dataclass(frozen=True, slots=True)
class Suite:
    """Texts with their truth (label ids 0 to 2, shape (n,)).

    `ways` is 2 where the truth has no neutral and none is taken as an answer. In a suite of pairs `pair` gives each
    text's pair (shape (n,)); a pair counts as right when all its texts are. `language` is that of the texts, by its
    code, "" being English.
    """

    name: str
    title: str
    texts: tuple[str, ...]
    truth: NDArray[np.int64]
    ways: int = 3
    pair: NDArray[np.int64] | None = None
    language: str = ""

    def fingerprint(self) -> str:
        """A short hash of the texts in their order."""
        digest = hashlib.sha256()
        for text in self.texts:
            digest.update(text.encode("utf-8", "replace") + b"\n")
        return digest.hexdigest()[:16]


_TITLES = {
    "imdb": ("IMDB reviews", "imdb", "test", 2),
    "tweet_eval": ("TweetEval sentiment", "tweet_eval", "test", 3),
    "goemotions": ("GoEmotions, grouped (Reddit)", "goemotions", "test", 3),
    "figure_eight": ("Figure Eight (casual tweets)", "figure_eight", "test", 3),
    "senti4sd": ("Senti4SD (developers)", "senti4sd", "test", 3),
    "twitch": ("Twitch chat, 2025/26", "twitch", "test", 3),
    "ss_youtube": ("YouTube comments", "ss_youtube", "test", 2),
    "sst2": ("SST-2 sentences", "sst2", "test", 2),
    "tweet_eval_validation": ("TweetEval, validation", "tweet_eval", "validation", 3),
    "sst2_validation": ("SST-2, validation", "sst2", "validation", 2),
    "dota2": ("Game chat (Dota 2)", "dota2_students", "validation", 3),
    "dota2_generic": ("Game chat (Dota 2), one and two words as well", "dota2_students", "all", 3),
    "emocontext": ("Chat with emoji (EmoContext)", "emocontext", "test", 3),
    "github": ("Developers (GitHub)", "github", "validation", 3),
}

_LANGUAGES = {
    **{f"{one}_chat": (f"Our own chat, {one}", f"languages:{one}", "test", 3) for one in LANGUAGES},
    **{f"{one}_tweets": (f"UMSAB tweets, {one}", f"umsab:{one}", "test", 3) for one in UMSAB},
    "es_stream": ("Game streams, es", "twitch_es", "test", 3),
}

_TITLES |= _LANGUAGES


def has_emoji(text: str) -> bool:
    """Whether a text holds an emoji character."""
    return bool(emoji.emoji_count(text))


def _is_slang(row: dict[str, str]) -> bool:
    return row["kind"] in ("slang", "literal")


def _is_trained_word(row: dict[str, str]) -> bool:
    """A word whose other sentences train. Emoji are left to the suite by which models are chosen."""
    return _is_slang(row) and row["term"] in _trained_terms() and not has_emoji(row["term"])


@cache
def _trained_terms() -> frozenset[str]:
    return frozenset(row["term"] for row in read_expressions() if row["split"] == "train")


_PAIRS: dict[str, tuple[str, str, Callable[[dict[str, str]], bool]]] = {
    "slang_unseen": ("Slang pairs of the test split", "test", _is_slang),
    "slang_trained": ("Slang pairs, trained terms in new sentences", "validation", _is_trained_word),
    "emoji": ("Emoji pairs of the test split", "test", lambda row: has_emoji(row["term"])),
    "negation": ("Negation pairs", "test", lambda row: row["kind"] == "negation"),
    "sarcasm": ("Sarcasm pairs", "test", lambda row: row["kind"] == "sarcasm"),
    "emoji_validation": ("Emoji pairs, validation", "validation", lambda row: has_emoji(row["term"])),
    "negation_validation": ("Negation pairs, validation", "validation", lambda row: row["kind"] == "negation"),
    "sarcasm_validation": ("Sarcasm pairs, validation", "validation", lambda row: row["kind"] == "sarcasm"),
}

_CHAT: dict[str, tuple[str, str]] = {
    "chat_atoms": ("Chat atoms: whole messages of one to three words", "atom"),
    "chat_emoji": ("Emoji alone", "emoji"),
    "chat_emotes": ("Emotes alone", "emote"),
}
"""Suites of our own chat's test split, by kind. A single emote or "gg" may stand in the training rows as well."""

_CHAT_PAIRS: dict[str, tuple[str, tuple[str, ...]]] = {
    "chat_negation": ("Negation pairs of other writers", ("negation",)),
    "chat_emoji_pairs": ("Emoji pairs of other writers", ("emoji_pair",)),
    "chat_sarcasm": ("Sarcasm pairs of other writers", ("sarcasm",)),
    "chat_constructions": (
        'Pairs of "but", past, wished, compared, reported, expected',
        ("but", "past", "wish", "compared", "reported", "expectation"),
    ),
}

SUITES = (*_CHAT, *_CHAT_PAIRS, *_TITLES, *_PAIRS)
FINAL = tuple(name for name in SUITES if not name.endswith("_validation") and name not in _LANGUAGES)
"""The suites of a final report; the others are for choosing, or for a model that reads other languages."""

MULTILINGUAL = (*_LANGUAGES, *_CHAT, "twitch", "tweet_eval", "goemotions")
"""The suites for one that does: each language's, and English plain chat."""


def load_suites(names: tuple[str, ...], data: Path | None, rows: int = 0) -> Iterator[Suite]:
    """Suites by name; `rows` above 0 takes that many random texts of each larger one, the same ones each time.

    Raises DataError for an unknown name and for a set that cannot be had.
    """
    for name in names:
        if name in _PAIRS:
            yield _pairs(name)
        elif name in _CHAT:
            yield _chat(name)
        elif name in _CHAT_PAIRS:
            yield _chat_pairs(name)
        elif name in _TITLES:
            yield _labelled(name, data, rows)
        else:
            raise DataError(f"There's no suite named {name!r}; known suites are {', '.join(SUITES)}.")


def available(names: tuple[str, ...], data: Path | None) -> tuple[str, ...]:
    """Those of the suites whose data is in `data`, or on the hub when no folder is given.

    Raises DataError for a folder that is missing or holds none of the labelled sets.
    """
    check_folder(data)

    def there(name: str) -> bool:
        if name not in _TITLES:
            return True
        corpus = CORPORA[_TITLES[name][1].partition(":")[0]]
        if not corpus.folder:
            return True
        if data is None:
            return corpus.hub is not None
        return corpus.file(data, _TITLES[name][2]).is_file()

    found = tuple(name for name in names if there(name))
    if not any(name in _TITLES for name in found) and any(name in _TITLES for name in names):
        raise DataError(f"{data} holds none of the labelled sets, such as imdb/test.parquet.")
    return found


def country_texts() -> tuple[str, ...]:
    """One sentence for each country, in which nothing but its name differs."""
    return tuple(f"This film was filmed in {country}." for country in COUNTRIES.read_text("utf-8").splitlines())


def words(text: str) -> int:
    """How many words a text has after cleaning."""
    return len(clean(text).split())


def _labelled(name: str, data: Path | None, rows: int) -> Suite:
    title, corpus, split, ways = _TITLES[name]
    kept = load_labelled(corpus, split, data, cleaned=False).rows
    if rows and rows < len(kept):
        kept = kept.shuffle(seed=0).select(range(rows))
    labels = np.array(kept["label3"][:], dtype=np.int64)
    return Suite(name, title, tuple(kept["text"][:]), labels, ways, language=name[:2] if name in _LANGUAGES else "")


def _pairs(name: str) -> Suite:
    title, split, belongs = _PAIRS[name]
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in read_expressions():
        if row["split"] == split and row["pair"]:
            groups.setdefault(row["pair"], []).append(row)
    chosen = [
        [(row["sentence"], int(row["label3"])) for row in group]
        for group in groups.values()
        if any(map(belongs, group))
    ]
    return _of_pairs(name, title, chosen)


def _chat(name: str) -> Suite:
    title, kind = _CHAT[name]
    rows = [row for row in read_chat() if row["split"] == "test" and row["kind"] == kind]
    return Suite(name, title, tuple(row["text"] for row in rows), np.array(list(map(_label, rows)), dtype=np.int64))


def _chat_pairs(name: str) -> Suite:
    title, kinds = _CHAT_PAIRS[name]
    groups: dict[str, list[tuple[str, int]]] = {}
    for row in read_chat():
        if row["split"] == "test" and row["kind"] in kinds and row["pair"]:
            groups.setdefault(row["pair"], []).append((row["text"], _label(row)))
    return _of_pairs(name, title, list(groups.values()))


def _label(row: dict[str, str]) -> int:
    return SENTIMENTS.index(Sentiment(row["label"]))


def _of_pairs(name: str, title: str, groups: list[list[tuple[str, int]]]) -> Suite:
    """Groups of texts with their labels, less those in which all labels are one."""
    groups = [group for group in groups if len({label for _, label in group}) > 1]
    texts = tuple(text for group in groups for text, _ in group)
    truth = np.array([label for group in groups for _, label in group], dtype=np.int64)
    pair = np.array([number for number, group in enumerate(groups) for _ in group], dtype=np.int64)
    return Suite(name, title, texts, truth, pair=pair)
