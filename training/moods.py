"""Moods that we had labelled, by row, for sets of other people's texts that know none.

The sets stay where they are: what lies in `training/chat/` are the numbers of their rows, with what two blind readers
say (`training/chat/README.md`).
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from datasets import Dataset

from model.verdict import SENTIMENTS, Sentiment
from training.errors import DataError

ISARCASM = Path(__file__).parent / "chat" / "isarcasm.csv"
OTHERS = ISARCASM.with_name("people.csv")


def with_moods(name: str, stored: Dataset) -> Dataset:
    """The rows of the training split of the set `name` on which its readers agree, as `text` and `label3`.

    Raises DataError when `stored` isn't the split that was labelled.
    """
    moods = mood_rows(name)
    if missing := {row["side"] for row in moods} - set(stored.column_names):
        raise DataError(f"{name}/train lacks the column {min(missing)!r}; it has {', '.join(stored.column_names)}.")
    last = max(int(row["row"]) for row in moods)
    if last >= len(stored):
        raise DataError(f"{name}/train has {len(stored):,} rows; the one that was labelled has {last + 1:,} at least.")
    sides = {side: stored[side][:] for side in {row["side"] for row in moods}}
    texts = [sides[row["side"]][int(row["row"])] for row in moods]
    for row, text in zip(moods, texts, strict=True):
        if "length" in row and len(text or "") != int(row["length"]):
            raise DataError(
                f"{name}/train isn't the split that was labelled: row {row['row']} has {len(text or '')} characters "
                f"instead of {row['length']}."
            )
    return Dataset.from_dict(
        {"text": texts, "label3": [SENTIMENTS.index(Sentiment(row["label"])) for row in moods]},
    )


@cache
def mood_rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a set that have a mood: `row`, `side` (the text's column), `label`, perhaps `length`."""
    with (ISARCASM if name == "isarcasm" else OTHERS).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] and row.get("debatable", "0") == "0"]
    return tuple({"side": "text", **row} for row in rows if row.get("set", name) == name)
