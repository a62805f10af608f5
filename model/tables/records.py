"""Text to rows of cells, each with the line it begins in."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

from model.tables.table import Row

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_NO_DELIMITER = "\0"
"""What stands in no text that is read."""

_LONGEST_CELL = 2**31 - 1


class OpenQuote(Exception):
    """The row that begins in `line` has a quoted cell that is not closed as it should be."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


@dataclass(frozen=True, slots=True)
class Layout:
    """How the cells of a text are told apart.

    Without a `delimiter` a row is one cell. Unless it is `quoted`, a line is a row whatever quotes are in it.
    `loose` takes blanks away that stand before a cell, and `said` says that the first line is no row, for it only names
    the delimiter.
    """

    delimiter: str
    quoted: bool = True
    loose: bool = False
    said: bool = False


def records(text: str, layout: Layout, *, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """The rows with something in their lines. Raises OpenQuote if it is strict."""
    lines = (match.group() for match in _LINE.finditer(text))
    skipped = 1 if layout.said and next(lines, None) else 0
    if not layout.quoted:
        for number, line in enumerate(lines, skipped + 1):
            if line.strip():
                yield number, [line.rstrip("\r\n")]
        return
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(
        lines, delimiter=layout.delimiter or _NO_DELIMITER, skipinitialspace=layout.loose, strict=strict
    )
    while True:
        began = skipped + reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error:
            raise OpenQuote(began) from None
        if row is None:
            return
        if row and not (layout.delimiter and len(row) == 1 and not row[0].strip()):
            yield began, row


def fitted(row: list[str], width: int) -> Row | None:
    """The row in `width` cells, filled with empty ones; None if it has more that are not empty."""
    if len(row) < width:
        return (*row, *[""] * (width - len(row)))
    return None if any(cell.strip() for cell in row[width:]) else tuple(row[:width])
