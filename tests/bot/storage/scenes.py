"""Messages to test with, and what the tables must hold after them."""

from collections import Counter, defaultdict

from sqlalchemy import select

from bot.domain.records import UNREAD
from bot.domain.snowflake import first_id_of
from bot.storage.judged_hours import read_exact_hours
from bot.storage.quiet_days import guilds_with_hidden_hours, tell_days
from bot.storage.schema import HourAuthorRow, HourRow, MessageScoreRow
from bot.storage.told_hours import tell_anew, tell_hours
from bot.storage.upsert import table_of
from model.errors import Unreadable
from model.verdict import SENTIMENTS, Sentiment, Verdict

KEY = "a key that only the tests have"
NOW = 1_764_000_000.0
HOUR = int(NOW // 3600)
HOME, AWAY = 100, 200
GENERAL, RANDOM, THREAD = 101, 102, 103
MODEL = "0123456789ab"
EXACT = 11
"""Columns of `hours` that follow from the messages, the first ones."""


class Calm:
    """Chances that never surprise: no noise, and everything rounded to what is nearest."""

    def random(self):
        return 0.5


CALM = Calm()


async def publish(database, before=HOUR + 1, rng=CALM):
    """Tells the hours before that one, anew where it is due, and the days that are over (UTC)."""
    async with database.write() as connection:
        while await tell_hours(connection, before, rng):
            pass
        while await tell_anew(connection, rng):
            pass
        await tell_days(connection, await guilds_with_hidden_hours(connection, before), before, rng)


def message_id(number, hour=HOUR):
    """The id of the hour's message of that number."""
    return first_id_of(hour) + number


def author(number):
    """A hash as it might be of somebody."""
    return bytes([number]) * 16


def verdict(score, model=MODEL):
    """A verdict with this score, in [-1, 1]: neutral from -1/3 to 1/3."""
    probabilities = (max(0.0, -score), 1.0 - abs(score), max(0.0, score))
    sentiment = Sentiment.NEUTRAL if abs(score) <= 1 / 3 else SENTIMENTS[0 if score < 0 else 2]
    return Verdict(sentiment, probabilities, 1, model)


def say(buffer, number, who=1, score=0.5, *, hour=HOUR, guild=HOME, channel=GENERAL, **more):
    """Somebody's message was read, or could not be: then its score is None."""
    answer = Unreadable("Spanish") if score is None else verdict(score)
    return buffer.scored(message_id(number, hour), guild, channel, author(who), answer, **more)


async def exact_hours(database, first, last, guilds):
    """Server, channel and exact sums of the hours of these servers that may be judged before they are told."""
    async with database.read() as connection:
        hours = await read_exact_hours(connection, first, last, HourRow.guild_id.in_(guilds))
    return tuple((one.guild_id, one.channel_id, one.hour) for one in hours)


async def rows_of(database, row):
    """All rows of a table, as dictionaries, in the order of the primary key."""
    table = table_of(row)
    async with database.read() as connection:
        found = await connection.execute(select(*table.c).order_by(*table.primary_key.columns))
        return [dict(one._mapping) for one in found]


def recomputed(messages):
    """The tables of hours and of people in hours, from nothing but the rows of messages."""
    people, hours = defaultdict(lambda: [0, 0]), defaultdict(Counter)
    for one in messages:
        people[one["channel_id"], one["hour"], one["author"]][one["sentiment"] == UNREAD] += 1
        numbers = hours[one["channel_id"], one["hour"], one["guild_id"]]
        numbers[(*SENTIMENTS, "unread")[one["sentiment"]]] += 1
        numbers["score_sum"] += one["score"]
        numbers["score_square_sum"] += one["score"] ** 2
    authors = Counter((channel, hour) for (channel, hour, _), (read, _) in people.items() if read)
    writers = Counter((channel, hour) for channel, hour, _ in people)
    sums = (*SENTIMENTS, "score_sum", "score_square_sum")
    return (
        sorted(
            (*key, *(numbers[name] for name in sums), authors[key[:2]], numbers["unread"], writers[key[:2]])
            for key, numbers in hours.items()
        ),
        sorted((*key, *counts) for key, counts in people.items()),
    )


async def held(database):
    """The two tables as they are, in the form of `recomputed`: what is noted of telling them is left out.

    So is an hour that was told and has nothing left in it.
    """
    hours = [row for row in await rows_of(database, HourRow) if row["writers"] or not row["told"]]
    return (
        sorted(tuple(row.values())[:EXACT] for row in hours),
        sorted(tuple(row.values()) for row in await rows_of(database, HourAuthorRow)),
    )


async def assert_sums_are_right(database):
    """Every hour is what its messages say."""
    assert await held(database) == recomputed(await rows_of(database, MessageScoreRow))
