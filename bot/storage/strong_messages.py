"""Which messages were the strongest of a time, by their ids: what they say is known to nobody but Discord.

Only of hours that may be told, by the rule of five people, or that are judged before they are told, which takes nine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Container
from dataclasses import dataclass

from sqlalchemy import and_, exists, func, or_, select

from bot.domain.disclosure import FEWEST_WITHOUT_NOISE
from bot.domain.records import FEWEST_AUTHORS, UNREAD
from bot.domain.snowflake import first_id_of
from bot.storage.among import among
from bot.storage.database import Database
from bot.storage.pseudonyms import in_server
from bot.storage.schema import BookkeepingRow, HourRow, MessageScoreRow, ToldHourRow
from bot.storage.upsert import table_of

MOST = 10
"""Messages that are shown at once."""

MOST_OF_ONE = 3
"""Of one person: links are to say what happened, and not who is to be looked at."""

WEAKEST = 334
"""Thousandths: what is nearer to 0 is neutral, and says nothing of what happened."""

_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Strong:
    """A message, where it stands, and whether it is a positive one."""

    message_id: int
    channel_id: int
    thread_id: int | None
    positive: bool


class StrongMessages:
    """Finds them among the single scores, for as long as these are kept. `opted_out` are hashes of who must not be."""

    def __init__(self, database: Database, opted_out: Container[bytes] = ()) -> None:
        self._database = database
        self._opted_out = opted_out

    async def of(
        self,
        guild_id: int,
        channels: Collection[int],
        first_hour: int,
        end_hour: int,
        *,
        may: Callable[[int, int | None], bool],
        whose: Callable[[Strong], Awaitable[bool | None]] | None = None,
        negative: bool = False,
    ) -> tuple[Strong, ...]:
        """The strongest of these channels of a server from one hour up to another, or the most negative ones.

        `may` says of a channel and a thread in it whether what stands there may be linked. `whose` is asked the same of
        a message's author, once for each, in the order of the messages; None where that one message does not tell.
        What waits in the buffer is not known here: flush it first, deletions with it. Raises DatabaseUnavailable.
        """
        row, dialect = MessageScoreRow, self._database.dialect
        hour = and_(ToldHourRow.channel_id == row.channel_id, ToldHourRow.hour == row.hour)
        of_hour = and_(HourRow.channel_id == row.channel_id, HourRow.hour == row.hour)
        left = exists().where(of_hour, HourRow.authors >= FEWEST_AUTHORS)  # some may have had their data deleted since
        told = and_(exists().where(hour, ToldHourRow.authors >= FEWEST_AUTHORS), left)
        judged = exists().where(of_hour, HourRow.told.is_(False), HourRow.authors >= FEWEST_WITHOUT_NOISE)
        linked_from = select(BookkeepingRow.linked_from).scalar_subquery()
        question = select(row.message_id, row.channel_id, row.thread_id, row.author, row.score).where(
            row.guild_id == guild_id,
            among(dialect, table_of(row).c.channel_id, channels),
            row.message_id >= first_id_of(first_hour),
            row.message_id < first_id_of(end_hour),
            row.message_id >= func.coalesce(linked_from, 0),
            row.sentiment != UNREAD,
            row.score <= -WEAKEST if negative else func.abs(row.score) >= WEAKEST,
            or_(told, judged),
        )
        strongest = row.score if negative else func.abs(row.score).desc()
        question = question.order_by(strongest, row.message_id.desc()).limit(_LOOKED_AT)
        async with self._database.read() as connection:
            rows = (await connection.execute(question)).all()
        found: list[Strong] = []
        of_one: Counter[bytes] = Counter()
        asked: dict[bytes, bool] = {}
        for message, channel, thread, author, score in rows:
            out = author in self._opted_out or in_server(author, guild_id) in self._opted_out
            if out or of_one[author] == MOST_OF_ONE or not may(channel, thread):
                continue
            one = Strong(message, channel, thread, score > 0)
            if whose is not None and author not in asked:
                answer = await whose(one)
                if answer is None:
                    continue
                asked[author] = answer
            if not asked.get(author, True):
                continue
            of_one[author] += 1
            found.append(one)
            if len(found) == MOST:
                break
        return tuple(found)
