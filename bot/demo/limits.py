"""What Discord allows one bot: sessions that it begins, requests in a second, and refused requests in ten minutes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

DAY_SECONDS = 86_400.0
INVALID_STATUSES = {401, 403, 429}


class Begun(Enum):
    """What Discord says to an IDENTIFY."""

    ALLOWED = auto()
    TOO_SOON = auto()
    """Another of its bucket came shortly before."""
    NONE_LEFT = auto()
    """More than it may: the bot's token is taken away."""


@dataclass
class SessionLimits:
    """How many sessions the bot may begin, as `/gateway/bot` tells it and the gateway counts them.

    A bucket, which is a shard's number modulo `max_concurrency`, takes one IDENTIFY in `bucket_seconds`; Discord has
    five. 0: it takes any.
    """

    total: int = 1000
    left: int = 999
    max_concurrency: int = 1
    bucket_seconds: float = 0.0
    identified: list[tuple[float, int]] = field(default_factory=list)
    """When a session was asked for, by `time.monotonic`, and of which shard."""
    violations: list[str] = field(default_factory=list)
    """What Discord would not have taken."""
    clock: Callable[[], float] = time.monotonic
    _span: float = DAY_SECONDS / 6
    _resets_at: float | None = None

    def reset_in(self, seconds: float) -> None:
        """All are there again so many seconds after this is told or counted next; four hours if nobody says so."""
        self._span, self._resets_at = seconds, None

    def told(self) -> dict[str, Any]:
        """The `session_start_limit` of `/gateway/bot`."""
        resets_at = self._next_reset()
        return {
            "total": self.total,
            "remaining": max(0, self.left),
            "reset_after": round((resets_at - self.clock()) * 1000),
            "max_concurrency": self.max_concurrency,
        }

    def begin(self, shard: int) -> Begun:
        """Counts an IDENTIFY of a shard, refused or not, and says what becomes of it."""
        now = self.clock()
        self._next_reset()
        before = [at for at, other in self.identified if (other - shard) % self.max_concurrency == 0]
        self.identified.append((now, shard))
        self.left -= 1
        if self.left < 0:
            self.violations.append(f"shard {shard} without a session left")
            return Begun.NONE_LEFT
        if before and now - before[-1] < self.bucket_seconds:
            self.violations.append(f"shard {shard} {now - before[-1]:.2f} s after another of its bucket")
            return Begun.TOO_SOON
        return Begun.ALLOWED

    def _next_reset(self) -> float:
        now = self.clock()
        if self._resets_at is None:
            self._resets_at = now + self._span
        elif now >= self._resets_at:
            self.left, self._resets_at = self.total, now + DAY_SECONDS
        return self._resets_at


@dataclass(slots=True)
class Bucket:
    """So many requests in each window, counted as Discord's headers tell it."""

    limit: int = 50
    window: float = 1.0
    remaining: int = 50
    resets_at: float = 0.0

    def take(self, now: float) -> bool:
        """Counts one request; False: it is one too many."""
        if now >= self.resets_at:
            self.remaining, self.resets_at = self.limit, now + self.window
        if self.remaining == 0:
            return False
        self.remaining -= 1
        return True


@dataclass
class InvalidRequests:
    """Refused requests, after too many of which the address is kept out as Cloudflare does it: by a page, with no Via.

    One is invalid that is answered with 401, 403 or 429; a 429 that is shared by everybody (`X-RateLimit-Scope`) is
    none.
    """

    most: int = 10_000
    window: float = 600.0
    ban_seconds: float = 3600.0
    bans: int = 0
    knocks: int = 0
    """Requests that came during a ban; each would make it longer."""
    clock: Callable[[], float] = time.monotonic
    _times: deque[float] = field(default_factory=deque)
    _banned_until: float = 0.0

    def __len__(self) -> int:
        """Those of the last ten minutes."""
        while self._times and self._times[0] < self.clock() - self.window:
            self._times.popleft()
        return len(self._times)

    def note(self, status: int, scope: str = "") -> None:
        """A request was answered with that status."""
        if status not in INVALID_STATUSES or scope == "shared":
            return
        self._times.append(self.clock())
        if len(self) >= self.most:
            self.ban(self.ban_seconds)

    def ban(self, seconds: float) -> None:
        """Nothing is answered for so long."""
        self.bans += 1
        self._banned_until = self.clock() + seconds
        self._times.clear()

    def banned_for(self) -> float:
        """Seconds for which this address is still kept out; 0: it is not."""
        return max(0.0, self._banned_until - self.clock())
