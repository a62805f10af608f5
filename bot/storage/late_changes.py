"""Whose messages in an hour have changed since it was told: counted, so that it changes by groups of people only."""

from __future__ import annotations

import os
from collections.abc import Sequence

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.disclosure import MOST_VERSIONS
from bot.storage.chunks import chunks
from bot.storage.pseudonyms import HASH_BYTES
from bot.storage.schema import LateChangeRow, ToldHourRow
from bot.storage.upsert import table_of, upsert

_LATE = table_of(LateChangeRow).c


async def note_late_changes(connection: AsyncConnection, changed: Sequence[tuple[int, int, bytes, int]]) -> None:
    """Notes people of whom something changed in hours that are told and may be told anew.

    Each is a channel, an hour, the person's hash, and the most messages of theirs that were read there, before or
    since. Meant for a portion of people (`bot.storage.chunks`).
    """
    place = (ToldHourRow.channel_id, ToldHourRow.hour)
    asked = select(*place).where(tuple_(*place).in_({(channel, hour) for channel, hour, *_ in changed}))
    told = {
        (channel, hour)
        for channel, hour in await connection.execute(
            asked.where(ToldHourRow.authors > 0, ToldHourRow.version < MOST_VERSIONS)
        )
    }
    late = {(channel, hour, author): most for channel, hour, author, most in changed if (channel, hour) in told}
    if not late:
        return
    key = (_LATE.channel_id, _LATE.hour, _LATE.author)
    for channel, hour, author, most in await connection.execute(
        select(*key, _LATE.messages).where(tuple_(*key).in_(late.keys()))
    ):
        late[channel, hour, author] = max(most, late[channel, hour, author])
    rows = [
        {"channel_id": channel, "hour": hour, "author": author, "messages": most}
        for (channel, hour, author), most in late.items()
    ]
    await connection.execute(upsert(connection.dialect.name, LateChangeRow, "messages"), rows)


async def make_anonymous(connection: AsyncConnection, authors: Sequence[bytes]) -> None:
    """Puts random numbers in the place of these hashes of one person, one for each hour."""
    theirs = _LATE.author.in_(authors)
    place = (_LATE.channel_id, _LATE.hour)
    found = await connection.execute(select(*place, func.max(_LATE.messages)).where(theirs).group_by(*place))
    rows = [
        {"channel_id": channel, "hour": hour, "author": os.urandom(HASH_BYTES), "messages": most}
        for channel, hour, most in found
    ]
    await connection.execute(delete(LateChangeRow).where(theirs))
    for some in chunks(rows):
        await connection.execute(upsert(connection.dialect.name, LateChangeRow), some)
