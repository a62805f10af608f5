import asyncio
import gc
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, make_url, select, text

from bot.storage.database import Database
from bot.storage.database_url import database_url as address_of
from bot.storage.errors import DatabaseInUse, DatabaseTooNew, DatabaseUnavailable, DatabaseUnusable
from bot.storage.schema import GapRow
from tests.bot.storage.scenes import rows_of

ROOT = Path(__file__).parents[3]

OPEN = """
import asyncio, sys
from pathlib import Path
from bot.storage.database import Database
from bot.storage.errors import StoreError
try:
    asyncio.run(Database.open(Path(sys.argv[1])))
except StoreError as error:
    print(type(error).__name__)
else:
    print("opened")
"""


async def why_it_does_not_open(folder, setting=None, *, may_pass=False):
    """The sentence; by default of what somebody has to put right before it makes sense to try again."""
    with pytest.raises(DatabaseUnavailable) as caught:
        await Database.open(folder, setting)
    assert isinstance(caught.value, DatabaseUnusable) is not may_pass
    return str(caught.value)


def in_another_process(folder):
    command = [sys.executable, "-c", OPEN, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


async def test_a_new_file_is_this_accounts_only_and_keeps_a_log_ahead(folder):
    database = await Database.open(folder)
    async with database.read() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        values = [await connection.scalar(text(f"PRAGMA {name}")) for name in names]
    assert values == ["wal", 1, 1, 1]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in folder.iterdir())
    await database.close()


async def test_a_database_is_the_same_when_it_is_opened_again(folder, database_url):
    for times in range(3):
        database = await Database.open(folder, database_url)
        async with database.write() as connection:
            await connection.execute(insert(GapRow).values(started=times, ended=times + 1))
        assert len(await rows_of(database, GapRow)) == times + 1
        await database.close()


async def test_a_database_newer_than_the_code_is_refused_and_let_go_of(folder, database_url):
    database = await Database.open(folder, database_url)
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '999'"))
    await database.close()
    for _ in range(2):
        with pytest.raises(
            DatabaseTooNew, match=r"newer version of the bot \(its schema is 999, .*: install that version again"
        ):
            await Database.open(folder, database_url)


async def test_a_migration_that_fails_changes_nothing(folder):
    folder.mkdir()
    with closing(sqlite3.connect(folder / "mood.db")) as other:
        other.execute("CREATE TABLE opt_outs (something TEXT)")
    assert "opt_outs already exists" in await why_it_does_not_open(folder)
    with closing(sqlite3.connect(folder / "mood.db")) as other:
        assert other.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("opt_outs",)]


async def test_a_second_process_is_kept_out_until_the_first_has_closed(folder):
    database = await Database.open(folder)
    assert in_another_process(folder) == "DatabaseInUse"
    with pytest.raises(DatabaseInUse, match="Another process is using the database in"):
        await Database.open(folder)
    await database.close()
    assert in_another_process(folder) == "opened"


async def test_a_second_opening_leaves_the_firsts_locks_alone(folder):
    """The system drops a process's locks on a file when it closes that file anywhere, and SQLite with them."""
    database = await Database.open(folder)
    assert await rows_of(database, GapRow) == []
    with pytest.raises(DatabaseInUse):
        await Database.open(folder)
    visit = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM gaps').fetchall()"
    subprocess.run([sys.executable, "-c", visit, folder / "mood.db"], check=True)
    assert (folder / "mood.db-wal").exists(), "the visitor believed to be the last and took the log away"
    await database.close()


async def test_a_file_that_is_no_database_is_one_sentence(folder):
    folder.mkdir()
    (folder / "mood.db").write_bytes(b"not a database at all" * 500)
    assert "file is not a database" in await why_it_does_not_open(folder)


async def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    assert "DATA_DIR" in await why_it_does_not_open(tmp_path / "file")
    (tmp_path / "mood.db").mkdir()
    assert "DATA_DIR" in await why_it_does_not_open(tmp_path)


@pytest.mark.parametrize(
    "address",
    ["nonsense", "mysql://me:hunter2@host/db", "postgresql://me:hunter2@host", "postgresql://me:x@host:port/db"],
)
async def test_an_address_that_is_none_is_one_sentence_without_it(folder, address):
    why = await why_it_does_not_open(folder, SecretStr(address))
    assert why.startswith("DATABASE_URL can't be used")
    assert "hunter2" not in why
    assert not folder.exists()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_an_address_as_others_write_it_is_understood(folder, scheme):
    url = address_of(folder, SecretStr(f" {scheme}://me:hunter2@host:5433/db?sslmode=require "))
    assert url.render_as_string(False) == "postgresql+asyncpg://me:hunter2@host:5433/db?ssl=require"
    assert "hunter2" not in str(url)


async def test_a_postgresql_that_does_not_answer_is_one_sentence_without_the_password(folder, caplog):
    caplog.set_level("DEBUG")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    address = SecretStr(f"postgresql://me:hunter2@127.0.0.1:{port}/db")
    why = await why_it_does_not_open(folder, address, may_pass=True)
    assert "DATABASE_URL" in why
    assert "hunter2" not in why + caplog.text


