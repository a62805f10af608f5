"""The local Discord's gateway, as a WebSocket client finds it."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import discord
import pytest

from bot.demo.gateway import PATH, Close, Op
from bot.demo.local_discord import TOKEN, LocalDiscord
from tests.discord.wire import build_world, until


@pytest.fixture
async def local():
    async with LocalDiscord() as local:
        yield local


@pytest.fixture
async def socket(local):
    async with connected(local) as socket:
        yield socket


@asynccontextmanager
async def connected(local):
    """A connection that has been greeted."""
    url = local.gateway.origin.replace("http", "ws", 1) + PATH
    async with aiohttp.ClientSession() as session, session.ws_connect(url, autoclose=False) as socket:
        assert (await socket.receive_json())["op"] == Op.HELLO
        yield socket


async def identify(socket, shard=0, shards=1, token=TOKEN):
    """Asks for a session; what is answered first: a frame, or the code with which it is hung up."""
    intents = discord.Intents(guilds=True, guild_messages=True).value
    data = {"token": token, "intents": intents, "shard": [shard, shards], "properties": {}}
    await socket.send_json({"op": Op.IDENTIFY, "d": data})
    return await answer(socket)


async def answer(socket):
    message = await socket.receive()
    if message.type is aiohttp.WSMsgType.TEXT:
        return json.loads(message.data)
    return socket.close_code


def refused(frame):
    return frame["op"] == Op.INVALID_SESSION and frame["d"] is False


async def test_it_waits_for_the_goodbye_of_whom_it_hangs_up_on(local, socket):
    """Or it may be gone before it is answered, and then the code does not arrive: aiohttp says 1006 instead."""
    await socket.send_json({"op": Op.HEARTBEAT, "d": None})
    await until(lambda: Op.HEARTBEAT in local.gateway.log)
    hanging_up = asyncio.create_task(local.gateway.close_with(4012))
    message = await socket.receive()
    while message.type is not aiohttp.WSMsgType.CLOSE:
        message = await socket.receive()
    assert socket.close_code == 4012
    await socket.send_json({"op": Op.HEARTBEAT, "d": None})  # it was on its way
    await asyncio.sleep(0.1)
    assert not hanging_up.done()
    await socket.close()
    await asyncio.wait_for(hanging_up, 5)


async def test_it_hangs_up_on_those_that_are_there_and_not_on_who_comes_then(local, socket):
    hanging_up = asyncio.create_task(local.gateway.close_with(4010))
    url = local.gateway.origin.replace("http", "ws", 1) + PATH
    while (await socket.receive()).type is not aiohttp.WSMsgType.CLOSE:
        pass
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as other:
        await socket.close()
        await asyncio.wait_for(hanging_up, 5)
        await other.send_json({"op": Op.HEARTBEAT, "d": None})
        assert [(await other.receive_json())["op"] for _ in range(2)] == [Op.HELLO, Op.HEARTBEAT_ACK]


async def test_a_bucket_that_is_broken_into_is_answered_with_an_ended_session(local):
    local.gateway.limits.bucket_seconds, local.gateway.limits.max_concurrency = 60.0, 2
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(connected(local)) for _ in range(3)]
        answers = [await identify(socket, shard, 4) for shard, socket in enumerate(sockets)]
    assert [one["t"] for one in answers[:2]] == ["READY", "READY"]
    assert refused(answers[2])
    assert len(local.gateway.limits.violations) == 1


async def test_the_session_after_the_last_one_costs_the_token_and_every_connection(local):
    local.gateway.limits.left = 1
    async with connected(local) as first, connected(local) as second, connected(local) as third:
        assert (await identify(first, 0, 2))["t"] == "READY"
        assert await identify(second, 1, 2) == Close.AUTHENTICATION_FAILED
        assert await answer(first) == Close.AUTHENTICATION_FAILED
        assert local.rest.token != TOKEN
        assert await identify(third, 1, 2) == Close.AUTHENTICATION_FAILED


async def test_a_shard_that_is_begun_twice_has_the_newer_session_alone(local):
    async with connected(local) as older, connected(local) as newer:
        assert (await identify(older))["t"] == "READY"
        assert (await identify(newer))["t"] == "READY"
        assert await answer(older) == Close.SESSION_TIMED_OUT
        (session,) = local.gateway.sessions.values()
        assert local.gateway.limits.violations == ["shard 0 has a session already"]
        await until(lambda: local.gateway.connected == [session])


@pytest.mark.parametrize(("shard", "shards"), [(2, 2), (-1, 2)])
async def test_a_shard_that_cannot_be_is_refused(local, socket, shard, shards):
    assert await identify(socket, shard, shards) == Close.INVALID_SHARD


async def test_a_shard_of_too_many_servers_is_refused(local):
    local.gateway.guilds_per_shard = 1
    for number in range(2):
        build_world(local, (100_000_000_000 + number) << 22)
    async with connected(local) as one, connected(local) as half:
        assert await identify(one) == Close.SHARDING_REQUIRED
        assert (await identify(half, 0, 2))["t"] == "READY"


@pytest.mark.parametrize("as_new", [False, True])
async def test_a_server_that_ready_leaves_out_says_nothing_until_it_is_told_of(local, socket, as_new):
    worlds = [build_world(local, (100_000_000_000 + number) << 22) for number in range(2)]
    shown, hidden = (world.alice.guild.id for world in worlds)
    local.gateway.left_out.add(hidden)
    ready = await identify(socket)
    assert [guild["id"] for guild in ready["d"]["guilds"]] == [str(shown)]
    assert (await answer(socket))["d"]["id"] == str(shown)
    for world in reversed(worlds):
        local.backend.create_message(world.channel.id, author_id=world.maya.id, content="hello")
    assert (await answer(socket))["d"]["guild_id"] == str(shown)
    local.gateway.tell_of(hidden, as_new=as_new)
    told = await answer(socket)
    assert (told["t"], told["d"]["id"], "unavailable" in told["d"]) == ("GUILD_CREATE", str(hidden), not as_new)
    local.backend.create_message(worlds[1].channel.id, author_id=worlds[1].maya.id, content="hello")
    assert (await answer(socket))["d"]["guild_id"] == str(hidden)
