"""When Discord could not be heard, the store says so; and once a day it forgets what it must."""

import asyncio
import time
from dataclasses import replace

import discord
import pytest
import simcord
from simcord.backend import serializers

from bot.app import runtime as process
from bot.app.assemble import assemble
from bot.app.running import Running
from bot.background_jobs import Daily, Hourly
from bot.domain.records import Mode, Rule, TargetKind
from bot.monitoring.events import EventsCog
from bot.storage.open_storage import open_storage
from bot.storage.retention import purge
from bot.storage.sign_of_life import ON_THE_WAY
from tests.bot.parts import MovedClock, give, monitoring_of

HOUR = 3600


@pytest.fixture
def clock(storage):
    """What the downtime goes by."""
    return MovedClock(storage)


async def events_handled():
    """What a test does to a shard itself is not among what `settle` waits for."""
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name().startswith("discord.py: ")))


async def test_a_session_that_is_lost_is_a_gap_until_the_new_one(home, bot, clock):
    before = int(clock.now)
    await bot.shards[0].disconnect()
    await events_handled()
    clock.go_on(300)
    await bot.shards[0].reconnect()
    await events_handled()
    assert await home.gaps() == [(None, before, before + 300)]


async def test_a_session_that_is_resumed_leaves_none(home, bot, clock):
    await bot.shards[0].disconnect()
    await events_handled()
    clock.go_on(300)
    bot.dispatch("shard_resumed", 0)
    await events_handled()
    clock.go_on(300)
    await bot.shards[0].reconnect()
    await events_handled()
    assert await home.gaps() == []


async def test_a_bot_that_stops_while_it_is_away_notes_that(home, bot, clock):
    before = int(clock.now)
    await bot.shards[0].disconnect()
    await events_handled()
    clock.go_on(60)
    await bot.remove_cog("EventsCog")
    assert await home.gaps() == [(None, before, before + 60)]


async def test_an_outage_of_one_server_is_its_gap(home, bot, storage, clock):
    before = int(clock.now)
    await storage.guilds.set_rule(Rule(home.guild.id, TargetKind.SERVER, home.guild.id, Mode.WATCH))
    await monitoring_of(bot).rules.load()
    home.env.backend.emit("GUILD_DELETE", {"id": str(home.guild.id), "unavailable": True})
    await home.env.settle()
    clock.go_on(300)
    payload = dict(serializers.guild_create_payload(home.env.backend, home.env.backend.get_guild(home.guild.id)))
    home.env.backend.emit("GUILD_CREATE", payload | {"unavailable": False})
    await home.env.settle()
    assert await home.gaps() == [(home.guild.id, before, before + 300)]


async def test_a_server_that_is_removed_in_an_outage_leaves_no_gap(home, bot, storage, clock):
    await storage.guilds.set_rule(Rule(home.guild.id, TargetKind.SERVER, home.guild.id, Mode.WATCH))
    await monitoring_of(bot).rules.load()
    home.env.backend.emit("GUILD_DELETE", {"id": str(home.guild.id), "unavailable": True})
    await home.env.settle()
    clock.go_on(300)
    monitoring_of(bot).guild_gone(home.guild.id)
    await monitoring_of(bot).downtime.close()
    assert await home.gaps() == []


async def test_a_bot_that_is_connected_gives_signs_of_life(home, storage):
    await storage.write_buffer.flush()
    assert await storage.moods.last_alive() is not None


async def test_an_intent_that_is_switched_off_while_it_runs_makes_no_gap_of_the_run(
    settings, classifier, storage, monkeypatch
):
    served = []

    async def serve(bot, *_):
        served.append(bot)
        if len(served) == 1:
            storage.write_buffer.sees = True
            await storage.write_buffer.flush()
            storage.write_buffer.sees = False  # as when the library unloads a client's features before it raises
            raise discord.PrivilegedIntentsRequired(0)
        raise discord.LoginFailure

    async def end(*_):
        """There is nothing to end."""

    for name, stand_in in (("_serve", serve), ("_leave", end)):
        monkeypatch.setattr(process, name, stand_in)
    before = replace(storage, last_alive=1000)
    running = Running(storage=before, classifier=classifier, client=assemble(settings, classifier, before))
    await process._connect(settings, "token", asyncio.Event(), running)
    assert [bot.services.storage.last_alive for bot in served] == [1000, pytest.approx(time.time(), abs=60)]


