"""What Discord refuses costs no data, no token and no address: the bot at a Discord as strict as the real one."""

import asyncio
import sqlite3
import time
from contextlib import closing

import pytest

from bot.demo.gateway import Op
from bot.demo.limits import Bucket
from bot.demo.local_discord import TOKEN, LocalDiscord
from tests.bot.conftest import new_postgres_url, postgres
from tests.discord.test_clusters import Cluster, cluster, guild_of
from tests.discord.wire import PATIENCE, add_admin, build_world, matching, online_bot, until

__all__ = ["cluster", "new_postgres_url", "postgres"]
"""Fixtures of others' tests."""

GOOD, BAD = "what a lovely quiet evening", "this is terrible, I hate it"
ASKED_IN = 15.0
"""Seconds within which it is looked whether a server is still there; every ten."""


@pytest.fixture
async def local():
    async with LocalDiscord() as local:
        yield local


def count(folder, table, where="1"):
    with closing(sqlite3.connect(folder / "data" / "mood.db", timeout=20)) as database:
        return database.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]


async def watched(world, folder, messages=2):
    """The world's channel is watched, and so many of its messages count."""
    await add_admin(world).slash(world.channel, "monitor enable", channel=world.channel)
    for number in range(messages):
        await world.maya.send(world.channel, f"{BAD} {number}")
    where = f"guild_id = {world.alice.guild.id}"
    await until(lambda: count(folder, "message_scores", where) == messages)


@pytest.mark.parametrize("as_new", [False, True], ids=["as before", "as a new one"])
async def test_a_server_that_ready_leaves_out_keeps_everything_and_goes_on_when_it_is_told_of(local, tmp_path, as_new):
    here, away = (build_world(local, guild_of(number)) for number in range(2))
    guild = away.alice.guild.id
    async with online_bot(local, tmp_path, LOG_LEVEL="INFO") as bot:
        await watched(here, tmp_path)
        await watched(away, tmp_path)
        posted = len(away.channel.history())
        local.gateway.left_out.add(guild)
        local.gateway.invalidate()
        await until(lambda: local.gateway.connected)
        await until(lambda: f"GET /guilds/{guild}" in local.requests, PATIENCE + ASKED_IN)
        await here.maya.send(here.channel, BAD)  # the bot works all the while
        await until(lambda: count(tmp_path, "message_scores", f"guild_id = {here.alice.guild.id}") == 3)
        for table, rows in [("message_scores", 2), ("channel_rules", 1), ("notices", 1)]:
            assert count(tmp_path, table, f"guild_id = {guild}") == rows
        assert count(tmp_path, "departures") == 0
        local.gateway.tell_of(guild, as_new=as_new)
        await away.maya.send(away.channel, BAD)
        await until(lambda: count(tmp_path, "message_scores", f"guild_id = {guild}") == 3)
        assert len(away.channel.history()) == posted + 1, "Maya's message, and no second notice"
        assert "do not have the bot any more" not in bot.said


@pytest.mark.timeout(400)
async def test_processes_that_lose_all_their_sessions_leave_the_last_ones_and_keep_the_token(cluster: Cluster):
    """Two are left, and four are wanted at the same moment by two processes: whoever reads "two" may come third."""
    local, limits = cluster.local, cluster.local.rest.sessions
    local.rest.shards = 4
    world = build_world(local, guild_of(0))
    limits.bucket_seconds = 4.9
    processes = [await cluster.start(number, LOG_LEVEL="WARNING") for number in range(2)]
    await until(lambda: cluster.shards() == [0, 1, 2, 3], 2 * PATIENCE)
    await until(lambda: local.has_bot)
    limits.left = 2
    limits.reset_in(3600.0)
    local.gateway.invalidate()
    await until(lambda: limits.left == 0, 2 * PATIENCE)

    def waits_or_has_all(number, bot):
        return {number, number + 2} <= set(cluster.shards()) or "won't let this bot connect until" in bot.said

    await until(lambda: all(waits_or_has_all(*one) for one in enumerate(processes)), 2 * PATIENCE)
    assert limits.violations == []
    assert local.rest.token == TOKEN
    assert len(cluster.shards()) == 2
    assert [bot.process.returncode for bot in processes] == [None, None]
    if 0 in cluster.shards():
        assert (await world.ask(GOOD)).response.components


async def test_a_session_that_another_program_has_begun_is_begun_again_and_no_more_than_that(local, tmp_path):
    """Two programs with one token: each new session ends the other's."""
    world = build_world(local)
    async with online_bot(local, tmp_path) as bot:
        local.gateway.sessions.clear()
        await local.gateway.close_with(4009)
        await until(lambda: local.gateway.connected)
        assert (await world.ask(GOOD)).response.components
        assert [op for op in local.gateway.log if op is not Op.HEARTBEAT] == [Op.IDENTIFY, Op.RESUME, Op.IDENTIFY]
        assert bot.process.returncode is None


