"""Edits that change nothing of what a message says, so that a model answers the same whichever way it was typed.

Final punctuation, who is addressed, case, laughter after it, a stretched letter, two letters swapped: the invariances
that Ribeiro et al. 2020 test for ("Beyond Accuracy", ACL), here trained with hard labels.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from datasets import Dataset, concatenate_datasets

from model.text.cleaning import clean, is_readable
from training.labels import NEGATIVE, NEUTRAL, POSITIVE

Edit = Callable[[str, random.Random], str]

_ENDS = (".", "!", "...")
_LAUGHTER = ("lol", "lmao", "haha", "LOL", "😂", "🤣", "xD")
_LETTERS = re.compile(r"[A-Za-z]{3,}")
_ACCENTED = re.compile("[\u00e0-\u017f]")
_BARE = str.maketrans("\u0131\u0142\u00f8\u0111", "ilod")
_LONG = re.compile(r"[A-Za-z]{5,}")


def other_end(text: str, rng: random.Random) -> str:
    """Without its final punctuation, or with some. A question mark stays: it may make the difference."""
    if text.endswith("?"):
        return text
    bare = text.rstrip(".!")
    return bare if bare and bare != text else text + rng.choice(_ENDS)


def addressed(text: str, rng: random.Random) -> str:
    """Said to somebody."""
    return rng.choice(("@user {}", "{} @user")).format(text)


def other_case(text: str, rng: random.Random) -> str:
    """In small letters, with a capital, or in capitals."""
    ways = {text.lower(), text[:1].upper() + text[1:], text.upper()} - {text}
    return rng.choice(sorted(ways)) if ways else text


def laughed(text: str, rng: random.Random) -> str:
    """With laughter after it, which takes nothing back. Not for what is neutral: there it may be the only mood."""
    return f"{text} {rng.choice(_LAUGHTER)}"


def stretched(text: str, rng: random.Random) -> str:
    """With the last letter of a word drawn out."""
    words = list(_LETTERS.finditer(text))
    if not words:
        return text
    end = rng.choice(words).end()
    return text[:end] + text[end - 1] * rng.randint(2, 4) + text[end:]


def mistyped(text: str, rng: random.Random) -> str:
    """With two letters inside a word swapped."""
    words = list(_LONG.finditer(text))
    if not words:
        return text
    word = rng.choice(words)
    at = rng.randrange(word.start() + 1, word.end() - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def unaccented(text: str, _rng: random.Random) -> str:
    """Without accents and the like, as people type who have no keys for them."""
    bare = (sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    return "".join(bare).translate(_BARE)


EDITS: tuple[Edit, ...] = (other_end, other_end, addressed, addressed, other_case, laughed, stretched, mistyped)
"""Twice what people do most."""


def edited(text: str, label: int, rng: random.Random) -> str:
    """The text with one of the edits that suit it, cleaned as the bot cleans; the same text where none does."""
    edits = [edit for edit in EDITS if label != NEUTRAL or edit is not laughed]
    if _ACCENTED.search(text):
        edits += [unaccented, unaccented]
    rng.shuffle(edits)
    for edit in edits:
        other = clean(edit(text, rng))
        if other != text and is_readable(other):
            return other
    return text


def ironic(rows: Dataset, share: float, seed: int) -> Dataset:
    """Praise of two words and more with a mark of irony at its end, which makes it blame: copies of a share of it."""
    rng = random.Random(seed)  # noqa: S311  # nothing here is a secret
    praise = [
        index
        for index, (text, label) in enumerate(zip(rows["text"][:], rows["label3"][:], strict=True))
        if label == POSITIVE and len(text.split()) > 1 and rng.random() < share
    ]

    def marked(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        texts = [clean(f"{text} /s") for text in batch["text"]]
        return {
            "text": texts,
            "label3": [NEGATIVE] * len(texts),
            "probabilities": [[1.0, 0.0, 0.0] for _ in texts],
        }

    return rows.select(praise).map(marked, batched=True, features=rows.features, desc="marked as irony")


def varied(rows: Dataset, copies: int, seed: int) -> Dataset:
    """So many edited copies of each row (`text`, cleaned, and `label3`), always the same ones for a seed."""

    def edit(batch: dict[str, list[Any]], number: int) -> dict[str, list[str]]:
        others = []
        for text, label in zip(batch["text"], batch["label3"], strict=True):
            rng = random.Random(f"{seed}:{number}:{text}")  # noqa: S311  # nothing here is a secret
            others.append(edited(text, label, rng))
        return {"text": others}

    found, texts = [], rows["text"][:]
    for number in range(copies):
        others = rows.map(edit, batched=True, fn_kwargs={"number": number}, desc="edited copies")
        changed = [index for index, (old, new) in enumerate(zip(texts, others["text"][:], strict=True)) if old != new]
        found.append(others.select(changed))
    return concatenate_datasets(found) if found else rows.select([])