async def test_among_several_shards_only_their_own_servers_were_missed(home, bot, clock):
    bot.shard_count = 2
    mine, other = 4 << 22, 5 << 22
    await bot.shards[0].disconnect()
    await events_handled()
    clock.go_on(60)
    await bot.shards[0].reconnect()
    await events_handled()
    bot.shard_count = 1
    moods, hour = monitoring_of(bot).storage.moods, int(clock.now // HOUR)
    assert [len((await moods.mood(guild, 1, hour - 1, hour)).gaps) for guild in (mine, other)] == [1, 0]


async def test_the_time_the_bot_was_not_running_is_a_gap(settings, classifier, storage):
    now = time.time()
    bot = assemble(settings, classifier, replace(storage, last_alive=int(now) - 2 * HOUR))
    env = simcord.Env(bot, shard_count=1)
    await env.start()
    await env.shutdown()
    async with storage.database.read() as connection:
        ((guild, started, ended),) = await connection.exec_driver_sql("SELECT guild_id, started, ended FROM gaps")
    assert (guild, started) == (None, int(now) - 2 * HOUR)
    assert ended >= int(now)


async def test_a_bot_that_may_not_see_what_messages_say_has_a_gap_as_long_as_it_runs(settings, classifier, storage):
    clock = MovedClock(storage)
    begun = int(clock.now)
    bot = assemble(settings, classifier, storage, message_content=False)
    env = simcord.Env(bot, shard_count=1)
    await env.start()
    clock.go_on(2 * HOUR)
    await monitoring_of(bot).downtime.note(clock.now)
    await env.shutdown()
    async with storage.database.read() as connection:
        ((started, ended),) = await connection.exec_driver_sql("SELECT started, ended FROM gaps")
    assert (started, ended) == (begun, None)


async def test_the_store_knows_when_it_was_last_alive_before_it_says_so_itself(settings):
    async with open_storage(settings) as first:
        assert first.last_alive is None
        await first.write_buffer.flush()
    async with open_storage(settings) as idle:
        assert idle.last_alive is None
        idle.write_buffer.sees = True
        await idle.write_buffer.flush()
    async with open_storage(settings) as second:
        second.write_buffer.sees = True
        await second.write_buffer.flush()
        assert second.last_alive == pytest.approx(time.time(), abs=60)


async def test_old_scores_are_purged_at_the_start_and_then_in_every_hour(home, bot, storage, monkeypatch):
    purged = []

    async def count(database, days, now):
        purged.append((days, now))
        return await purge(database, days, now)

    monkeypatch.setattr("bot.storage.maintenance.purge", count)
    bot.jobs._clock = lambda: 1000.0
    await bot.jobs.tick()
    await bot.jobs.tick()
    bot.jobs._clock = lambda: 3600.0
    await bot.jobs.tick()
    assert purged == [(7, 1000.0), (7, 3600.0)]


async def test_hourly_work_that_fails_is_done_at_the_next_tick():
    done, failing = [], True

    async def work(now):
        if failing:
            raise ValueError("no")
        done.append(now)

    hourly = Hourly(work)
    with pytest.raises(ValueError, match="no"):
        await hourly(100.0)
    failing = False
    for now in (160.0, 220.0, 3600.0, 50.0):
        await hourly(now)
    assert done == [160.0, 3600.0, 50.0]


async def test_opt_outs_under_a_former_key_are_carried_over_daily(home, bot, storage, monkeypatch):
    carried = []

    async def carry_over():
        carried.append(1)

    monkeypatch.setattr(storage.opt_outs, "carry_over", carry_over)
    await bot.jobs.tick()
    await bot.jobs.tick()
    assert carried == [1]


async def test_daily_work_that_fails_is_done_at_the_next_tick_and_a_clock_put_back_puts_nothing_off():
    done, failing = [], True

    async def work(now):
        if failing:
            raise ValueError("no")
        done.append(now)

    daily = Daily(work)
    with pytest.raises(ValueError, match="no"):
        await daily(100.0)
    failing = False
    for now in (160.0, 220.0, 50.0):
        await daily(now)
    assert done == [160.0, 50.0]


async def test_the_bot_asks_for_three_intents_and_for_no_privileged_one_when_refused(settings, classifier, storage):
    asked = {name for name, value in assemble(settings, classifier, storage).intents if value}
    assert asked == {"guilds", "guild_messages", "message_content"}
    less = assemble(settings, classifier, storage, message_content=False)
    assert {name for name, value in less.intents if value} == {"guilds", "guild_messages"}


async def test_a_shard_that_connects_late_leaves_a_gap_of_its_own_servers(bot, storage, clock):
    """Of what the others serve something is seen by then; of what it serves, nothing, whatever the bot knows of it."""
    bot.shard_count = 3
    watch, begun = monitoring_of(bot), int(clock.now)
    first, second, third = (number << 22 for number in (3, 4, 5))
    (events,) = (cog for feature in bot.features for cog in feature.cogs if isinstance(cog, EventsCog))

    async def gaps(guild):
        hour = begun // HOUR
        return [(gap.started, gap.ended) for gap in (await storage.moods.mood(guild, 1, hour, hour + 9)).gaps]

    await events.on_shard_connect(0)
    clock.go_on(1800)
    await events.on_shard_connect(1)
    assert await gaps(second) == [(begun, begun + 1800)]
    clock.go_on(7200)
    await watch.downtime.note(clock.now)
    assert await gaps(third) == [(begun, (begun // HOUR + 10) * HOUR)]
    await events.on_shard_connect(2)
    assert await gaps(third) == [(begun, begun + 9000)]
    assert await gaps(first) == []


async def test_shards_that_connect_one_after_the_other_at_the_start_leave_no_gap(bot, storage, clock):
    bot.shard_count = 2
    (events,) = (cog for feature in bot.features for cog in feature.cogs if isinstance(cog, EventsCog))
    await events.on_shard_connect(0)
    clock.go_on(10)
    await events.on_shard_connect(1)
    async with storage.database.read() as connection:
        assert list(await connection.exec_driver_sql("SELECT * FROM gaps")) == []


async def test_a_killed_process_leaves_a_gap_since_each_shards_own_sign_of_life(bot, storage, clock):
    """One was away for a while before the end, with no gap of it written: the other had seen everything until then."""
    bot.shard_count = 2
    (events,) = (cog for feature in bot.features for cog in feature.cogs if isinstance(cog, EventsCog))
    begun = int(clock.now)
    for shard in range(2):
        await events.on_shard_connect(shard)
    clock.go_on(1000)
    await events.on_shard_disconnect(1)
    clock.go_on(50)
    await storage.write_buffer.flush()
    signs = await storage.moods.shards_alive()
    assert signs == {(0, 2): begun + 1050 - ON_THE_WAY, (1, 2): begun + 1000 - ON_THE_WAY}
    clock.go_on(3000)
    alive = await storage.moods.last_alive()
    assert alive == signs[1, 2]
    storage = replace(storage, last_alive=alive, shards_alive=signs)
    give(bot, storage=storage)
    after = assemble(bot.services.settings, bot.services.classifier, storage)
    after.shard_count = 2
    (events,) = (cog for feature in after.features for cog in feature.cogs if isinstance(cog, EventsCog))
    for shard in range(2):
        await events.on_shard_connect(shard)
    async with storage.database.read() as connection:
        gaps = await connection.exec_driver_sql("SELECT shard, shards, started, ended FROM gaps ORDER BY shard")
        assert [tuple(gap) for gap in gaps] == [
            (0, 2, begun + 1048, begun + 4050),
            (1, 2, begun + 998, begun + 4050),
        ]


async def test_all_servers_of_an_absent_shard_have_its_gap_by_one_row(bot, storage, clock):
    bot.shard_count = 4
    begun, hour = int(clock.now), int(clock.now // HOUR)
    (events,) = (cog for feature in bot.features for cog in feature.cogs if isinstance(cog, EventsCog))
    for shard in (0, 1, 2):
        await events.on_shard_connect(shard)
    clock.go_on(HOUR)
    await events.on_shard_connect(3)
    async with storage.database.read() as connection:
        assert (await connection.exec_driver_sql("SELECT count(*) FROM gaps")).scalar() == 1
    for number in range(2500, 10_000, 1237):
        gaps = (await storage.moods.mood(number << 22, 1, hour, hour + 1)).gaps
        assert [(gap.started, gap.ended) for gap in gaps] == ([(begun, begun + HOUR)] if number % 4 == 3 else [])


async def test_a_late_shard_after_a_quick_restart_has_seen_nothing_since_the_last_sign_of_life(bot, storage, clock):
    """The restart alone is too short for a gap, and so is the wait; together they are one."""
    bot.shard_count = 2
    begun = int(clock.now)
    (events,) = (cog for feature in bot.features for cog in feature.cogs if isinstance(cog, EventsCog))
    give(bot, storage=replace(storage, last_alive=begun - 70))
    events.monitoring.storage = bot.services.storage
    await events.on_shard_connect(0)
    clock.go_on(60)
    await events.on_shard_connect(1)
    async with storage.database.read() as connection:
        gaps = await connection.exec_driver_sql("SELECT shard, shards, started, ended FROM gaps")
        assert [tuple(gap) for gap in gaps] == [(1, 2, begun - 70, begun + 60)]
