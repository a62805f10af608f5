"""The local Discord's gateway, as a WebSocket client finds it."""

import asyncio

import aiohttp
import pytest

from bot.demo.gateway import PATH, Op
from bot.demo.local_discord import LocalDiscord
from tests.discord.wire import until


@pytest.fixture
async def local():
    async with LocalDiscord() as local:
        yield local


@pytest.fixture
async def socket(local):
    url = local.gateway.origin.replace("http", "ws", 1) + PATH
    async with aiohttp.ClientSession() as session, session.ws_connect(url, autoclose=False) as socket:
        assert (await socket.receive_json())["op"] == Op.HELLO
        yield socket


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
