"""Where the bot has been refused: it tries again later, and after a few times no more.

Discord blocks an address that collects 10,000 refusals in 10 minutes
(https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import inf

PAUSES = (600.0, 3600.0)
"""Seconds until the second and the third try; after the third refusal somebody must look first (`reopen`)."""


class Purpose(StrEnum):
    """What the bot does in a channel by itself."""

    TAG = "tag"
    NOTICE = "notice"


@dataclass(slots=True)
class _Refused:
    times: int
    until: float


class RefusalBackoff:
    """The channels in which something was refused; all others are open."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refused: dict[tuple[int, Purpose], _Refused] = {}

    def is_open(self, channel_id: int, purpose: Purpose) -> bool:
        """Whether a request may be made there now."""
        known = self._refused.get((channel_id, purpose))
        return known is None or self._clock() >= known.until

    def refused(self, channel_id: int, purpose: Purpose) -> bool:
        """Notes a refusal; True for the first, of which an admin should be told."""
        known = self._refused.setdefault((channel_id, purpose), _Refused(0, 0.0))
        pause = PAUSES[known.times] if known.times < len(PAUSES) else inf
        known.times += 1
        known.until = self._clock() + pause
        return known.times == 1

    def worked(self, channel_id: int, purpose: Purpose) -> None:
        """It is as if nothing had ever been refused there."""
        self._refused.pop((channel_id, purpose), None)

    def closed(self, channel_id: int) -> list[Purpose]:
        """What was refused in a channel and has not worked since."""
        return [purpose for purpose in Purpose if (channel_id, purpose) in self._refused]

    def reopen(self, channel_id: int) -> None:
        """Somebody has looked at this channel, or it is gone: everything may be tried again."""
        for purpose in Purpose:
            self._refused.pop((channel_id, purpose), None)
