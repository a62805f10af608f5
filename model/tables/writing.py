"""What was found, written beside what was handed in: a line for each row, no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import count

from model.errors import ModelError, NothingToRead, Unreadable
from model.tables.formulas import harmless
from model.verdict import Sentiment, Verdict

COLUMNS = ("sentiment", "negative", "neutral", "positive", "score", "windows", "parts")
"""What is added. A text has as many `parts` as it was read in `windows`, and more if it was too long for that."""

UNREADABLE = "unreadable"
"""Stands in place of a sentiment; no number is beside it."""


def header_line(header: Sequence[str], end: str = "\r\n") -> str:
    """The names of all columns. If a name is taken, all that are added get something before them."""
    taken = {name.strip().casefold() for name in header}
    prefixes = ("" if number == 0 else "vibecheck_" if number == 1 else f"vibecheck{number}_" for number in count())
    added = next(
        names for prefix in prefixes if not taken.intersection(names := [f"{prefix}{name}" for name in COLUMNS])
    )
    return _line([*map(harmless, header), *added], end)


def row_line(row: Sequence[str], answer: Verdict | ModelError, end: str = "\r\n") -> str:
    """A row with its answer. Whatever ends lines is in quotes where it stands inside of a cell."""
    return _line([*map(harmless, row), *result_cells(answer)], end)


def result_cells(answer: Verdict | ModelError) -> list[str]:
    """The cells of `COLUMNS`. They are empty for an error; a person in danger gets no numbers, for it is no rating."""
    nothing = [""] * (len(COLUMNS) - 1)
    if isinstance(answer, NothingToRead):
        return [Sentiment.NEUTRAL, "0.0", "1.0", "0.0", "0.0", "0", "0"]
    if isinstance(answer, ModelError):
        return [UNREADABLE if isinstance(answer, Unreadable) else "", *nothing]
    if answer.danger:
        return [answer.sentiment, *nothing]
    probabilities = (f"{probability:.6f}" for probability in answer.probabilities)
    return [answer.sentiment, *probabilities, f"{answer.score:.6f}", str(answer.windows), str(answer.parts)]


def _line(cells: Iterable[str], end: str) -> str:
    # The writer puts quotes around what ends its lines: with "\n" alone a bare "\r" in a cell would begin a new row.
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n") + end
