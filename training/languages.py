"""Our own chat in other languages than English: `training/multilingual/README.md` explains the columns."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "multilingual"
LANGUAGES = ("es", "pt", "fr", "de", "it", "tr", "pl")


@cache
def read_languages() -> tuple[dict[str, str], ...]:
    """All rows of all languages, all columns as text, with `language` besides."""
    rows: list[dict[str, str]] = []
    for language in LANGUAGES:
        for path in (FOLDER / f"{language}.csv", FOLDER / f"{language}_test.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                rows.extend({**row, "language": language} for row in csv.DictReader(file))
    return tuple(rows)


def golden_texts() -> tuple[tuple[str, str], ...]:
    """A plain message of each label in each language, with its language, always the same ones: they have trained."""
    found: dict[tuple[str, str], str] = {}
    for row in read_languages():
        words = len(row["text"].split())
        if row["split"] == "train" and row["debatable"] == "0" and row["kind"] == "term" and 4 <= words <= 9:
            found.setdefault((row["language"], row["label"]), row["text"])
    return tuple((text, language) for (language, _), text in found.items())
