"""Databases to test with: a new one for each test."""

import asyncio
import itertools

import asyncpg
import pytest
from pydantic import SecretStr

from bot.storage.database import Database
from bot.storage.feedback_repository import FeedbackRepository
from bot.storage.guild_repository import GuildRepository
from bot.storage.mood_repository import MoodRepository
from bot.storage.opt_outs import OptOuts
from bot.storage.people_repository import PeopleRepository
from bot.storage.pseudonyms import HashKey, Pseudonyms
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.postgres import find_binaries, running_postgres
from tests.bot.storage.scenes import KEY, NOW

_numbers = itertools.count()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.fixture(scope="session")
def postgres():
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (no initdb in /usr/lib/postgresql or on the PATH)")
    with running_postgres(binaries) as address:
        yield address


async def _create(address, name):
    connection = await asyncpg.connect(address)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()


@pytest.fixture
def new_postgres_url(postgres):
    """The address of a new, empty database."""
    name = f"test_{next(_numbers)}"
    asyncio.run(_create(postgres, name))
    return SecretStr(postgres.removesuffix("postgres") + name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """DATABASE_URL, once for each kind of database."""
    return request.getfixturevalue("new_postgres_url") if request.param == "postgresql" else None


@pytest.fixture
async def database(folder, database_url):
    database = await Database.open(folder, database_url)
    yield database
    await database.close()


@pytest.fixture
async def fresh(tmp_path):
    """Opens databases in files, as many as a test wants."""
    opened = []

    async def fresh():
        database = await Database.open(tmp_path / str(len(opened)))
        opened.append(database)
        return database

    yield fresh
    for database in opened:
        await database.close()


@pytest.fixture
async def sqlite(folder):
    """A database in a file, whose writes give up at once when another has it locked."""
    database = await Database.open(folder, busy_seconds=0.01)
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
