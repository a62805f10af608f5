"""A table of texts, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from model.errors import ModelError

Row = tuple[str, ...]

DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}
"""What may stand between cells, the rarest in prose first, and what people call it."""

_NAMED = 8
"""Columns that a message names."""

_SHOWN = 60
"""Characters of a name that a message shows."""


class BadTable(ModelError):
    """What was handed in cannot be read as a table; the message says what is wrong and in which line."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reader takes at most; None is any number."""

    rows: int | None = None
    bytes: int | None = None
    columns: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equal width under `header`, in the order of the file; `column` is the place of the texts.

    `delimiter` stood between the cells, "" when each line was one text. `named` says whether the file's first line gave
    the header; otherwise it was made up.
    """

    header: Row
    rows: Collection[Row]
    column: int = 0
    delimiter: str = ","
    named: bool = True

    @property
    def texts(self) -> list[str]:
        """What is to be read, in order."""
        return [row[self.column] for row in self.rows]


def described(table: Table) -> str:
    """One sentence on how a file was understood."""
    if not table.delimiter:
        return (
            "The first line is the column's name, then one text on each line."
            if table.named
            else "One text on each line."
        )
    names = "named by the first line" if table.named else "without names"
    between = DELIMITERS.get(table.delimiter, "sign")
    return (
        f"{len(table.header)} columns {names}, with a {between} between them; "
        f"the texts are in {printable(table.header[table.column])!r}."
    )


def printable(text: str) -> str:
    """A name as a message may show it: without control characters, and not long."""
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[: _SHOWN + 1])
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


def listed(header: Row) -> str:
    """The names of a few columns."""
    return ", ".join(map(printable, header[:_NAMED])) + (", …" if len(header) > _NAMED else "")
