"""What a visitor hands in to be read in bulk: pasted lines or a file, and how much of it the page takes."""

from __future__ import annotations

import re
from dataclasses import replace

from model.tables import BadTable, Limits, Table, look_at, read_table

MAX_LINES = 10_000
MAX_FILE_BYTES = 16 * 2**20
MAX_COLUMNS = 1_000

_LIMITS = Limits(MAX_LINES, MAX_FILE_BYTES, MAX_COLUMNS)


def pasted(text: str) -> Table:
    """One row for each line that is not blank. Raises BadTable."""
    lines = [line.strip() for line in re.split(r"\r\n?|\n", text) if line.strip()]
    if not lines:
        raise BadTable("Nothing to read yet: paste some lines, or choose a file.")
    if len(lines) > MAX_LINES:
        raise BadTable(f"The text has {len(lines):,} lines. I read at most {MAX_LINES:,} at once.")
    return Table(("text",), tuple((line,) for line in lines), delimiter="", named=False)


def read_csv(content: bytes, name: str, column: int | None = None) -> Table:
    """A whole file within the page's limits, as `model.tables` reads it. Raises BadTable."""
    table = read_table(content, name, column, _LIMITS)
    return replace(table, rows=tuple(table.rows))  # parsed here, in a thread, and not by whoever looks at them


def look_into(content: bytes, name: str) -> Table:
    """The columns and first rows of a file of which only the beginning is here. Raises BadTable."""
    return look_at(content, name, _LIMITS)
