"""The bot as a process that stood still, was killed, came late or has a wrong clock: what it missed, and what not."""

import asyncio
import signal
import sqlite3
import time
from contextlib import closing
from datetime import timedelta

import pytest

from bot.demo.local_discord import LocalDiscord
from bot.storage.database_url import FILE
from tests.discord.wire import add_admin, build_world, online_bot, until

pytestmark = pytest.mark.process

GOOD, BAD = "what a lovely quiet evening", "this is terrible, I hate it"
NOT_CAUGHT_UP = {"CATCH_UP": "0"}
STOOD_STILL = 7
"""Seconds: longer than any pause of a busy machine."""


@pytest.fixture
async def local():
    async with LocalDiscord(heartbeat_interval=0.5) as local:
        yield local


@pytest.fixture
def asked(tmp_path):
    """The answer of the bot's database to a question."""

    def asked(statement, *values):
        with closing(sqlite3.connect(tmp_path / "data" / FILE)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    return asked


def guild_of(shard):
    """An id that Discord's formula gives to that shard."""
    return (100_000_000_000 + shard) << 22


async def watched(world):
    """The world's channel is watched."""
    answer = await add_admin(world).slash(world.channel, "monitor enable", channel=world.channel)
    assert "Now watching" in answer.response.content
    await asyncio.sleep(1.1)  # a notice's time is noted to the second


async def test_a_process_that_stood_still_saw_nothing_since_it_stopped(local, tmp_path, asked):
    world = build_world(local)
    async with online_bot(local, tmp_path, **NOT_CAUGHT_UP) as bot:
        await watched(world)
        await asyncio.sleep(2.5)  # heartbeats are looked at every second
        bot.process.send_signal(signal.SIGSTOP)
        stopped = time.time()
        await asyncio.sleep(STOOD_STILL)
        local.gateway.forget_sessions()
        bot.process.send_signal(signal.SIGCONT)
        woken = time.time()
        await until(lambda: local.gateway.connected)
        await until(lambda: asked("SELECT 1 FROM gaps"))
    ((cause, started, ended),) = asked("SELECT cause, started, ended FROM gaps")
    assert cause == "connection"
    assert started <= stopped
    assert ended >= woken


async def test_a_process_that_stood_still_and_can_resume_has_missed_nothing(local, tmp_path, asked):
    world = build_world(local)
    async with online_bot(local, tmp_path) as bot:
        await watched(world)
        bot.process.send_signal(signal.SIGSTOP)
        local.gateway.drop_sockets()
        message = local.backend.create_message(world.channel.id, world.maya.id, GOOD)
        await asyncio.sleep(STOOD_STILL)
        bot.process.send_signal(signal.SIGCONT)
        await until(lambda: asked("SELECT 1 FROM message_scores WHERE message_id = ?", message.id))
    assert asked("SELECT * FROM gaps") == []


@pytest.mark.parametrize("sudden", [True, False], ids=["killed", "stopped"])
async def test_what_was_written_over_a_restart_is_read_and_what_was_deleted_is_gone(local, tmp_path, asked, sudden):
    world = build_world(local)
    async with online_bot(local, tmp_path) as bot:
        await watched(world)
        gone, changed = [await world.maya.send(world.channel, GOOD) for _ in range(2)]
        await until(lambda: len(asked("SELECT 1 FROM message_scores")) == 2)
        if sudden:
            bot.process.kill()
            await bot.process.wait()
    meanwhile = [local.backend.create_message(world.channel.id, world.alice.id, GOOD) for _ in range(3)]
    local.backend.delete_message(world.channel.id, gone.id)
    await world.maya.edit(changed, BAD)
    async with online_bot(local, tmp_path):
        later = local.backend.create_message(world.channel.id, world.alice.id, GOOD)
        kept = sorted(message.id for message in (changed, *meanwhile, later))
        await until(lambda: sorted(row for (row,) in asked("SELECT message_id FROM message_scores")) == kept)
        await until(lambda: asked("SELECT sentiment FROM message_scores WHERE message_id = ?", changed.id) == [(0,)])
        await until(lambda: not asked("SELECT 1 FROM gaps"))
    assert asked("SELECT sum(negative), sum(negative + neutral + positive) FROM hours") == [(1, 5)]


async def test_a_long_time_off_is_a_gap_until_all_of_it_is_read(local, tmp_path, asked):
    world = build_world(local)
    async with online_bot(local, tmp_path):
        await watched(world)
    an_hour_ago = int(time.time()) - 3600
    asked("UPDATE bookkeeping SET alive = ?", an_hour_ago)
    local.http_error("GET", "/channels/*/messages", status=403, code=50001, times=1)
    meanwhile = local.backend.create_message(world.channel.id, world.maya.id, GOOD)
    async with online_bot(local, tmp_path):
        await until(lambda: asked("SELECT 1 FROM gaps WHERE channel_id IS NOT NULL"))
    assert asked("SELECT cause, started, channel_id FROM gaps") != []
    asked("DELETE FROM gaps")
    asked("UPDATE bookkeeping SET alive = ?", an_hour_ago)
    async with online_bot(local, tmp_path):
        await until(lambda: asked("SELECT 1 FROM message_scores WHERE message_id = ?", meanwhile.id))
        await until(lambda: not asked("SELECT 1 FROM gaps"))


async def test_a_shard_that_comes_late_has_seen_nothing_since_the_bot_was_off(tmp_path, asked):
    async with LocalDiscord(shards=2) as local:
        worlds = [build_world(local, guild_of(shard)) for shard in range(2)]
        async with online_bot(local, tmp_path):
            for world in worlds:
                await watched(world)
        an_hour_ago = int(time.time()) - 3600
        asked("UPDATE bookkeeping SET alive = ?", an_hour_ago)
        local.gateway.shards_held.add(1)
        online = online_bot(local, tmp_path)
        starting = asyncio.create_task(online.__aenter__())
        await until(lambda: asked("SELECT 1 FROM gaps WHERE shard = 0"))
        meanwhile = local.backend.create_message(worlds[1].channel.id, worlds[1].maya.id, GOOD)
        assert not asked("SELECT 1 FROM gaps WHERE shard = 1 AND ended IS NOT NULL")
        local.gateway.shards_held.clear()
        await starting
        await until(lambda: asked("SELECT 1 FROM message_scores WHERE message_id = ?", meanwhile.id))
        await until(lambda: not asked("SELECT 1 FROM gaps"))
        await online.__aexit__(None, None, None)


@pytest.mark.parametrize("told", [True, False], ids=["with the event", "without it"])
async def test_a_server_that_is_in_an_outage_at_the_start_is_not_seen_until_it_is_there(local, tmp_path, asked, told):
    world = build_world(local)
    build_world(local)
    async with online_bot(local, tmp_path):
        await watched(world)
    local.gateway.begin_outage(world.alice.guild.id)
    async with online_bot(local, tmp_path, **NOT_CAUGHT_UP):
        if told:
            local.gateway.begin_outage(world.alice.guild.id)
        await asyncio.sleep(8)
        local.gateway.end_outage(world.alice.guild.id)
        await until(lambda: asked("SELECT 1 FROM gaps"))
    ((guild, cause, seconds),) = asked("SELECT guild_id, cause, ended - started FROM gaps")
    assert (guild, cause) == (world.alice.guild.id, "outage")
    assert seconds >= 6


async def test_a_clock_that_is_two_hours_ahead_is_noticed_and_not_gone_by(local, tmp_path, asked):
    """The simulated Discord lives two hours before this machine."""
    local.clock.set_back(timedelta(hours=2))
    world = build_world(local)
    async with online_bot(local, tmp_path) as bot:
        await watched(world)
        await until(lambda: "ahead of Discord's" in bot.said)
        message = await world.maya.send(world.channel, GOOD)
        await until(lambda: asked("SELECT 1 FROM message_scores"))
        await world.maya.edit(message, BAD)
        await until(lambda: asked("SELECT sentiment FROM message_scores") == [(0,)])
    ((alive,),) = asked("SELECT alive FROM bookkeeping")
    assert abs(alive - (time.time() - 7200)) < 300
    asked("UPDATE bookkeeping SET alive = alive - 600")
    async with online_bot(local, tmp_path, **NOT_CAUGHT_UP):
        await until(lambda: asked("SELECT 1 FROM gaps"))
    ((seconds,),) = asked("SELECT ended - started FROM gaps")
    assert 600 <= seconds < 1200
