"""The word tables beside this file, each read once."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `name`.csv by their column names."""
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def words(name: str) -> dict[str, int]:
    """The words of `name`.txt, one a line, with their places from 0: in lists by frequency the commonest is first."""
    lines = (_FOLDER / f"{name}.txt").read_text("utf-8").split()
    return {word: place for place, word in enumerate(lines)}
