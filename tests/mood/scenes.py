"""Messages to test with, and what the tables must hold after them."""

from collections import Counter, defaultdict

from sqlalchemy import select

from bot.mood.hours import first_id_of
from bot.mood.schema import HourAuthorRow, HourRow, MessageScoreRow
from bot.mood.upsert import table_of
from model.verdict import SENTIMENTS, Sentiment, Verdict

KEY = "a key that only the tests have"
NOW = 1_764_000_000.0
HOUR = int(NOW // 3600)
HOME, AWAY = 100, 200
GENERAL, RANDOM, THREAD = 101, 102, 103
MODEL = "0123456789ab"


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
    """Somebody's message was read."""
    return buffer.scored(message_id(number, hour), guild, channel, author(who), verdict(score), **more)


async def rows_of(database, row):
    """All rows of a table, as dictionaries, in the order of the primary key."""
    table = table_of(row)
    async with database.read() as connection:
        found = await connection.execute(select(*table.c).order_by(*table.primary_key.columns))
        return [dict(one._mapping) for one in found]


def recomputed(messages):
    """The tables of hours and of people in hours, from nothing but the rows of messages."""
    authors, hours = Counter(), defaultdict(lambda: [0, 0, 0, 0, 0])
    for one in messages:
        authors[one["channel_id"], one["hour"], one["author"]] += 1
        numbers = hours[one["channel_id"], one["hour"], one["guild_id"]]
        numbers[one["sentiment"]] += 1
        numbers[3] += one["score"]
        numbers[4] += one["score"] ** 2
    people = Counter((channel, hour) for channel, hour, _ in authors)
    return (
        sorted((*key, *numbers, people[key[:2]]) for key, numbers in hours.items()),
        sorted((*key, count) for key, count in authors.items()),
    )


async def held(database):
    """The two tables as they are, in the form of `recomputed`."""
    return (
        sorted(tuple(row.values()) for row in await rows_of(database, HourRow)),
        sorted(tuple(row.values()) for row in await rows_of(database, HourAuthorRow)),
    )


async def assert_sums_are_right(database):
    """Every hour is what its messages say."""
    assert await held(database) == recomputed(await rows_of(database, MessageScoreRow))
