"""How much of what is written cannot be read, because it is in another language or script.

Nothing is told of hours in which fewer than five people wrote, read or not, and nothing of a handful of messages. It is
told in whole percent, of sums over what was published of such hours: rounded, and with noise where few people wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.schema import ToldHourRow
from bot.storage.upsert import table_of

FEWEST_MESSAGES = 20
"""Messages, read or not, under which no share of them is told: one of a few is no share but somebody."""


class Unread:
    """What may be told of the messages that could not be read, in some channels and hours.

    `counted` is, by channel, how many could not be read, and how many there were.
    """

    def __init__(self, counted: Mapping[int, tuple[int, int]]) -> None:
        self._counted = counted

    @property
    def share(self) -> int | None:
        """How many in a hundred of all messages could not be read; None where that may not be told."""
        return _percent(sum(unread for unread, _ in self._counted.values()), sum(n for _, n in self._counted.values()))

    def share_of(self, channel_id: int) -> int | None:
        """The same of one channel."""
        return _percent(*self._counted.get(channel_id, (0, 0)))


async def read_unread(
    connection: AsyncConnection, guild_id: int, first_hour: int, last_hour: int, channels: Collection[int] | None
) -> Unread:
    """Of these channels of a server, None: of all; both hours belong to the range."""
    columns = table_of(ToldHourRow).c
    sums = [cast(func.sum(number), BigInteger) for number in (columns.unread, columns.written)]
    question = select(columns.channel_id, *sums).where(
        columns.guild_id == guild_id,
        columns.hour.between(first_hour, last_hour),
        columns.writers > 0,
    )
    if channels is not None:
        question = question.where(columns.channel_id.in_(channels))
    rows = await connection.execute(question.group_by(columns.channel_id))
    return Unread({channel: (unread, messages) for channel, unread, messages in rows})


def _percent(unread: int, messages: int) -> int | None:
    return round(100 * unread / messages) if messages >= FEWEST_MESSAGES else None
