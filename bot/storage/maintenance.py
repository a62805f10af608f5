"""What is done so that nothing is kept for longer than was promised, and nobody's opt-out is lost."""

from __future__ import annotations

import logging

from bot.storage.open_storage import Storage
from bot.storage.retention import purge

_log = logging.getLogger(__name__)

SHORT_GAPS_DAYS, SHORT_GAP_SECONDS = 90, 600
"""Charts of more than 15 days are told by the day."""


async def purge_what_is_old(storage: Storage, days: int, now: float) -> None:
    """Removes what would soon be older than it may be. Meant for every hour."""
    purged = await purge(storage.database, days, now)
    if purged.messages:
        _log.info("purged the scores of %d messages of %d days ago", purged.messages, days)


async def forget_short_gaps(storage: Storage, now: float) -> None:
    """Removes old gaps that are too short to be seen in a chart that reaches so far back. Meant for every day."""
    await storage.gaps.trim(int(now) - SHORT_GAPS_DAYS * 86400, SHORT_GAP_SECONDS)


async def carry_over(storage: Storage, _now: float) -> None:
    """Keeps opt-outs readable under today's key. Meant for every day."""
    await storage.opt_outs.carry_over()
