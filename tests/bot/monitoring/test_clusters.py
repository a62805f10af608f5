"""One process of several: what it does to the servers of its shards, and never to those of others."""

from dataclasses import replace
from functools import partial

import pytest
import simcord
from sqlalchemy import select

from bot.app.assemble import assemble
from bot.domain.records import Absence, Gap, GapCause, GuildSettings, Mode, Rule, TargetKind
from bot.domain.shards import Cluster
from bot.domain.snowflake import SECONDS
from bot.monitoring.events import EventsCog
from bot.monitoring.reconciliation import GRACE_SECONDS
from bot.storage.schema import Base, GapRow
from bot.storage.sign_of_life import sign_of_all, signs_of_shards
from tests.bot.parts import MovedClock, give, monitoring_of
from tests.bot.storage.scenes import author, rows_of, verdict

SHARDS = 2
FIRST = Cluster(0, 2).shards(SHARDS)
ELSEWHERE = 100_000_000_001 << 22
"""A server of the second shard, which the bot of these tests does not have."""


@pytest.fixture
def bot(settings, classifier, storage):
    storage.database.shards = FIRST
    return assemble(settings, classifier, storage)


@pytest.fixture
async def env(bot, clock_begins):
    env = simcord.Env(bot)
    env.backend.clock._epoch = clock_begins
    await env.start()
    yield env
    await env.shutdown()
    env._raise_errors_since(env._errors_acknowledged)


@pytest.fixture
async def of_another(storage):
    """What another process keeps of its server; returns all rows that name it."""
    now = storage.clock.now()
    await storage.guilds.set_rule(Rule(ELSEWHERE, TargetKind.CHANNEL, ELSEWHERE + 1, Mode.WATCH))
    await storage.guilds.set_settings(GuildSettings(ELSEWHERE, timezone="Europe/Paris"))
    await storage.gaps.begin(Absence(GapCause.OUTAGE, ELSEWHERE), int(now) - 900)
    await storage.gaps.begin(Absence(GapCause.CONNECTION, shard=1, shards=SHARDS), int(now) - 900)
    for number in range(8):
        message = (int((now - 2 * SECONDS) * 1000) - 1_420_070_400_000 << 22) + number
        storage.write_buffer.scored(message, ELSEWHERE, ELSEWHERE + 1, author(number + 1), verdict(-0.5))
    await storage.write_buffer.flush()

    async def rows():
        found = {}
        for row in (mapper.class_ for mapper in Base.registry.mappers):
            table = row.__table__
            if "guild_id" in table.columns:
                async with storage.database.read() as connection:
                    question = select(table).where(table.c.guild_id == ELSEWHERE)
                    there = await connection.execute(question.order_by(*table.primary_key.columns))
                    found[table.name] = [tuple(one) for one in there]
        found["gaps of its shard"] = [row for row in await rows_of(storage.database, GapRow) if row["shard"] == 1]
        return found

    return rows


async def test_restarts_of_one_process_leave_the_rows_of_another_byte_for_byte(
    env, bot, settings, classifier, storage, of_another
):
    """Nobody has told it of that server, which once was taken for one that the bot has left."""
    guild = env.create_guild("Home", shard_id=0)
    await storage.guilds.set_rule(Rule(guild.id, TargetKind.CHANNEL, 5, Mode.WATCH))
    before = await of_another()
    assert len(before["message_scores"]) == 8
    assert before["gaps of its shard"]
    for _ in range(5):
        await env.restart_bot(assemble(settings, classifier, storage))
        bot = env.bot
        reconciliation = monitoring_of(bot).reconciliation
        for later in (storage.clock.now(), storage.clock.now() + GRACE_SECONDS + 60):
            reconciliation._clock = partial(float, later)
            for _ in range(3):
                await reconciliation.work(later)
        await bot.jobs.tick()
        await storage.write_buffer.flush()
    assert await of_another() == before
    asked = [entry.path for entry in env.http_requests if str(ELSEWHERE) in entry.path]
    assert asked == [], "it is not even asked for"


async def test_only_the_shards_of_a_process_begin_and_wait(env, bot, storage):
    assert list(bot.shards) == [0]
    assert bot.shard_count == SHARDS
    await storage.write_buffer.flush()
    assert (await storage.moods.shards_alive()).keys() == {(0, SHARDS)}
    assert await storage.moods.last_alive() is None, "it cannot say so of the others"
    away = [absence for absence, _ in monitoring_of(bot).downtime.lasting(ELSEWHERE)]
    assert away == []