async def test_more_servers_than_a_shard_may_have_are_spread_as_discord_says(local, tmp_path):
    worlds = [build_world(local, guild_of(number)) for number in range(2)]
    async with online_bot(local, tmp_path) as bot:
        local.gateway.guilds_per_shard, local.rest.shards = 1, 2
        local.gateway.invalidate()
        await until(lambda: len(local.gateway.connected) == 2)
        assert "(close code 4011)" in bot.said
        for world in worlds:
            assert (await world.ask(GOOD)).response.components


async def test_the_global_limit_is_kept_to_and_everything_is_done(local, tmp_path):
    """Tags in twelve channels at once, at three requests a second: refused and repeated a few times, and all there."""
    world = build_world(local)
    guild, admin = world.alice.guild, add_admin(world)
    channels = [guild.create_text_channel(f"room-{number}") for number in range(12)]
    local.rest.global_limit = Bucket(limit=3, window=1.0)
    async with online_bot(local, tmp_path):
        await admin.slash(world.channel, "monitor settings", confidence=50)
        await admin.slash(world.channel, "monitor enable", whole_server=True, tagging=True)
        for channel in channels:
            await world.maya.send(channel, GOOD)  # it brings the notice
        await until(lambda: count(tmp_path, "notices", "posted IS NOT NULL") == 12, 2 * PATIENCE)
        await asyncio.sleep(1.1)  # a notice's time is noted to the second
        for channel in channels:
            await world.maya.send(channel, BAD)
        reactions = "/channels/*/messages/*/reactions/*/@me"
        await until(lambda: len(matching(local.requests, "PUT", reactions)) >= 12, 2 * PATIENCE)
        await until(lambda: all(message_of(channel).reactions for channel in channels), 2 * PATIENCE)
        assert local.rest.invalid.bans == 0
        assert 0 < len(local.rest.invalid) < len(local.requests)


def message_of(channel):
    """The newest one that a person wrote."""
    return next(message for message in reversed(channel.history()) if message.content == BAD)


async def test_where_everything_is_refused_the_bot_does_not_get_its_address_banned(local, tmp_path):
    """Hundreds of messages in channels in which it may see, and do nothing: thirty refusals would be a ban here."""
    world = build_world(local)
    guild, admin = world.alice.guild, add_admin(world)
    local.rest.invalid.most = 30
    async with online_bot(local, tmp_path) as bot:
        await admin.slash(world.channel, "monitor settings", confidence=50)
        await admin.slash(world.channel, "monitor enable", whole_server=True, tagging=True)
        await world.maya.send(world.channel, GOOD)
        await until(lambda: count(tmp_path, "notices", "posted IS NOT NULL") == 1)
        await asyncio.sleep(1.1)
        local.http_error("PUT", "/channels/*/reactions/*", status=403, code=50013, times=10_000)
        local.http_error("POST", "/channels/*/messages", status=403, code=50013, times=10_000)
        others = [guild.create_text_channel(f"room-{number}") for number in range(5)]
        for number in range(50):
            for channel in (world.channel, *others):
                local.backend.create_message(channel.id, author_id=world.maya.id, content=f"{BAD} {number}")
        where = f"channel_id = {world.channel.id}"
        await until(lambda: count(tmp_path, "message_scores", where) >= 50, 2 * PATIENCE)
        assert len(local.rest.invalid) >= 1
        assert (local.rest.invalid.bans, local.rest.invalid.knocks) == (0, 0)
        assert bot.process.returncode is None


async def test_an_address_that_is_banned_while_it_runs_is_left_alone_and_what_is_read_is_kept(local, tmp_path):
    """Each of eight channels would try a tag of its own, and again."""
    world = build_world(local)
    admin = add_admin(world)
    channels = [world.alice.guild.create_text_channel(f"room-{number}") for number in range(8)]
    async with online_bot(local, tmp_path) as bot:
        await admin.slash(world.channel, "monitor settings", confidence=50)
        await admin.slash(world.channel, "monitor enable", whole_server=True, tagging=True)
        for channel in channels:
            await world.maya.send(channel, GOOD)  # it brings the notice
        await until(lambda: count(tmp_path, "notices", "posted IS NOT NULL") == 8, 2 * PATIENCE)
        await asyncio.sleep(1.1)  # a notice's time is noted to the second
        before = count(tmp_path, "message_scores")
        local.rest.invalid.ban(20.0)
        ends = time.monotonic() + 20.0
        local.backend.create_message(channels[0].id, author_id=world.maya.id, content=BAD)
        await until(lambda: "keeps this machine's address out" in bot.said)
        knocks = local.rest.invalid.knocks
        assert knocks >= 1
        for channel in channels[1:]:
            local.backend.create_message(channel.id, author_id=world.maya.id, content=BAD)
        await until(lambda: count(tmp_path, "message_scores") == before + 8, 2 * PATIENCE)
        assert local.rest.invalid.knocks == knocks, "what is read is kept, and nothing more is asked"
        await until(lambda: time.monotonic() > ends + 1)
        assert (await world.ask(GOOD)).response.components
        assert bot.process.returncode is None


async def test_a_token_that_discord_took_away_is_one_sentence_and_one_try(local, tmp_path):
    build_world(local)
    async with online_bot(local, tmp_path) as bot:
        local.reset_token()
        assert await bot.ended() == 78
        assert len(local.rest.invalid) <= 2
    assert "Traceback" not in bot.said
