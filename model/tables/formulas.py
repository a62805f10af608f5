"""Cells that a spreadsheet would run: https://owasp.org/www-community/attacks/CSV_Injection."""

from __future__ import annotations

import re

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a formula may begin; the last four are the wide forms, which some spreadsheets take for the others."""

_NUMBER = re.compile(
    r"""[ ]* [+-]? (?: \d+ | \d{1,3}(?:,\d{3})+ | \d{1,3}(?:\.\d{3})+ )? (?: (?<=\d)[.,] | [.,]\d+ )?
        (?: (?<=[\d.,])e[+-]?\d+ )? [ ]*%? [ ]*""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
"""Also with marks between the thousands, or a comma before the decimals."""


_PARTS = re.compile(r"(?<=[;|\t])(?=[^\S\t\n]*[=+\-@\uff1d\uff0b\uff0d\uff20])|(?<=\n)(?=[^\S\n]*[=@\uff1d\uff20])")
"""Where a cell goes on with what could begin a formula, for a spreadsheet that divides at other characters than ours.

Such a one does not know our quotes, so lines count as well; many of people's begin with a dash.
"""


def may_be_formula(cell: str) -> bool:
    """Whether a spreadsheet might take the cell for a formula, with or without what is blank before it."""
    return cell.lstrip().startswith(_FORMULA) or cell.startswith(_FORMULA)


def as_text(cell: str) -> str:
    """The cell with a mark by which spreadsheets know that it is text: in front, and in front of each part of it.

    A part is what a spreadsheet would take for a cell of its own that divides at semicolons, say.
    """
    return f"'{_divided(cell)}" if may_be_formula(cell) else _divided(cell)


def harmless(cell: str) -> str:
    """The cell, with marks where a spreadsheet might take it, or a part of it, for a formula; numbers stay numbers."""
    return cell if _is_number(cell) else as_text(cell)


def _divided(cell: str) -> str:
    return _PARTS.sub(_mark, cell)


def _mark(found: re.Match[str]) -> str:
    part = re.match(r"[^;|\t\n]*", found.string[found.end() :])
    nothing_before = not found.string[: found.start()].strip()
    return "" if nothing_before or (part is not None and _is_number(part[0])) else "'"


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None and any(sign.isdigit() for sign in cell)