async def test_a_postgresql_without_that_database_or_account_is_one_sentence(folder, postgres):
    assert "InvalidCatalogName" in await why_it_does_not_open(folder, SecretStr(postgres + "_which_is_not_there"))
    nobody = make_url(postgres).set(username="nobody").render_as_string(hide_password=False)
    assert "InvalidAuthorization" in await why_it_does_not_open(folder, SecretStr(nobody))


async def test_a_file_that_another_program_has_locked_may_be_free_later(folder):
    await (await Database.open(folder)).close()
    with closing(sqlite3.connect(folder / "mood.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnavailable, match="locked") as caught:
            await Database.open(folder, busy_seconds=0.05)
        other.execute("ROLLBACK")
    assert not isinstance(caught.value, DatabaseUnusable)


async def test_a_broken_statement_is_unavailable_and_shows_no_values(database):
    with pytest.raises(DatabaseUnavailable) as caught:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": "canary"})
    assert "canary" not in f"{caught.value} {caught.value.__cause__}"


async def test_a_block_that_raises_writes_nothing(database):
    with pytest.raises(ZeroDivisionError):
        async with database.write() as connection:
            await connection.execute(insert(GapRow).values(started=1, ended=2))
            raise ZeroDivisionError
    assert await rows_of(database, GapRow) == []


async def test_a_reader_sees_one_state_while_a_writer_changes_it(database):
    async with database.read() as reader:
        before = (await reader.execute(select(GapRow.started))).all()
        async with database.write() as writer:
            await writer.execute(insert(GapRow).values(started=1, ended=2))
        assert (await reader.execute(select(GapRow.started))).all() == before == []
    assert len(await rows_of(database, GapRow)) == 1


async def test_writers_take_turns(database):
    async def add_one():
        async with database.write() as connection:
            most = await connection.scalar(text("SELECT coalesce(max(started), 0) FROM gaps"))
            await asyncio.sleep(0)
            await connection.execute(insert(GapRow).values(started=most + 1, ended=0))

    await asyncio.gather(*(add_one() for _ in range(9)))
    assert [row["started"] for row in await rows_of(database, GapRow)] == list(range(1, 10))


async def test_what_was_deleted_is_in_no_byte_of_the_files(folder):
    database = await Database.open(folder)
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO opt_outs VALUES (CAST('canary-0123456!' AS BLOB), 1)"))
    async with database.write() as connection:
        await connection.execute(text("DELETE FROM opt_outs"))
    await database.close()
    assert not [file for file in folder.iterdir() if b"canary" in file.read_bytes()]


def test_the_process_starts_to_load_the_model_before_any_of_it():
    probe = "import sys, bot.app.runtime; print([name for name in sys.modules if 'sqlalchemy' in name][:1])"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("change", ["moved", "replaced"])
async def test_nothing_is_written_into_a_file_that_is_no_longer_there(folder, change):
    database = await Database.open(folder)
    file = folder / "mood.db"
    file.rename(folder / "aside.db")
    if change == "replaced":
        file.touch()
    with pytest.raises(DatabaseUnusable, match="put the file back"):
        async with database.write():
            raise AssertionError("it began to write")
    file.unlink(missing_ok=True)
    (folder / "aside.db").rename(file)
    async with database.write() as connection:
        await connection.execute(text("DELETE FROM gaps"))
    await database.close()


@pytest.mark.skipif(sys.platform != "linux", reason="root cannot become somebody else so easily")
def test_a_file_that_may_only_be_read_is_one_sentence_at_the_start():
    """As when root has once started the bot. Root itself may write to everything, and is somebody else here."""
    visit = (
        "import asyncio, ctypes, pathlib, sys\n"
        "from bot.storage.database import Database\n"
        "from bot.storage.errors import DatabaseUnusable\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "asyncio.run(asyncio.run(Database.open(folder)).close())\n"
        "folder.chmod(0o777)\n"
        "(folder / 'mood.lock').chmod(0o666)\n"
        "(folder / 'mood.db').chmod(0o444)\n"
        "ctypes.CDLL(None).setfsuid(65534)\n"
        "try:\n"
        "    asyncio.run(Database.open(folder))\n"
        "except DatabaseUnusable as error:\n"
        "    print(error)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run([sys.executable, "-c", visit, folder], capture_output=True, text=True, check=True)
    assert "Check that the bot's account may write to it and its folder." in ran.stdout


async def test_a_task_that_is_cancelled_while_it_reads_leaves_the_file_unlocked(sqlite):
    """Its statement lives on in its traceback. Garbage is not collected meanwhile, as in a bot that has little."""
    reading, read_on = threading.Event(), threading.Event()

    def wait():
        reading.set()
        return read_on.wait(20)

    async def write_and_read():
        async with sqlite.write() as connection:
            driver = await connection.get_raw_connection()
            await driver.driver_connection.create_function("wait", 0, wait)
            await connection.execute(insert(GapRow).values(started=1, ended=2))
            await connection.execute(text("SELECT wait() UNION ALL SELECT 2"))

    gc.disable()
    try:
        task = asyncio.create_task(write_and_read())
        await asyncio.to_thread(reading.wait, 20)
        task.cancel()
        await asyncio.sleep(0)
        read_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with sqlite.write() as connection:
            await connection.execute(insert(GapRow).values(started=3, ended=4))
        assert [row["started"] for row in await rows_of(sqlite, GapRow)] == [3]
    finally:
        gc.enable()
