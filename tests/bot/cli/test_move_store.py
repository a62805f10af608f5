"""`vibecheck move-store`: there and back nothing is different, and what fails or is killed has changed nothing."""

import asyncio
import json
import shutil
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
from click.testing import CliRunner
from sqlalchemy import delete, text

from bot.cli.main import main
from bot.cli.move_store import _OF_EVERY_STORE, move_store
from bot.domain.records import Answer
from bot.storage.database import Database
from bot.storage.database_url import WRITERS_LOCK, claim
from bot.storage.errors import (
    BadHashKey,
    DatabaseInUse,
    DatabaseTooNew,
    DatabaseUnavailable,
    DatabaseUnusable,
    StoreError,
    StoreNotEmpty,
)
from bot.storage.open_storage import open_storage
from bot.storage.schema import AlertRow, FeedbackRow
from bot.storage.table_copy import tables
from model.verdict import Sentiment
from tests.bot.cli.stores import KINDS, dump, fill, settings_of, state_of, sums
from tests.bot.storage.scenes import MODEL, rows_of
from tests.bot.storage.test_hard_days import full_disk

ROOT = Path(__file__).parents[3]
OUT, BACK = "out", "back"
both = pytest.mark.parametrize("direction", [OUT, BACK])


class Stores:
    """A SQLite file and a PostgreSQL, and the command between them."""

    def __init__(self, folder, url):
        self.folder, self.url = folder, url
        self.file, self.address = folder / "mood.db", folder / "address"
        self.address.write_text(url.get_secret_value() + "\n")
        self.sqlite, self.postgresql = settings_of(folder), settings_of(folder, url)

    async def move(self, direction, **options):
        out = direction == OUT
        settings = self.sqlite if out else self.postgresql
        return await move_store(settings, self.address if out else None, **options)

    def source(self, direction):
        return self.sqlite if direction == OUT else self.postgresql

    def target(self, direction):
        return self.source(OUT if direction == BACK else BACK)

    async def filled(self, direction, rows=3):
        """The source has so many rows in each table, and the target nothing, not even tables."""
        settings = self.source(direction)
        database = await Database.open(self.folder, settings.database_url)
        await fill(database, rows)
        await database.close()

    async def states(self):
        return await state_of(self.url), dump(self.file) if self.file.exists() else None

    def at_server(self, statement):
        """Has the server do something, now, by another account's session."""

        async def run():
            connection = await asyncpg.connect(self.url.get_secret_value())
            try:
                return await connection.fetchval(statement)
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(run())).result()


