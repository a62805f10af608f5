"""Texts that people asked about, for as long as they may ask why."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict

REMEMBERED_SECONDS = 15 * 60.0
"""As long as an interaction's token lives."""


REMEMBERED_TEXTS = 500


class RecentTexts:
    """Texts that may still be asked about: in memory only, a bounded number, each for a quarter of an hour."""

    def __init__(self, limit: int = REMEMBERED_TEXTS, seconds: float = REMEMBERED_SECONDS) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._limit = limit
        self._seconds = seconds

    def __len__(self) -> int:
        return len(self._texts)

    def remember(self, text: str) -> str:
        """Keeps `text` for a while and returns its key. Must run inside an event loop."""
        key = secrets.token_hex(8)
        self._texts[key] = text
        while len(self._texts) > self._limit:
            self._texts.popitem(last=False)
        asyncio.get_running_loop().call_later(self._seconds, self._texts.pop, key, None)
        return key

    def recall(self, key: str) -> str | None:
        """The text, or None once it is forgotten."""
        return self._texts.get(key)
