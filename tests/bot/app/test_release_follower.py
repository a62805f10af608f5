"""Three processes with real models over one PostgreSQL: all change to a new model, or none; and no text is lost."""

import asyncio
import shutil
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest

from bot.app import release_follower as module
from bot.app.open_model import open_released
from bot.app.release_follower import ReleaseFollower
from bot.domain.model_release import CANARY_MS, LIMIT_MS, ReleaseState
from bot.domain.shards import Cluster
from bot.settings import Settings
from bot.storage.changes import ChangeFollower
from bot.storage.database import Database
from bot.storage.leases import Leases
from bot.storage.model_releases import ModelReleases
from model import Classifier, Priority, load_engine
from model.checkpoints.checkpoint import BUNDLED_FOLDER, open_checkpoint
from model.scheduling.canary import is_among
from tests.model.spoiling import edit, other_golden

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


@pytest.fixture
async def machines(new_postgres_url, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.1)
    machines = Machines(new_postgres_url, tmp_path)
    yield machines
    for one in machines.all:
        await one.close()


@pytest.fixture
async def three(machines):
    for number in range(SHARDS):
        await machines.add(number)
    await until(lambda: machines.leader)
    return machines


@pytest.fixture
async def at_rest(machines):
    """Three that look when they are told to."""
    for number in range(SHARDS):
        await machines.add(number, start=False)
    await until(lambda: machines.leader)
    return machines


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


async def test_all_change_to_a_new_model_and_no_text_is_lost(three, caplog):
    caplog.set_level("INFO")
    new = open_checkpoint(str(three[0].folder / "new"))
    async with texts(three) as (runs, more):
        await more()
        await three[1].ask()
        await three.come_to(ReleaseState.CANARY)
        await until(lambda: all(one.classifier.staged.canary for one in three))
        assert three.versions == {OLD}
        await more()
        for one in three:
            chosen, others = servers_of(one)
            assert {runs[server][-1] for server in chosen} == {new.version}
            assert {runs[server][-1] for server in others} == {OLD}
        await three.hurry()
        last = await three.until_over()
        assert (last.state, last.sha256, last.version) == (ReleaseState.ACTIVE, new.sha256, new.version)
        assert three.versions == {new.version}
        await more()
    assert {tuple(seen) for seen in runs.values()} == {(OLD, new.version)}
    assert [one.loaded for one in three] == [["bundled", "new"]] * SHARDS
    assert "release 1, of new, is active" in caplog.text


def lacks(folder):
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lacks, "There's no model at \""),
        (other_golden, "golden examples"),
        (edit(temperature=open_checkpoint().temperature * 1.002), "new is another model there than in the process"),
    ],
    ids=["lacks it", "fails its golden examples", "has another one"],
)
async def test_one_that_refuses_keeps_all_at_the_old_model(three, spoil, sentence):
    spoil(three[2].folder / "new")
    three[2].may_load.clear()
    async with texts(three[:2]) as (runs, more):
        await three[0].ask()
        await until(lambda: "new" in three[2].loaded)
        await more()
        three[2].may_load.set()
        last = await three.until_over()
        await more()
    assert last.state is ReleaseState.REFUSED
    assert sentence in last.reason
    assert three.versions == {OLD}
    assert {tuple(seen) for seen in runs.values()} == {(OLD,)}
    assert not any(one.classifier.staged._staged for one in three)
    assert await three[0].releases.active() is None


async def test_one_in_which_it_fails_at_work_brings_all_back_and_no_text_is_lost(three):
    await three[0].ask()
    await three.come_to(ReleaseState.CANARY)
    await until(lambda: all(one.classifier.staged.canary for one in three))
    async with texts(three) as (runs, more):
        await more()
        backend = three[1].classifier.staged._staged[0].backend
        object.__setattr__(backend, "predict", lambda batch: 1 / 0)
        last = await three.until_over()
        await more()
    assert last.state is ReleaseState.REFUSED
    assert last.reason.startswith("CLUSTER=1/3 on ")
    assert "It failed on " in last.reason
    new = open_checkpoint(str(three[0].folder / "new")).version
    for one in three:
        chosen, others = servers_of(one)
        assert {tuple(runs[server]) for server in chosen} == {(new, OLD)}
        assert {tuple(runs[server]) for server in others} == {(OLD,)}
    assert three.versions == {OLD}


async def test_what_is_not_ready_after_ten_minutes_is_given_up_everywhere(three):
    three[1].may_load.clear()
    await three[0].ask()
    await three.come_to(ReleaseState.CHECKING)
    await until(lambda: "new" in three[1].loaded)
    await three.hurry("asked", LIMIT_MS)
    last = await three.until_over()
    assert "within 10 minutes" in last.reason
    assert three.versions == {OLD}


@pytest.mark.parametrize("state", [ReleaseState.CHECKING, ReleaseState.CANARY, ReleaseState.ACTIVE])
async def test_one_that_starts_in_between_ends_on_the_active_one(machines, state):
    for number in range(2):
        await machines.add(number)
    machines[1].may_load.set() if state is not ReleaseState.CHECKING else machines[1].may_load.clear()
    await machines[0].ask()
    await machines.come_to(ReleaseState.CHECKING, ReleaseState.CANARY)
    if state is ReleaseState.ACTIVE:
        await machines.hurry_through()
    else:
        await machines.come_to(state)
    late = await machines.add(2)
    machines[1].may_load.set()
    await machines.hurry_through()
    await until(lambda: late.follower._own is None)
    new = open_checkpoint(str(late.folder / "new")).version
    assert machines.versions == {new}
    assert late.loaded == (["new"] if state is ReleaseState.ACTIVE else ["bundled", "new"])


