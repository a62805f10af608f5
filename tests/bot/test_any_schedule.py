"""Two processes of one bot, which tick and are killed at any moment: everything is posted, and nothing is twice.

A killed process stops in the middle of what it does, before or after anything that the database or Discord is asked.
Its connections end, and another takes its shards. What it did last may have been done without its knowing.
"""

import asyncio
import random
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from datetime import datetime
from zoneinfo import ZoneInfo

import asyncpg
import pytest
import simcord

from bot.alerts.job import AlertJob
from bot.app.assemble import assemble
from bot.channels import place_of
from bot.digests.job import DigestJob
from bot.domain.records import DigestKind, GuildSettings, Mode, Rule, TargetKind
from bot.domain.shards import Cluster
from bot.mod_channel import ModChannels
from bot.monitoring.admin_notifier import AdminNotifier
from bot.monitoring.notice import Notices
from bot.monitoring.notice_post import send
from bot.monitoring.notice_words import notice as notice_words
from bot.monitoring.rule_cache import RuleCache
from bot.refusal_backoff import RefusalBackoff
from bot.services import Services
from bot.settings import Settings
from bot.storage.database import NAME
from bot.storage.open_storage import open_storage
from tests.bot.pasts import said, write

SHARDS = 2
SEEDS = 5
STEPS = 10
MOST_POINTS = {"alerts": 30, "digests": 30, "notice": 10}
"""Of what is asked, by kind; the last of them may be after its end, and then nobody is killed."""

