"""What is in a message, however deep: rows of buttons stand in a post or inside a card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def parts(components: Iterable[Any]) -> Iterator[Any]:
    """These and all that is in them, in the order in which they are seen."""
    for component in components:
        yield component
        yield from parts(getattr(component, "children", ()))
