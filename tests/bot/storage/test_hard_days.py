"""Days on which the file or its disk is not what it was: it is named, nothing is lost in silence."""

import asyncio
import logging
import resource
import signal
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from bot.storage.database import Database
from bot.storage.errors import DatabaseUnavailable, DatabaseUnusable
from bot.storage.file_watch import FileWatch
from bot.storage.schema import MessageScoreRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import rows_of, say

PAGE = 4096


@pytest.fixture
async def written(sqlite, clock):
    """A buffer over a database whose file has pages that are nowhere else any more."""
    buffer = WriteBuffer(sqlite, clock=clock, interval=0.01, limit=5_000)
    for number in range(3000):
        say(buffer, number, 1 + number % 9)
    await buffer.flush()
    async with sqlite._engine.connect() as connection:
        await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return buffer


class Steady:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def steady():
    return Steady()


@pytest.fixture
async def watch(sqlite, written, steady):
    """One that has found the file whole."""
    watch = FileWatch(sqlite, steady)
    await watch.look(0)
    assert not sqlite.damage
    return watch


def overwrite(file):
    with file.open("r+b") as opened:
        opened.seek(PAGE)
        opened.write(b"no page of a database" * PAGE)


def empty(file):
    with file.open("r+b") as opened:
        opened.truncate()


def cut_in_half(file):
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2 // PAGE * PAGE)


@pytest.mark.parametrize("damage", [overwrite, empty, cut_in_half])
async def test_a_file_that_is_damaged_while_it_is_open_is_named_and_nothing_more_is_written(
    sqlite, written, watch, steady, folder, caplog, damage
):
    damage(folder / "mood.db")
    steady.now = 300
    await watch.look(0)
    assert "mood.db in DATA_DIR is damaged, and what was written in the last 5 minutes may be lost" in caplog.text
    assert "`vibecheck restore`" in caplog.text
    say(written, 4000)
    with pytest.raises(DatabaseUnusable, match="is damaged"):
        await written.flush()
    assert len(written) == 1
    await written.close()
    assert "1 messages and 0 removals could not be written before the end" in caplog.text


async def test_a_file_that_the_bot_itself_has_changed_is_whole(sqlite, written, watch, steady):
    for number in range(4000, 7000):
        say(written, number)
        if not number % 500:
            await written.flush()
            steady.now += 1000
            await watch.look(0)
    assert not sqlite.damage


async def test_a_long_look_is_not_taken_often(sqlite, written, watch, steady, folder, monkeypatch):
    looks = []

    def slow(_file):
        looks.append(steady.now)
        steady.now += 2
        return True

    monkeypatch.setattr("bot.storage.file_watch._is_whole", slow)
    for second in range(0, 600, 10):
        steady.now = max(steady.now, second)
        (folder / "mood.db").touch()
        await watch.look(0)
    assert looks == [0, 210, 420]


async def test_a_postgresql_is_no_file(new_postgres_url, folder):
    database = await Database.open(folder, new_postgres_url)
    await FileWatch(database).look(0)
    assert (database.file, database.damage) == (None, "")
    await database.close()


@contextmanager
def full_disk(room=1):
    """No file grows beyond what it is, or so many bytes, as on a full disk."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_full_disk_is_named_and_what_has_no_room_meanwhile_is_counted_and_said(sqlite, written, caplog):
    caplog.set_level(logging.INFO)
    written.start()
    with full_disk():
        for number in range(4000, 10_000):
            say(written, number)
        await until(lambda: written.counts.failures > 2)
        assert "Check that its disk works and has room. 5000 messages wait in memory." in caplog.text
        assert written.backlog.trouble
    await until(lambda: not written.backlog.trouble)
    await written.close()
    assert "5000 messages wait for the database and no more can: from now on they are dropped" in caplog.text
    assert "1000 messages were dropped, for too many waited for the database" in caplog.text
    assert len(await rows_of(sqlite, MessageScoreRow)) == 8000
    assert caplog.text.count("messages wait") == 2


async def test_a_database_that_has_no_room_is_told_to_get_some(sqlite):
    with pytest.raises(DatabaseUnavailable, match=r"is full\. Make room on its disk\."):
        async with sqlite.write() as connection:
            await connection.execute(text("PRAGMA max_page_count = 1"))
            await connection.execute(text("CREATE TABLE large (everything)"))
            await connection.execute(text("INSERT INTO large VALUES (zeroblob(100000))"))
