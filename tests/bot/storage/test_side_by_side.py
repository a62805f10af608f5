"""Two versions at one database: the older goes on where the newer has only added, and is refused where it took away."""

import shutil
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.cli.backup import backup
from bot.settings import Settings
from bot.storage import migrate as migration
from bot.storage.database import Database
from bot.storage.errors import DatabaseTooNew
from bot.storage.schema import MessageScoreRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import assert_sums_are_right, rows_of, say
from tests.bot.storage.test_migrate import only

RELEASED = "2"
"""The schema of version 0.1.0, the last that was released."""

STEPS = migration.FOLDER
VERSIONS = STEPS / "versions"
NEWEST = max(int(file.name[1:].partition("_")[0]) for file in VERSIONS.glob("v[0-9]*.py"))
EXPAND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, works_with = "{next}", "{newest}", "{newest}"

def upgrade():
    op.add_column("message_scores", sa.Column("later", sa.Integer(), nullable=True))

def downgrade():
    op.drop_column("message_scores", "later")
"""
CONTRACT = """
from alembic import op
revision, down_revision = "{after}", "{next}"

def upgrade():
    op.drop_column("message_scores", "edited")

def downgrade():
    raise NotImplementedError
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Sets which steps the program knows: those up to a schema, or with steps of a later version."""

    def program(newest=NEWEST, *more):
        folder = tmp_path / f"steps-{newest}-{len(more)}"
        if not folder.exists():
            shutil.copytree(STEPS, folder, ignore=shutil.ignore_patterns("*.pyc"))
            for file in (folder / "versions").glob("v[0-9]*.py"):
                if int(file.name[1:].partition("_")[0]) > newest:
                    file.unlink()
            for number, step in enumerate(more):
                names = {"newest": NEWEST, "next": NEWEST + 1, "after": NEWEST + 2}
                (folder / "versions" / f"later_{number}.py").write_text(step.format(**names))
        monkeypatch.setattr(migration, "FOLDER", folder)

    return program


HOUR = int(time.time() // 3600)


async def write(database, number):
    buffer = WriteBuffer(database)
    say(buffer, number, number % 5, hour=HOUR)
    await buffer.flush()


async def test_while_it_is_exchanged_the_older_version_goes_on_and_may_be_started_again(
    folder, database_url, program, tmp_path, caplog
):
    program(NEWEST)
    older = await Database.open(folder, database_url)
    await write(older, 1)
    if database_url is None:
        await older.close()  # one process at a time
    program(NEWEST, EXPAND)
    newer = await Database.open(folder, database_url)
    await write(newer, 2)
    if database_url is None:
        await newer.close()
        program(NEWEST)
        older = await Database.open(folder, database_url)
    await write(older, 3)
    await older.close()
    program(NEWEST)
    again = await Database.open(folder, database_url)
    assert f"the database has schema {NEWEST + 1}, of a newer version" in caplog.text
    await write(again, 4)
    assert len(await rows_of(again, MessageScoreRow)) == 4
    await assert_sums_are_right(again)
    await again.close()
    if database_url is not None:
        await write(newer, 5)
        await newer.close()
    program(NEWEST, EXPAND)
    await (await Database.open(folder, database_url)).close()


async def test_where_it_has_taken_something_away_the_older_one_is_refused_with_the_command_that_helps(
    folder, database_url, program
):
    program(NEWEST, EXPAND, CONTRACT)
    await (await Database.open(folder, database_url)).close()
    program(NEWEST)
    with pytest.raises(DatabaseTooNew, match="vibecheck restore FILE") as caught:
        await Database.open(folder, database_url)
    assert f"its schema is {NEWEST + 2}, and this version knows {NEWEST})" in str(caught.value)
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text("utf-8")
    assert "### Back to an older version" in page


async def test_to_the_last_release_and_back_by_the_backup_of_before(folder, program, tmp_path):
    """The database of the last release is copied, upgraded, refused by the release, and put back for it."""
    with only(RELEASED):
        old = await Database.open(folder)
    hours = [(101, HOUR, 100, 1, 1, 1, 10, 1_620_100, 2, 1, 3)]
    async with old.write() as connection:
        for row in hours:
            values = {f"v{number}": value for number, value in enumerate(row)}
            await connection.execute(
                text(f"INSERT INTO hours VALUES ({', '.join(f':{name}' for name in values)})"), values
            )
    await old.close()
    copy = tmp_path / "before.db"
    await backup(Settings(_env_file=None, data_dir=folder), copy)
    new = await Database.open(folder)
    await write(new, 1)
    await new.close()
    program(int(RELEASED))
    with pytest.raises(DatabaseTooNew):
        await Database.open(folder)
    for file in folder.glob("mood.db*"):
        file.unlink()
    shutil.copyfile(copy, folder / "mood.db")
    back = await Database.open(folder)
    async with back.read() as connection:
        assert [tuple(row) for row in await connection.execute(text("SELECT * FROM hours"))] == hours
        assert await connection.scalar(text("SELECT version_num FROM alembic_version")) == RELEASED
    await back.close()
