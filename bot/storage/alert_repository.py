"""What the bot posts by itself, so that a restart neither repeats it nor forgets it: alerts and digests."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf

from sqlalchemy import and_, delete, insert, or_, select, update
from sqlalchemy.sql import ColumnElement

from bot.domain.records import Alert, DigestKind
from bot.storage.chunks import CHUNK
from bot.storage.database import Database
from bot.storage.own_servers import own
from bot.storage.schema import AlertRow, DigestRow
from bot.storage.upsert import table_of


class AlertRepository:
    """Alerts and digests. Every method raises DatabaseUnavailable when the database does not do it."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def claim_digest(self, guild_id: int, kind: DigestKind, period: str) -> bool:
        """Whether this digest is the caller's to send; for each period, such as 2026-11-25 or 2026-W48, once."""
        async with self._database.write(own=True) as connection:
            there = await connection.scalar(select(DigestRow.claimed).where(_is_digest(guild_id, kind, period)))
            if there is not None:
                return False
            values = {"guild_id": guild_id, "kind": kind, "period": period, "claimed": int(self._clock())}
            await connection.execute(insert(DigestRow).values(values))
            return True

    async def digest_sent(self, guild_id: int, kind: DigestKind, period: str) -> None:
        """Notes that Discord has taken a claimed digest."""
        sent = update(DigestRow).where(_is_digest(guild_id, kind, period)).values(sent=int(self._clock()))
        async with self._database.write(own=True) as connection:
            await connection.execute(sent)

    async def release_digest(self, guild_id: int, kind: DigestKind, period: str) -> None:
        """Gives back the claim of a digest that was not sent, so that it can be tried again."""
        unsent = and_(_is_digest(guild_id, kind, period), DigestRow.sent.is_(None))
        async with self._database.write(own=True) as connection:
            await connection.execute(delete(DigestRow).where(unsent))

    async def unfinished_digests(self) -> tuple[tuple[int, DigestKind, str], ...]:
        """Server, kind and period of the claims of which nobody said how they ended: the process did before it could.

        Whether these were sent is not known here; a look into the channel tells. Only of servers of this process.
        """
        columns = (DigestRow.guild_id, DigestRow.kind, DigestRow.period)
        unsent = and_(DigestRow.sent.is_(None), own(self._database.shards, table_of(DigestRow).c.guild_id))
        async with self._database.read() as connection:
            rows = await connection.execute(select(*columns).where(unsent).order_by(*columns))
            return tuple((guild, DigestKind(kind), period) for guild, kind, period in rows)

    async def start_alert(self, guild_id: int, channel_id: int, level: int, usual_level: int) -> Alert | None:
        """Notes an alert before it is posted; None when the channel has one that has not recovered."""
        values = {"guild_id": guild_id, "channel_id": channel_id, "level": level, "usual_level": usual_level}
        values |= {"started": int(self._clock())}
        running = and_(AlertRow.channel_id == channel_id, AlertRow.guild_id == guild_id, AlertRow.recovered.is_(None))
        columns = table_of(AlertRow).c
        async with self._database.write(own=True) as connection:
            if await connection.scalar(select(AlertRow.number).where(running)) is not None:
                return None
            row = await connection.execute(insert(AlertRow).values(values).returning(*columns))
            return Alert(*row.one())

    async def posted(self, number: int, post_id: int) -> None:
        """Notes in which message an alert was posted."""
        async with self._database.write(own=True) as connection:
            await connection.execute(update(AlertRow).where(AlertRow.number == number).values(post_id=post_id))

    async def acknowledge(self, guild_id: int, number: int) -> bool:
        """Notes that somebody, we do not keep who, looks after an alert of this server; False when one did before."""
        return await self._note(guild_id, number, "acknowledged")

    async def alert(self, guild_id: int, number: int) -> Alert | None:
        """One of a server's alerts by its number; None: there is no such alert any more."""
        question = select(*table_of(AlertRow).c).where(AlertRow.number == number, AlertRow.guild_id == guild_id)
        async with self._database.read() as connection:
            row = (await connection.execute(question)).one_or_none()
            return Alert(*row) if row is not None else None

    async def recover(self, guild_id: int, number: int) -> bool:
        """Notes that the channel is as usual again; False when it was already."""
        return await self._note(guild_id, number, "recovered")

    async def _note(self, guild_id: int, number: int, name: str) -> bool:
        column = table_of(AlertRow).c[name]
        where = and_(AlertRow.number == number, AlertRow.guild_id == guild_id, column.is_(None))
        async with self._database.write(own=True) as connection:
            noted = await connection.execute(update(AlertRow).where(where).values({name: int(self._clock())}))
            return noted.rowcount > 0

    async def storms(self, recovered_since: float = inf) -> tuple[Alert, ...]:
        """The alerts that have not recovered, and those that have since then, the oldest first.

        Of all servers of this process.
        """
        lately: ColumnElement[bool] = AlertRow.recovered.is_(None)
        if recovered_since < inf:
            lately = or_(lately, AlertRow.recovered >= int(recovered_since))
        lately = and_(lately, own(self._database.shards, table_of(AlertRow).c.guild_id))
        question = select(*table_of(AlertRow).c).where(lately).order_by(AlertRow.number)
        found: list[Alert] = []
        async with self._database.read() as connection:
            rows = await connection.stream(question)
            async for part in rows.partitions(CHUNK):
                found += [Alert(*row) for row in part]
        return tuple(found)

    async def alerts(self, guild_id: int, channel_id: int | None = None, limit: int = 20) -> tuple[Alert, ...]:
        """A server's alerts, or those of one channel, the latest first."""
        question = select(*table_of(AlertRow).c).where(AlertRow.guild_id == guild_id)
        if channel_id is not None:
            question = question.where(AlertRow.channel_id == channel_id)
        async with self._database.read() as connection:
            rows = await connection.execute(question.order_by(AlertRow.number.desc()).limit(limit))
            return tuple(Alert(*row) for row in rows)


def _is_digest(guild_id: int, kind: DigestKind, period: str) -> ColumnElement[bool]:
    return and_(DigestRow.guild_id == guild_id, DigestRow.kind == kind, DigestRow.period == period)
