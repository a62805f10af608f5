"""Several processes of the bot share one PostgreSQL and one Discord: killed, restarted, and followed by another."""

import asyncio
import signal
from contextlib import AsyncExitStack
from functools import partial

import asyncpg
import pytest

from bot.app.connecting import EX_CONFIG
from bot.demo.local_discord import LocalDiscord
from tests.bot.conftest import new_postgres_url, postgres
from tests.discord.wire import PATIENCE, add_admin, build_world, started_bot, until

__all__ = ["new_postgres_url", "postgres"]
"""Fixtures of the bot's own tests."""

SHARDS = 2
KEY = "0f3a9c1d7be245680f1e2d3c4b5a6978"


def guild_of(shard):
    """An id that Discord's formula gives to that shard."""
    return (100_000_000_000 + shard) << 22


def is_online(bot):
    """Whether all shards of that process have their servers."""
    return "is online" in bot.said


class Cluster:
    """Processes of one bot, by number, and what the database holds."""

    def __init__(self, local, url, folder, stack):
        self.local, self.url, self.folder, self.stack = local, url, folder, stack
        self.started = 0

    async def start(self, number, of=SHARDS, **settings):
        """One more process, in a folder of its own."""
        self.started += 1
        folder = self.folder / str(self.started)
        folder.mkdir()
        shared = {"DATABASE_URL": self.url, "CLUSTER": f"{number}/{of}", "HASH_KEY": KEY, "LOG_LEVEL": "INFO"}
        settings = {"BATCH_TOKENS": "1024", **shared, **settings}
        return await self.stack.enter_async_context(started_bot(self.local, folder, **settings))

    async def rows(self, question):
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(question)]
        finally:
            await connection.close()

    def shards(self):
        """Those with a session now, one for each connection."""
        return sorted(session.shard for session in self.local.gateway.connected)


@pytest.fixture
async def cluster(new_postgres_url, tmp_path):
    async with LocalDiscord(shards=SHARDS) as local, AsyncExitStack() as stack:
        yield Cluster(local, new_postgres_url.get_secret_value(), tmp_path, stack)


async def watched(world):
    """A message of the world's channel counts, once its admin has it watched."""
    admin = add_admin(world)
    answer = await admin.slash(world.channel, "monitor enable")
    assert "Now watching" in answer.response.content


async def test_what_one_process_keeps_survives_all_that_happens_to_another(cluster):
    """Restarted or killed, it does nothing to servers of shards that are not its own; and it finds its own again."""
    worlds = [build_world(cluster.local, guild_of(shard)) for shard in range(SHARDS)]
    first, second = await cluster.start(0), await cluster.start(1)
    await until(lambda: cluster.shards() == [0, 1])
    await until(lambda: cluster.local.backend.commands.get(None))
    commands = f"PUT /applications/{cluster.local.backend.application_id}/commands"
    assert cluster.local.requests.count(commands) == 1, "one process registers them for all"
    for world in worlds:
        await watched(world)
        await world.maya.send(world.channel, "what a lovely quiet evening")

    async def of(world):
        guild = world.alice.guild.id
        tables = ("channel_rules", "notices", "message_scores", "hours", "hour_authors", "audit")
        joined = [
            f"SELECT '{table}', row_to_json({table})::text FROM {table} WHERE "
            + (
                "guild_id = {0}"
                if table != "hour_authors"
                else "channel_id IN (SELECT channel_id FROM hours WHERE guild_id = {0})"
            )
            for table in tables
        ]
        return sorted(await cluster.rows(" UNION ALL ".join(joined).format(guild)))

    async def counted():
        return (await cluster.rows("SELECT count(*) FROM message_scores"))[0][0]

    async with asyncio.timeout(30):
        while await counted() < SHARDS:
            await asyncio.sleep(0.1)
    before = await of(worlds[1])
    assert {row[0] for row in before} == {
        "channel_rules",
        "notices",
        "message_scores",
        "hours",
        "hour_authors",
        "audit",
    }
    for how in (signal.SIGTERM, signal.SIGKILL):
        first.process.send_signal(how)
        await first.process.wait()
        await until(lambda: cluster.shards() == [1])
        first = await cluster.start(0)
        await until(lambda: cluster.shards() == [0, 1])
        await until(partial(is_online, first))
        answer = await worlds[0].ask("what a lovely quiet evening")
        assert answer.response.components
    assert await of(worlds[1]) == before
    assert {guild for (guild,) in await cluster.rows("SELECT guild_id FROM channel_rules")} == {
        world.alice.guild.id for world in worlds
    }
    assert await cluster.rows("SELECT count(*) FROM departures") == [(0,)]
    assert second.process.returncode is None
    assert "Traceback" not in first.said + second.said


