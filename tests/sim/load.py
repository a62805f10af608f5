"""Real bots and a real PostgreSQL under a crowd's messages: what is lost, how late things are, what one takes."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from bot.demo.launch import bot_process
from bot.settings import Settings
from bot.storage.open_storage import open_storage
from tests.bench.texts import chat
from tests.bot.alerts.crowd import crowd as fill
from tests.bot.storage.postgres import find_binaries, running_postgres
from tests.sim import constants
from tests.sim.big_discord import CHANNELS, PEOPLE, BigDiscord, Crowd
from tests.sim.crowd import CHANNEL_WEIGHTS
from tests.sim.crowd import crowd as sizes_of
from tests.sim.machines import Metrics, is_ready, memory, metrics_of, processor, quantile
from tests.soak.store import Postgres, children_of

KEY = "0f3a9c1d7be245680f1e2d3c4b5a6978"
START_SECONDS, SETTLE_SECONDS, STILL_SECONDS = 300.0, 900.0, 60.0
CATCHING_UP_SECONDS = 400.0
"""How long nothing may be stored while what was missed is looked for: two requests in a second, for every channel."""
BEAT = 0.02
"""Seconds between two handfuls of messages."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run: so many servers, spread over shards and processes, with so many messages a second."""

    servers: int
    shards: int
    processes: int
    rate: float
    seconds: float
    stubbed: bool
    inference_url: str = ""
    faults: bool = False
    warm: float = 0.0
    """Seconds in which is written before anything is measured: notices are asked for, and what is usual is learned."""
    seed: int = 0
    concurrency: int = 16
    tell: Callable[[str], None] = print


@dataclass(slots=True)
class Bot:
    """One of the processes: where its metrics are, and what they said at the begin."""

    number: int
    port: int
    folder: Path
    process: asyncio.subprocess.Process
    first: Metrics = field(default_factory=lambda: Metrics({}))
    last: Metrics = field(default_factory=lambda: Metrics({}))


@dataclass(slots=True)
class Watched:
    """The worst that was seen while messages came in."""

    flush_age: float = 0.0
    pending: float = 0.0
    memory: float = 0.0
    behind: float = 0.0


