"""What is done so that what is over is told, nothing is kept for too long, and nobody's opt-out is lost."""

from __future__ import annotations

import logging

from bot.storage.changes import KEPT_SECONDS
from bot.storage.erasure_log import KEPT_DAYS
from bot.storage.open_storage import Storage
from bot.storage.retention import purge, remove_in_slices
from bot.storage.schema import (
    AlertRow,
    ChangeRow,
    DigestRow,
    MarkRow,
    ProcessRow,
    RequestRow,
    SignOfLifeRow,
    SnoozeRow,
)

_log = logging.getLogger(__name__)

CERTAIN_SECONDS, PATIENCE_SECONDS = 24 * 3600, 600
"""How far a clock may have moved on since the last sign of life, and how long Discord's is waited for otherwise."""

SHORT_GAPS_DAYS, SHORT_GAP_SECONDS = 90, 600
"""Charts of more than 15 days are told by the day."""

MARKS_DAYS = 400
"""Charts reach back a year and a day, and what came before an event a week further."""

KILLED_SECONDS = 24 * 3600
"""After how long nobody asks about a process that has said nothing since."""

OVER_DAYS = 90
"""A digest is sent two days late at most, and tells of a week's alerts."""


def clock_is_certain(storage: Storage, now: float) -> bool:
    """Whether what is old may be purged by this clock.

    When the bot seems to have been off for long, it may be the clock that is wrong: then Discord's is waited for.
    """
    seems_long = storage.last_alive is not None and now - storage.last_alive > CERTAIN_SECONDS
    return not seems_long or storage.clock.is_told or storage.clock.age > PATIENCE_SECONDS


async def tell_what_is_over(storage: Storage, now: float) -> bool:
    """Tells the hours that are over, with everything that was read in them; whether it did. Meant for every minute.

    What is from before this start waits for Discord's clock: this machine's may be ahead, and an hour is told once.
    """
    if storage.last_alive is not None and not storage.clock.is_told and storage.clock.age <= PATIENCE_SECONDS:
        return False
    await storage.write_buffer.flush()
    await storage.publication.publish(now)
    return True


async def purge_what_is_old(storage: Storage, days: int, now: float) -> None:
    """Removes what would soon be older than it may be. Meant for every hour."""
    await tell_what_is_over(storage, now)  # what ended while the bot was off: days need their hours while they are here
    purged = await purge(storage.database, days, now)
    if purged.messages:
        _log.info("purged the scores of %d messages of %d days ago", purged.messages, days)


async def forget_short_gaps(storage: Storage, now: float) -> None:
    """Removes old gaps that are too short to be seen in a chart that reaches so far back. Meant for every day."""
    await storage.gaps.trim(int(now) - SHORT_GAPS_DAYS * 86400, SHORT_GAP_SECONDS)


async def forget_what_is_over(storage: Storage, now: float) -> None:
    """Removes alerts that recovered, and digests that were sent, so long ago that nobody asks. Meant for every day."""
    before = int(now) - OVER_DAYS * 86400
    await remove_in_slices(storage.database, AlertRow, AlertRow.recovered < before)
    await remove_in_slices(storage.database, DigestRow, DigestRow.sent < before)
    await remove_in_slices(storage.database, SignOfLifeRow, SignOfLifeRow.alive < before)
    await remove_in_slices(storage.database, SnoozeRow, SnoozeRow.until < int(now))
    await remove_in_slices(storage.database, ChangeRow, ChangeRow.made < int(now) - KEPT_SECONDS)
    await remove_in_slices(storage.database, RequestRow, RequestRow.noted < int(now) - KEPT_DAYS * 86400)
    await remove_in_slices(storage.database, ProcessRow, ProcessRow.heartbeat < (int(now) - KILLED_SECONDS) * 1000)
    await remove_in_slices(storage.database, MarkRow, MarkRow.happened < int(now) - MARKS_DAYS * 86400)


async def carry_over(storage: Storage, now: float) -> None:
    """Keeps opt-outs readable under today's key, and the log of erasures short. Meant for every day."""
    await storage.opt_outs.carry_over()
    await storage.erasures.forget_old(now)