@pytest.fixture
def stores(new_postgres_url, tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return Stores(folder, new_postgres_url)


def test_no_column_is_of_a_kind_that_databases_round():
    for table in tables():
        for column in table.c:
            assert isinstance(column.type, KINDS), f"{column} may not be the same to the bit in both"


async def test_there_and_back_everything_is_the_same(stores):
    await stores.filled(OUT)
    before, first = stores.file.read_bytes(), dump(stores.file)
    out = await stores.move(OUT)
    assert out.sums == await sums(stores.sqlite) == await sums(stores.postgresql)
    assert {total.rows for name, total in out.sums.items() if name != "bookkeeping"} == {3}
    assert stores.file.read_bytes() == before
    assert out.line == f"DATABASE_URL_FILE={stores.address}"
    stores.file.rename(stores.folder / "old.db")
    there = await state_of(stores.url)
    back = await stores.move(BACK)
    assert dump(stores.file) == first
    assert (back.sums, back.line) == (out.sums, "DATABASE_URL=")
    assert await state_of(stores.url) == there
    assert stat.S_IMODE(stores.file.stat().st_mode) == 0o600
    assert {file.name for file in stores.folder.iterdir()} == {"address", "mood.db", "mood.lock", "old.db"}


async def test_a_bot_goes_on_where_the_store_has_gone(stores):
    answer = Answer(Sentiment.POSITIVE, 500, MODEL)
    async with open_storage(stores.sqlite) as storage:
        await storage.feedback.add(answer, Sentiment.NEUTRAL)
        await storage.opt_outs.add(42)
    await stores.move(OUT)
    async with open_storage(stores.postgresql) as storage:
        assert storage.opt_outs.includes(42)
        await storage.feedback.add(answer, Sentiment.NEUTRAL)
        assert [row["number"] for row in await rows_of(storage.database, FeedbackRow)] == [1, 2]
    await stores.move(BACK, replace=True)
    async with open_storage(stores.sqlite) as storage:
        assert len(await rows_of(storage.database, FeedbackRow)) == 2


@both
async def test_numbers_of_alerts_that_are_forgotten_are_not_given_again_where_the_store_has_gone(stores, direction):
    async with open_storage(stores.source(direction)) as storage:
        given = [await storage.alerts.start_alert(1, channel, -500, 100) for channel in range(10, 13)]
        async with storage.database.write() as connection:
            await connection.execute(delete(AlertRow).where(AlertRow.number > given[0].number))
    await stores.move(direction)
    async with open_storage(stores.target(direction)) as storage:
        started = await storage.alerts.start_alert(1, 20, -500, 100)
    assert started.number == given[-1].number + 1


async def test_the_command_says_sums_and_the_line_and_how_far_it_is(stores, monkeypatch):
    await stores.filled(OUT)
    monkeypatch.setenv("DATA_DIR", str(stores.folder))
    monkeypatch.setenv("HASH_KEY", "only the tests have it")

    def run(*words, **options):
        return CliRunner().invoke(main, ["move-store", *words], **options)

    ran = await asyncio.to_thread(run, "--to-postgres", str(stores.address))
    assert ran.exit_code == 0, ran.output
    for name, total in (await sums(stores.postgresql)).items():
        assert f"{name} " in ran.stdout
        assert f"{total.digest:016x}" in ran.stdout
    assert f"\nDATABASE_URL_FILE={stores.address}\n" in ran.stdout
    rows = 3 * (len(tables()) - 1) + 1
    assert f"copied {rows} of {rows} rows" in ran.stderr
    assert f"compared {rows} of {rows} rows" in ran.stderr
    monkeypatch.setenv("DATABASE_URL_FILE", str(stores.address))
    refused = await asyncio.to_thread(run, "--to-sqlite")
    assert isinstance(refused.exception, StoreNotEmpty)
    before = dump(stores.file)
    ran = await asyncio.to_thread(run, "--to-sqlite", "--replace", input="n\n")
    assert (ran.exit_code, dump(stores.file)) == (1, before)
    ran = await asyncio.to_thread(run, "--to-sqlite", "--replace", input="y\n")
    assert (ran.exit_code, dump(stores.file)) == (0, before)
    assert "\nDATABASE_URL_FILE=\n" in ran.stdout
    assert [run().exit_code, run("--to-sqlite", "--to-postgres", "x").exit_code] == [2, 2]


@both
async def test_rows_are_in_memory_a_portion_at_a_time(stores, direction):
    await stores.filled(direction, 7_000)
    seen = {}

    def progress(doing, done, of):
        assert done - seen.get(doing, 0) <= 5_000
        assert done <= of
        seen[doing] = done

    moved = await stores.move(direction, progress=progress)
    rows = sum(total.rows for total in moved.sums.values())
    assert seen == {"copied": rows, "compared": rows}


async def spoil(stores, settings, how):
    """Changes a store, which gets tables if it has none."""
    database = await Database.open(stores.folder, settings.database_url)
    async with database.write() as connection:
        await connection.execute(text(f"UPDATE {how}"))
    await database.close()


SCHEMAS = [("6", DatabaseUnusable, "vibecheck run"), ("999", DatabaseTooNew, "install that version")]


@both
@pytest.mark.parametrize("of", ["source", "target"])
@pytest.mark.parametrize(("schema", "error", "help_"), SCHEMAS)
async def test_another_schema_is_refused_with_what_helps(stores, direction, of, schema, error, help_):
    await stores.filled(direction)
    await spoil(stores, getattr(stores, of)(direction), f"alembic_version SET version_num = '{schema}'")
    before = await stores.states()
    for replace in (False, True):
        with pytest.raises(error, match=help_):
            await stores.move(direction, replace=replace)
    assert await stores.states() == before


@both
async def test_another_key_is_refused(stores, direction):
    await stores.filled(direction)
    await spoil(stores, stores.source(direction), "bookkeeping SET key = '01234567'")
    before = await stores.states()
    with pytest.raises(BadHashKey, match="put that key back"):
        await stores.move(direction)
    keyless = stores.source(direction).model_copy(update={"hash_key": None})
    with pytest.raises(BadHashKey):
        await move_store(keyless, stores.address if direction == OUT else None)
    assert await stores.states() == before
    assert not (stores.folder / "hash.key").exists()


@both
async def test_a_store_that_is_not_empty_is_only_replaced_where_that_is_said(stores, direction):
    await stores.filled(direction)
    await stores.filled(BACK if direction == OUT else OUT, rows=5)
    before = await stores.states()
    rows = 5 * (len(tables()) - len(_OF_EVERY_STORE))
    with pytest.raises(StoreNotEmpty, match=f"{rows} rows already: with `--replace`"):
        await stores.move(direction)
    assert await stores.states() == before
    moved = await stores.move(direction, replace=True)
    assert await sums(stores.target(direction)) == moved.sums == await sums(stores.source(direction))


@both
async def test_a_store_in_which_nothing_was_done_yet_is_empty(stores, direction):
    await stores.filled(direction)
    async with open_storage(stores.target(direction)):
        pass
    await stores.move(direction)
    assert await sums(stores.target(direction)) == await sums(stores.source(direction))


async def test_what_is_not_the_bots_is_left_alone(stores):
    await stores.filled(OUT)
    stores.at_server("CREATE TABLE tags (name text)")
    with pytest.raises(StoreNotEmpty, match="tags that isn't this bot's"):
        await stores.move(OUT, replace=True)
    assert (await state_of(stores.url))[0] == {"tags": "r"}
    stores.at_server("DROP TABLE tags")
    shutil.copyfile(stores.file, stores.folder / "mine.db")
    await stores.move(OUT)
    for content in (b"this is no database " * 99, b"SQLite format 3\0" + b"\xa5" * 9000):
        stores.file.write_bytes(content)
        with pytest.raises(StoreNotEmpty, match="Move it away"):
            await stores.move(BACK, replace=True)
        assert stores.file.read_bytes() == content


async def test_what_cannot_be_a_source_or_an_address_is_named(stores, tmp_path):
    with pytest.raises(DatabaseUnavailable, match="no database"):
        await stores.move(OUT)
    assert not stores.file.exists()
    with pytest.raises(DatabaseUnusable, match="no tables"):
        await stores.move(BACK)
    with pytest.raises(DatabaseUnusable, match="already"):
        await move_store(stores.postgresql, stores.address)
    with pytest.raises(DatabaseUnusable, match="--to-postgres"):
        await move_store(stores.sqlite, None)
    assert not stores.file.exists()
    await stores.filled(OUT)
    stores.address.write_text("mysql://somebody:secret@host/name")
    with pytest.raises(DatabaseUnusable, match="postgresql://") as caught:
        await stores.move(OUT)
    assert "secret" not in str(caught.value)
    data = bytearray(stores.file.read_bytes())
    data[5000:20000] = b"\xa5" * 15000
    stores.file.write_bytes(data)
    with pytest.raises(DatabaseUnavailable, match="damaged"):
        await stores.move(OUT)


@both
@pytest.mark.parametrize("of", ["source", "target"])
async def test_it_does_not_go_on_while_the_bot_runs(stores, direction, of):
    await stores.filled(direction)
    async with open_storage(getattr(stores, of)(direction)):
        before = await stores.states()
        with pytest.raises(DatabaseInUse, match=r"[Ss]top"):
            await stores.move(direction)
        assert await stores.states() == before


@both
async def test_a_session_that_is_just_ending_is_waited_for(stores, direction, monkeypatch):
    await stores.filled(direction)
    session = await asyncpg.connect(stores.url.get_secret_value())

    async def pause(seconds):
        await session.close()
        await asyncio.sleep(seconds)

    monkeypatch.setattr("bot.cli.postgres_copy.asyncio", SimpleNamespace(sleep=pause))
    await stores.move(direction)
    assert session.is_closed()


@both
async def test_no_bot_writes_to_either_store_meanwhile(stores, direction):
    """A writer of the PostgreSQL waits, and one of the SQLite file is refused, as at each start."""
    await stores.filled(direction)
    seen = []

    def progress(*_):
        seen.append(stores.at_server(f"SELECT pg_try_advisory_lock({WRITERS_LOCK})"))
        with pytest.raises(DatabaseInUse):
            claim(stores.folder)

    await stores.move(direction, progress=progress)
    assert seen
    assert not any(seen)


TERMINATE = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.mark.parametrize(("direction", "while_"), [(OUT, "copied"), (OUT, "compared"), (BACK, "copied")])
@pytest.mark.parametrize("replace", [False, True])
async def test_a_connection_that_is_lost_changes_nothing_and_it_works_again(stores, direction, while_, replace):
    await stores.filled(direction)
    if replace:
        await stores.filled(BACK if direction == OUT else OUT, rows=9)
    before = await stores.states()

    def lose(doing, *_):
        if doing == while_:
            stores.at_server(TERMINATE)

    with pytest.raises(DatabaseUnavailable):
        await stores.move(direction, replace=replace, progress=lose)
    assert await stores.states() == before
    assert not (stores.folder / "restoring").exists()
    await stores.move(direction, replace=replace)
    assert await sums(stores.target(direction)) == await sums(stores.source(direction))


async def test_a_postgresql_whose_disk_is_full_is_as_it_was(stores):
    """So are its sequences, which have numbers of rows that go on being there."""
    await stores.filled(OUT)
    await stores.filled(BACK, rows=9)
    stores.at_server(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$"
    )
    stores.at_server("CREATE TRIGGER full_disk BEFORE INSERT ON tags FOR EACH ROW EXECUTE FUNCTION full_disk()")
    before = await stores.states()
    with pytest.raises(DatabaseUnavailable):
        await stores.move(OUT, replace=True)
    assert await stores.states() == before
    stores.at_server("DROP TRIGGER full_disk ON tags")
    await stores.move(OUT, replace=True)
    assert await sums(stores.postgresql) == await sums(stores.sqlite)


@pytest.mark.parametrize("room", [1, 200_000])
async def test_a_folder_whose_disk_is_full_is_as_it_was(stores, room):
    await stores.filled(BACK, rows=3_000)
    before = await stores.states()
    with full_disk(room), pytest.raises(StoreError):
        await stores.move(BACK)
    assert await stores.states() == before
    assert {file.name for file in stores.folder.iterdir()} <= {"address", "mood.lock"}
    await stores.move(BACK)
    assert await sums(stores.sqlite) == await sums(stores.postgresql)


async def test_a_postgresql_that_keeps_something_else_is_as_it_was(stores):
    await stores.filled(OUT)
    database = await Database.open(stores.folder / "elsewhere", stores.url)
    await database.close()
    stores.at_server(
        "CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.score := NEW.score / 2; RETURN NEW; END $$"
    )
    stores.at_server("CREATE TRIGGER other BEFORE INSERT ON message_scores FOR EACH ROW EXECUTE FUNCTION other()")
    before = await stores.states()
    with pytest.raises(DatabaseUnavailable, match="didn't keep what was written to message_scores"):
        await stores.move(OUT)
    assert await stores.states() == before


def kill(direction, folder, step):
    command = [sys.executable, "-m", "tests.bot.cli.move_kill_points", direction, str(folder), str(step)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert not ran.returncode, ran.stderr[-2000:]
    return [json.loads(line) for line in ran.stdout.splitlines()]


async def test_killed_at_any_point_both_are_as_they_were_and_it_works_again(stores):
    """On the way out into a PostgreSQL without tables, and back into a file that is replaced."""
    await stores.filled(OUT)
    *killed, last = await asyncio.to_thread(kill, OUT, stores.folder, 29)
    assert len(killed) > 4
    assert last == "moved"
    there = await sums(stores.postgresql)
    assert there == await sums(stores.sqlite)
    with closing(sqlite3.connect(stores.file)) as connection:
        connection.execute("DELETE FROM tags")
        connection.commit()
    *killed, last = await asyncio.to_thread(kill, BACK, stores.folder, 23)
    assert len(killed) > 4
    assert last == "moved"
    assert await sums(stores.sqlite) == there
