"""Releases in which a process can't do its part as the others do: it has missed one, or has no model of its own."""

import asyncio
import gc
import shutil

import pytest

from bot.app import reloading
from bot.app.release_follower import AGAIN_SECONDS, SPARE_SECONDS
from bot.app.reloading import reload_in_background
from bot.app.running import Running
from bot.app.runtime import end, open_parts
from bot.app.shutdown import ShutdownBudget
from bot.domain.model_release import LIMIT_MS, ReleaseState
from bot.settings import Settings
from model.checkpoints.checkpoint import open_checkpoint
from tests.bot.app.machines import OLD, PATIENCE, SHARDS, until
from tests.bot.app.test_release_follower import at_rest, machines

__all__ = ["at_rest", "machines"]
"""Fixtures of the tests of all others."""


@pytest.fixture
async def missed(machines):
    """Of two at rest the one that has missed that the other has changed, and that cannot have that model now."""
    for number in range(2):
        await machines.add(number, start=False)
    await until(lambda: machines.leader)
    away = machines[1]
    await away.leases.release()
    await until(lambda: machines.leader is machines[0])
    await machines[0].ask()
    async with asyncio.timeout(PATIENCE):
        while machines[0].follower._active != 1:
            await machines[0].follower.look()
            await machines.hurry()
            await asyncio.sleep(0.05)
    away.now = 0.0
    away.follower._clock = lambda: away.now
    (away.folder / "new").rename(away.folder / "aside")
    return away


async def look_until_it_is_decided(machine):
    """It looks, and where that has a model loaded, once more afterwards."""
    await machine.follower.look()
    if (own := machine.follower._own) is not None:
        await until(own.preparing.done)
        await machine.follower.look()


async def test_what_it_cannot_have_now_it_says_and_tries_again(missed, caplog):
    await look_until_it_is_decided(missed)
    assert missed.classifier.info.version == OLD
    assert missed.classifier.info.wanted == "new"
    assert missed.classifier.info.fallback.startswith("I couldn't get new (There's no model at ")
    assert caplog.text.count("isn't what answers here") == 1
    tried = missed.loaded.count("new")
    await look_until_it_is_decided(missed)
    assert missed.loaded.count("new") == tried, "not all the time"
    missed.now += AGAIN_SECONDS
    await look_until_it_is_decided(missed)
    assert missed.loaded.count("new") == tried + 1
    assert caplog.text.count("isn't what answers here") == 1, "it is as it was"
    (missed.folder / "aside").rename(missed.folder / "new")
    missed.now += AGAIN_SECONDS
    await look_until_it_is_decided(missed)
    assert missed.loaded.count("new") == tried + 1, "ever more seldom"
    missed.now += AGAIN_SECONDS
    await look_until_it_is_decided(missed)
    assert missed.classifier.info.version == open_checkpoint(str(missed.folder / "new")).version
    assert missed.classifier.info.fallback == ""


async def test_a_reload_that_names_nothing_brings_nobody_back_to_what_has_missed_a_release(missed):
    reload_in_background(missed.classifier, missed.releases)
    await asyncio.gather(*reloading._reloads)
    assert [one.source for one in await missed.releases.since(2)] == ["new"]


async def test_where_an_older_version_leads_a_release_is_given_up_by_another(at_rest):
    leader = at_rest.leader
    at_rest.remove(leader)
    for one in at_rest:
        one.may_load.clear()
    now = 0.0
    for one in at_rest:
        one.follower._clock = lambda: now
    await at_rest[0].ask()
    await at_rest.look()
    await at_rest.hurry("asked", LIMIT_MS)
    now = LIMIT_MS / 1000
    await at_rest.look()
    assert await at_rest.state() is ReleaseState.WANTED, "whoever leads has the first word"
    now += SPARE_SECONDS
    await at_rest.look()
    assert await at_rest.state() is ReleaseState.REFUSED


async def test_one_whose_texts_are_scored_elsewhere_leads_a_release_and_takes_no_part(machines, tmp_path):
    """Nobody waits for it, though it lives."""
    folder = tmp_path / "apart"
    settings = Settings(
        _env_file=None,
        data_dir=folder,
        database_url=machines.url,
        hash_key="q8Zr1Lx0vKp5Tn3Wd7Yb2Gh6Jc4Mf9As",
        cluster=f"2/{SHARDS}",
        threads=1,
        batch_tokens=1024,
        inference_url="http://127.0.0.1:9/score",
    )
    running = Running()
    try:
        await open_parts(settings, running)

        async def count():
            return SHARDS

        await running.storage.leases.hold(count, lambda words: None)
        await until(lambda: running.storage.leases.leads)
        for number in range(2):
            await machines.add(number)
        await machines[0].ask()
        last = await machines.hurry_through()
        assert last.state is ReleaseState.ACTIVE
        assert machines.versions == {open_checkpoint(str(machines[0].folder / "new")).version}
        assert not any(one.leases.leads for one in machines)
        assert (await machines[0].releases.progress()).of == 2
    finally:
        await end(running, ShutdownBudget())


async def test_a_model_that_cannot_be_loaded_for_a_release_that_is_over_is_no_traceback(machines):
    one = await machines.add(0, start=False)
    gc.collect()  # what others have left
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
    one.may_load.clear()
    await one.ask()
    await one.follower.look()
    await until(lambda: "new" in one.loaded)
    async with one.database.write() as connection:
        await connection.exec_driver_sql("UPDATE model_release SET state = 'refused'")
    shutil.rmtree(one.folder / "new")
    one.may_load.set()
    await until(one.follower._own.preparing.done)
    await one.follower.look()
    assert one.follower._own is None
    gc.collect()
    assert told == []
