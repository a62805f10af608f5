"""What the mod channel's posts make of Discord's failures, over real connections."""

import aiohttp
import discord
import pytest

from bot.demo.local_discord import TOKEN, LocalDiscord
from bot.link.failures import REQUEST_FAILURES, is_refusal
from bot.mod_channel import MOST_REFUSALS, ModChannels, NotPosted
from tests.discord.wire import build_world, matching

NOW = 1_000_000.0


@pytest.fixture
async def scene(monkeypatch):
    """The real library, logged in to a Discord on this machine; posts go to its first channel."""
    async with LocalDiscord() as local:
        monkeypatch.setattr(discord.http.Route, "BASE", f"{local.url}/api/v10")
        world = build_world(local)
        async with discord.Client(intents=discord.Intents.none()) as client:
            await client.login(TOKEN)
            channels = ModChannels(client)  # type: ignore[arg-type]

            async def post(now=NOW):
                return await channels.post(world.alice.guild.id, world.channel.id, now, content="hello")

            yield local, world.channel, channels, post


async def test_a_connection_that_is_closed_without_an_answer_is_no_refusal(scene):
    local, channel, channels, post = scene
    for failures in range(MOST_REFUSALS):
        local.rest.break_connection("POST", f"/channels/{channel.id}/messages")
        with pytest.raises(aiohttp.ServerDisconnectedError) as raised:
            await post(NOW + 10_000 * failures)
        assert isinstance(raised.value, REQUEST_FAILURES)
        assert not isinstance(raised.value, OSError)  # which is all that used to be expected
    assert "because Discord has problems" in channels.trouble(channel.id)
    assert channels.paused(channel.id, NOW + 20_000)
    assert not channels.paused(channel.id, NOW + 20_900)
    await post(NOW + 30_000)
    assert channels.trouble(channel.id) is None
    assert len(channel.history()) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 50083), (403, 50013), (403, 50001), (404, 10003), (404, 10014), (400, 160005)],
)
async def test_what_discord_refuses_is_certainly_not_posted_and_left_alone_after_a_few_times(scene, status, code):
    local, channel, channels, post = scene
    local.http_error("POST", f"/channels/{channel.id}/messages", status, code, times=10)
    for _ in range(MOST_REFUSALS + 3):
        with pytest.raises(NotPosted):
            await post()
    assert len(matching(local.requests, "POST", f"/channels/{channel.id}/messages")) == MOST_REFUSALS
    assert channels.refuses(channel.id)
    assert "I'll try again" in channels.trouble(channel.id)


@pytest.mark.parametrize("status", [401, 429, 500, 502, 503, 504, 524])
def test_what_may_be_over_in_a_minute_is_no_refusal(status):
    class Answered:
        reason = "made on purpose"

    Answered.status = status  # type: ignore[attr-defined]
    assert not is_refusal(discord.HTTPException(Answered(), None))  # type: ignore[arg-type]
