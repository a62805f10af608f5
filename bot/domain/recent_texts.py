"""Texts that people asked about, for as long as they may ask why."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

REMEMBERED_SECONDS = 15 * 60.0
"""As long as an interaction's token lives."""


REMEMBERED_TEXTS = 500

Refusal = Callable[[], Awaitable[str | None]]
"""Why a text may not be read now, as a sentence for whoever asks; None where it may."""


@dataclass(frozen=True, slots=True)
class RecentText:
    """A text, whose words it is as far as that is known (user ids), and the message in which it stood, if any.

    `refusal` asks whether it may still be read: its author may have opted out since.
    """

    text: str
    author_ids: frozenset[int] = frozenset()
    message_id: int | None = None
    refusal: Refusal | None = None


class RecentTexts:
    """Texts that may still be asked about: in memory only, a bounded number, each for a quarter of an hour."""

    def __init__(self, limit: int = REMEMBERED_TEXTS, seconds: float = REMEMBERED_SECONDS) -> None:
        self._texts: OrderedDict[str, RecentText] = OrderedDict()
        self._limit = limit
        self._seconds = seconds

    def __len__(self) -> int:
        return len(self._texts)

    def remember(self, text: RecentText) -> str:
        """Keeps `text` for a while and returns its key. Must run inside an event loop."""
        key = secrets.token_hex(8)
        self._texts[key] = text
        while len(self._texts) > self._limit:
            self._texts.popitem(last=False)
        asyncio.get_running_loop().call_later(self._seconds, self._texts.pop, key, None)
        return key

    def recall(self, key: str) -> RecentText | None:
        """The text, or None once it is forgotten."""
        return self._texts.get(key)

    def forget_author(self, user_id: int) -> None:
        """Somebody does not want to be read any more, or has what is held about them deleted: their words go."""
        self._forget([key for key, text in self._texts.items() if user_id in text.author_ids])

    def forget_messages(self, message_ids: Collection[int]) -> None:
        """These messages were deleted: what they said goes, too."""
        self._forget([key for key, text in self._texts.items() if text.message_id in message_ids])

    def _forget(self, keys: Collection[str]) -> None:
        for key in keys:
            del self._texts[key]
