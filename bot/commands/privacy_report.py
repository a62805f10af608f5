"""Everything that is held about one person, as that person reads it: in words, and as JSON."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from typing import Any

from bot.i18n import gettext
from bot.presentation.text import as_time
from bot.storage.personal_data import Holding


def in_words(held: Sequence[Holding[Any]], days: int) -> str:
    """Discord's markup, in English at most 2,000 characters. `days` is how long single messages are kept."""
    lines = [gettext("**What I keep about you**"), *(line for one in held for line in one.lines(days))]
    if any(one.deletion for one in held):
        lines.append(
            gettext(
                "You're in there as a scrambled id, made with a secret key. There's no name and no text. The attached "
                "file has every entry. `/privacy delete` removes them."
            )
        )
    else:
        nothing = gettext("Nothing else: no messages, no counts, no admin actions.")
        lines.append(f"- {nothing}")
    return "\n".join(lines)


def as_json(user_id: int, held: Sequence[Holding[Any]], *, days: int, now: float) -> str:
    """A JSON object with one line for each entry: ids as strings, times in UTC, scores in [-1, 1].

    `now` is in seconds since the Unix epoch.
    """
    parts: dict[str, Any] = {
        "discord_id": str(user_id),
        "told_at": as_time(now),
        "kept_under": "a hash of your Discord id, made with a secret key; neither your id nor your name is kept",
        "message_text": "never kept",
        "days_kept": days,
    }
    for one in held:
        parts |= one.entries()
    return "{\n" + ",\n".join(f' "{name}": {_written(value)}' for name, value in parts.items()) + "\n}\n"


def as_file(text: str, limit: int) -> tuple[str, bytes]:
    """The name and bytes of a file that holds the JSON, compressed when it would be larger than `limit` bytes."""
    data = text.encode()
    return ("privacy.json", data) if len(data) <= limit else ("privacy.json.gz", gzip.compress(data))


def _written(value: Any) -> str:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return json.dumps(value, ensure_ascii=False)
    lines = [f"  {json.dumps(entry, ensure_ascii=False)}" for entry in value]
    return "[\n" + ",\n".join(lines) + "\n ]" if lines else "[]"
