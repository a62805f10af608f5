"""One mod channel, one memory of what it refused: for alerts, digests and what the admins are told."""

import time

import pytest
from simcord import ChannelHandle

from bot.mod_channel import MOST_REFUSALS, NotPosted
from bot.refusal_backoff import Purpose
from tests.bot.parts import monitoring_of


@pytest.fixture
async def mods(home):
    """The mod channel, which has refused so often that it is left alone."""
    channel = home.guild.create_text_channel("mods")
    await home.monitor("settings", mod_channel=channel)
    home.env.inject_error("POST", f"/channels/{channel.id}/messages", status=403, code=50013, times=MOST_REFUSALS)
    for _ in range(MOST_REFUSALS):
        with pytest.raises(NotPosted):
            await home.bot.services.mod_channels.post(home.guild.id, channel.id, time.time(), content="hello")
    return channel


async def test_the_status_says_that_the_mod_channel_is_left_alone(home, mods):
    said = await home.monitor("status")
    assert f"Mod channel: I couldn't post to {mods.mention}; I'll try again" in said


async def test_the_doctor_has_a_mod_channel_that_is_in_order_tried_again(home, mods):
    await home.monitor("doctor")
    assert not home.bot.services.mod_channels.paused(mods.id, time.time())
    assert f"Mod channel: {mods.mention}" in await home.monitor("status")


async def test_choosing_settings_has_the_mod_channel_tried_again(home, mods):
    await home.monitor("settings", digest_hour=7)
    assert not home.bot.services.mod_channels.paused(mods.id, time.time())


async def test_choosing_settings_has_tags_tried_again_in_threads(home):
    thread = ChannelHandle(home.env, home.guild, home.env.backend.create_thread(home.general.id, "a", home.maya.id))
    await home.env.settle()
    monitoring_of(home.bot).backoff.refused(thread.id, Purpose.TAG)
    await home.monitor("settings", positive_emoji="🎉")
    assert monitoring_of(home.bot).backoff.closed(thread.id) == []


async def test_what_refused_alerts_is_not_asked_to_take_what_the_admins_are_told(home, mods):
    before = len(home.env.http_requests)
    guild = home.bot.get_guild(home.guild.id)
    await monitoring_of(home.bot).ingest._notices._admins.tell(guild, "a sentence")
    assert len(home.env.http_requests) == before
    await home.monitor("doctor")
    await monitoring_of(home.bot).ingest._notices._admins.tell(guild, "a sentence")
    assert mods.last_message.content == "a sentence"
