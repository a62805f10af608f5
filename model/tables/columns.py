"""What columns hold: whether a first row names them, and which of them has the texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from enum import Enum, auto

from model.tables.table import Row

USUAL_NAMES = ("text", "message", "content", "tweet", "review", "comment", "sentence", "body", "post", "title")
"""Of columns with texts, the likeliest first."""

_NOTHING = frozenset(("", "nan", "null", "none", "n/a", "na"))
_DATE_WORDS = (
    "mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday sunday "
    "jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september "
    "october november december am pm utc gmt est edt cst cdt mst mdt pst pdt bst cet cest z t e st nd rd th"
)
_OF_DATES = frozenset(_DATE_WORDS.split())
_LETTERS = re.compile(r"[^\W\d_]+")
_LINK = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_ID = re.compile(r"(?=\S*\d)[\w:@#./-]+")
_NAME = re.compile(r"[^\W\d][\w \-/()&]{0,39}")
_WORD_IN_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_ABOUT_TEXTS = "id ids date time count length len url link created updated coord lang type by user author"
_NO_TEXTS = frozenset(_ABOUT_TEXTS.split())
_MOSTLY = 0.9
_LONG = 2_000
"""Characters from which a cell is no number, no date and no link."""


class Kind(Enum):
    """What a cell looks like. A value is a number, a date or a link."""

    NOTHING = auto()
    VALUE = auto()
    ID = auto()
    WORDS = auto()


def kind(cell: str) -> Kind:
    """What the cell looks like."""
    if len(cell) > _LONG:
        return Kind.WORDS
    cell = cell.strip()
    lowered = cell.lower()
    if lowered in _NOTHING:
        return Kind.NOTHING
    has_digit = any(sign.isdigit() for sign in cell)
    if _LINK.fullmatch(cell) or (has_digit and _OF_DATES.issuperset(_LETTERS.findall(lowered))):
        return Kind.VALUE
    return Kind.ID if _ID.fullmatch(cell) else Kind.WORDS


def plain(name: str) -> str:
    """A name as names are compared: whatever its case, and without blanks around it."""
    return name.strip().casefold()


def is_usual(name: str) -> bool:
    """Whether columns with texts are called so, alone (`Text`) or as a part of one word (`review_text`)."""
    if re.sub(r"\W+", "", name.lower()) in USUAL_NAMES:
        return True
    parts = {part.lower() for part in _WORD_IN_NAME.findall(name)}
    return (
        not any(sign.isspace() for sign in name.strip())
        and 1 < len(parts) <= 3
        and bool(parts.intersection(USUAL_NAMES))
        and not parts & _NO_TEXTS
    )


def may_be_name(cell: str) -> bool:
    """Whether the cell reads like the name of a column rather than like something somebody wrote."""
    return _NAME.fullmatch(cell.strip()) is not None and len(cell.split()) <= 2


def has_names(first: Sequence[str], body: Sequence[Sequence[str]], wanted: str = "") -> bool:
    """Whether the first row names the columns of the rows in `body`; `wanted` is the name of one, if there are names.

    In doubt a row that looks like the others is one of them.
    """
    if any(is_usual(cell) or (wanted and plain(cell) == plain(wanted)) for cell in first):
        return True
    if len(first) == 1 or not body:
        return False
    columns = [[row[place] for row in body if place < len(row)] for place in range(len(first))]
    if any(_alike(cell, column) for cell, column in zip(first, columns, strict=True)):
        return False
    if any(_stands_above(cell, column) for cell, column in zip(first, columns, strict=True)):
        return True
    return all(map(may_be_name, first))


def guess(header: Sequence[str], rows: Sequence[Row]) -> int:
    """The place of the column with a usual name, else of the one with the most words that differ from row to row."""
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    names = [re.sub(r"\W+", "", name.lower()) for name in header]
    usual = [names.index(name) for name in USUAL_NAMES if name in names]
    for place in usual:
        if not _measured(columns[place]):
            return place
    if usual and all(map(_measured, columns)):
        return usual[0]
    return max(range(len(header)), key=lambda place: (_words(columns[place]), sum(map(len, columns[place]))))


def _words(column: Sequence[str]) -> float:
    """How many words there are; letters break a tie."""
    texts = [cell for cell in set(column) if kind(cell) is Kind.WORDS]
    return sum(len(text.split()) + len(text) / 1000 for text in texts)


def _measured(column: Sequence[str]) -> bool:
    """Whether the column has something in it, but mostly numbers, dates, links and ids."""
    counts = Counter(map(kind, column))
    filled = counts.total() - counts[Kind.NOTHING]
    return filled > 0 and counts[Kind.VALUE] + counts[Kind.ID] >= _MOSTLY * filled


def _alike(cell: str, column: Sequence[str]) -> bool:
    """Whether the cell is one more of those in the column."""
    found = kind(cell)
    if found is Kind.NOTHING:
        return False
    if found is Kind.WORDS:
        return cell in column
    if found is Kind.ID:
        shape = _shape(cell)
        return _share([_shape(other) == shape for other in column]) >= _MOSTLY
    return _share([kind(other) is found for other in column if other.strip()]) >= _MOSTLY


def _stands_above(cell: str, column: Sequence[str]) -> bool:
    """Whether the cell is of another kind than those in the column, as the name of numbers is."""
    return kind(cell) is not Kind.VALUE and _measured(column)


def _shape(cell: str) -> str:
    return re.sub(r"[0-9]+", "9", cell.strip())


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 0.0
