"""A file's bytes to a table: row for row what is in it, or one sentence on what is wrong and in which line."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from model.tables.columns import guess, has_names, plain
from model.tables.decoding import decoded
from model.tables.layouts import find_layout, first_rows, sample
from model.tables.records import Layout, OpenQuote, fitted, records
from model.tables.table import DELIMITERS, BadTable, Limits, Row, Table, listed, printable

_GUESSED_FROM = 50
"""Rows that are looked at to tell names from texts, and the texts' column from others."""


def read_table(content: bytes, name: str, column: str | int | None = None, limits: Limits | None = None) -> Table:
    """The rows of a file, CSV in any of its dialects or plain lines. Lines with nothing in them are no rows.

    `name` is the file's, for messages; one such as `chat.txt` makes plain lines likelier. `column` is the name or the
    place of the texts; without it they are guessed. Rows with too few cells are filled, and empty cells that are too
    many left out. The rows are taken from the text each time they are asked for. Raises BadTable.
    """
    name, limits = printable(name), limits or Limits()
    if limits.bytes is not None and len(content) > limits.bytes:
        raise BadTable(f"{name} has more than {limits.bytes // 2**20} MB. Split it and try again.")
    text = decoded(content, name)
    table, layout = _looked_at(text, name, column, limits)
    rows = _Rows(text, layout, table.named, len(table.header), _count(text, layout, table, name))
    if not len(rows):
        raise BadTable(f"{name} has a line of column names and nothing below it.")
    if limits.rows is not None and len(rows) > limits.rows:
        raise BadTable(f"{name} has {len(rows):,} lines. I read at most {limits.rows:,} at once.")
    return replace(table, rows=rows)


def look_at(content: bytes, name: str, limits: Limits | None = None) -> Table:
    """What the beginning of a file shows: its columns, a guess at that of the texts, and its first rows.

    Raises BadTable.
    """
    name = printable(name)
    return _looked_at(decoded(content, name, whole=False), name, None, limits or Limits())[0]


def _looked_at(text: str, name: str, column: str | int | None, limits: Limits) -> tuple[Table, Layout]:
    if not text or text.isspace():
        raise BadTable(f"{name} is empty.")
    wanted = column if isinstance(column, str) else ""
    layout = find_layout(text, name, wanted)
    seen = sample(text)
    rows = first_rows(seen, layout, cut=len(seen) < len(text))
    if not rows:
        raise BadTable(f"{name} is empty.")
    first, body = rows[0], rows[1 : _GUESSED_FROM + 1]
    if limits.columns is not None and len(first) > limits.columns:
        raise BadTable(f"{name} has {len(first):,} columns. I take at most {limits.columns:,}.")
    named = has_names(first, body, wanted)
    header = _header(first, layout, named=named)
    even = tuple((*row, *[""] * len(header))[: len(header)] for row in (body if named else rows[:_GUESSED_FROM]))
    place = guess(header, even) if column is None else _place(header, column, name)
    return Table(header, even, place, layout.delimiter, named), layout


def _header(first: list[str], layout: Layout, *, named: bool) -> Row:
    if not named:
        return tuple(f"column {number}" for number in range(1, len(first) + 1)) if len(first) > 1 else ("text",)
    return tuple(cell.strip().strip("\ufeff") or f"column {number}" for number, cell in enumerate(first, 1))


def _place(header: Row, column: str | int, name: str) -> int:
    if isinstance(column, int):
        if 0 <= column < len(header):
            return column
        raise BadTable(f"{name} has no such column. Choose one of its own: {listed(header)}.")
    for known in (lambda found: found == column, lambda found: plain(found) == plain(column)):
        for place, found in enumerate(header):
            if known(found):
                return place
    raise BadTable(f"{name} has no column {printable(column)!r}. Its columns are {listed(header)}.")


def _count(text: str, layout: Layout, table: Table, name: str) -> int:
    """How many rows there are. Raises BadTable for the first that does not fit."""
    width, count = len(table.header), 0
    try:
        for line, row in records(text, layout):
            if fitted(row, width) is None:
                sign = DELIMITERS.get(layout.delimiter, "delimiter")
                raise BadTable(
                    f"Line {line:,} of {name} has more cells ({len(row):,}) than there are columns ({width:,}). Is a "
                    f"{sign} not in quotes?"
                )
            count += 1
    except OpenQuote as quote:
        raise BadTable(
            f"Line {quote.line:,} of {name} opens a quote (\") that isn't closed where its cell ends. Close it, take "
            "it out, or write a quote inside quotes twice."
        ) from None
    return count - table.named


@dataclass(frozen=True, slots=True)
class _Rows(Collection[Row]):
    """The rows of a text that has been read through once, taken from it anew at each iteration."""

    text: str
    layout: Layout
    named: bool
    width: int
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        for _, row in islice(records(self.text, self.layout), int(self.named), None):
            yield fitted(row, self.width) or ()

    def __contains__(self, row: object) -> bool:
        return any(row == other for other in self)