async def test_one_that_starts_during_a_release_that_is_refused_stays_at_the_old_model(machines):
    for number in range(2):
        await machines.add(number)
    await machines[0].ask()
    await machines.come_to(ReleaseState.CANARY)
    await machines.add(2, models=())
    assert (await machines.until_over()).state is ReleaseState.REFUSED
    assert machines.versions == {OLD}


async def test_one_that_heard_of_nothing_ends_on_the_active_one(at_rest):
    """It was between two holdings of its shards, say, when all the others changed."""
    away = at_rest.pop()
    await away.leases.release()
    await at_rest[0].ask()
    while await at_rest.state() is not ReleaseState.ACTIVE:
        await at_rest.look()
        await at_rest.hurry()
        await asyncio.sleep(0.05)
    await at_rest.look()
    await away.follower.look()
    await until(away.follower._own.preparing.done)
    await away.follower.look()
    at_rest.append(away)
    assert at_rest.versions == {open_checkpoint(str(away.folder / "new")).version}


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "lost its connection"])
@pytest.mark.parametrize("state", [state for state in ReleaseState if state is not ReleaseState.REFUSED])
async def test_whoever_leads_may_go_after_any_step_and_another_goes_on(at_rest, state, killed):
    """A process that is killed may have died of the new model: unless all have it by then nobody gets it."""
    leader = at_rest.leader
    await at_rest[0].ask()
    async with asyncio.timeout(PATIENCE):
        while await at_rest.state() is not state:
            await at_rest.look()
            if state is ReleaseState.ACTIVE:
                await at_rest.hurry()
            await asyncio.sleep(0.05)
    reported = await at_rest.last()
    at_rest.remove(leader)
    if killed:
        await leader.die()
        async with at_rest[0].database.write() as connection:
            await connection.exec_driver_sql(
                "UPDATE processes SET heartbeat = heartbeat - 70000, started = started - 5 "
                f"WHERE process = '{leader.database.process}'"
            )
    else:  # it is as it was, but for the lock of whoever leads
        await leader.lose_connection()
        leader.leases.leads = False
        leader.leases._task = asyncio.ensure_future(asyncio.sleep(0))
        at_rest.append(leader)
    await until(lambda: at_rest.leader)
    assert await at_rest.last() == reported
    async with asyncio.timeout(PATIENCE):
        while await at_rest.state() not in OVER or any(one.follower._own for one in at_rest):
            await at_rest.look()
            if await at_rest.state() is ReleaseState.CANARY and all(one.classifier.staged.canary for one in at_rest):
                await at_rest.hurry()
            await asyncio.sleep(0.05)
    asked = state is not ReleaseState.WANTED  # who is dead before that is not waited for
    refused = killed and asked and state is not ReleaseState.ACTIVE
    assert await at_rest.state() is (ReleaseState.REFUSED if refused else ReleaseState.ACTIVE)
    new = open_checkpoint(str(leader.folder / "new")).version
    assert at_rest.versions == {OLD if refused else new}
    if killed:
        again = await at_rest.add(leader.number)
        assert again.classifier.info.version in at_rest.versions
        assert len(at_rest.versions) == 1


async def test_going_back_is_for_all_and_needs_no_loading_where_the_model_before_is_still_there(machines):
    for number in range(2):
        await machines.add(number)
    await machines[0].ask()
    await machines.hurry_through()
    await machines.add(2)
    new = machines[0].classifier.info.version
    assert machines.versions == {new}
    for wanted in (OLD, new):
        await machines[2].releases.ask_back()
        async with texts(machines) as (runs, more):
            await machines.until_over()
            await until(lambda wanted=wanted: machines.versions == {wanted})
            await more()
        assert {seen[-1] for seen in runs.values()} == {wanted}
    assert machines[0].loaded == ["bundled", "new"]
    assert machines[2].loaded == ["new", "bundled"]


async def test_what_was_released_is_loaded_at_the_next_start_or_else_it_is_said_why_not(three, tmp_path):
    folder = shutil.copytree(three[0].folder / "new", tmp_path / "kept")
    for one in three:
        one.load = lambda source: load_engine(source, device="cpu", threads=1)
        one.classifier._models._load = one.load
    await three[0].ask(str(folder))
    await three.hurry_through()
    active = await three[0].releases.active()
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", threads=1, batch_tokens=1024)
    async with await open_released(settings, active) as classifier:
        assert (classifier.info.sha256, classifier.info.fallback) == (active.sha256, "")
    edit(temperature=open_checkpoint().temperature * 1.003)(folder)
    async with await open_released(settings, active) as classifier:
        assert classifier.info.version == OLD
        assert "another model than was released" in classifier.info.fallback
        assert classifier.info.wanted == str(folder)
    shutil.rmtree(folder)
    async with await open_released(settings, active) as classifier:
        assert classifier.info.version == OLD
        assert "There's no model at" in classifier.info.fallback
