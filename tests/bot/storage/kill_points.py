"""`python -m tests.bot.storage.kill_points SCENE FOLDER STEP`: something is done to a copy of FOLDER/seed, and killed.

Once at each point where it touches a file, or at a start asks the database something (each STEPth), then not at all.
Each time the bot starts afterwards; a line says what it found.
"""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, event

from bot.cli.backup import restore
from bot.settings import Settings
from bot.storage.open_storage import open_storage
from bot.storage.pseudonyms import rotate_file
from bot.storage.schema import MessageScoreRow
from tests.bot.storage.scenes import assert_sums_are_right, rows_of

POINTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "sqlite3.connect"}
USER = 42


def settings(folder):
    return Settings(_env_file=None, data_dir=folder)


async def start(folder):
    async with open_storage(settings(folder)):
        pass


async def rotate(folder):
    rotate_file(folder, None)


async def put_back(folder):
    await restore(settings(folder), folder / "backup.db")


SCENES = {"start": start, "rotate": rotate, "put_back": put_back}


def be_killed_at(last, *, statements):
    """Kills this process at its point of that number."""
    count = 0

    def point(*_, **__):
        nonlocal count
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(name, arguments):
        writes = name == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if name in POINTS or writes:
            point()

    sys.addaudithook(hook)
    if not statements:
        return
    event.listen(Engine, "before_cursor_execute", point)
    event.listen(Engine, "commit", point)


async def found(folder):
    """What the next start finds."""
    async with open_storage(settings(folder)) as storage:
        await assert_sums_are_right(storage.database)
        messages = [row["message_id"] for row in await rows_of(storage.database, MessageScoreRow)]
        said = {"messages": messages, "out": storage.opt_outs.includes(USER)}
        said["authors"] = [author.hex() for author in storage.pseudonyms.authors(USER)]
    with closing(sqlite3.connect(folder / "mood.db")) as plain:
        said["whole"] = plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    said["files"] = sorted(file.name for file in folder.iterdir())
    return said


def forked(work):
    """The state in which a process ends that does that."""
    pid = os.fork()
    if not pid:
        try:
            work()
        except BaseException as error:
            print(type(error).__name__, error, file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(scene, folder, step):
    seed, here = folder / "seed", folder / "here"
    for number in range(1, sys.maxsize, step):

        def do(number=number):
            be_killed_at(number, statements=scene == "start")
            asyncio.run(SCENES[scene](here))

        shutil.rmtree(here, ignore_errors=True)
        shutil.copytree(seed, here)
        code = forked(do)
        if code not in (0, -signal.SIGKILL):
            sys.exit(code)
        if forked(lambda: print(json.dumps(asyncio.run(found(here))), flush=True)):
            sys.exit(f"killed at {number}, and the next start failed")
        if not code:
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
