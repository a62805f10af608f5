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


def may_be_formula(cell: str) -> bool:
    """Whether a spreadsheet might take the cell for a formula, with or without what is blank before it."""
    return cell.lstrip().startswith(_FORMULA) or cell.startswith(_FORMULA)


def as_text(cell: str) -> str:
    """The cell with a mark in front by which spreadsheets know that it is text."""
    return f"'{cell}"


def harmless(cell: str) -> str:
    """The cell, with a mark in front when a spreadsheet might take it for a formula; numbers stay numbers."""
    return as_text(cell) if may_be_formula(cell) and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None and any(sign.isdigit() for sign in cell)
