"""Monitoring as a process: the intent that Discord may refuse, sessions that are resumed or lost, and what is kept."""

import sqlite3
from contextlib import closing

import discord
import pytest

from bot.app.connecting import EX_OK
from bot.app.runtime import WITHOUT_CONTENT
from bot.demo.gateway import Close, Op
from bot.demo.local_discord import LocalDiscord
from bot.permissions import PORTAL
from bot.storage.database_url import FILE
from tests.discord.wire import add_admin, build_world, online_bot, until

GOOD = "what a lovely quiet evening"
CANARY = "xylophonic marmalade"


@pytest.fixture
async def local():
    async with LocalDiscord() as local:
        yield local


@pytest.fixture
async def strict():
    """A Discord in whose portal the Message Content Intent is off."""
    intents = discord.Intents.all()
    intents.message_content = False
    async with LocalDiscord(approved_intents=intents) as local:
        yield local


def rows(folder, statement):
    """What the store of a bot that has ended holds."""
    with closing(sqlite3.connect(folder / "data" / FILE)) as connection:
        return connection.execute(statement).fetchall()


async def test_without_the_message_content_intent_it_runs_on_and_says_what_to_click(strict, tmp_path):
    world = build_world(strict)
    admin = add_admin(world)
    async with online_bot(strict, tmp_path) as bot:
        assert (await world.ask(GOOD)).response.components
        assert strict.gateway.log.count(Op.IDENTIFY) == 2
        assert bot.said.count(WITHOUT_CONTENT) == 1
        assert len(bot.said.splitlines()) == 1
        (embed,) = (await admin.slash(world.channel, "monitor status")).response.embeds
        assert PORTAL in (embed.description or "")
        refused = await admin.slash(world.channel, "monitor enable")
        assert refused.response.content.startswith("Nothing was enabled.")
        assert PORTAL in refused.response.content
    assert bot.process.returncode == EX_OK
    assert int(Close.DISALLOWED_INTENTS) == 4014
    ((gaps,),) = rows(tmp_path, "SELECT count(*) FROM gaps")
    assert gaps == 1


async def test_what_is_watched_is_scored_and_written_before_it_ends(local, tmp_path):
    world = build_world(local)
    admin = add_admin(world)
    async with online_bot(local, tmp_path, LOG_LEVEL="DEBUG") as bot:
        said = (await admin.slash(world.channel, "monitor enable", tagging=True)).response.content
        assert said.startswith(f"Now watching {world.channel.mention}")
        message = await world.maya.send(world.channel, f"{GOOD}, I love it, {CANARY}")
        await until(lambda: world.channel.history()[-1].reactions)
        gone = await world.maya.send(world.channel, GOOD)
        await world.maya.delete(gone)
        await world.maya.edit(message, f"this is awful, I hate it, {CANARY}")
    assert bot.process.returncode == EX_OK
    assert rows(tmp_path, "SELECT message_id, sentiment FROM message_scores") == [(message.id, 0)]
    for word in CANARY.split():
        assert word not in bot.said
        assert not any(word.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


async def test_the_first_message_of_a_thread_is_read_although_discord_tells_of_the_thread_later(local, tmp_path):
    world = build_world(local)
    admin, backend = add_admin(world), local.backend
    async with online_bot(local, tmp_path):
        await admin.slash(world.channel, "monitor enable", tagging=True)
        thread = backend.create_thread(world.channel.id, "a thread", world.maya.id, broadcast=False)
        message = backend.create_message(thread.id, world.maya.id, GOOD)
        backend.announce_thread_create(thread)
        await until(lambda: message.reactions)
    assert rows(tmp_path, "SELECT message_id, thread_id FROM message_scores") == [(message.id, thread.id)]


async def test_a_session_that_is_resumed_leaves_no_gap_and_misses_nothing(local, tmp_path):
    world = build_world(local)
    admin = add_admin(world)
    async with online_bot(local, tmp_path):
        await admin.slash(world.channel, "monitor enable")
        local.gateway.drop_sockets()
        message = await world.maya.send(world.channel, GOOD)
        await until(lambda: Op.RESUME in local.gateway.log and local.gateway.connected)
    assert rows(tmp_path, "SELECT message_id FROM message_scores") == [(message.id,)]
    assert rows(tmp_path, "SELECT * FROM gaps") == []


async def test_a_session_that_is_lost_leaves_a_gap(local, tmp_path):
    world = build_world(local)
    async with online_bot(local, tmp_path):
        local.gateway.invalidate()
        await until(lambda: local.gateway.log.count(Op.IDENTIFY) == 2 and local.gateway.connected)
        assert (await world.ask(GOOD)).response.components
    ((guild, seconds),) = rows(tmp_path, "SELECT guild_id, ended - started FROM gaps")
    assert guild is None
    assert seconds > 0
