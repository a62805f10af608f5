"""After a new key: nobody is to be counted as two people, so what was counted under the former one is closed.

A hash of today's key and one of the former are never known to be of one person. So an hour in which there may be both
is hidden for good, a day's sum has none of the hours of before, and no hour of before is told anew.
"""

from __future__ import annotations

import logging

from sqlalchemy import and_, delete, exists, false, insert, literal, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.disclosure import MOST_VERSIONS
from bot.storage.database import Database
from bot.storage.errors import BadHashKey
from bot.storage.neighbours import neighbour
from bot.storage.pseudonyms import Pseudonyms
from bot.storage.schema import BookkeepingRow, HourRow, LateChangeRow, ToldHourRow
from bot.storage.upsert import table_of

_log = logging.getLogger(__name__)

_HOURS, _TOLD = table_of(HourRow).c, table_of(ToldHourRow).c
_SAME = and_(_HOURS.channel_id == _TOLD.channel_id, _HOURS.hour == _TOLD.hour)


_ANOTHER_KEY = (
    "The database was written with another hash key than this process has, so nobody in it would be recognised and "
    "people who opted out would be read again. Set HASH_KEY or HASH_KEY_FILE to the key of before; if that is lost for "
    "good, run `vibecheck rotate-key --lost` once."
)


_FORMER_KEY_IN_USE = (
    "Other processes still use the hash key of before. Stop all of them, wait a minute, and then start them with the "
    "new one."
)


async def require_known_key(database: Database, pseudonyms: Pseudonyms) -> None:
    """Raises BadHashKey for a key, with its former ones, under which a PostgreSQL was never written.

    Beside a file the key is beside the file, too, and who has lost one has lost both; a PostgreSQL is reached from
    anywhere, by processes that have each made a key of their own.
    """
    async with database.read() as connection:
        known = await connection.scalar(select(BookkeepingRow.key))
    _require(database, known, pseudonyms)


def _require(database: Database, known: str | None, pseudonyms: Pseudonyms) -> None:
    if database.dialect == "postgresql" and known is not None and known not in pseudonyms.fingerprints:
        raise BadHashKey(_ANOTHER_KEY)


async def notice_new_key(database: Database, pseudonyms: Pseudonyms, *, is_lost: bool = False) -> bool:
    """Closes the hours of before if today's key is another than when this was last called; whether it is.

    Meant for the start, before anything is written. `is_lost`: nobody has the key of before any more. Raises
    BadHashKey as `require_known_key` does, and DatabaseUnavailable; then nothing has changed.
    """
    key = pseudonyms.fingerprint
    async with database.read() as connection:
        if await connection.scalar(select(BookkeepingRow.key)) == key:
            return False
    async with database.write() as connection:
        former = await connection.scalar(select(BookkeepingRow.key))
        if not is_lost:  # another process may have begun the database in this moment
            _require(database, former, pseudonyms)
        if former not in (None, key) and await neighbour(connection) is not None:
            raise BadHashKey(_FORMER_KEY_IN_USE)
        await connection.execute(update(BookkeepingRow).values(key=key))
        if former is None:  # the first start, or the first of a version that knows of this
            return False
        await _close_hours(connection)
    _log.info("the key is a new one: what is told of the hours up to now does not change any more")
    return True


async def _close_hours(connection: AsyncConnection) -> None:
    fixed = {"channel_id": _HOURS.channel_id, "hour": _HOURS.hour, "guild_id": _HOURS.guild_id}
    values = {name: fixed.get(name, literal(0)) for name in _TOLD.keys()}  # noqa: SIM118
    hidden = select(*values.values()).where(_HOURS.told == false(), ~exists(select(_TOLD.hour).where(_SAME)))
    await connection.execute(insert(ToldHourRow).from_select(list(values), hidden))
    await connection.execute(update(HourRow).where(_HOURS.told == false()).values(told=true()))
    still_there = exists(select(_HOURS.hour).where(_SAME))
    await connection.execute(update(ToldHourRow).where(still_there).values(version=MOST_VERSIONS))
    await connection.execute(delete(LateChangeRow))
