"""Three processes with real models over one PostgreSQL: all change to a new model, or none; and no text is lost."""

import asyncio
import shutil

import pytest

from bot.app import release_follower as module
from bot.app.open_model import open_released
from bot.domain.model_release import LIMIT_MS, ReleaseState
from bot.settings import Settings
from model import load_engine
from model.checkpoints.checkpoint import open_checkpoint
from tests.bot.app.machines import OLD, OVER, PATIENCE, SHARDS, Machines, servers_of, texts, until
from tests.model.spoiling import edit, other_golden


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
