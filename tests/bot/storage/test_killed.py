import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from bot.storage.database import Database
from bot.storage.schema import MessageScoreRow
from tests.bot.storage.scenes import assert_sums_are_right, rows_of

ROOT = Path(__file__).parents[3]


def write_until_killed(folder, first):
    """The last message that the writer said was safe."""
    command = [sys.executable, "-m", "tests.bot.storage.writer", str(folder), str(first)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        lines = [writer.stdout.readline()]
        time.sleep(random.uniform(0, 0.3))
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.readlines()
    assert writer.returncode == -signal.SIGKILL
    return int([line for line in lines if line.endswith("\n")][-1])


async def test_killed_at_any_moment_it_opens_again_is_whole_and_has_what_was_written(folder):
    for attempt in range(3):
        safe = write_until_killed(folder, attempt * 1_000_000 + 1)
        with closing(sqlite3.connect(folder / "mood.db")) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        database = await Database.open(folder)
        written = {row["message_id"] for row in await rows_of(database, MessageScoreRow)}
        odd = [number for number in range(safe - 299, safe + 1) if number % 2]
        assert written.issuperset(odd)
        await assert_sums_are_right(database)
        await database.close()