async def test_what_messages_say_is_hidden_from_each_processs_own_shards(settings, classifier, storage):
    """Two processes must not write one gap of all servers each."""
    storage.database.shards = FIRST
    bot = assemble(settings, classifier, storage, message_content=False)
    bot.shard_count = SHARDS
    (events,) = (cog for feature in bot.features for cog in feature.cogs if isinstance(cog, EventsCog))
    await events.on_shard_connect(0)
    downtime = monitoring_of(bot).downtime
    assert downtime.knows(Absence(GapCause.CONTENT, shard=0, shards=SHARDS))
    assert not downtime.knows(Absence(GapCause.CONTENT))


@pytest.fixture
def clock(storage):
    return MovedClock(storage)


@pytest.mark.parametrize("count", [3, 4])
async def test_a_server_that_moves_to_another_shard_loses_nothing(settings, classifier, storage, clock, count):
    """Of two processes one had ended an hour before: with other shards, its servers are missing since then."""
    begun = int(clock.now)
    async with storage.database.write() as connection:
        await signs_of_shards(connection, clock.now, {(0, 2): clock.now, (1, 2): clock.now - SECONDS})
        await sign_of_all(connection, 2)
    clock.go_on(300)
    storage = replace(
        storage, last_alive=await storage.moods.last_alive(), shards_alive=await storage.moods.shards_alive()
    )
    bot = assemble(settings, classifier, storage)
    give(bot, storage=storage)
    bot.shard_count = count
    (events,) = (cog for feature in bot.features for cog in feature.cogs if isinstance(cog, EventsCog))
    for shard in range(count):
        await events.on_shard_connect(shard)
    hour = begun // SECONDS
    for guild in (1003 << 22, 1001 << 22):  # of the second shard of two
        gaps = (await storage.moods.mood(guild, 1, hour - 2, hour + 1)).gaps
        missing = [(gap.started, gap.ended) for gap in gaps if isinstance(gap, Gap)]
        assert missing == [(begun - SECONDS - 2, begun + 300)]


async def begun(storage, settings, classifier, cluster, shards):
    """A process that takes its shards, with the signs of life of that moment; returns what Discord's shards call."""
    storage.database.shards = cluster.shards(shards)
    storage = replace(
        storage, last_alive=await storage.moods.last_alive(), shards_alive=await storage.moods.shards_alive()
    )
    bot = assemble(settings, classifier, storage)
    give(bot, storage=storage)
    bot.shard_count = shards
    (events,) = (cog for feature in bot.features for cog in feature.cogs if isinstance(cog, EventsCog))
    return events.on_shard_connect


async def test_whoever_takes_shards_over_leaves_a_gap_of_exactly_those_that_were_away(
    settings, classifier, storage, clock
):
    """Three of four shards were away, each since another moment, and two processes follow; the last comes later."""
    shards, now = 4, int(clock.now)
    away = {0: 3000, 1: 1000, 3: 2000}
    async with storage.database.write() as connection:
        alive = {(shard, shards): clock.now - away.get(shard, 0) for shard in range(shards)}
        await signs_of_shards(connection, clock.now, alive)
        await sign_of_all(connection, shards)
    clock.go_on(30)
    first = await begun(storage, settings, classifier, Cluster(0, 2), shards)
    await first(0)
    await first(2)
    second = await begun(storage, settings, classifier, Cluster(1, 2), shards)
    await second(1)
    clock.go_on(90)
    lost = now + 60
    await second(3)
    gaps = {row["shard"]: (row["started"], row["ended"]) for row in await rows_of(storage.database, GapRow)}
    assert len(gaps) == len(await rows_of(storage.database, GapRow))
    assert gaps == {0: (now - 3002, now + 30), 1: (now - 1002, now + 30), 3: (now - 2002, now + 120)}
    assert all(
        row["shards"] == shards and row["guild_id"] is row["channel_id"] is None
        for row in await rows_of(storage.database, GapRow)
    )
    hours = now // SECONDS - 2, now // SECONDS + 1
    for number in range(2500):
        (gap,) = (await storage.moods.mood((10**6 + 4 * number + 3) << 22, 1, *hours)).gaps
        assert gap.started < lost < gap.ended, "a message from before its shard was ready is in it"
    for number in range(0, 2500, 100):
        assert (await storage.moods.mood((10**6 + 4 * number + 2) << 22, 1, *hours)).gaps == ()
        (gap,) = (await storage.moods.mood((10**6 + 4 * number + 1) << 22, 1, *hours)).gaps
        assert gap.ended < lost
