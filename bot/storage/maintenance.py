"""What is done so that nothing is kept for longer than was promised, and nobody's opt-out is lost."""

from __future__ import annotations

import logging

from bot.storage.open_storage import Storage
from bot.storage.retention import purge

_log = logging.getLogger(__name__)


async def purge_what_is_old(storage: Storage, days: int, now: float) -> None:
    """Removes what would soon be older than it may be. Meant for every hour."""
    purged = await purge(storage.database, days, now)
    if purged.messages:
        _log.info("purged the scores of %d messages of %d days ago", purged.messages, days)


async def carry_over(storage: Storage, now: float) -> None:
    """Keeps opt-outs readable under today's key, and the log of erasures short. Meant for every day."""
    await storage.opt_outs.carry_over()
    await storage.erasures.forget_old(now)
