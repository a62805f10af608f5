"""Backups of SQLite and PostgreSQL: made under load, put back elsewhere, in either kind, and nothing is changed."""

import asyncio
import os
import shutil
import time
from itertools import count
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from bot.cli.backup import backup, restore
from bot.cli.encryption import BadKey, Lock, new_identity
from bot.domain.snowflake import first_id_of
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.errors import DatabaseInUse, DatabaseTooNew, DatabaseUnavailable, DatabaseUnusable
from bot.storage.open_storage import open_storage
from bot.storage.schema import FeedbackRow, MessageScoreRow
from bot.storage.table_copy import sums_of
from model.verdict import Sentiment
from tests.bot.storage.scenes import GENERAL, HOME, assert_sums_are_right, rows_of, verdict

ALICE, BOB = 42, 43
HOUR = int(time.time() // 3600)


@pytest.fixture
def home(request, migrated, tmp_path):
    """Settings of a bot in a folder of its own, with a SQLite or, where the test is about it, with a PostgreSQL."""
    homes = count()
    url = request.getfixturevalue("new_postgres_url") if "postgresql" in request.node.name else None

    def home(kind):
        folder = tmp_path / f"home-{next(homes)}"
        folder.mkdir()
        if kind == "sqlite":
            shutil.copyfile(migrated, folder / "mood.db")
        where = url if kind == "postgresql" else None
        return Settings(
            _env_file=None, data_dir=folder, database_url=where, hash_key=SecretStr("only the tests have it")
        )

    return home


def write(storage, user, number, score=0.5):
    storage.write_buffer.scored(
        first_id_of(HOUR) + number, HOME, GENERAL, storage.pseudonyms.author(user), verdict(score)
    )


async def all_of(settings):
    """The sums of what a bot with these settings would find, and whether they fit each other."""
    database = await Database.open(settings.data_dir, settings.database_url)
    try:
        await assert_sums_are_right(database)
        async with database.read() as connection:
            return await sums_of(connection)
    finally:
        await database.close()


async def content_of(copy, folder):
    """The sums of a copy, as it is."""
    folder.mkdir()
    shutil.copyfile(copy, folder / "mood.db")
    return await all_of(Settings(_env_file=None, data_dir=folder))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("sqlite", "sqlite"),
        pytest.param("postgresql", "sqlite", marks=pytest.mark.postgres),
        pytest.param("sqlite", "postgresql", marks=pytest.mark.postgres),
    ],
)
async def test_made_under_load_and_put_back_elsewhere_every_sum_is_the_same(home, tmp_path, first, second):
    settings, elsewhere = home(first), home(second)
    copy = tmp_path / "copy.db"
    async with open_storage(settings) as storage:
        numbers = count(1)

        async def load():
            while True:
                for _ in range(50):
                    write(storage, next(numbers) % 9, next(numbers))
                await storage.write_buffer.flush()

        for number in numbers:
            write(storage, number % 7, number)
            if number == 2000:
                break
        await storage.opt_outs.add(99)
        await storage.write_buffer.flush()
        busy = asyncio.create_task(load())
        await backup(settings, copy)
        busy.cancel()
        await asyncio.wait([busy])
        written = len(await rows_of(storage.database, MessageScoreRow))
    copied = await content_of(copy, tmp_path / "copied")
    assert 2000 <= copied["message_scores"].rows <= written
    assert copied["opt_outs"].rows == 1
    await restore(elsewhere, copy)
    assert await all_of(elsewhere) == copied


@pytest.mark.postgres
async def test_a_postgresql_that_is_put_back_undoes_no_deletion_and_goes_on_counting(home, tmp_path):
    settings, copy = home("postgresql"), tmp_path / "copy.db"
    async with open_storage(settings) as storage:
        write(storage, ALICE, 1), write(storage, BOB, 2), write(storage, 5, 3)
        await storage.feedback.add(verdict(0.5), Sentiment.NEUTRAL)
        await storage.write_buffer.flush()
        await backup(settings, copy)
        await storage.feedback.add(verdict(0.5), Sentiment.NEUTRAL)
        await storage.write_buffer.forget(storage.pseudonyms.authors(ALICE), 2**62)
        await storage.opt_outs.add(BOB)
        await storage.write_buffer.forget(storage.pseudonyms.authors(BOB), 2**62)
        with pytest.raises(DatabaseInUse, match="Stop the bot"):
            await restore(settings, copy)
        assert len(await rows_of(storage.database, FeedbackRow)) == 2
    said = await restore(settings, copy)
    assert "Done again from erasures.log, deletions by people: 2, opt-outs: 1." in said
    async with open_storage(settings) as storage:
        assert [row["message_id"] for row in await rows_of(storage.database, MessageScoreRow)] == [
            first_id_of(HOUR) + 3
        ]
        assert storage.opt_outs.includes(BOB)
        assert storage.erasures.done_again == ""
        await storage.feedback.add(verdict(0.5), Sentiment.NEUTRAL)
        numbers = [row["number"] for row in await rows_of(storage.database, FeedbackRow)]
    assert len(numbers) == 2


