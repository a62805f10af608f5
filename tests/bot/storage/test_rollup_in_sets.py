"""PostgreSQL's write in sets ends as SQLite's in rows does, and asks as much of the server however much there is."""

import asyncio
import tempfile
import time
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, text

from bot.storage import hourly_rollup
from bot.storage.database import RECYCLE_SECONDS, Database
from bot.storage.errors import DatabaseUnavailable
from bot.storage.hourly_rollup import count_history
from bot.storage.pending_writes import Scored
from bot.storage.schema import HourAuthorRow, HourRow, LateChangeRow, MessageScoreRow, ToldHourRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import (
    AWAY,
    GENERAL,
    HOME,
    HOUR,
    MODEL,
    NOW,
    assert_sums_are_right,
    author,
    message_id,
    publish,
    rows_of,
    say,
)
from tests.bot.storage.test_any_order import MESSAGES, NUMBERS, READ, flat, tell
from tests.bot.storage.test_any_order import script as any_script

TABLES = (MessageScoreRow, HourRow, HourAuthorRow, LateChangeRow, ToldHourRow)
EXAMPLES = 60

CROWD = st.tuples(st.just("crowd"), st.integers(0, 4), st.sampled_from([HOUR, HOUR - 1]))
EDITS = st.tuples(st.just("edits"), st.integers(0, 4), st.sampled_from([HOUR, HOUR - 1]))
DELETE = st.tuples(st.just("delete"), NUMBERS)
EMPTY = st.tuples(st.just("empty"), NUMBERS, st.integers(0, 2))
STEPS = any_script(
    st.one_of(*[READ] * 4, CROWD, CROWD, EDITS, DELETE, EMPTY),
    st.just(("publish",)),
    st.tuples(st.just("forget"), st.integers(1, 3)),
    st.tuples(st.just("history"), NUMBERS),
)


async def play(database, steps):
    """The same in every database; a `fail` is news without the failure."""
    buffer = WriteBuffer(database, clock=lambda: NOW)
    for step in flat(steps):
        name, *details = step
        if name == "forget":
            await buffer.forget([author(details[0])], message_id(99))
        elif name == "publish":
            await buffer.flush()
            await publish(database)
        elif name in ("crowd", "edits"):
            seed, hour = details
            for who in range(4, 12):
                score = (who + seed) % 5 / 2 - 1
                edited = 0 if name == "crowd" else round(NOW * 1000) + seed
                say(buffer, 20 + who, who, score if who != 7 else None, hour=hour, edited=edited)
        elif name == "history":
            who, channel, thread, hour = MESSAGES[details[0]]
            one = Scored(message_id(50 + details[0], hour), HOME, channel, thread, author(who), 0, -400, 0, MODEL)
            await buffer.flush()
            there = {row["message_id"] for row in await rows_of(database, MessageScoreRow)}
            async with database.write() as connection:
                await count_history(connection, [] if one.message_id in there else [one], HOUR - 1)
        elif name.startswith("flush"):
            await buffer.flush()
        else:
            tell(buffer, step)
    await buffer.flush()
    return buffer.counts


async def emptied(database):
    async with database.write() as connection:
        for row in TABLES:
            await connection.execute(delete(row))


async def everything(database):
    """All rows; whoever was forgotten has a random number in the place of their hash."""
    found = {row.__tablename__: await rows_of(database, row) for row in TABLES}
    late = found["late_changes"]
    for row in late:
        if row["author"] != bytes([row["author"][0]]) * 16:
            row["author"] = b"random"
    late.sort(key=lambda row: tuple(row.values()))
    return found


def test_both_databases_hold_the_same_whatever_has_happened(new_postgres_url):
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        both = [
            runner.run(Database.open(Path(folder) / "rows")),
            runner.run(Database.open(Path(folder), new_postgres_url)),
        ]

        @given(STEPS)
        @settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
        def are_the_same(steps):
            counts, rows = [], []
            for database in both:
                runner.run(emptied(database))
                counts.append(runner.run(play(database, steps)))
                rows.append(runner.run(everything(database)))
            assert rows[0] == rows[1]
            assert counts[0] == counts[1]

        are_the_same()
        for database in both:
            runner.run(database.close())


