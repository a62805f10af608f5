"""A notice that is deleted and a tag that is to go, while the process is not there."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from bot.app.connecting import EX_OK
from bot.demo.local_discord import LocalDiscord
from bot.monitoring.notice_words import notice
from bot.monitoring.tag_removal import TAGS_SECONDS
from bot.storage.database_url import FILE
from tests.discord.wire import add_admin, build_world, matching, new_requests, online_bot, until

GOOD = "what a lovely quiet evening"


@pytest.fixture
async def local():
    async with LocalDiscord() as local:
        yield local


def rows(folder, statement):
    """What a bot's store holds."""
    with closing(sqlite3.connect(folder / "data" / FILE)) as connection:
        return connection.execute(statement).fetchall()


def noted(folder):
    """The messages that the store knows for notices that stand."""
    return rows(folder, "SELECT message_id FROM notices WHERE posted IS NOT NULL")


def notices(channel):
    return [message for message in channel.history() if message.content == notice(7)]


async def test_a_notice_deleted_while_the_bot_is_off_stops_the_reading_until_a_new_one_stands(local, tmp_path):
    world = build_world(local)
    admin = add_admin(world)
    async with online_bot(local, tmp_path) as bot:
        await admin.slash(world.channel, "monitor enable")
    assert bot.process.returncode == EX_OK
    local.backend.delete_message(world.channel.id, notices(world.channel)[0].id)
    async with online_bot(local, tmp_path) as bot:
        await world.maya.send(world.channel, GOOD)
        await until(lambda: notices(world.channel))
        (posted,) = notices(world.channel)
        await until(lambda: noted(tmp_path) == [(posted.id,)])  # a moment after people can see it
        await asyncio.sleep(1.1)  # a notice's time is noted to the second
        message = await world.maya.send(world.channel, GOOD)
        await until(lambda: rows(tmp_path, "SELECT message_id FROM message_scores"))
    assert bot.process.returncode == EX_OK
    assert rows(tmp_path, "SELECT message_id FROM message_scores") == [(message.id,)]


async def test_a_notice_that_stands_is_asked_for_once_after_a_start(local, tmp_path):
    world = build_world(local)
    admin = add_admin(world)
    async with online_bot(local, tmp_path):
        await admin.slash(world.channel, "monitor enable")
    with new_requests(local) as requests:
        async with online_bot(local, tmp_path) as bot:
            sent = [await world.maya.send(world.channel, GOOD) for _ in range(3)]
            await until(lambda: len(rows(tmp_path, "SELECT message_id FROM message_scores")) == len(sent))
        assert bot.process.returncode == EX_OK
    (posted,) = notices(world.channel)
    asked = matching(requests, "GET", f"/channels/{world.channel.id}/messages/{posted.id}")
    assert 1 <= len(asked) <= 2, "once more where its server is said to have come while it was asked for"
    assert rows(tmp_path, "SELECT message_id FROM message_scores") == [(message.id,) for message in sent]


async def test_a_tag_goes_after_a_restart_when_its_author_opted_out_before(local, tmp_path):
    world = build_world(local)
    admin = add_admin(world)
    async with online_bot(local, tmp_path):
        await admin.slash(world.channel, "monitor settings", confidence=50)
        await admin.slash(world.channel, "monitor enable", tagging=True)
        await world.alice.send(world.channel, GOOD)
        await until(lambda: world.channel.history()[-1].reactions)
        out = await world.alice.slash(world.channel, "privacy opt-out")
        assert out.response.content
    async with online_bot(local, tmp_path):
        await until(lambda: not rows(tmp_path, "SELECT * FROM tags"), 3 * TAGS_SECONDS)
    assert not world.channel.history()[-1].reactions
