"""Which messages of a channel are held: compared with those that are there, it shows which were deleted unseen."""

from __future__ import annotations

from sqlalchemy import select

from bot.storage.database import Database
from bot.storage.schema import MessageScoreRow


async def held_message_ids(
    database: Database, channel_id: int, first: int, last: int, *, thread_id: int | None = None
) -> frozenset[int]:
    """Ids of the messages of a channel of which a row is held, from `first` to `last`; both belong to it.

    Those in its threads are not among them; with `thread_id` those of that thread of the channel are asked for. What
    `WriteBuffer` has not written yet is not in the database: flush it first. Those that are not in the channel any more
    are for `WriteBuffer.deleted`. Raises DatabaseUnavailable.
    """
    where = (MessageScoreRow.channel_id == channel_id, MessageScoreRow.message_id.between(first, last))
    place = MessageScoreRow.thread_id.is_(None) if thread_id is None else MessageScoreRow.thread_id == thread_id
    async with database.read() as connection:
        return frozenset(await connection.scalars(select(MessageScoreRow.message_id).where(*where, place)))


async def held_range(database: Database, channel_id: int, *, thread_id: int | None = None) -> tuple[int, int] | None:
    """The lowest and the highest id of those messages; None when there are none. Raises DatabaseUnavailable."""
    place = MessageScoreRow.thread_id.is_(None) if thread_id is None else MessageScoreRow.thread_id == thread_id
    question = select(MessageScoreRow.message_id).where(MessageScoreRow.channel_id == channel_id, place)
    async with database.read() as connection:
        low = await connection.scalar(question.order_by(MessageScoreRow.message_id).limit(1))
        high = await connection.scalar(question.order_by(MessageScoreRow.message_id.desc()).limit(1))
    return None if low is None or high is None else (low, high)
