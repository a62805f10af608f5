"""What a visitor hands in to be read in bulk: pasted lines, or a CSV and one of its columns."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

MAX_LINES = 10_000
MAX_FILE_BYTES = 16 * 2**20
MAX_COLUMNS = 1_000

_USUAL_NAMES = ("text", "message", "content", "tweet", "review", "comment", "sentence", "body", "post", "title")
_DELIMITERS = ",;\t"
_GUESSED_FROM = 50
"""Rows that are looked at to guess which column holds the texts."""

_NAMED = 8
"""Columns that an error message names."""

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class BadTable(Exception):
    """What was handed in cannot be read; the message is a sentence for the visitor."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equal width under `header`; `column` is the place of the texts."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    column: int = 0

    @property
    def texts(self) -> list[str]:
        """What is to be read, in order."""
        return [row[self.column] for row in self.rows]


def pasted(text: str) -> Table:
    """One row for each line that is not blank. Raises BadTable."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise BadTable("Nothing to read yet: paste some lines, or choose a CSV file.")
    _check_count(len(lines), "The text")
    return Table(("text",), tuple((line,) for line in lines))


def read_csv(content: bytes, name: str, column: int | None = None) -> Table:
    """The rows of a CSV whose first line names its columns; without `column` the place of the texts is guessed.

    A file with one column and no usual name above it is taken for plain lines. Raises BadTable.
    """
    rows = _rows(_decoded(content, name), name)
    if not rows:
        raise BadTable(f"{name} is empty.")
    header = tuple(cell.strip() or f"column {number}" for number, cell in enumerate(rows[0], 1))
    if len(header) == 1 and header[0].lower() not in _USUAL_NAMES:
        header = ("text",)
    else:
        del rows[0]
    if not rows:
        raise BadTable(f"{name} has a line of column names and nothing below it.")
    _check_count(len(rows), name)
    width = len(header)
    longer = next((number for number, row in enumerate(rows, 2) if len(row) > width), None)
    if longer is not None:
        raise BadTable(f"Row {longer} of {name} has more cells than there are columns; is a comma not in quotes?")
    even = tuple(tuple(row) + ("",) * (width - len(row)) for row in rows)
    if column is None:
        column = _guess(header, even)
    elif not 0 <= column < width:
        listed = ", ".join(header[:_NAMED]) + (", …" if width > _NAMED else "")
        raise BadTable(f"{name} has no such column; choose one of its own: {listed}.")
    return Table(header, even, column)


def _decoded(content: bytes, name: str) -> str:
    if len(content) > MAX_FILE_BYTES:
        raise BadTable(f"{name} has more than {MAX_FILE_BYTES // 2**20} MB; split it and try again.")
    if content.startswith(_UTF_16):  # what spreadsheets call Unicode text
        return content.decode("utf-16", "replace")
    if b"\0" in content:
        raise BadTable(f"{name} is not a text file; save the table as CSV and try again.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadTable(
            f"{name} is not UTF-8 text (byte {error.start:,}); save it as CSV UTF-8 and try again."
        ) from None


def _rows(text: str, name: str) -> list[list[str]]:
    first = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    csv.field_size_limit(MAX_FILE_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    filled = (row for row in reader if any(cell.strip() for cell in row))
    try:
        rows = list(islice(filled, MAX_LINES + 2))
        rest = sum(1 for _ in filled)
    except csv.Error as error:
        raise BadTable(f"{name} is not a CSV that can be read: {error}.") from None
    if rest:
        _check_count(len(rows) + rest - 1, name)
    if rows and len(rows[0]) > MAX_COLUMNS:
        raise BadTable(f"{name} has {len(rows[0]):,} columns; at most {MAX_COLUMNS:,} are taken.")
    return rows


def _check_count(count: int, name: str) -> None:
    if count > MAX_LINES:
        raise BadTable(f"{name} has {count:,} lines; at most {MAX_LINES:,} are read at once.")


def _guess(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The column with a usual name, else the one with the longest cells that are no numbers."""
    names = [re.sub(r"\W+", "", name.lower()) for name in header]
    for usual in _USUAL_NAMES:
        if usual in names:
            return names.index(usual)
    sample = rows[:_GUESSED_FROM]
    return max(range(len(header)), key=lambda place: sum(len(row[place]) for row in sample if not _number(row[place])))


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
