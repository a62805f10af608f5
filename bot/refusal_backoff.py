"""Where the bot has been refused, and where something failed in passing: it tries again, each at its own pace.

Discord blocks an address that collects 10,000 refusals in 10 minutes
(https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans). So what a place has
refused is tried again after minutes, then after an hour, and then once a day for ever. An outage of Discord's or of the
network is no refusal: nobody has to click anything, and it is tried again much sooner.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

PAUSES = (600.0, 3600.0, 86_400.0)
"""Seconds until the second, the third and every further try after refusals in a row."""

LATER = (10.0, 30.0, 60.0, 300.0, 900.0)
"""Seconds until the next try after failures in passing, in a row; the last one again and again."""


class Purpose(StrEnum):
    """What the bot does in a channel by itself."""

    TAG = "tag"
    NOTICE = "notice"


@dataclass(slots=True)
class _Trouble:
    """What has happened in a row."""

    refusals: int = 0
    failures: int = 0
    until: float = 0.0


class RefusalBackoff:
    """The channels and threads in which something was refused or failed; all others are open."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._trouble: dict[tuple[int, Purpose], _Trouble] = {}

    def is_open(self, channel_id: int, purpose: Purpose) -> bool:
        """Whether a request may be made there now."""
        known = self._trouble.get((channel_id, purpose))
        return known is None or self._clock() >= known.until

    def refused(self, channel_id: int, purpose: Purpose) -> bool:
        """Notes a refusal; True for the first, of which an admin should be told."""
        known = self._trouble.setdefault((channel_id, purpose), _Trouble())
        known.failures = 0
        known.until = self._clock() + PAUSES[min(known.refusals, len(PAUSES) - 1)]
        known.refusals += 1
        return known.refusals == 1

    def failed(self, channel_id: int, purpose: Purpose) -> None:
        """Notes a failure in passing: no admin can do anything about it."""
        known = self._trouble.setdefault((channel_id, purpose), _Trouble())
        known.until = self._clock() + LATER[min(known.failures, len(LATER) - 1)]
        known.failures += 1

    def worked(self, channel_id: int, purpose: Purpose) -> None:
        """It is as if nothing had ever been refused there."""
        self._trouble.pop((channel_id, purpose), None)

    def closed(self, channel_id: int) -> list[Purpose]:
        """What was refused in a channel and has not worked since."""
        return [purpose for purpose in Purpose if self._known(channel_id, purpose).refusals]

    def failing(self, channel_id: int) -> list[Purpose]:
        """What failed in passing in a channel the last time, and was not refused."""
        known = {purpose: self._known(channel_id, purpose) for purpose in Purpose}
        return [purpose for purpose, trouble in known.items() if trouble.failures and not trouble.refusals]

    def reopen(self, channel_id: int) -> None:
        """Somebody has looked at this channel, or it is gone: everything may be tried again."""
        for purpose in Purpose:
            self._trouble.pop((channel_id, purpose), None)

    def _known(self, channel_id: int, purpose: Purpose) -> _Trouble:
        return self._trouble.get((channel_id, purpose)) or _Trouble()