@pytest.fixture
def asked(database):
    """Counts statements that SQLAlchemy and the driver are asked."""
    counter, statements = count(), []
    event.listen(database._engine.sync_engine, "before_cursor_execute", lambda *_: statements.append(next(counter)))
    return statements


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_write_asks_as_much_for_4000_scores_as_for_4(database, buffer, asked):
    numbers = []
    for first, scores in ((1000, 4), (10_000, 4000)):
        for number in range(scores):
            say(buffer, first + number, number % 7 + 1, channel=GENERAL + number % 900)
        before = len(asked)
        await buffer.flush()
        numbers.append(len(asked) - before)
    assert numbers[0] == numbers[1]
    assert len(await rows_of(database, MessageScoreRow)) == 4004
    await assert_sums_are_right(database)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_an_edit_goes_where_the_message_was_counted_and_an_hour_without_messages_goes(database, buffer):
    say(buffer, 1, 1, 0.5)
    say(buffer, 2, 2, -0.5, channel=AWAY)
    await buffer.flush()
    say(buffer, 1, 3, -1.0, channel=AWAY, guild=AWAY, edited=5)  # whatever is said of it now
    buffer.deleted([message_id(2)])
    await buffer.flush()
    (row,) = await rows_of(database, MessageScoreRow)
    assert (row["guild_id"], row["channel_id"], row["author"], row["score"]) == (HOME, GENERAL, author(1), -1000)
    assert [hour["channel_id"] for hour in await rows_of(database, HourRow)] == [GENERAL]
    await assert_sums_are_right(database)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_whatever_goes_wrong_on_the_way_nothing_is_written_and_all_of_it_later(database, buffer, monkeypatch):
    """What the driver itself is asked fails like any other statement."""
    from bot.storage import rollup_in_sets

    prepared = rollup_in_sets._PREPARE
    for wrong in ("SELECT 1 / 0", "SELECT pg_terminate_backend(pg_backend_pid())"):
        say(buffer, 1, 1)
        monkeypatch.setattr(rollup_in_sets, "_PREPARE", wrong)
        with pytest.raises(DatabaseUnavailable):
            await buffer.flush()
        monkeypatch.setattr(rollup_in_sets, "_PREPARE", prepared)
        await buffer.flush()
        assert len(await rows_of(database, MessageScoreRow)) == 1
        await assert_sums_are_right(database)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_the_driver_itself_does_not_expect_is_the_databases_failure_too(database, buffer, monkeypatch):
    async def fails(*_args, **_options):
        raise asyncpg.exceptions.ProtocolError("unexpected message")

    say(buffer, 1, 1)
    with monkeypatch.context() as broken:
        broken.setattr(asyncpg.Connection, "copy_records_to_table", fails)
        with pytest.raises(DatabaseUnavailable):
            await buffer.flush()
    await buffer.flush()
    assert len(await rows_of(database, MessageScoreRow)) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_writes_in_one_transaction_count_once_each(database):
    """As a deletion that was noted is done before what is news."""
    async with database.write() as connection:
        for number in (1, 2):
            one = Scored(message_id(number), HOME, GENERAL, None, author(number), 0, 500, 2, MODEL)
            await hourly_rollup.count_history(connection, [one], 0)
    assert len(await rows_of(database, MessageScoreRow)) == 2
    await assert_sums_are_right(database)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_no_connection_has_its_temporary_tables_for_ever(database, monkeypatch):
    """What is in them is never frozen, and so nothing of the whole server's is above a certain age."""

    async def server_process():
        async with database.read() as connection:
            return await connection.scalar(text("SELECT pg_backend_pid()"))

    first = await server_process()
    assert await server_process() == first
    later = time.time() + RECYCLE_SECONDS + 1
    monkeypatch.setattr("sqlalchemy.pool.base.time", SimpleNamespace(time=lambda: later))
    assert await server_process() != first
