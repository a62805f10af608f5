"""What is done so that what is over is told, nothing is kept for too long, and nobody's opt-out is lost."""

from __future__ import annotations

import logging

from bot.storage.open_storage import Storage
from bot.storage.retention import purge

_log = logging.getLogger(__name__)


async def tell_what_is_over(storage: Storage, now: float) -> None:
    """Tells the hours that are over, with everything that was read in them. Meant for every minute."""
    await storage.write_buffer.flush()
    await storage.publication.publish(now)


async def purge_what_is_old(storage: Storage, days: int, now: float) -> None:
    """Removes what would soon be older than it may be. Meant for every hour."""
    await tell_what_is_over(storage, now)  # what ended while the bot was off: days need their hours while they are here
    purged = await purge(storage.database, days, now)
    if purged.messages:
        _log.info("purged the scores of %d messages of %d days ago", purged.messages, days)


async def carry_over(storage: Storage, _now: float) -> None:
    """Keeps opt-outs readable under today's key. Meant for every day."""
    await storage.opt_outs.carry_over()
