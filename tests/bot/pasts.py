"""Pasts to test with: hours written straight into the tables, in the time of the simulated Discord."""

import random
from dataclasses import dataclass

from sqlalchemy import insert

from bot.domain.snowflake import SECONDS
from bot.storage.schema import HourAuthorRow, HourRow
from tests.bot.storage.scenes import publish


@dataclass(frozen=True)
class Said:
    """Messages of one hour: `people` wrote one each, with these scores in thousandths, and `unread` one without."""

    hour: int
    scores: tuple[int, ...]
    people: tuple[bytes, ...]
    unread: tuple[bytes, ...] = ()


def who(number):
    """A hash as it might be of somebody."""
    return number.to_bytes(16, "big")


def said(hour, people, mean=0, spread=200, unread=0):
    """So many people each wrote one message; the mean of the scores is exact. `people` may name who.

    `unread` others each wrote one that could not be read.
    """
    others = tuple(who(1000 + number) for number in range(unread))
    if not people:
        return Said(hour, (), (), others)
    names = [who(number) for number in range(people)] if isinstance(people, int) else [who(n) for n in people]
    rng = random.Random(hour)
    scores = [round(rng.uniform(-spread, spread)) for _ in names]
    shift = round(mean * 1000) - round(sum(scores) / len(scores))
    return Said(hour, tuple(max(-1000, min(1000, score + shift)) for score in scores), tuple(names), others)


def hour_row(one, guild, channel):
    """The row of `hours` that these messages make."""
    signs = [0 if score < -333 else 2 if score > 333 else 1 for score in one.scores]
    return {
        "channel_id": channel,
        "hour": one.hour,
        "guild_id": guild,
        "negative": signs.count(0),
        "neutral": signs.count(1),
        "positive": signs.count(2),
        "score_sum": sum(one.scores),
        "score_square_sum": sum(score * score for score in one.scores),
        "authors": len(set(one.people)),
        "unread": len(one.unread),
        "writers": len({*one.people, *one.unread}),
    }


async def write(storage, guild, channel, hours, *, purged=False, before=None):
    """Puts hours into the database; when `purged`, it is no longer known who wrote in them.

    They are told without noise, and so are their days (UTC); only those before `before`. With multiples of five
    messages and people, and a mean of two digits, what is told is exact.
    """
    rows = [hour_row(one, guild, channel) for one in hours]
    people = [
        {"channel_id": channel, "hour": one.hour, "author": author}
        | {"messages": one.people.count(author), "unread": one.unread.count(author)}
        for one in hours
        for author in sorted({*one.people, *one.unread})
    ]
    async with storage.database.write() as connection:
        await connection.execute(insert(HourRow), rows)
        if people and not purged:
            await connection.execute(insert(HourAuthorRow), people)
    end = max((one.hour + 1 for one in hours), default=0) if before is None else before
    await publish(storage.database, end)


def hour_now(env):
    """The present hour in the simulated Discord."""
    return int(env.backend.clock.now().timestamp() // SECONDS)
