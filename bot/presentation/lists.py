"""Long lists in short messages."""

from __future__ import annotations

from collections.abc import Iterable


def cut(lines: Iterable[str], limit: int) -> str:
    """As many whole lines as `limit` characters hold, and how many more there are."""
    kept: list[str] = []
    left = list(lines)
    room = limit
    while left:
        rest = f"… and {len(left) - 1} more" if len(left) > 1 else ""
        if len(left[0]) + 1 + len(rest) > room:
            break
        room -= len(left[0]) + 1
        kept.append(left.pop(0))
    if left:
        kept.append(f"… and {len(left)} more")
    return "\n".join(kept)
