"""What is exact is kept for days; then only what was told of the hours stays."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update

from bot.domain.disclosure import Randomness
from bot.domain.snowflake import SECONDS, first_id_of, hour_of
from bot.storage.database import Database
from bot.storage.quiet_days import guilds_with_hidden_hours, tell_days
from bot.storage.schema import (
    AuditRow,
    BookkeepingRow,
    HourAuthorRow,
    HourRow,
    LateChangeRow,
    MessageScoreRow,
    TagRow,
)
from bot.storage.told_hours import tell_hours

LONGEST_DAYS = 30


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows were removed: of messages, and of people in hours; and how many audit entries lost their actor."""

    messages: int
    hour_authors: int
    actors: int


def oldest_kept(days: int, now: float) -> int:
    """The oldest hour of which messages are kept; done hourly, nothing gets older than `days` times 24 hours.

    So the hour that becomes too old while the present one lasts goes at its beginning. `now` is in seconds since the
    Unix epoch.
    """
    return int(now // SECONDS) - days * 24 + 2


async def purge(database: Database, days: int, now: float | None = None, rng: Randomness | None = None) -> Purged:
    """Removes everything exact, messages, people and sums, that would be older than `days` (1 to 30) within the hour.

    What is told of those hours stays; of one of which it was not decided yet, it is decided first. What was purged is
    noted, so that a late score of those hours is not counted a second time. Doing it again removes nothing. `now` is in
    seconds since the Unix epoch. Raises ValueError for other days, and DatabaseUnavailable, when nothing was removed.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"messages are kept for 1 to {LONGEST_DAYS} days")
    instant = int(time.time() if now is None else now)
    oldest = oldest_kept(days, instant)
    too_old = MessageScoreRow.message_id < first_id_of(oldest)
    chance = random.SystemRandom() if rng is None else rng
    async with database.write() as connection:
        while await tell_hours(connection, oldest, chance):
            pass
        await tell_days(connection, await guilds_with_hidden_hours(connection, oldest), oldest, chance)
        newest = await connection.scalar(select(func.max(MessageScoreRow.message_id)).where(too_old))
        messages = (await connection.execute(delete(MessageScoreRow).where(too_old))).rowcount
        await connection.execute(delete(TagRow).where(TagRow.message_id < first_id_of(oldest)))
        newest_hour = await connection.scalar(select(func.max(HourRow.hour)).where(HourRow.hour < oldest))
        await connection.execute(delete(HourRow).where(HourRow.hour < oldest))
        await connection.execute(delete(LateChangeRow).where(LateChangeRow.hour < oldest))
        authors = (await connection.execute(delete(HourAuthorRow).where(HourAuthorRow.hour < oldest))).rowcount
        old_entries = (AuditRow.done < oldest * SECONDS, AuditRow.actor.is_not(None))
        actors = (await connection.execute(update(AuditRow).where(*old_entries).values(actor=None))).rowcount
        purged = [hour for hour in (newest_hour, None if newest is None else hour_of(newest)) if hour is not None]
        if purged:
            # Not `oldest`: a clock that once went too far ahead must not make everything after it look purged.
            before = max(purged) + 1
            noted = update(BookkeepingRow).where(BookkeepingRow.purged_before < before)
            await connection.execute(noted.values(purged_before=before))
    return Purged(messages, authors, actors)
