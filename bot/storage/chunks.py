"""Many rows in portions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

_T = TypeVar("_T")

CHUNK = 500
"""Rows in one statement: few enough that the event loop is held for about a millisecond, and for any database."""


def chunks(rows: list[_T], size: int = CHUNK) -> Iterator[list[_T]]:
    """The rows in their order, at most `size` at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
