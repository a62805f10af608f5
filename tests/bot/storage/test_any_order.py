"""The promise that everything else rests on, against a model that knows nothing of buffers and transactions."""

import asyncio
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from bot.storage.database import Database
from bot.storage.errors import DatabaseUnavailable
from bot.storage.schema import HourAuthorRow, HourRow, MessageScoreRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import (
    GENERAL,
    HOME,
    HOUR,
    MODEL,
    NOW,
    RANDOM,
    THREAD,
    author,
    held,
    message_id,
    recomputed,
    rows_of,
)
from tests.bot.storage.scenes import say as read

EXAMPLES = 200

MESSAGES = [
    # author, channel, thread, hour
    (1, GENERAL, None, HOUR),
    (1, GENERAL, None, HOUR),
    (2, GENERAL, THREAD, HOUR),
    (1, GENERAL, THREAD, HOUR - 1),
    (2, RANDOM, None, HOUR),
    (3, RANDOM, None, HOUR - 1),
]
NUMBERS = st.integers(0, len(MESSAGES) - 1)

SCORES = [-1.0, -0.4, 0.0, 0.125, 1.0, None]
"""None: it could not be read."""
READ = st.tuples(st.just("read"), NUMBERS, st.integers(0, 2), st.sampled_from(SCORES))
EMPTY = st.tuples(st.just("empty"), NUMBERS, st.integers(0, 2))
DELETE = st.tuples(st.just("delete"), NUMBERS)
GONE = st.tuples(st.just("gone"), st.sampled_from([GENERAL, RANDOM, THREAD]))
LEAVE = st.just(("leave",))
FLUSH = st.sampled_from([("flush",), ("flush meanwhile",)])


def script(news, *rest, weight=1):
    """12 to 30 steps, for few would hardly meet: news, some of it while a write fails, and what else may happen."""
    fail = st.tuples(st.just("fail"), st.lists(news, min_size=1, max_size=4))
    return st.lists(st.one_of(news, *[FLUSH, fail] * weight, *rest), min_size=12, max_size=30)


MESSAGES_COME_AND_GO = script(st.one_of(READ, READ, READ, READ, EMPTY, DELETE))
ANYTHING = script(
    st.one_of(*[READ] * 12, EMPTY, DELETE, GONE, LEAVE),
    st.just(("join",)),
    st.tuples(st.just("forget"), st.integers(1, 3)),
    weight=3,
)


def flat(steps):
    """The news of all steps in the order in which it came."""
    return [one for step in steps for one in (step[1] if step[0] == "fail" else [step])]


def survivors(steps):
    """The rows that must be left: a message's newest version, unless it, its place or its author was ever removed.

    A version that says nothing leaves none, nor any older one.
    What was read before the bot has left the server is removed, and what is read before it is back is not heard.
    """
    newest, emptied, deleted, gone, forgotten, here = {}, {}, set(), set(), set(), True
    for name, *details in flat(steps):
        if name in {"leave", "join"}:
            here = name == "join"
            newest = newest if here else {}
        elif name == "forget":
            forgotten.update(details)
        elif name == "read" and here:
            number, edited, score = details
            if edited >= newest.get(number, (0, 0.0))[0]:
                newest[number] = (edited, score)
        elif name == "empty":
            number, edited = details
            emptied[number] = max(edited, emptied.get(number, 0))
        elif name == "delete":
            deleted.update(details)
        elif name == "gone":
            gone.update(details)
    rows = []
    for number, (edited, score) in newest.items():
        who, channel, thread, hour = MESSAGES[number]
        if edited <= emptied.get(number, -1):
            continue
        if number in deleted or gone & {channel, thread} or who in forgotten:
            continue
        row = {"message_id": message_id(number, hour), "guild_id": HOME, "channel_id": channel, "thread_id": thread}
        row |= {"author": author(who), "hour": hour, "edited": edited, "score": 0, "sentiment": 3, "model": ""}
        if score is not None:
            row |= {"score": round(score * 1000), "model": MODEL}
            row["sentiment"] = 0 if score < -1 / 3 else 2 if score > 1 / 3 else 1
        rows.append(row)
    return sorted(rows, key=lambda row: row["message_id"])


def tell(buffer, step):
    """News, as the event loop tells it."""
    name, *details = step
    if name == "read":
        number, edited, score = details
        who, channel, thread, hour = MESSAGES[number]
        read(buffer, number, who, score, hour=hour, channel=channel, thread_id=thread, edited=edited)
    elif name == "delete":
        buffer.deleted([message_id(details[0], MESSAGES[details[0]][3])])
    elif name == "empty":
        number, edited = details
        buffer.emptied(message_id(number, MESSAGES[number][3]), edited)
    elif name == "gone":
        buffer.channel_gone(details[0])
    else:
        assert name == "leave"
        buffer.guild_gone(HOME)


async def play(database, file, steps):
    buffer = WriteBuffer(database, clock=lambda: NOW)
    flushes = []
    for step in steps:
        name, *details = step
        if name == "forget":
            await buffer.forget([author(details[0])], message_id(99))
        elif name == "join":
            await buffer.guild_joined(HOME)
        elif name == "flush":
            await buffer.flush()
        elif name == "flush meanwhile":
            flushes.append(asyncio.ensure_future(buffer.flush()))
            await asyncio.sleep(0)
        elif name == "fail":
            await asyncio.gather(*flushes)
            await fail_to_flush(buffer, file, details[0])
        else:
            tell(buffer, step)
    await asyncio.gather(*flushes)
    await buffer.flush()


async def fail_to_flush(buffer, file, meanwhile):
    """A flush that meets a file which another program has locked, and news while it waits."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        flushing = asyncio.ensure_future(buffer.flush())
        await asyncio.sleep(0)
        for step in meanwhile:
            tell(buffer, step)
        with suppress(DatabaseUnavailable):  # with nothing to write it does not fail
            await flushing


async def empty(database):
    async with database.write() as connection:
        for row in (MessageScoreRow, HourAuthorRow, HourRow):
            await connection.execute(delete(row))


@pytest.mark.parametrize("steps", [MESSAGES_COME_AND_GO, ANYTHING], ids=["messages", "anything"])
def test_any_order_of_events_ends_as_if_only_the_survivors_had_been(steps):
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        database = runner.run(Database.open(Path(folder), busy_seconds=0.001))

        @given(steps)
        @settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
        def ends_as_it_must(steps):
            runner.run(empty(database))
            runner.run(play(database, Path(folder) / "mood.db", steps))
            expected = survivors(steps)
            assert runner.run(rows_of(database, MessageScoreRow)) == expected
            assert runner.run(held(database)) == recomputed(expected)

        ends_as_it_must()
        runner.run(database.close())
