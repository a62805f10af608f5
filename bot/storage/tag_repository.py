"""Which messages the bot has tagged, so that a tag can be taken back, also after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.records import Tag
from bot.storage.database import Database
from bot.storage.own_servers import own
from bot.storage.requests import is_out
from bot.storage.schema import TagRow
from bot.storage.upsert import table_of, upsert

_TAGS = table_of(TagRow).c
_COLUMNS = tuple(_TAGS[name] for name in Tag.__dataclass_fields__)


class TagRepository:
    """Tags, and which of them are to go. Every method raises DatabaseUnavailable, and then nothing has changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tag: Tag) -> bool:
        """Notes a tag, in the place of what was noted of the same one; False where its person has opted out."""
        statement = upsert(self._database.dialect, TagRow, "author")
        async with self._database.write(own=True) as connection:
            if tag.author is not None and await is_out(connection, tag.author, tag.guild_id):
                return False
            await connection.execute(statement, [asdict(tag)])
            return True

    async def of(self, message_id: int) -> tuple[Tag, ...]:
        """The tags of a message, those that are to go included."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(*_COLUMNS).where(_TAGS.message_id == message_id))
            return tuple(Tag(*row) for row in rows)

    async def release(self, message_id: int, *, but: str | None = None) -> int:
        """The tags of a message are to go, except this emoji; returns how many that are."""
        stays = () if but is None else (_TAGS.emoji != but,)
        there = (_TAGS.message_id == message_id, _TAGS.author.is_not(None), *stays)
        async with self._database.write(own=True) as connection:
            return (await connection.execute(update(TagRow).where(*there).values(author=None))).rowcount

    async def due(self, limit: int) -> tuple[Tag, ...]:
        """Tags that are to go in servers of this process, the latest messages first: those are looked at."""
        which = (_TAGS.author.is_(None), own(self._database.shards, _TAGS.guild_id))
        question = select(*_COLUMNS).where(*which).order_by(_TAGS.message_id.desc()).limit(limit)
        async with self._database.read() as connection:
            return tuple(Tag(*row) for row in await connection.execute(question))

    async def remove(self, message_id: int, emoji: str) -> None:
        """Forgets a tag."""
        async with self._database.write(own=True) as connection:
            await connection.execute(delete(TagRow).where(_TAGS.message_id == message_id, _TAGS.emoji == emoji))

    async def remove_released(self, message_id: int, emoji: str) -> None:
        """Forgets a tag that was taken back, unless it was given anew meanwhile."""
        which = (_TAGS.message_id == message_id, _TAGS.emoji == emoji, _TAGS.author.is_(None))
        async with self._database.write(own=True) as connection:
            await connection.execute(delete(TagRow).where(*which))


async def read_tags(connection: AsyncConnection, authors: Sequence[bytes]) -> tuple[Tag, ...]:
    """The tags on a person's messages, in order."""
    theirs = select(*_COLUMNS).where(_TAGS.author.in_(authors)).order_by(_TAGS.message_id, _TAGS.emoji)
    return tuple(Tag(*row) for row in await connection.execute(theirs))


async def release_tags(connection: AsyncConnection, authors: Sequence[bytes], up_to: int | None = None) -> int:
    """The tags on a person's messages are to go, and whose messages they are is forgotten at once. An `Eraser`.

    With `up_to` only those on messages with ids up to that one.
    """
    theirs = update(TagRow).where(_TAGS.author.in_(authors))
    if up_to is not None:
        theirs = theirs.where(_TAGS.message_id <= up_to)
    await connection.execute(theirs.values(author=None))
    return 0


async def release_tags_in(connection: AsyncConnection, authors: Sequence[bytes], guild_id: int, up_to: int) -> None:
    """The tags on a person's messages in one server are to go, on messages with ids up to that one."""
    theirs = (_TAGS.author.in_(authors), _TAGS.guild_id == guild_id, _TAGS.message_id <= up_to)
    await connection.execute(update(TagRow).where(*theirs).values(author=None))
