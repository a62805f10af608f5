"""What must go goes over real connections and restarts, also when Discord's event was missed."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.demo.local_discord import LocalDiscord
from tests.discord.test_shards import guild_of
from tests.discord.wire import add_admin, build_world, online_bot, until
from tests.unseen import unseen

ROOT = Path(__file__).parents[2]
BAD = "this is terrible, I hate it"
A_DAY = 25 * 3600


@pytest.fixture
async def local():
    async with LocalDiscord() as local:
        yield local


def rows(folder, question):
    with closing(sqlite3.connect(folder / "data" / "mood.db", timeout=20)) as database:
        return database.execute(question).fetchall()


def count(folder, table, where):
    return rows(folder, f"SELECT count(*) FROM {table} WHERE {where}")[0][0]


def a_day_later(folder):
    """The day of every departure is over."""
    with closing(sqlite3.connect(folder / "data" / "mood.db", timeout=20)) as database:
        database.execute(f"UPDATE departures SET since = since - {A_DAY}")
        database.commit()


async def watched(world, admin, folder, messages=2):
    """The world's channel is watched, and so many of its messages are written; their ids."""
    await admin.slash(world.channel, "monitor enable", channel=world.channel)
    sent = [await world.maya.send(world.channel, f"{BAD} {number}") for number in range(messages)]
    channel = world.channel.id
    await until(lambda: count(folder, "message_scores", f"channel_id = {channel}") == messages)
    return [message.id for message in sent]


async def test_a_server_left_while_the_session_was_lost_goes_after_a_day_on_its_shard(tmp_path):
    async with LocalDiscord(shards=2) as local:
        worlds = [build_world(local, guild_of(shard)) for shard in range(2)]
        (stays, goes) = (world.alice.guild.id for world in worlds)
        async with online_bot(local, tmp_path, LOG_LEVEL="INFO") as bot:
            for world in worlds:
                await watched(world, add_admin(world), tmp_path)
            with unseen(local.backend) as backend:
                local.gateway.invalidate()
                backend.remove_guild(goes)
            await until(lambda: len(local.gateway.connected) == 2)
            await until(lambda: rows(tmp_path, "SELECT guild_id FROM departures") == [(goes,)])
            assert count(tmp_path, "message_scores", f"guild_id = {goes}") == 2
            a_day_later(tmp_path)
            await until(lambda: not count(tmp_path, "message_scores", f"guild_id = {goes}"))
            for table in ("hours", "channel_rules", "audit", "departures"):
                assert count(tmp_path, table, f"guild_id = {goes}") == 0
            assert count(tmp_path, "message_scores", f"guild_id = {stays}") == 2
            assert "Home" not in bot.said


async def test_the_only_server_a_channel_and_messages_are_gone_after_the_bot_was_off(local, tmp_path):
    world = build_world(local)
    guild, admin = world.alice.guild, add_admin(world)
    doomed = guild.create_text_channel("doomed")
    async with online_bot(local, tmp_path):
        await admin.slash(world.channel, "monitor enable", whole_server=True)
        for channel in (doomed, world.channel):
            await world.maya.send(channel, BAD)  # it brings the notice
        await until(lambda: count(tmp_path, "notices", "1") == 2)
        await asyncio.sleep(1.1)  # a notice's time is noted to the second
        for channel in (doomed, world.channel):
            for number in range(2):
                await world.maya.send(channel, f"{BAD} {number}")
        await until(lambda: count(tmp_path, "message_scores", "1") >= 4)
        await admin.slash(world.channel, "monitor disable", whole_server=True)
        (message,) = rows(tmp_path, f"SELECT max(message_id) FROM message_scores WHERE channel_id = {world.channel.id}")
    with unseen(local.backend) as backend:
        backend.delete_channel(doomed.id)
    async with online_bot(local, tmp_path):
        local.backend.delete_message(world.channel.id, message[0])
        await until(lambda: not count(tmp_path, "message_scores", f"message_id = {message[0]}"))
        await until(lambda: not count(tmp_path, "hours", f"channel_id = {doomed.id}"))
        assert count(tmp_path, "hours", f"channel_id = {world.channel.id}") == 1
    with unseen(local.backend) as backend:
        backend.remove_guild(guild.id)
    async with online_bot(local, tmp_path):
        await until(lambda: rows(tmp_path, "SELECT guild_id FROM departures") == [(guild.id,)])
    a_day_later(tmp_path)
    async with online_bot(local, tmp_path):
        await until(lambda: not count(tmp_path, "hours", "1") and not count(tmp_path, "audit", "1"))


async def test_what_was_answered_holds_after_a_kill_and_after_a_backup_was_put_back(local, tmp_path):
    world = build_world(local)
    admin, channel = add_admin(world), world.channel
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    async with online_bot(local, tmp_path) as bot:
        (message, _) = await watched(world, admin, tmp_path)
        await vibecheck(data, "backup", copy)
        answer = await world.maya.slash(channel, "privacy delete")
        assert answer.response is not None
        await world.maya.click(answer.response, label="Delete")
        await world.alice.slash(channel, "privacy opt-out")
        os.kill(bot.process.pid, signal.SIGKILL)
        await bot.process.wait()
    assert count(tmp_path, "message_scores", "1") == 0
    async with online_bot(local, tmp_path):
        local.backend.edit_message(channel.id, message, {"content": "it is even worse than that"})
        await world.alice.send(channel, BAD)
        last = await world.maya.send(channel, BAD)
        await until(lambda: count(tmp_path, "message_scores", "1"))
        assert rows(tmp_path, "SELECT message_id FROM message_scores") == [(last.id,)]
    said = await vibecheck(data, "restore", copy)
    assert "deletions by people: 2, opt-outs: 1" in said  # who opts out has what there is deleted
    async with online_bot(local, tmp_path):
        assert count(tmp_path, "message_scores", "1") == 0
        seen = await world.alice.slash(channel, "privacy see")
        assert "You opted out on" in seen.response.content


async def vibecheck(data, *words):
    """What the command says."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DATA_DIR": str(data)}
    command = [sys.executable, "-m", "bot", *map(str, words)]
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


async def test_a_client_that_is_replaced_was_not_away_for_all_the_time_before(local, tmp_path):
    world = build_world(local)
    admin = add_admin(world)
    async with online_bot(local, tmp_path, CATCH_UP="0"):
        await watched(world, admin, tmp_path)
        await until(lambda: count(tmp_path, "bookkeeping", "alive IS NOT NULL"))
    with closing(sqlite3.connect(tmp_path / "data" / "mood.db", timeout=20)) as database:
        database.execute("UPDATE bookkeeping SET alive = alive - 10800")
        database.commit()
    async with online_bot(local, tmp_path, CATCH_UP="0"):
        three_hours = "ended - started > 10000"
        await until(lambda: count(tmp_path, "gaps", three_hours) == 1)
        await until(lambda: count(tmp_path, "bookkeeping", "alive > (SELECT max(started) FROM gaps) + 10000"))
        await local.gateway.close_with(4010)
        await until(lambda: not local.gateway.connected)
        await until(lambda: local.gateway.connected)
        await until(lambda: count(tmp_path, "gaps", "1") == 2 or count(tmp_path, "gaps", three_hours) > 1)
        assert count(tmp_path, "gaps", three_hours) == 1
