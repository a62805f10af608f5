"""Long lists in short messages."""

from __future__ import annotations

from collections.abc import Iterable

from bot.i18n import ngettext

LONGEST_MESSAGE = 2000
"""Characters that Discord takes in one message."""


def in_messages(text: str, limit: int = LONGEST_MESSAGE) -> list[str]:
    """A text as messages that follow one another, broken between lines: other languages need more room than English.

    No line of it may be longer than `limit` characters.
    """
    messages: list[str] = []
    for line in text.split("\n"):
        if messages and len(messages[-1]) + 1 + len(line) <= limit:
            messages[-1] += f"\n{line}"
        else:
            messages.append(line)
    return messages


def cut(lines: Iterable[str], limit: int) -> str:
    """As many whole lines as `limit` characters hold, and how many more there are."""
    kept: list[str] = []
    left = list(lines)
    room = limit
    while left:
        rest = _more(len(left) - 1) if len(left) > 1 else ""
        if len(left[0]) + 1 + len(rest) > room:
            break
        room -= len(left[0]) + 1
        kept.append(left.pop(0))
    if left:
        kept.append(_more(len(left)))
    return "\n".join(kept)


def _more(count: int) -> str:
    return ngettext("… and {count:,} more", "… and {count:,} more", count)
