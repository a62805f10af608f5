"""What must not grow with what other servers do: `python -m tests.bench.growth`.

A chart of 30 days beside a thousand and a million gaps of other servers; a look for alerts alone and while a thousand
digests are made, all of them due at once; the search for garbage with ten thousand servers known, before and after they
are taken out of it, and what each of them takes of memory. Each line is a ratio of one run. It starts a PostgreSQL of
its own for the chart, and leaves it out where there is none.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import discord
from pydantic import SecretStr
from sqlalchemy import text, update

from bot.alerts.baselines import Baselines
from bot.alerts.candidates import Candidates
from bot.app.process_tuning import freeze_what_is_loaded, thaw
from bot.charts.executor import ChartExecutor
from bot.client import intents_for
from bot.commands.mood.query import Asked, read_channel
from bot.digests.job import DigestJob
from bot.settings import Settings
from bot.storage.open_storage import Storage, open_storage
from bot.storage.schema import GuildSettingsRow
from tests.bench.alert_tick import CHANNELS
from tests.bench.serving import resident
from tests.bot.alerts.crowd import crowd, instant
from tests.bot.storage.postgres import find_binaries, running_postgres
from tests.sim.big_discord import Crowd

DAYS, WEEKS_BEFORE = 30, 8
FEW_GAPS, MANY_GAPS = 1_000, 1_000_000
TIMES = 7

_FOREIGN = """WITH RECURSIVE numbers(number) AS (
    SELECT CAST(:first AS bigint) UNION ALL SELECT number + 1 FROM numbers WHERE number < :last
) INSERT INTO gaps (guild_id, channel_id, started, ended, looked)
SELECT 5000000 + number % 20000, 6000000 + number, :now - 60 * (number % 40000) - 300, :now - 60 * (number % 40000), 0
FROM numbers"""


@asynccontextmanager
async def storage_at(url: str | None) -> AsyncIterator[Storage]:
    """A store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, data_dir=Path(folder), database_url=SecretStr(url) if url else None)
        async with open_storage(settings) as storage:
            yield storage


async def chart_beside_gaps(url: str | None) -> None:
    """Prints how much longer reading a chart takes when other servers had a thousand times as many gaps."""
    async with storage_at(url) as storage:
        now, filled, took = time.time(), 0, []
        present = int(now // 3600)
        (guild,) = await crowd(storage.database, 1, present, 1, hours=(DAYS + WEEKS_BEFORE * 7) * 24)
        asked = Asked(guild, ZoneInfo("Europe/Berlin"), present - DAYS * 24 + 1, now)
        for gaps in (FEW_GAPS, MANY_GAPS):
            async with storage.database.write() as connection:
                await connection.execute(text(_FOREIGN), {"first": filled + 1, "last": gaps, "now": int(now)})
            filled = gaps
            if storage.database.dialect == "postgresql":
                async with storage.database.write() as connection:
                    await connection.execute(text("ANALYZE gaps"))
            seconds = []
            for _ in range(TIMES):
                begun = time.perf_counter()
                await read_channel(storage.moods, asked, guild + 1)
                seconds.append(time.perf_counter() - begun)
            took.append(statistics.median(seconds))
    print(
        f"a chart of {DAYS} days beside {MANY_GAPS:,} gaps of others, {storage.database.dialect}: "
        f"{took[1] / took[0]:.2f} times as long as beside {FEW_GAPS:,} ({1000 * took[0]:.1f} ms)",
        flush=True,
    )


class _Posts:
    """The mod channels of servers that nobody has to be asked about: takes every digest."""

    def __init__(self) -> None:
        self.taken = 0

    def paused(self, _channel_id: int, _now: float) -> bool:
        return False

    async def told_of(self, _guild_id: int, _channel_id: int, about: Iterable[int], _now: float) -> set[int]:
        return set(about)

    async def post(self, *_where: object, **_what: object) -> None:
        self.taken += 1


async def alerts_beside_digests(servers: int) -> None:
    """Prints how much later a look for alerts ends while as many digests are made as fast as they can be."""
    async with storage_at(None) as storage:
        present = int(time.time() // 3600)
        await crowd(storage.database, servers, present, CHANNELS, hours=14 * 24)
        now = instant(present)
        hour_before = datetime.fromtimestamp(now, UTC).hour - 1  # so the turn of each has come
        async with storage.database.write() as connection:
            await connection.execute(update(GuildSettingsRow).values(digest="daily", digest_hour=hour_before % 24))
        learning, posts = ChartExecutor("learning"), _Posts()
        baselines = Baselines(storage.moods, learning)
        await Candidates.find(storage, baselines, now, lambda _place: None)  # learns

        async def look() -> float:
            begun = time.perf_counter()
            await Candidates.find(storage, baselines, now, lambda _place: None)
            return time.perf_counter() - begun

        alone = statistics.median([await look() for _ in range(TIMES)])
        services: Any = SimpleNamespace(
            connection=SimpleNamespace(is_ready=lambda: True, get_guild=lambda _guild_id: None),
            mod_channels=posts,
            storage=storage,
            learning=learning,
        )
        job, begun = DigestJob(services), time.perf_counter()
        making = asyncio.create_task(job.tick(now))
        beside: list[float] = []
        while not making.done():
            beside.append(await look())
            await asyncio.sleep(0.2)
        await making
        took = time.perf_counter() - begun
        learning.close()
    print(
        f"{posts.taken:,} digests in {took:.1f} s; a look for alerts meanwhile ends {max(beside) - alone:.2f} s later "
        f"at most, {statistics.median(beside) - alone:.2f} s in the median (alone {alone:.2f} s)",
        flush=True,
    )


def garbage_with_servers(servers: int, roles: int) -> None:
    """Prints how long a full search for garbage takes, before and after the bot has taken them out of it."""
    connection = discord.Client(intents=intents_for(), member_cache_flags=discord.MemberCacheFlags.none())._connection
    me = {"id": "1", "username": "bot", "discriminator": "0", "avatar": None, "global_name": None, "bot": True}
    connection.user = discord.ClientUser(state=connection, data=cast("Any", me))
    crowd_of = Crowd(servers, roles=roles)
    gc.collect()
    before = resident()
    for guild_id in crowd_of.guild_ids:
        told = json.loads(crowd_of.told(guild_id, cast("Any", me)))
        connection._add_guild(discord.Guild(data=told, state=connection))
    gc.collect()
    each = (resident() - before) / servers / 1024
    took = []
    for frozen in (False, True):
        if frozen:
            freeze_what_is_loaded()
        begun = time.perf_counter()
        gc.collect()
        took.append(time.perf_counter() - begun)
    thaw()
    print(
        f"{servers:,} servers of {crowd_of.bytes_told / servers / 1024:.1f} KiB: {each:.1f} KiB each; a full search "
        f"for garbage {1000 * took[0]:.0f} ms, {1000 * took[1]:.1f} ms after they are frozen",
        flush=True,
    )


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--servers", type=int, default=1_000, help="that have a digest")
    parser.add_argument("--known", type=int, default=10_000, help="that the bot is in")
    asked = parser.parse_args()
    for roles in (20, 80):
        garbage_with_servers(asked.known, roles)
    asyncio.run(chart_beside_gaps(None))
    binaries = find_binaries()
    if binaries is None:
        print("PostgreSQL is not installed: the chart is measured on SQLite alone", flush=True)
    else:
        with running_postgres(binaries) as server:
            asyncio.run(chart_beside_gaps(server))
    asyncio.run(alerts_beside_digests(asked.servers))


if __name__ == "__main__":
    main()
