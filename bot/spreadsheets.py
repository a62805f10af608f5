"""Cells that a spreadsheet would run: https://owasp.org/www-community/attacks/CSV_Injection."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a formula may begin; the last four are the wide forms, which some spreadsheets take for the others."""


def may_be_formula(cell: str) -> bool:
    """Whether a spreadsheet might take the cell for a formula, with or without what is blank before it."""
    return cell.lstrip().startswith(_FORMULA) or cell.startswith(_FORMULA)


def as_text(cell: str) -> str:
    """The cell with a mark in front by which spreadsheets know that it is text."""
    return f"'{cell}"
