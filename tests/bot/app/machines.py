"""Processes with real models in this one, over one PostgreSQL, and people who write in their servers all through."""

import asyncio
import shutil
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from bot.app.release_follower import ReleaseFollower
from bot.domain.model_release import CANARY_MS, ReleaseState
from bot.domain.shards import Cluster
from bot.storage.changes import ChangeFollower
from bot.storage.database import Database
from bot.storage.leases import Leases
from bot.storage.model_releases import ModelReleases
from model import Classifier, Priority, load_engine
from model.checkpoints.checkpoint import BUNDLED_FOLDER, open_checkpoint
from model.scheduling.canary import is_among
from tests.model.spoiling import edit

SHARDS = 3
PATIENCE = 90.0
SHARE = 0.5
OVER = (ReleaseState.ACTIVE, ReleaseState.REFUSED)
OLD = open_checkpoint().version
warmer = edit(temperature=open_checkpoint().temperature * 1.001)
"""Makes another model that says the same."""


async def until(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


class Machine:
    """One process, with models of its own on its disk."""

    def __init__(self, number, folder):
        self.number, self.folder = number, folder
        self.may_load = threading.Event()
        self.may_load.set()
        self.loaded = []

    def load(self, source):
        self.loaded.append(source)
        if source == "bundled":
            return load_engine(source, device="cpu", threads=1)
        assert self.may_load.wait(PATIENCE)
        engine = load_engine(str(self.folder / source), device="cpu", threads=1)
        return replace(engine, checkpoint=replace(engine.checkpoint, source=source))

    async def open(self, url):
        cluster = Cluster(self.number, SHARDS)
        self.database = await Database.open(self.folder, url)
        self.leases, self.releases = Leases(self.database, cluster), ModelReleases(self.database, cluster)
        active = await self.releases.active()
        source = active.source if active else "bundled"
        self.classifier = await Classifier.start(partial(self.load, source), reload=self.load)
        self.changes = ChangeFollower(self.database)
        await self.changes.begin()
        self.follower = ReleaseFollower(
            self.releases, self.leases, self.classifier, active, share=SHARE, canary_ms=CANARY_MS
        )
        self.leases.heard, self.changes.model = self.changes.tell, self.follower.tell

        async def count():
            return SHARDS

        await self.leases.hold(count, lambda words: None)

    def start(self):
        self.changes.start()
        self.follower.start()

    async def ask(self, source="new"):
        info = self.classifier.info
        return await self.releases.ask(source, info.source, info.sha256)

    async def stop(self):
        await self.follower.close()
        await self.changes.close()

    async def die(self):
        """Without a word: it is not heard any more, and the locks go with its connection."""
        await self.stop()
        await self.lose_connection()

    async def lose_connection(self):
        """What it had locked is free, and it does not lock it again."""
        self.leases._task.cancel()
        await self.leases.session.close()

    async def close(self):
        self.may_load.set()
        await self.stop()
        await self.leases.release()
        await self.classifier.close()
        await self.database.close()


class Machines(list):
    """All of them, and how far the last release is."""

    def __init__(self, url, folder):
        super().__init__()
        self.url, self.folder = url, folder
        self.all = []

    async def add(self, number, *, start=True, models=("new",)):
        """One more starts; `models` are those on its disk that others are not the bundled one."""
        folder = self.folder / f"{len(self.all)}"
        for name in models:
            shutil.copytree(BUNDLED_FOLDER, folder / name)
            warmer(folder / name)
        folder.mkdir(exist_ok=True)
        machine = Machine(number, folder)
        await machine.open(self.url)
        self.append(machine)
        self.all.append(machine)
        if start:
            machine.start()
        return machine

    async def state(self):
        return (await self.last()).state

    async def last(self):
        return (await self.all[0].releases.progress()).release

    async def come_to(self, *states):
        async with asyncio.timeout(PATIENCE):
            while await self.state() not in states:
                await asyncio.sleep(0.02)

    async def until_over(self):
        await self.come_to(*OVER)
        last = await self.last()
        active = last.number if last.state is ReleaseState.ACTIVE else 0
        await until(lambda: all(one.follower._own is None and one.follower._active >= active for one in self))
        return last

    async def hurry(self, column="changed", by=CANARY_MS):
        """So many milliseconds go by."""
        async with self.all[0].database.write() as connection:
            await connection.exec_driver_sql(f"UPDATE model_release SET {column} = {column} - {by}")

    async def hurry_through(self):
        """It comes to its end, and the minute of the canary does not last one."""
        async with asyncio.timeout(PATIENCE):
            while await self.state() not in OVER:
                await self.hurry()
                await asyncio.sleep(0.1)
        return await self.until_over()

    async def look(self):
        """Each looks once, in order."""
        for one in self:
            await one.follower.look()

    @property
    def versions(self):
        return {one.classifier.info.version for one in self}

    @property
    def leader(self):
        return next((one for one in self if one.leases.leads), None)


def servers_of(machine, count=4):
    """Some of its servers: of a few the new model answers first, of a few it does not."""
    salt = open_checkpoint(str(machine.folder / "new")).sha256
    all_of_it = [(10**11 + SHARDS * number + machine.number) << 22 for number in range(40)]
    chosen = [server for server in all_of_it if is_among(server, SHARE, salt)]
    return chosen[:count], [server for server in all_of_it if server not in chosen][:count]


@asynccontextmanager
async def texts(machines):
    """People write in servers of all of them, all through; yields which models answered, by server, without repeats."""
    over, runs, counts = asyncio.Event(), {}, {}

    async def write(machine, server):
        while not over.is_set():
            counts[server] = counts.get(server, 0) + 1
            verdict = await machine.classifier.classify(
                f"what a lovely evening {counts[server]}", Priority.PASSIVE, origin=server
            )
            if runs.setdefault(server, [verdict.model])[-1] != verdict.model:
                runs[server].append(verdict.model)
            await asyncio.sleep(0.01)

    servers = [(machine, server) for machine in machines for some in servers_of(machine) for server in some]
    writing = [asyncio.ensure_future(write(*one)) for one in servers]

    async def more():
        """Each of the servers has had some more answers."""
        before = dict(counts)
        await until(lambda: all(counts.get(server, 0) > before.get(server, 0) + 2 for _, server in servers))

    try:
        yield runs, more
    finally:
        over.set()
        await asyncio.gather(*writing)  # raises what anybody got instead of an answer
