"""Where notices stand. Several processes may share the table, so each asks it before it posts another."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from math import ceil

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.notice import Notice
from bot.storage.changes import Changed, note_change
from bot.storage.database import Database
from bot.storage.own_servers import own
from bot.storage.schema import NoticeRow
from bot.storage.upsert import table_of, upsert

_NOTICES = table_of(NoticeRow).c
_COLUMNS = tuple(_NOTICES[name] for name in Notice.__dataclass_fields__)
_CHANGING = ("guild_id", "message_id", "posted", "deletions", "tells")


class NoticeRepository:
    """One notice for each channel or thread. Every method raises DatabaseUnavailable, and then nothing has changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> tuple[Notice, ...]:
        """Those of all servers of this process, which it reads when it starts."""
        which = own(self._database.shards, _NOTICES.guild_id)
        async with self._database.read() as connection:
            rows = await connection.execute(select(*_COLUMNS).where(which).order_by(_NOTICES.channel_id))
            return tuple(Notice(*row) for row in rows)

    async def of_server(self, guild_id: int) -> tuple[Notice, ...]:
        """Those of one server."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(*_COLUMNS).where(_NOTICES.guild_id == guild_id))
            return tuple(Notice(*row) for row in rows)

    async def of(self, channel_id: int) -> Notice | None:
        """That of a channel or thread, whoever posted it; None: none ever was, or it no longer counts."""
        async with self._database.read() as connection:
            return await _of(connection, channel_id)

    async def post(self, notice: Notice) -> Notice:
        """Notes a notice that was posted, and returns the one that stands there now.

        That is another where another process was quicker, unless that one tells less.
        How often people have deleted one stays noted, and of one that is renewed, since when it has been there.
        """
        async with self._database.write() as connection:
            there = await _of(connection, notice.channel_id)
            renewed = there is not None and there.stands and there.tells < notice.tells
            stands = there is not None and there.stands and not renewed
            if there is not None and stands and there.message_id not in (None, notice.message_id):
                return there
            kept = replace(notice, deletions=there.deletions if there is not None else 0)
            if renewed and there is not None and there.since is not None:
                kept = replace(kept, posted=ceil(there.since))
            await connection.execute(upsert(self._database.dialect, NoticeRow, *_CHANGING), [asdict(kept)])
            await note_change(connection, Changed.SERVER, kept.guild_id)
            return kept

    async def deleted(self, channel_id: int, message_id: int, now: int) -> Notice | None:
        """Notes that somebody has deleted a notice, once however often it is said; returns what is known since."""
        async with self._database.write() as connection:
            there = await _of(connection, channel_id)
            if there is None or there.message_id != message_id:
                return there
            after = there.after_deletion(now)
            await connection.execute(upsert(self._database.dialect, NoticeRow, *_CHANGING), [asdict(after)])
            await note_change(connection, Changed.SERVER, after.guild_id)
            return after

    async def found(self, channel_id: int, message_id: int) -> None:
        """Notes which message a notice is of which only the time was known."""
        unknown = (_NOTICES.channel_id == channel_id, _NOTICES.message_id.is_(None), _NOTICES.posted.is_not(None))
        async with self._database.write() as connection:
            await connection.execute(update(NoticeRow).where(*unknown).values(message_id=message_id))

    async def remove(self, guild_id: int, channel_ids: Collection[int]) -> None:
        """Forgets the notices of these channels and threads of a server, standing or not."""
        theirs = (_NOTICES.guild_id == guild_id, _NOTICES.channel_id.in_(channel_ids))
        async with self._database.write() as connection:
            await connection.execute(delete(NoticeRow).where(*theirs))
            await note_change(connection, Changed.SERVER, guild_id)


async def _of(connection: AsyncConnection, channel_id: int) -> Notice | None:
    row = (await connection.execute(select(*_COLUMNS).where(_NOTICES.channel_id == channel_id))).one_or_none()
    return None if row is None else Notice(*row)
