"""Databases to test with: a new one for each test, copied from one that was migrated once."""

import shutil

import pytest

from bot.storage.database import Database
from bot.storage.feedback_repository import FeedbackRepository
from bot.storage.guild_repository import GuildRepository
from bot.storage.mood_repository import MoodRepository
from bot.storage.opt_outs import OptOuts
from bot.storage.people_repository import PeopleRepository
from bot.storage.pseudonyms import HashKey, Pseudonyms
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import KEY, NOW


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def copied(migrated, folder):
    """A folder with a database of this version's schema in it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(migrated, folder / "mood.db")
    return folder


@pytest.fixture
async def database(folder, database_url, migrated):
    if database_url is None:
        copied(migrated, folder)
    database = await Database.open(folder, database_url)
    yield database
    await database.close()


@pytest.fixture
async def fresh(tmp_path, migrated):
    """Opens databases in files, as many as a test wants."""
    opened = []

    async def fresh():
        database = await Database.open(copied(migrated, tmp_path / str(len(opened))))
        opened.append(database)
        return database

    yield fresh
    for database in opened:
        await database.close()


@pytest.fixture
async def sqlite(folder, migrated):
    """A database in a file, whose writes give up at once when another has it locked."""
    database = await Database.open(copied(migrated, folder), busy_seconds=0.01)
    yield database
    await database.close()


@pytest.fixture
def pseudonyms():
    return Pseudonyms([HashKey(KEY)])


@pytest.fixture
def clock():
    return lambda: NOW


@pytest.fixture
def opt_outs(database, pseudonyms, clock):
    return OptOuts(database, pseudonyms, clock)


@pytest.fixture
def guilds(database):
    return GuildRepository(database)


@pytest.fixture
def moods(database):
    return MoodRepository(database)


@pytest.fixture
def people(database):
    return PeopleRepository(database)


@pytest.fixture
def feedback(database, clock):
    return FeedbackRepository(database, clock)


@pytest.fixture
def buffer(database, opt_outs, clock):
    return WriteBuffer(database, opt_outs, clock=clock)