async def test_what_somebody_says_to_one_process_holds_in_the_other_from_the_answer_on(cluster):
    """Maya is in a server of each. Rules and settings belong to a server's process; people's say belongs to all."""
    here, there = (build_world(cluster.local, guild_of(shard)) for shard in range(SHARDS))
    maya = there.alice.guild.add_member(here.maya.user)
    processes = [await cluster.start(number) for number in range(SHARDS)]
    await until(lambda: all(map(is_online, processes)))
    await until(lambda: cluster.local.backend.commands.get(None))
    await watched(there)

    async def written(messages):
        """So many messages are written, of so many people."""
        async with asyncio.timeout(PATIENCE):
            while True:
                ((count, people),) = await cluster.rows("SELECT count(*), count(DISTINCT author) FROM message_scores")
                if count == messages:
                    return people
                await asyncio.sleep(0.1)

    for person in (maya, there.alice):
        await person.send(there.channel, "what a lovely quiet evening")
    assert await written(2) == 2
    await maya.send(there.channel, "what a terrible day")  # in the other process's hands, written or not
    answer = await here.maya.slash(here.channel, "privacy opt-out")
    assert "You've opted out" in answer.response.content
    ((count,),) = await cluster.rows("SELECT count(*) FROM message_scores")
    assert count == 1, "from the answer on nothing is there but what Alice wrote"
    for person in (maya, there.alice):
        await person.send(there.channel, "what a lovely quiet morning")
    assert await written(2) == 1
    answer = await maya.slash(there.channel, "privacy see")
    assert "You opted out on" in answer.response.content


async def test_a_process_with_the_same_shards_waits_for_the_other_and_follows_it_at_once(cluster):
    world = build_world(cluster.local, guild_of(0))
    holder = await cluster.start(0, 1)
    await until(lambda: cluster.shards() == [0, 1])
    await until(lambda: cluster.local.backend.commands.get(None))
    spare = await cluster.start(0, 1)
    await until(lambda: "waiting: shard 0 is held by CLUSTER=0/1 on" in spare.said)
    assert cluster.shards() == [0, 1], "nobody has begun a second session of a shard"
    holder.process.kill()
    await holder.process.wait()
    await until(lambda: "holds 2 of 2 shards: 0, 1" in spare.said, 5.0)
    await until(lambda: "is online" in spare.said)
    assert cluster.shards() == [0, 1]
    answer = await world.ask("what a lovely quiet evening")
    assert answer.response.components


async def test_two_processes_begin_their_sessions_in_turn_as_one_would(cluster):
    """Discord takes one of each bucket in five seconds; four buckets take eight shards in two times that at most."""
    local = cluster.local
    local.rest.shards, limits = 8, local.rest.sessions
    limits.max_concurrency, limits.bucket_seconds = 4, 4.9
    first, second = await cluster.start(0), await cluster.start(1)
    await until(lambda: cluster.shards() == list(range(8)), 2 * PATIENCE)
    assert limits.violations == []
    assert limits.left == 999 - 8
    of_first = [at for at, shard in limits.identified if shard % 2 == 0]
    assert of_first[-1] - of_first[0] < 2 * 5.0
    assert "Traceback" not in first.said + second.said


async def test_no_process_begins_sessions_that_another_may_need(cluster):
    limits = cluster.local.rest.sessions
    cluster.local.rest.shards, limits.left = 20, 11
    bot = await cluster.start(0)
    await until(lambda: "lets this bot connect only 11 more times until" in bot.said)
    assert limits.identified == []
    limits.left = 12


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"HASH_KEY": "a-key-of-some-other-machine-9182"}, "The database was written with another hash key"),
        ({"CLUSTER": ""}, "Several processes share this database: CLUSTER=0/2 runs on"),
    ],
    ids=["another key", "all servers by one"],
)
async def test_a_process_that_does_not_fit_is_refused_with_one_sentence(cluster, settings, sentence):
    first = await cluster.start(0)
    await until(lambda: "holds 1 of 2 shards: 0" in first.said)
    other = await cluster.start(1, **settings)
    assert await other.ended() == EX_CONFIG
    (said,) = [line for line in other.said.splitlines() if " INFO " not in line]
    assert said.startswith(sentence)
    assert first.process.returncode is None
