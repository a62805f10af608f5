"""`python -m tests.soak`, or `make soak`: half an hour of it. Prints a table; the exit code is 1 if something broke."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.soak.soak import Plan, soak, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None, help="of the order of the faults; a random one if not given")
    parser.add_argument("--sqlite", action="store_true", help="even where PostgreSQL is installed")
    parser.add_argument("--folder", type=Path, default=None, help="keeps the bot's files and its log there")
    chosen = parser.parse_args()
    seed = secrets.randbelow(10**6) if chosen.seed is None else chosen.seed
    print(f"--seed {seed} --minutes {chosen.minutes:g}", flush=True)
    judge_memory = chosen.minutes >= 10
    tell = partial(print, flush=True)
    plan = Plan(chosen.minutes * 60, seed, sqlite=chosen.sqlite, judge_memory=judge_memory, tell=tell)
    with tempfile.TemporaryDirectory(prefix="vibecheck-soak-") as made:
        folder = chosen.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(soak(plan, folder.resolve()))
    print(table(report))
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
