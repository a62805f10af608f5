"""kill -9 at any point of a start, a migration, a new key or a restore: the next start is sound, nothing is lost."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli.backup import backup
from bot.storage.database import Database
from bot.storage.open_storage import open_storage
from tests.bot.storage.kill_points import USER, settings
from tests.bot.storage.scenes import GENERAL, HOME, message_id, verdict
from tests.bot.storage.test_migrate import MESSAGES, only, write_v1

ROOT = Path(__file__).parents[3]
HOUR_NOW = 550_000
"""In 2032, which no retention time has reached."""


@pytest.fixture
def seed(tmp_path):
    return tmp_path / "seed"


def killed_at_each_point(scene, folder, step=1):
    """What each next start found, the last after it was not killed."""
    command = [sys.executable, "-m", "tests.bot.storage.kill_points", scene, str(folder), str(step)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert not ran.returncode, ran.stderr[-2000:]
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(found) > 3
    assert all(one["whole"] for one in found)
    return found


def score(storage, number):
    author = storage.pseudonyms.author(7)
    assert storage.write_buffer.scored(message_id(number, HOUR_NOW), HOME, GENERAL, author, verdict(0.5))


def messages(*numbers):
    return [message_id(number, HOUR_NOW) for number in numbers]


async def test_a_first_start_that_is_killed_is_followed_by_one_that_works(seed, tmp_path):
    seed.mkdir()
    for one in killed_at_each_point("start", tmp_path, step=13):
        assert (one["messages"], one["out"], len(one["authors"])) == ([], False, 1)


async def test_a_migration_that_is_killed_loses_and_doubles_nothing(seed, tmp_path):
    with only("1"):
        old = await Database.open(seed)
    await write_v1(old)
    await old.close()
    for one in killed_at_each_point("start", tmp_path, step=13):
        assert one["messages"] == [message_id(number) for number, *_ in MESSAGES]


async def test_a_new_key_whose_making_is_killed_loses_no_key_and_no_opt_out(seed, tmp_path):
    async with open_storage(settings(seed)) as storage:
        await storage.opt_outs.add(USER)
        former = storage.pseudonyms.author(USER).hex()
    found = killed_at_each_point("rotate", tmp_path)
    for one in found:
        assert one["out"]
        assert former in one["authors"]
    assert [len(one["authors"]) for one in (found[0], found[-1])] == [1, 2]


async def test_a_restore_that_is_killed_leaves_the_one_database_or_the_other(seed, tmp_path):
    """What is there was itself killed: its newest rows are in the log ahead alone."""
    live = tmp_path / "live"
    async with open_storage(settings(live)) as storage:
        score(storage, 1)
        await storage.write_buffer.flush()
        await backup(settings(live), tmp_path / "backup.db")
        await storage.opt_outs.add(USER)
        score(storage, 2)
        await storage.write_buffer.flush()
        shutil.copytree(live, seed)
    shutil.copy(tmp_path / "backup.db", seed)
    found = killed_at_each_point("put_back", tmp_path)
    for one in found:
        assert one["messages"] in (messages(1, 2), messages(1))
        assert one["out"]
        assert "restoring" not in one["files"], "it holds what was erased"
    assert [one["messages"] for one in (found[0], found[-1])] == [messages(1, 2), messages(1)]
