"""Everything that the database holds about one person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.records import AdminAction, Audited, Held, HeldMessage, TargetKind
from bot.storage.schema import AuditRow, HourAuthorRow, MessageScoreRow, OptOutRow
from bot.storage.upsert import table_of

_PART = 500
"""Messages that are read at once: somebody's month may be tens of thousands, and others wait meanwhile."""


async def read_held(connection: AsyncConnection, authors: Sequence[bytes]) -> Held:
    """What is there about the person with these hashes (`Pseudonyms.authors`), in order."""
    messages = [table_of(MessageScoreRow).c[name] for name in HeldMessage.__dataclass_fields__]
    hours = (HourAuthorRow.channel_id, HourAuthorRow.hour, HourAuthorRow.messages, HourAuthorRow.unread)
    audit = [table_of(AuditRow).c[name] for name in Audited.__dataclass_fields__]
    theirs = select(*messages).where(MessageScoreRow.author.in_(authors)).order_by(MessageScoreRow.message_id)
    counted = select(*hours).where(HourAuthorRow.author.in_(authors)).order_by(*hours)
    done = select(*audit).where(AuditRow.actor.in_(authors)).order_by(AuditRow.number)
    since = select(func.min(OptOutRow.since)).where(OptOutRow.author.in_(authors))
    said: list[HeldMessage] = []
    async for part in (await connection.stream(theirs)).partitions(_PART):
        said += [HeldMessage(*row) for row in part]
    return Held(
        await connection.scalar(since),
        tuple(said),
        tuple((row.channel_id, row.hour, row.messages, row.unread) for row in await connection.execute(counted)),
        tuple(audited(row) for row in await connection.execute(done)),
    )


def audited(row: Row[Any]) -> Audited:
    """An entry of the audit, from a row with its columns."""
    kind = TargetKind(row.target_kind) if row.target_kind is not None else None
    return Audited(row.guild_id, row.done, row.actor, AdminAction(row.action), kind, row.target_id)
