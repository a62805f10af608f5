"""`vibecheck backup` and `vibecheck restore`: a copy while the bot runs, and one put back undoes nobody's deletion."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import main
from bot.settings import Settings
from bot.storage.errors import DatabaseInUse, DatabaseTooNew, DatabaseUnavailable
from bot.storage.open_storage import open_storage
from bot.storage.schema import MessageScoreRow
from tests.bot.storage.scenes import GENERAL, HOME, rows_of, verdict

ALICE, BOB = 42, 43
FILE = Path("backup/copy.db")


@pytest.fixture
def settings(migrated, monkeypatch):
    """Those of a bot in this folder, whose database is there."""
    Path("backup").mkdir()
    Path("data").mkdir()
    Path("data/mood.db").write_bytes(migrated.read_bytes())
    return Settings(_env_file=None, data_dir=Path("data"))


def run(*words):
    """What is said; what is wrong is raised."""
    result = CliRunner().invoke(main, list(map(str, words)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.stderr
    return result.stdout


async def in_thread(*words):
    import asyncio

    return await asyncio.to_thread(run, *words)


def write(storage, user, number):
    import time

    from bot.domain.snowflake import first_id_of

    message = first_id_of(int(time.time() // 3600)) + number
    storage.write_buffer.scored(message, HOME, GENERAL, storage.pseudonyms.author(user), verdict(0.5))
    return message


async def test_a_copy_is_made_while_the_bot_writes_and_is_whole(settings):
    async with open_storage(settings) as storage:
        write(storage, ALICE, 1)
        await storage.write_buffer.flush()
        write(storage, ALICE, 2)
        said = await in_thread("backup", FILE)
        await storage.write_buffer.flush()
    assert "RETENTION_DAYS, 7" in said
    assert stat.S_IMODE(FILE.stat().st_mode) == 0o600
    assert [file.name for file in FILE.parent.iterdir()] == [FILE.name]
    with closing(sqlite3.connect(FILE)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("SELECT count(*) FROM message_scores").fetchone() == (1,)


async def test_putting_a_copy_back_undoes_no_deletion_opt_out_or_opt_in(settings):
    async with open_storage(settings) as storage:
        write(storage, ALICE, 1), write(storage, BOB, 2), (kept := write(storage, 5, 3))
        await storage.opt_outs.add(6)
        await storage.write_buffer.flush()
        await in_thread("backup", FILE)
        await storage.write_buffer.forget(storage.pseudonyms.authors(ALICE), 2**62)
        await storage.opt_outs.add(BOB)
        await storage.write_buffer.forget(storage.pseudonyms.authors(BOB), 2**62)
        await storage.opt_outs.remove(6)
    before = FILE.read_bytes()
    said = await in_thread("restore", FILE)
    assert "Done again from erasures.log, deletions by people: 2, opt-outs: 1, opt-ins: 1." in said
    assert FILE.read_bytes() == before
    assert not [file for file in Path("data").iterdir() if file.is_dir() or file.name.startswith("mood.db.")]
    async with open_storage(settings) as storage:
        assert [row["message_id"] for row in await rows_of(storage.database, MessageScoreRow)] == [kept]
        assert [storage.opt_outs.includes(user) for user in (ALICE, BOB, 6)] == [False, True, False]
    assert stat.S_IMODE(Path("data/mood.db").stat().st_mode) == 0o600


async def test_a_copy_put_back_by_hand_undoes_nothing_either(settings):
    async with open_storage(settings) as storage:
        write(storage, ALICE, 1)
        await storage.write_buffer.flush()
        await in_thread("backup", FILE)
        await storage.write_buffer.forget(storage.pseudonyms.authors(ALICE), 2**62)
    for file in Path("data").glob("mood.db*"):
        file.unlink()
    FILE.rename("data/mood.db")
    async with open_storage(settings) as storage:
        assert await rows_of(storage.database, MessageScoreRow) == []


async def test_a_copy_is_put_back_into_an_empty_folder(settings):
    async with open_storage(settings) as storage:
        write(storage, ALICE, 1)
        await storage.write_buffer.flush()
        await in_thread("backup", FILE)
    Path("data/mood.db").unlink()
    assert "nothing that was done since" in await in_thread("restore", FILE)
    async with open_storage(settings) as storage:
        assert len(await rows_of(storage.database, MessageScoreRow)) == 1


async def test_nothing_is_put_back_while_the_bot_runs(settings):
    async with open_storage(settings):
        await in_thread("backup", FILE)
        with pytest.raises(DatabaseInUse):
            await in_thread("restore", FILE)


def spoil(what):
    with closing(sqlite3.connect(FILE)) as copy:
        if what == "newer":
            copy.execute("UPDATE alembic_version SET version_num = '999'")
        elif what == "another program":
            for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                if name != "sqlite_sequence":  # SQLite's own
                    copy.execute(f"DROP TABLE {name}")
        copy.commit()
    if what == "text":
        FILE.write_text("this is no database " * 99)
    elif what == "damaged":
        data = bytearray(FILE.read_bytes())
        data[5000:9000] = b"\xa5" * 4000
        FILE.write_bytes(data)
    elif what == "missing":
        FILE.unlink()


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("newer", DatabaseTooNew),
        ("another program", DatabaseUnavailable),
        ("text", DatabaseUnavailable),
        ("damaged", DatabaseUnavailable),
        ("missing", DatabaseUnavailable),
    ],
)
async def test_what_cannot_be_used_leaves_the_database_as_it_was(settings, what, error):
    async with open_storage(settings) as storage:
        await in_thread("backup", FILE)
        write(storage, ALICE, 1)
        await storage.write_buffer.flush()
    spoil(what)
    with pytest.raises(error) as caught:
        await in_thread("restore", FILE)
    assert str(caught.value).endswith(".")
    assert not [file for file in Path("data").iterdir() if file.is_dir() or file.name.startswith("mood.db.")]
    async with open_storage(settings) as storage:
        assert len(await rows_of(storage.database, MessageScoreRow)) == 1


async def test_a_backup_never_takes_the_place_of_a_file(settings):
    FILE.write_text("something else")
    with pytest.raises(DatabaseUnavailable, match="already exists"):
        await in_thread("backup", FILE)
    with pytest.raises(DatabaseUnavailable, match="couldn't copy"):
        await in_thread("backup", "nowhere/copy.db")
    assert FILE.read_text() == "something else"


async def test_before_the_first_start_there_is_nothing_to_copy():
    with pytest.raises(DatabaseUnavailable, match="no database"):
        await in_thread("backup", "copy.db")