@pytest.mark.postgres
async def test_a_copy_that_postgresql_does_not_take_leaves_what_was_there(home, tmp_path, monkeypatch):
    settings, copy = home("postgresql"), tmp_path / "copy.db"
    async with open_storage(settings) as storage:
        write(storage, ALICE, 1)
        await storage.write_buffer.flush()
        await backup(settings, copy)
        write(storage, BOB, 2)
        await storage.write_buffer.flush()

    async def other(connection, _progress):
        return await sums_of(connection) | {"message_scores": None}

    with monkeypatch.context() as broken:
        broken.setattr("bot.cli.postgres_copy.sums_of", other)
        with pytest.raises(DatabaseUnavailable, match="It's unchanged"):
            await restore(settings, copy)
        with pytest.raises(DatabaseUnavailable, match="isn't what I read back"):
            await backup(settings, tmp_path / "second.db")
    assert (await all_of(settings))["message_scores"].rows == 2
    assert sorted(file.name for file in tmp_path.glob("second*")) == []


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("schema", "error"), [("6", DatabaseUnusable), ("999", DatabaseTooNew), (None, DatabaseUnusable)]
)
async def test_a_postgresql_of_another_schema_is_not_copied(home, tmp_path, schema, error):
    settings = home("postgresql")
    if schema is not None:
        database = await Database.open(settings.data_dir, settings.database_url)
        async with database.write() as connection:
            await connection.execute(text(f"UPDATE alembic_version SET version_num = '{schema}'"))
        await database.close()
    with pytest.raises(error):
        await backup(settings, tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy*"))


@pytest.fixture
def keys(tmp_path):
    """The ways to encrypt and to open again, by name."""
    pytest.importorskip("pyrage", reason="the extra `age` is not installed")
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse battery staple\n")
    public = new_identity(tmp_path / "identity")
    return {
        "recipient": (Lock((public,)), {"identity_file": tmp_path / "identity"}),
        "passphrase": (Lock(passphrase_file=secret), {"passphrase_file": secret}),
    }


@pytest.mark.parametrize("way", ["recipient", "passphrase"])
async def test_an_encrypted_copy_opens_with_its_key_alone(home, tmp_path, keys, way):
    settings, (lock, key) = home("sqlite"), keys[way]
    folder = tmp_path / "backups"
    folder.mkdir()
    async with open_storage(settings) as storage:
        write(storage, ALICE, 1)
        await storage.write_buffer.flush()
        hashed = storage.pseudonyms.author(ALICE)
        await backup(settings, folder, lock)
    (copy,) = folder.iterdir()
    assert copy.name.endswith("Z.db.age")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert hashed not in copy.read_bytes()
    assert not (settings.data_dir / "backing-up").exists()
    with pytest.raises(BadKey, match="is encrypted"):
        await restore(settings, copy)
    other = tmp_path / "another"
    if way == "recipient":
        new_identity(other)
    else:
        other.write_text("incorrect horse battery staple")
    with pytest.raises(BadKey, match="doesn't open"):
        await restore(settings, copy, **dict.fromkeys(key, other))
    elsewhere = home("sqlite")
    await restore(elsewhere, copy, **key)
    assert await all_of(elsewhere) == await all_of(settings)
    assert not [file for file in elsewhere.data_dir.rglob("*") if "decrypted" in file.name or file.is_dir()]


async def test_keys_that_cannot_be_used_are_named_and_nothing_is_written(home, tmp_path, keys):
    settings, copy = home("sqlite"), tmp_path / "copy.db"
    (tmp_path / "short").write_text("short")
    wrong = [Lock(("age1nonsense",)), Lock(passphrase_file=tmp_path / "short"), Lock(passphrase_file=tmp_path / "no")]
    for lock in wrong:
        with pytest.raises(BadKey) as caught:
            await backup(settings, copy, lock)
        assert str(caught.value).endswith(".")
        assert "nonsense" not in str(caught.value)
    assert not list(tmp_path.glob("copy*"))
    with pytest.raises(BadKey, match="new file"):
        new_identity(tmp_path / "identity")


async def test_a_disk_that_keeps_something_else_is_noticed(home, tmp_path, keys, monkeypatch):
    settings = home("sqlite")
    monkeypatch.setattr("bot.cli.encryption._sum", lambda _file: b"another")
    for lock, _ in keys.values():
        with pytest.raises(BadKey, match="isn't what I wrote"):
            await backup(settings, tmp_path / "copy.db", lock)
    assert not list(tmp_path.glob("copy*"))


async def test_in_a_folder_old_backups_go_and_others_files_stay(home, tmp_path):
    settings, folder = home("sqlite"), tmp_path / "backups"
    folder.mkdir()
    old = time.time() - settings.retention_days * 86400 - 60
    for name, written in [
        ("mood-2026-01-01T000000Z.db", old),
        ("mood-2026-01-01T000001Z.db.age", old),
        ("mood-2026-01-02T000000Z.db", time.time() - 60),
        ("mood-mine.db", old),
    ]:
        (folder / name).write_text("a backup")
        os.utime(folder / name, (written, written))
    assert "too old: 2." in await backup(settings, folder)
    names = sorted(file.name for file in folder.iterdir())
    assert len(names) == 3
    assert {"mood-2026-01-02T000000Z.db", "mood-mine.db"} < set(names)


async def test_a_second_backup_at_the_same_time_is_refused_and_a_killed_ones_rest_goes(home, tmp_path):
    settings = home("sqlite")
    from bot.cli.backup import _only_one

    left = settings.data_dir / "backing-up"
    left.mkdir()
    (left / Path("mood.db")).write_text("what somebody has had erased since")
    with _only_one(settings.data_dir):
        with pytest.raises(DatabaseInUse, match="Another backup"):
            await backup(settings, tmp_path / "copy.db")
        async with open_storage(settings):
            assert left.exists()
    async with open_storage(settings):
        assert not left.exists()
