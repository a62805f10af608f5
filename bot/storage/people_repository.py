"""What the database holds about one person, found under the hashes of their id (`Pseudonyms.authors`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.records import AdminAction, Audited, HeldMessage, HeldMessages, TargetKind
from bot.storage.database import Database
from bot.storage.personal_data import Holding, PersonalData
from bot.storage.schema import AuditRow, HourAuthorRow, LateChangeRow, MessageScoreRow, OptOutRow
from bot.storage.upsert import table_of

_PART = 500
"""Messages that are read at once: somebody's month may be tens of thousands, and others wait meanwhile."""


class PeopleRepository:
    """Everything about a person, as the features have it read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def held(self, authors: Sequence[bytes], kinds: Sequence[PersonalData[Any]]) -> tuple[Holding[Any], ...]:
        """What is held about the person with these hashes, one for each of `kinds`, all of the same moment.

        What `WriteBuffer` has not written yet is not in the database: flush it first. Raises DatabaseUnavailable.
        """
        async with self._database.read() as connection:
            return tuple([Holding(kind, await kind.read(connection, authors)) for kind in kinds])


async def read_messages(connection: AsyncConnection, authors: Sequence[bytes]) -> HeldMessages:
    """A person's messages, by id, how many they wrote in each hour of a channel, and where some have changed since."""
    messages = [table_of(MessageScoreRow).c[name] for name in HeldMessage.__dataclass_fields__]
    hours = (HourAuthorRow.channel_id, HourAuthorRow.hour, HourAuthorRow.messages, HourAuthorRow.unread)
    theirs = select(*messages).where(MessageScoreRow.author.in_(authors)).order_by(MessageScoreRow.message_id)
    counted = select(*hours).where(HourAuthorRow.author.in_(authors)).order_by(*hours)
    late = (LateChangeRow.channel_id, LateChangeRow.hour, LateChangeRow.messages)
    changed = select(*late).where(LateChangeRow.author.in_(authors)).order_by(*late)
    said: list[HeldMessage] = []
    async for part in (await connection.stream(theirs)).partitions(_PART):
        said += [HeldMessage(*row) for row in part]
    counts = await connection.execute(counted)
    changes = await connection.execute(changed)
    return HeldMessages(
        tuple(said),
        tuple((row.channel_id, row.hour, row.messages, row.unread) for row in counts),
        tuple((row.channel_id, row.hour, row.messages) for row in changes),
    )


async def read_admin_actions(connection: AsyncConnection, authors: Sequence[bytes]) -> tuple[Audited, ...]:
    """What a person did as an admin, in order."""
    audit = [table_of(AuditRow).c[name] for name in Audited.__dataclass_fields__]
    done = select(*audit).where(AuditRow.actor.in_(authors)).order_by(AuditRow.number)
    return tuple(audited(row) for row in await connection.execute(done))


async def blank_admin(connection: AsyncConnection, authors: Sequence[bytes], _up_to: int | None = None) -> int:
    """What was done stays; that it was this person goes, whenever it was. An `Eraser`."""
    await connection.execute(update(AuditRow).where(AuditRow.actor.in_(authors)).values(actor=None))
    return 0


async def read_opt_out(connection: AsyncConnection, authors: Sequence[bytes]) -> int | None:
    """Since when a person is not read, in seconds since the Unix epoch; None: they have not opted out."""
    since: int | None = await connection.scalar(select(func.min(OptOutRow.since)).where(OptOutRow.author.in_(authors)))
    return since


def audited(row: Row[Any]) -> Audited:
    """An entry of the audit, from a row with its columns."""
    kind = TargetKind(row.target_kind) if row.target_kind is not None else None
    return Audited(row.guild_id, row.done, row.actor, AdminAction(row.action), kind, row.target_id)
