"""Somebody waits for an answer, and the database stands still, or is locked by another program."""

import asyncio
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import select, text

from bot.storage import patience
from bot.storage.database import Database
from bot.storage.errors import DatabaseUnavailable, ErasureWaits
from bot.storage.patience import somebody_waits
from bot.storage.schema import GapRow, MessageScoreRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import author, message_id, rows_of, say
from tests.soak.store import Postgres

PATIENCE = 20
LONG, SHORT = 3600.0, 0.1


@pytest.fixture
async def server(new_postgres_url):
    return await Postgres.at(new_postgres_url.get_secret_value())


@pytest.fixture
async def postgresql(folder, new_postgres_url):
    database = await Database.open(folder, new_postgres_url)
    yield database
    await database.close()


async def reads(database):
    async with database.read() as connection:
        await connection.execute(select(GapRow))


async def writes(database):
    async with database.write() as connection:
        await connection.execute(text("DELETE FROM gaps"))


async def asked(work, seconds):
    """As a command asks it. Nothing else may end the wait."""
    somebody_waits(seconds)
    async with asyncio.timeout(PATIENCE):
        await work


def ask(work, seconds=LONG):
    return asyncio.create_task(asked(work, seconds))


@pytest.mark.parametrize("work", [reads, writes])
async def test_nobody_waits_longer_than_they_have_time_and_the_next_is_served(postgresql, server, work):
    await work(postgresql)
    async with server.standing_still():
        with pytest.raises(DatabaseUnavailable, match=patience.SLOW):
            await ask(work(postgresql), SHORT)
    await ask(work(postgresql))


async def test_one_answer_has_its_time_once_however_much_it_asks(postgresql, server):
    async def much():
        for _ in range(100):
            with pytest.raises(DatabaseUnavailable):
                await reads(postgresql)

    async with server.standing_still():
        await ask(much(), SHORT)


async def test_who_waits_for_another_writer_is_told_as_well_and_that_one_goes_on(postgresql, server):
    async with server.standing_still():
        writing = asyncio.create_task(writes(postgresql))
        with pytest.raises(DatabaseUnavailable, match=patience.SLOW):
            await ask(writes(postgresql), SHORT)
        assert not writing.done()
    await writing


async def test_at_the_end_everybody_is_told_and_what_nobody_waits_for_goes_on(postgresql, server):
    async with server.standing_still():
        told = [ask(reads(postgresql)), ask(writes(postgresql)), ask(writes(postgresql))]
        job = asyncio.create_task(reads(postgresql))
        await asyncio.sleep(0.1)
        postgresql.patience.end_in(SHORT)
        told.append(ask(reads(postgresql)))
        failures = await asyncio.gather(*told, return_exceptions=True)
        assert [type(failure) for failure in failures] == [DatabaseUnavailable] * 4
        assert not job.done()
    await job


async def test_what_an_answer_leaves_running_has_time_again(postgresql, server):
    async def leave():
        return asyncio.create_task(writes_later())

    async def writes_later():
        await over.wait()
        await writes(postgresql)

    async def answer():
        somebody_waits(SHORT)
        return await leave()

    over = asyncio.Event()
    left = await asyncio.create_task(answer())
    await asyncio.sleep(SHORT)
    over.set()
    await left


async def test_a_locked_file_is_waited_for_as_long_as_there_is_time(folder):
    database = await Database.open(folder, busy_seconds=LONG)
    with closing(sqlite3.connect(folder / "mood.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnavailable, match=patience.SLOW):
            await ask(writes(database), SHORT)
        waiting = ask(writes(database))
        await asyncio.sleep(SHORT)
        other.execute("ROLLBACK")
    await waiting
    await database.close()


async def test_what_is_on_its_way_into_a_database_that_hangs_is_forgotten_too(postgresql, server, clock):
    """The deletion was noted, and its turn never came: what waited before it must not be written after it."""
    buffer = WriteBuffer(postgresql, clock=clock)
    say(buffer, 1, who=1)
    say(buffer, 2, who=2)
    async with server.standing_still():
        flushing = asyncio.create_task(buffer.flush())
        await asyncio.sleep(0.1)
        with pytest.raises((ErasureWaits, DatabaseUnavailable)):
            await ask(buffer.forget([author(1)], message_id(9)), SHORT)
    await flushing
    assert [row["message_id"] for row in await rows_of(postgresql, MessageScoreRow)] == [message_id(2)]
