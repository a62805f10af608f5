"""An event that charts show."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_TEXT = 40
"""Characters of what names an event."""

MOST_MARKS = 100
"""Of one server."""


@dataclass(frozen=True, slots=True)
class Mark:
    """When something happened, in seconds since the Unix epoch, and what a moderator has called it."""

    number: int
    happened: int
    text: str
