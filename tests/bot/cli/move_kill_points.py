"""`python -m tests.bot.cli.move_kill_points DIRECTION FOLDER STEP`: the move is killed at each STEPth point, then not.

FOLDER has a store and `address`, the file with that of a PostgreSQL. A line is said for each time that it was killed
and what was there afterwards is what was there before, in both; the last one says what the move has said.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from pydantic import SecretStr

from bot.cli.move_store import move_store
from tests.bot.cli.stores import dump, settings_of, state_of
from tests.bot.storage.kill_points import be_killed_at, forked


def main(direction, folder, step):
    address, file = folder / "address", folder / "mood.db"
    url = SecretStr(address.read_text())
    out = direction == "out"

    def states():
        return {"sqlite": dump(file), "postgresql": asyncio.run(state_of(url))}

    before = states()
    for number in range(1, sys.maxsize, step):

        def move(number=number):
            be_killed_at(number, statements=True)
            settings = settings_of(folder, None if out else url)
            asyncio.run(move_store(settings, address if out else None, replace=not out))

        code = forked(move)
        if code not in (0, -signal.SIGKILL):
            sys.exit(f"killed at {number}, and then it failed")
        now = states()
        source, target = ("sqlite", "postgresql") if out else ("postgresql", "sqlite")
        assert now[source] == before[source]
        moved = now[target] != before[target]
        if not code or moved:  # killed after the end of it all
            break
        print(json.dumps(number), flush=True)
    print(json.dumps("moved" if moved else "not moved"), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
