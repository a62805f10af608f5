"""What the write buffer writes into PostgreSQL at a time, in sets and in rows as before: `python -m tests.bench.flush`.

20,000 scores in 5,000 channels, new ones and then edits of all, by both ways in turn in one run, each in a database of
its own; both must hold the same at the end. Then two processes of a cluster: how long a write of one takes while a
transaction of the other stays open on another shard, beside the one lock that all had before, and how much two that
write all the time write together. It starts a PostgreSQL of its own; what counts are the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest import mock

import asyncpg
from pydantic import SecretStr
from sqlalchemy import select

from bot.domain.shards import Cluster
from bot.domain.snowflake import first_id_of
from bot.storage import hourly_rollup
from bot.storage.database import Database
from bot.storage.leases import Leases
from bot.storage.schema import HourAuthorRow, HourRow, MessageScoreRow
from bot.storage.upsert import table_of
from bot.storage.write_buffer import WriteBuffer
from model.verdict import SENTIMENTS, Verdict
from tests.bot.storage.postgres import find_binaries, running_postgres

MODEL = "0123456789ab"
PEOPLE = 20
"""In each channel."""

SHARDS = 2
WRITERS_SECONDS = 10.0
EACH_WRITE = 2000


def verdict(number: int) -> Verdict:
    """Every thousandth of the score comes."""
    score = number * 7 % 2001 / 1000 - 1
    sentiment = SENTIMENTS[0 if score < -1 / 3 else 2 if score > 1 / 3 else 1]
    return Verdict(sentiment, (max(0.0, -score), 1 - abs(score), max(0.0, score)), 1, MODEL)


def tell(buffer: WriteBuffer, first: int, scores: int, channels: int, *, shard: int = 0, edited: int = 0) -> None:
    """So many messages of people in so many channels, five in each server."""
    base = first_id_of(int(time.time() // 3600)) + first
    for number in range(scores):
        channel = number % channels
        who = channel * PEOPLE + number // channels % PEOPLE
        guild = (1000 + channel // 5 * SHARDS + shard) << 22
        author = who.to_bytes(16, "big")
        buffer.scored(base + number, guild, guild + channel, author, verdict(number + edited), edited=edited)


async def flush_time(buffer: WriteBuffer) -> float:
    """Seconds of one write."""
    begun = time.perf_counter()
    await buffer.flush()
    return time.perf_counter() - begun


@asynccontextmanager
async def opened(server: str, name: str) -> AsyncIterator[Database]:
    """A database of that name, new if there is none."""
    admin = await asyncpg.connect(server)
    if not await admin.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", name):
        await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    with tempfile.TemporaryDirectory() as folder:
        url = SecretStr(server.rpartition("/")[0] + f"/{name}")
        database = await Database.open(Path(folder), url)
        try:
            yield database
        finally:
            await database.close()


async def rows(database: Database) -> list[list[tuple[object, ...]]]:
    """All that the scores have led to."""
    found = []
    async with database.read() as connection:
        for row in (MessageScoreRow, HourRow, HourAuthorRow):
            table = table_of(row)
            there = await connection.execute(select(table).order_by(*table.primary_key.columns))
            found.append([tuple(one) for one in there])
    return found


async def in_sets_and_in_rows(server: str, scores: int, channels: int, rounds: int) -> None:
    """Prints a line for each kind of news."""
    async with opened(server, "in_rows") as old, opened(server, "in_sets") as new:
        buffers = {"rows": WriteBuffer(old), "sets": WriteBuffer(new)}
        took: dict[tuple[str, str], list[float]] = {}
        for turn in range(rounds):
            for kind, edited in (("new", 0), ("edited", 1 + turn)):
                for way, buffer in buffers.items():
                    tell(buffer, turn * scores, scores, channels, edited=edited)
                    if way == "rows":
                        with mock.patch.object(hourly_rollup, "_write", hourly_rollup.write_in_rows):
                            seconds = await flush_time(buffer)
                    else:
                        seconds = await flush_time(buffer)
                    took.setdefault((kind, way), []).append(seconds)
        same = await rows(old) == await rows(new)
    for kind in ("new", "edited"):
        before, now = (statistics.median(took[kind, way]) for way in ("rows", "sets"))
        print(
            f"{scores:,} {kind} scores in {channels:,} channels: in rows {before:.2f} s, in sets {now:.2f} s, "
            f"{before / now:.1f} times",
            flush=True,
        )
    print(f"both hold the same: {'yes' if same else 'NO'}", flush=True)
    if not same:
        sys.exit(1)


@asynccontextmanager
async def clustered(server: str, number: int) -> AsyncIterator[tuple[Database, WriteBuffer]]:
    """What one of two processes writes with."""
    async with opened(server, "clusters") as database:
        leases = Leases(database, Cluster(number, SHARDS))

        async def count() -> int:
            return SHARDS

        await leases.hold(count, print)
        try:
            yield database, WriteBuffer(database, leases=leases)
        finally:
            await leases.release()


async def beside_a_transaction(server: str, held: float, rounds: int) -> None:
    """Prints how much longer a write takes while a transaction of another shard stays open for so many seconds."""
    async with clustered(server, 0) as (other, _), clustered(server, 1) as (_, buffer):
        first, took = 0, {}
        for way in ("alone", "one lock for each shard", "one lock for all"):
            for _ in range(1 if way == "one lock for all" else rounds):
                tell(buffer, first, EACH_WRITE, 200, shard=1)
                first += EACH_WRITE
                if way == "alone":
                    took.setdefault(way, []).append(await flush_time(buffer))
                    continue
                async with asyncio.TaskGroup() as tasks, other.write(own=way != "one lock for all"):
                    writing = tasks.create_task(flush_time(buffer))
                    await asyncio.sleep(held)
                took.setdefault(way, []).append(writing.result())
    alone = statistics.median(took.pop("alone"))
    for way, seconds in took.items():
        slow = statistics.median(seconds)
        print(f"a write while another shard's stays open {held:g} s, {way}: {slow / alone:.2f} times alone", flush=True)


async def write_all_the_time(server: str, number: int) -> None:
    """One of the processes that write as much as they can; prints how many scores a second."""
    async with clustered(server, number) as (_, buffer):
        first, begun = number * 10**7, time.perf_counter()
        written = 0
        while time.perf_counter() - begun < WRITERS_SECONDS:
            tell(buffer, first + written, EACH_WRITE, 200, shard=number)
            await buffer.flush()
            written += EACH_WRITE
        print(written / (time.perf_counter() - begun), flush=True)


async def together(server: str) -> None:
    """Prints how much two processes write together, against one."""
    rates = []
    for numbers in ((0,), (0, 1)):
        command = [sys.executable, "-m", "tests.bench.flush", "--server", server, "--writer"]
        pipe = asyncio.subprocess.PIPE
        started = [await asyncio.create_subprocess_exec(*command, str(one), stdout=pipe) for one in numbers]
        rates.append(sum([float((await one.communicate())[0].split()[-1]) for one in started]))
    print(f"two writers on two shards write {rates[1] / rates[0]:.2f} times as much as one", flush=True)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scores", type=int, default=20_000)
    parser.add_argument("--channels", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--held", type=float, default=2.0, help="seconds for which a transaction stays open")
    parser.add_argument("--server", help="the address of a PostgreSQL of which the databases may be made")
    parser.add_argument("--writer", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.writer is not None:
        asyncio.run(write_all_the_time(asked.server, asked.writer))
        return

    async def all_of_it(server: str) -> None:
        await in_sets_and_in_rows(server, asked.scores, asked.channels, asked.rounds)
        await beside_a_transaction(server, asked.held, asked.rounds)
        await together(server)

    if asked.server:
        asyncio.run(all_of_it(asked.server))
        return
    binaries = find_binaries()
    if binaries is None:
        sys.exit("PostgreSQL is not installed (no initdb in /usr/lib/postgresql or on the PATH)")
    with running_postgres(binaries) as server:
        asyncio.run(all_of_it(server))


if __name__ == "__main__":
    main()