NINE = datetime.fromisoformat("2026-11-25T09:05").replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
HOUR = int(NINE // 3600)
PATIENCE = 60.0
KEY = "a key that only the tests have"

_running: ContextVar["Process"] = ContextVar("running")


class Process:
    """A bot's jobs over storage of their own, which stops at a point that is chosen for it."""

    def __init__(self, number, client, storage, settings):
        self.number, self.storage = number, storage
        self.killed, self.left = asyncio.Event(), None
        storage.database.shards = Cluster(number, SHARDS).shards(SHARDS)
        self._stop_at(storage.database, "read")
        self._stop_at(storage.database, "write")
        services = Services.over(client, settings, client.services.classifier, storage)
        object.__setattr__(services, "mod_channels", StoppingModChannels(self, client))
        self.alerts, self.digests = AlertJob(services), DigestJob(services)
        self.rules = RuleCache(storage.guilds, storage.notices)
        admins = AdminNotifier(services.mod_channels, self.rules, client, storage.clock.now)
        self.notices = Notices(self.rules, RefusalBackoff(), admins, client, settings.retention_days)

    def _stop_at(self, database, name):
        real = getattr(database, name)

        @asynccontextmanager
        async def stopping(**how):
            await self.point()
            async with real(**how) as connection:
                yield connection
            await self.point()

        setattr(database, name, stopping)

    async def point(self):
        """Something is asked, or was."""
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.killed.set()
        if self.killed.is_set():
            await asyncio.Event().wait()

    async def run(self, work, kill_at=None):
        """Whether it has lived through it."""
        _running.set(self)
        self.left = kill_at
        task, killed = asyncio.ensure_future(work), asyncio.ensure_future(self.killed.wait())
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait((task, killed), return_when=asyncio.FIRST_COMPLETED)
        self.left = None
        if not self.killed.is_set():
            killed.cancel()
            task.result()
            return True
        self.storage.database.damage = "It was killed."
        self.killed_task = task
        return False


class StoppingModChannels(ModChannels):
    """What Discord is asked about a mod channel."""

    def __init__(self, process, client):
        super().__init__(client)
        self.process = process

    async def post(self, *rest, **more):
        await self.process.point()
        posted = await super().post(*rest, **more)
        await self.process.point()
        return posted

    async def find(self, *rest):
        await self.process.point()
        return await super().find(*rest)


@pytest.fixture
def bot(settings, classifier, storage):
    return assemble(settings, classifier, storage)


@pytest.fixture
async def env(bot, clock_begins, monkeypatch):
    async def stopping(*rest):
        await _running.get().point()
        posted = await send(*rest)
        await _running.get().point()
        return posted

    monkeypatch.setattr("bot.monitoring.notice.send", stopping)
    env = simcord.Env(bot, shard_count=SHARDS)
    env.backend.clock._epoch = clock_begins
    await env.start()
    yield env
    await env.shutdown()


class Scene:
    """A server of each shard, in which a storm is on, a digest is due, and people are to be told."""

    def __init__(self, env, bot, url, folder, stack):
        self.env, self.bot, self.url, self.folder, self.stack = env, bot, url, folder, stack
        self.guilds = [env.create_guild(f"Home {shard}", shard_id=shard) for shard in range(SHARDS)]
        self.general = [guild.create_text_channel("general") for guild in self.guilds]
        self.mods = [guild.create_text_channel("mods") for guild in self.guilds]
        self.started, self.now = 0, NINE

    async def start(self, number):
        """One more process for these shards."""
        self.started += 1
        folder = self.folder / str(self.started)
        settings = Settings(_env_file=None, data_dir=folder, database_url=self.url, hash_key=KEY)
        storage = await self.stack.enter_async_context(open_storage(settings))
        storage.alerts._clock = storage.holds._clock = lambda: self.now
        process = Process(number, self.bot, storage, settings)
        await process.rules.load()
        return process

    async def prepare(self, storage):
        for guild, general, mods in zip(self.guilds, self.general, self.mods, strict=True):
            chosen = GuildSettings(guild.id, "Europe/Berlin", mods.id, digest=DigestKind.DAILY, digest_hour=9)
            await storage.guilds.set_settings(chosen)
            await storage.guilds.set_rule(Rule(guild.id, TargetKind.CHANNEL, general.id, Mode.WATCH))
            past = [said(hour, 30, 0.1 + 0.06 * (-1) ** hour) for hour in range(HOUR - 28 * 24, HOUR)]
            await write(storage, guild.id, general.id, [*past, said(HOUR, 40, -0.6)], before=HOUR)

    async def somebody_writes(self, process):
        """In a channel that is watched: nobody is read before all there are told."""
        guild = self.bot.get_guild(self.guilds[process.number].id)
        channel = guild.get_channel(self.general[process.number].id)
        place = place_of(channel)
        if not await process.notices.stands(place):
            await process.notices.post_where_due(channel, process.rules.decide(place))

    async def bury(self, process):
        """Its connections end with a killed process."""
        connection = await asyncpg.connect(self.url.get_secret_value())
        name = f"{NAME} {process.storage.database.process}"
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"
        await connection.execute(ended, name)
        await connection.close()
        process.killed_task.cancel()

    def posts(self):
        """Of each server: its alerts, its digests, and its notices."""
        found = []
        for mods, general in zip(self.mods, self.general, strict=True):
            titles = [message.embeds[0].title for message in mods.history() if message.embeds]
            alerts = titles.count("The mood has dropped")
            told = [message.content for message in general.history()].count(notice_words(7))
            found.append((alerts, len(titles) - alerts - titles.count("Recovered"), told))
        return found


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_each_alert_digest_and_notice_comes_once_whoever_is_killed_when(
    env, bot, new_postgres_url, tmp_path, seed
):
    rng = random.Random(seed)
    async with AsyncExitStack() as stack:
        scene = Scene(env, bot, new_postgres_url, tmp_path / "processes", stack)
        await env.settle()
        processes = [await scene.start(number) for number in range(SHARDS)]
        await scene.prepare(processes[0].storage)
        for process in processes:
            await process.rules.load()
        deaths = 0

        async def step(number, *, kills):
            """Whoever has these shards does one thing, and where it is killed another follows it."""
            process, what = processes[number], rng.choice(sorted(MOST_POINTS))
            kill_at = rng.randint(1, MOST_POINTS[what]) if kills else None
            works = {
                "alerts": lambda: process.alerts.tick(scene.now),
                "digests": lambda: process.digests.tick(scene.now),
                "notice": lambda: scene.somebody_writes(process),
            }
            if await process.run(works[what](), kill_at):
                return False
            await scene.bury(process)
            processes[number] = await scene.start(number)
            return True

        for _ in range(STEPS):
            scene.now += 20
            both = [step(number, kills=rng.random() < 0.7) for number in range(SHARDS)]
            deaths += sum(await asyncio.gather(*both))
            assert all(max(found) <= 1 for found in scene.posts())
        for _ in range(3):
            scene.now += 60
            for process in processes:
                await process.run(process.alerts.tick(scene.now))
                await process.run(process.digests.tick(scene.now))
                await process.run(scene.somebody_writes(process))
        assert scene.posts() == [(1, 1, 1)] * SHARDS
        assert deaths, "somebody was killed on the way"
