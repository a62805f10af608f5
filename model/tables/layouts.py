"""Which layout a text has: found outside quotes, by how evenly it divides the first lines."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from model.tables.columns import Kind, is_usual, kind, may_be_name, plain
from model.tables.decoding import LINE_END
from model.tables.records import Layout, fitted, records
from model.tables.table import DELIMITERS, BadTable

_SEEN = 65_536
"""Characters that are looked at."""

_ROWS = 100
_SAID = re.compile(r'"?sep=([^"\r\n])"?(?:\r\n?|\n|$)', re.IGNORECASE)
_OPENS_JSON = re.compile(r'\[?\s*\{\s*(?:"|\}|[\r\n]|$)|\[\s*(?:[\r\n]|$)')
_EVEN, _HALF = 0.8, 0.5
_PROSE = 0.7
"""The share of commas with a blank after them from which they are taken for those of sentences."""


def sample(text: str) -> str:
    """The first lines, whole."""
    if len(text) <= _SEEN:
        return text
    ends = [end.end() for end in LINE_END.finditer(text, 0, _SEEN)]
    if ends:
        return text[: ends[-1]]
    first = LINE_END.search(text, _SEEN)
    return text[: first.end()] if first else text


def first_rows(seen: str, layout: Layout, *, cut: bool) -> list[list[str]]:
    """Up to a hundred rows of what was seen; the last may not be whole if more was `cut` off."""
    rows: list[list[str]] = []
    for _, row in records(seen, layout, strict=False):
        rows.append(row)
        if len(rows) == _ROWS:
            return rows
    return rows[:-1] if cut and len(rows) > 1 else rows


def find_layout(text: str, name: str, wanted: str = "") -> Layout:
    """The layout of a text. `wanted` is the name of a column, if somebody gave one. Raises BadTable for JSON."""
    if (said := _SAID.match(text)) and said[1] not in " \r\n":
        return Layout(said[1], said=True)
    seen = sample(text)
    if _is_json(seen):
        raise BadTable(f"{name} is JSON, not CSV. Save its texts as CSV, or one on each line, and try again.")
    as_written = PurePath(name).suffix.lower() not in (".csv", ".tsv", ".tab", "")
    cut = len(seen) < len(text)
    tried = [_tried(seen, delimiter, wanted, cut=cut) for delimiter in DELIMITERS]
    best = _best([one for one in tried if one.rows], as_written=as_written)
    if best is not None:
        return Layout(best.delimiter, loose=best.loose)
    alone = tried[0].rows and is_usual("".join(tried[0].rows[0]))
    return Layout("", quoted=not as_written or bool(alone))


@dataclass(frozen=True, slots=True)
class _Tried:
    """What a delimiter makes of the first lines."""

    delimiter: str
    rows: list[list[str]]
    named: bool
    """Whether the first row has a name that columns with texts have."""

    @property
    def width(self) -> int:
        return len(self.rows[0])

    @property
    def even(self) -> float:
        """The share of rows that are as wide as the first."""
        fit = [len(row) >= self.width and fitted(row, self.width) is not None for row in self.rows]
        return sum(fit) / len(fit)

    @property
    def wider(self) -> bool:
        """Whether all other rows are alike, and wider than the first, as under a title."""
        widths = {len(row) for row in self.rows[1:]}
        if len(self.rows) < 3 or len(widths) > 1 or max(widths) <= self.width or is_usual("".join(self.rows[0])):
            return False
        return self.delimiter in "\t," or all(map(may_be_name, self.rows[1]))

    @property
    def prose(self) -> bool:
        """Whether it looks like a sign between clauses: with a blank behind it, and no ids or numbers before it."""
        after = [cell for row in self.rows for cell in row[1:]]
        blank = sum(cell.startswith(" ") for cell in after)
        if not after or blank < _PROSE * len(after):
            return False
        return not all(kind(row[0]) in (Kind.VALUE, Kind.ID) for row in self.rows[1:] or self.rows)

    @property
    def loose(self) -> bool:
        """Whether a blank stands before each cell, quotes included: `1, "a, b"`."""
        after = [cell for row in self.rows for cell in row[1:] if cell]
        return any(cell.startswith(' "') for cell in after) and all(cell.startswith(" ") for cell in after)


def _tried(seen: str, delimiter: str, wanted: str, *, cut: bool) -> _Tried:
    rows = first_rows(seen, Layout(delimiter), cut=cut)
    first = rows[0] if rows else []
    usual = all(may_be_name(cell) for cell in first if cell.strip()) and any(map(is_usual, first))
    asked = bool(wanted) and plain(wanted) in map(plain, first)
    return _Tried(delimiter, rows, named=len(first) > 1 and (usual or asked))


def _best(tried: Sequence[_Tried], *, as_written: bool) -> _Tried | None:
    # Somebody may begin a chat with "text, please".
    named = [one for one in tried if one.named and not (as_written and one.prose and one.even < 1)]
    if named:
        return max(named, key=lambda one: (one.even, one.width))
    wide = [one for one in tried if one.width > 1 and not one.prose]
    if as_written:
        wide = [one for one in wide if one.delimiter == "\t" or (one.delimiter in ";|" and _identifiers(one))]
    even = [one for one in wide if one.even >= _EVEN and (len(one.rows) > 1 or one.delimiter in "\t,")]
    if even:
        return max(even, key=lambda one: (one.even, one.width))
    if as_written:
        return None
    # Divided, but not evenly: the reader says in which line.
    uneven = [one for one in wide if one.even >= _HALF and all(map(may_be_name, one.rows[0]))]
    uneven += [one for one in tried if one.wider and not one.prose]
    return max(uneven, key=lambda one: one.even, default=None)


def _identifiers(one: _Tried) -> bool:
    return one.even == 1 and len(one.rows) > 1 and all(cell.isidentifier() for cell in one.rows[0])


def _is_json(seen: str) -> bool:
    start = seen.lstrip()
    if not start.startswith(("{", "[")):
        return False
    first = LINE_END.split(start, maxsplit=1)[0]
    if _OPENS_JSON.match(start) or len(first) > _SEEN:
        return True
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return any(isinstance(part, str | list | dict) for part in value)