class Load:
    """One run. `bots` are what is running now."""

    def __init__(self, plan: Plan, local: BigDiscord, store: Postgres, folder: Path, stack: AsyncExitStack) -> None:
        self.plan, self.local, self.store, self.folder = plan, local, store, folder
        self.bots: list[Bot] = []
        self.watched = Watched()
        self.quiet: set[int] = set()
        """Servers in which nobody can write."""
        self.gone: list[Metrics] = []
        self.bare: tuple[float, list[int]] | None = None
        """Processor and memory of the bots when the first session began: before they knew of any server."""
        self._stack = stack
        self._random = random.Random(plan.seed)
        self._texts = chat(2000, plan.seed)
        sizes = sizes_of(plan.servers, constants.load(), plan.seed)
        self._weights = sizes.rates.tolist()

    async def start(self, number: int) -> Bot:
        """A bot, with a port of its own for its metrics."""
        plan, port = self.plan, _free_port()
        folder = Path(tempfile.mkdtemp(prefix=f"bot-{number}-", dir=self.folder))
        settings = {
            "DATABASE_URL": self.store.url or "",
            "HASH_KEY": KEY,
            "METRICS_PORT": str(port),
            "THREADS": "1",
            "BATCH_TOKENS": "1024",
            **({"CLUSTER": f"{number}/{plan.processes}"} if plan.processes > 1 else {}),
            **({"INFERENCE_URL": plan.inference_url} if plan.inference_url else {}),
        }
        module = "tests.sim.stubbed_bot" if plan.stubbed else "bot.demo.bot_process"
        stderr = (folder / "stderr").open("wb")
        self._stack.callback(stderr.close)
        running = bot_process(self.local, folder / "data", settings, stderr=stderr.fileno(), module=module)
        bot = Bot(number, port, folder, await self._stack.enter_async_context(running))
        self.bots.append(bot)
        return bot

    async def ready(self, session: aiohttp.ClientSession) -> None:
        """Returns when all shards are there, and all bots say that they are ready. Raises TimeoutError."""
        async with asyncio.timeout(START_SECONDS):
            while not (
                len(self.local.gateway.connected) == self.plan.shards
                and all([await is_ready(session, bot.port) for bot in self.bots])
            ):
                if any(bot.process.returncode is not None for bot in self.bots):
                    said = "\n".join((bot.folder / "stderr").read_text("utf-8")[-2000:] for bot in self.bots)
                    raise RuntimeError(f"a bot has ended:\n{said}")
                if self.bare is None and self.local.gateway.connected:
                    numbers = [bot.process.pid for bot in self.bots]
                    self.bare = processor(numbers), [memory(number) for number in numbers]
                await asyncio.sleep(0.1)

    async def write(self, seconds: float) -> None:
        """The crowd writes at its rate; where the machine is too slow for that, as fast as it goes."""
        guilds, begun, written = self.local.crowd.guild_ids, time.monotonic(), 0
        while (passed := time.monotonic() - begun) < seconds:
            wanted = int(passed * self.plan.rate)
            for guild_id in self._random.choices(guilds, self._weights, k=max(0, wanted - written)):
                written += 1
                if guild_id not in self.quiet:
                    (place,) = self._random.choices(range(CHANNELS), CHANNEL_WEIGHTS)
                    person, text = self._random.randrange(PEOPLE), self._random.choice(self._texts)
                    self.local.gateway.say(guild_id, guild_id + 1 + place, person, text)
            await asyncio.sleep(BEAT)

    async def watch(self, session: aiohttp.ClientSession) -> None:
        """Notes the worst, once a second, until it is cancelled."""
        while True:
            for bot in self.bots:
                found = await metrics_of(session, bot.port)
                if found is None:
                    continue
                bot.last = found
                if flushed := found.total("vibecheck_store_last_flush_timestamp_seconds"):
                    self.watched.flush_age = max(self.watched.flush_age, time.time() - flushed)
                self.watched.pending = max(self.watched.pending, found.total("vibecheck_store_pending_messages"))
                self.watched.memory = max(self.watched.memory, memory(bot.process.pid))
            await asyncio.sleep(1)

    async def lost(self) -> list[tuple[int, int, float]]:
        """Messages without a score: the shard and channel of each, and when it was written, in seconds of the run."""
        held = {number for (number,) in await self.store.rows("SELECT message_id FROM message_scores")}
        return [
            ((channel_id >> 22) % self.plan.shards, channel_id, round(moment / 1000 - self.local.crowd.begun, 1))
            for number, (channel_id, moment) in self.local.crowd.ids().items()
            if number not in held
        ]

    async def stored(self) -> int:
        """Messages of the crowd's that have a score."""
        return int((await self.store.rows("SELECT count(*) FROM message_scores"))[0][0])

    async def faults(self, session: aiohttp.ClientSession) -> None:
        """A stopped database, an outage of a fifth, and a killed bot while few sessions are left."""
        part = self.plan.seconds / 8
        await asyncio.sleep(part)
        async with self.store.standing_still():
            self.plan.tell(f"PostgreSQL stands still for {min(30.0, part):.0f} s")
            await asyncio.sleep(min(30.0, part))
        await asyncio.sleep(part)
        lost = self.local.crowd.guild_ids[::5]
        self.plan.tell(f"{len(lost):,} servers are away for {part:.0f} s")
        self.quiet.update(lost)
        self.local.gateway.away(lost)
        await asyncio.sleep(part)
        self.local.gateway.back(lost)
        self.quiet.clear()
        await asyncio.sleep(part)
        self.local.gateway.limits.left = 50
        bot = self.bots.pop(0)
        self.plan.tell(f"bot {bot.number} is killed, and 50 sessions are left")
        self.gone.append(bot.last)
        os.kill(bot.process.pid, signal.SIGKILL)
        await bot.process.wait()
        await self.start(bot.number)
        await self.ready(session)


