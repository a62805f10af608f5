"""A look for alerts at all servers, in sets and one by one as it was before: `python -m tests.bench.alert_tick`.

Every server watches five channels in which all is as usual, the most common minute. Both ways look at the same store,
with everything learned, in one run; what counts is how often the old time holds the new one, and that the number of
statements does not grow. `--servers 100 1000` and `--postgres URL` (an empty database that may be filled).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import event

from bot.alerts.baselines import Baselines
from bot.alerts.candidates import Candidate, Candidates
from bot.alerts.channel_rules import sensitivity_of
from bot.analytics.anomaly import Change, enough
from bot.charts.executor import ChartExecutor
from bot.settings import Settings
from bot.storage.judged_hours import Judged
from bot.storage.open_storage import Storage, open_storage
from tests.bot.alerts.crowd import crowd, instant

CHANNELS = 5


async def one_by_one(storage: Storage, baselines: Baselines, guilds: list[int], present: int, now: float) -> int:
    """What every server and channel was asked for before; returns how many alerts start."""
    starting = 0
    hours = await storage.moods.told_hours(present - 6, present, guilds[:32_000])
    by_server: dict[int, list[Judged]] = {}
    for guild_id, channel_id, hour in hours:
        if hour.hour >= present - 1:
            by_server.setdefault(guild_id, []).append(Judged(guild_id, channel_id, hour, told=True))
    for guild_id, channels in by_server.items():
        settings = await storage.guilds.settings(guild_id)
        for judged in channels:
            if not enough(judged.hour, settings):
                continue
            place = (guild_id, judged.channel_id)
            sensitivity = sensitivity_of(await storage.guilds.rules(guild_id), guild_id, judged.channel_id, None)
            former = await storage.alerts.alerts(guild_id, judged.channel_id, limit=1)
            usual = baselines.usual(place, settings.timezone)
            candidate = Candidate(place, usual, former[0] if former else None, judged)
            starting += sensitivity is not None and candidate.change(sensitivity, now) is Change.STARTS
    return starting


async def measure(servers: int, url: str | None) -> None:
    """Prints one line."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, data_dir=Path(folder), database_url=SecretStr(url) if url else None)
        async with open_storage(settings) as storage:
            present = int(time.time() // 3600)
            guilds = await crowd(storage.database, servers, present, CHANNELS)
            learning, statements = ChartExecutor("learning"), 0
            baselines = Baselines(storage.moods, learning)

            def count(*_asked: object) -> None:
                nonlocal statements
                statements += 1

            now, took, asked = instant(present), [], []
            await Candidates.find(storage, baselines, now, lambda _place: None)  # learns
            event.listen(storage.database._engine.sync_engine, "before_cursor_execute", count)
            for way in ("one by one", "in sets"):
                statements, begun = 0, time.perf_counter()
                if way == "in sets":
                    await Candidates.find(storage, baselines, now, lambda _place: None)
                else:
                    await one_by_one(storage, baselines, guilds, present, now)
                took.append(time.perf_counter() - begun)
                asked.append(statements)
            learning.close()
    print(
        f"{storage.database.dialect} {servers:7,} servers: one by one {took[0]:.2f} s, in sets {took[1]:.2f} s, "
        f"{took[0] / took[1]:.0f} times; {asked[0]:,} statements against {asked[1]}",
        flush=True,
    )


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--servers", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--postgres", help="an empty database for the last of these numbers")
    asked = parser.parse_args()
    if asked.postgres:
        asyncio.run(measure(asked.servers[-1], asked.postgres))
    else:
        for servers in asked.servers:
            asyncio.run(measure(servers, None))


if __name__ == "__main__":
    main()