async def run(plan: Plan) -> dict[str, Any]:
    """Everything; what came of it. Raises RuntimeError without PostgreSQL."""
    binaries = find_binaries()
    if binaries is None:
        raise RuntimeError("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="vibecheck-sim-") as made, running_postgres(binaries) as url:
        folder, crowd = Path(made), Crowd(plan.servers)
        await _fill(url, folder, crowd)
        async with BigDiscord(crowd, shards=plan.shards) as local, AsyncExitStack() as stack:
            local.rest.sessions.max_concurrency, local.rest.sessions.bucket_seconds = plan.concurrency, 4.9
            load = Load(plan, local, await Postgres.at(url), folder, stack)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return await _measured(load, session)


async def _measured(load: Load, session: aiohttp.ClientSession) -> dict[str, Any]:
    plan, store = load.plan, load.store
    begun = time.monotonic()
    for number in range(plan.processes):
        await load.start(number)
    await load.ready(session)
    started = time.monotonic() - begun
    plan.tell(f"{plan.servers:,} servers are there after {started:.0f} s")
    numbers = [bot.process.pid for bot in load.bots]
    of_start, resident = processor(numbers), [memory(number) for number in numbers]
    if plan.warm:
        await load.write(plan.warm)
        await _settled(load)
    before, warm = load.local.crowd.sent, processor(numbers)
    bare, bare_memory = load.bare or (of_start, resident)
    for bot in load.bots:
        bot.first = bot.last = await metrics_of(session, bot.port) or Metrics({})
    database = children_of(store._postmaster)
    size, of_database, clock = await _size(store), processor(database), time.monotonic()
    async with _meanwhile(load.watch(session)):
        if plan.faults:
            await asyncio.gather(load.write(plan.seconds), load.faults(session))
        else:
            await load.write(plan.seconds)
        written_in, sent = time.monotonic() - clock, load.local.crowd.sent - before
        at_end = await load.stored() - before
        await _settled(load)
        settled = max(0.0, time.monotonic() - clock - written_in)
        spent = processor([bot.process.pid for bot in load.bots]) - (0 if plan.faults else warm)
        of_database = processor(children_of(store._postmaster)) - of_database
        await asyncio.sleep(1.5)
    stored = await load.stored() - before
    for shard, _, moment in sorted(await load.lost(), key=lambda one: one[2])[:: max(1, (sent - stored) // 20)]:
        plan.tell(f"lost, of shard {shard}, written after {moment:.1f} s")
    return {
        **_plan_of(plan),
        "limits kept": not load.local.gateway.limits.violations,
        **_late(load),
        "sent": sent,
        "sent in a second": round(sent / written_in),
        "stored when the last was sent": at_end,
        "stored in a second, until all was": round(stored / (written_in + settled)),
        "stored": stored,
        "lost": sent - stored,
        "all stored after, s": round(settled, 1),
        "start, s": round(started, 1),
        "processor of the start, ms a server": round(1000 * (of_start - bare) / plan.servers, 2),
        "memory of a bot without servers, MiB": round(max(bare_memory) / 2**20),
        "memory, KiB a server": round((sum(resident) - sum(bare_memory)) / plan.servers / 1024, 1),
        "KiB told of a server": round(load.local.crowd.bytes_told / plan.servers / 1024, 1),
        "processor of the bots, ms a message": round(1000 * spent / max(1, stored), 3),
        "processor of PostgreSQL, ms a message": round(1000 * of_database / max(1, stored), 3),
        "bytes a message in PostgreSQL": round((await _size(store) - size) / max(1, stored)),
    }


def _plan_of(plan: Plan) -> dict[str, Any]:
    return {
        "model": "stubbed" if plan.stubbed else "real",
        "servers": plan.servers,
        "shards": plan.shards,
        "bots": plan.processes,
        "wanted in a second": plan.rate,
        "seconds": plan.seconds,
        "seconds before": plan.warm,
        "faults": plan.faults,
    }


def _late(load: Load) -> dict[str, Any]:
    """Of all bots together, those that were killed left out."""

    def between(name: str, share: float, **labels: str) -> float:
        after: dict[float, float] = {}
        before: dict[float, float] = {}
        for bot in load.bots:
            for found, sums in ((bot.last, after), (bot.first, before)):
                for bound, count in found.buckets(name, **labels).items():
                    sums[bound] = sums.get(bound, 0.0) + count
        return quantile(after, before, share)

    def grown(name: str) -> float:
        return sum(bot.last.total(name) - bot.first.total(name) for bot in load.bots)

    rows = grown("vibecheck_store_written_messages_total")
    return {
        "verdict p50, s": between("vibecheck_inference_seconds", 0.5, priority="passive"),
        "verdict p99, s": between("vibecheck_inference_seconds", 0.99, priority="passive"),
        "event loop late p99, s": between("vibecheck_event_loop_lag_seconds", 0.99),
        "write p99, s": between("vibecheck_store_flush_seconds", 0.99),
        "write, ms a message": round(1000 * grown("vibecheck_store_flush_seconds_sum") / max(1.0, rows), 3),
        "oldest unwritten, s": round(load.watched.flush_age, 1),
        "most waiting to be written": int(load.watched.pending),
        "most memory of a bot, MiB": round(load.watched.memory / 2**20),
        "shed": int(sum(bot.last.total("vibecheck_messages_total", result="shed") for bot in load.bots)),
        "dropped": int(sum(bot.last.total("vibecheck_store_dropped_total") for bot in load.bots)),
    }


async def _settled(load: Load) -> None:
    """Returns when all is written, or nothing more comes for a while."""
    ends, before, since = time.monotonic() + SETTLE_SECONDS, -1, time.monotonic()
    while time.monotonic() < ends:
        now = await load.stored()
        if now >= load.local.crowd.sent:
            return
        if now != before:
            before, since = now, time.monotonic()
        if time.monotonic() - since > (CATCHING_UP_SECONDS if load.plan.faults else STILL_SECONDS):
            return
        await asyncio.sleep(0.5)


async def _fill(url: str, folder: Path, crowd: Crowd) -> None:
    """What the bots find: each server watches its channels, and people there have been told."""
    present = int(time.time() // 3600)
    settings = Settings(_env_file=None, data_dir=folder / "filling", database_url=url, hash_key=KEY)
    async with open_storage(settings) as storage:
        await fill(storage.database, len(crowd.guild_ids), present, CHANNELS)
    connection = await asyncpg.connect(url)
    try:
        rows = [
            (channel, guild, crowd.notice_of(channel), int(crowd.begun) - 86_400)
            for guild in crowd.guild_ids
            for channel in crowd.channels_of(guild)
        ]
        columns = ["channel_id", "guild_id", "message_id", "posted"]
        await connection.copy_records_to_table("notices", records=rows, columns=columns)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def _size(store: Postgres) -> int:
    tables = ("message_scores", "hours", "hour_authors")
    sums = " + ".join(f"pg_total_relation_size('{table}')" for table in tables)
    return int((await store.rows(f"SELECT {sums}"))[0][0])


@asynccontextmanager
async def _meanwhile(doing: Any) -> AsyncIterator[None]:
    task = asyncio.ensure_future(doing)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def told(found: dict[str, Any]) -> Sequence[str]:
    """A line each."""
    width = max(map(len, found))
    return [f"{name:{width}}  {value}" for name, value in found.items()]
