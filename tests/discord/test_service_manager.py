"""systemd hears when the bot is ready, that it is alive, and that it stops: over its socket, from the real process."""

import asyncio
import signal
import socket

import pytest

from bot.app.connecting import EX_OK
from bot.app.service_manager import ServiceManager
from bot.demo.local_discord import LocalDiscord
from tests.discord.wire import build_world, started_bot, until


@pytest.fixture
async def local():
    async with LocalDiscord() as local:
        yield local


async def test_it_hears_all_of_a_life(local, heard, tmp_path):
    build_world(local)
    address, listen = heard
    settings = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "1500000"}
    async with started_bot(local, tmp_path, **settings) as bot:
        await until(lambda: "READY=1" in listen())
        await until(lambda: "STATUS=online" in listen())
        assert "STATUS=connecting to Discord" in listen()
        before = listen().count("WATCHDOG=1")
        await asyncio.sleep(2)
        assert 2 <= listen().count("WATCHDOG=1") - before <= 6
        bot.process.send_signal(signal.SIGSTOP)  # as a held loop
        listen()
        await asyncio.sleep(0.2)
        silent_since = listen().count("WATCHDOG=1")
        await asyncio.sleep(2)
        assert listen().count("WATCHDOG=1") == silent_since
        bot.process.send_signal(signal.SIGCONT)
        await until(lambda: listen().count("WATCHDOG=1") > silent_since)
        bot.process.send_signal(signal.SIGTERM)
        assert await bot.ended() == EX_OK
    assert "STOPPING=1" in listen()[-6:]


async def test_a_process_that_does_not_work_is_not_said_to_be_alive(heard):
    address, listen = heard
    manager = ServiceManager({"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "150000"})
    works = True
    async with manager.watched(lambda: works):
        await until(lambda: listen().count("WATCHDOG=1") >= 2)
        works = False
        await asyncio.sleep(0.1)
        count = listen().count("WATCHDOG=1")
        await asyncio.sleep(0.4)
        assert listen().count("WATCHDOG=1") == count
        works = True
        await until(lambda: listen().count("WATCHDOG=1") > count)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"NOTIFY_SOCKET": "", "WATCHDOG_USEC": "1"},
        {"NOTIFY_SOCKET": "relative", "WATCHDOG_USEC": "many"},
        {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "-1"},
        {"NOTIFY_SOCKET": "@an abstract one", "WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "1"},
    ],
)
async def test_where_nobody_listens_nothing_happens(environment):
    manager = ServiceManager(environment)
    manager.tell("READY=1")
    assert manager.watchdog_seconds in {0.0, 1e-6}
    async with manager.watched(lambda: True):
        await asyncio.sleep(0.01)


async def test_an_abstract_address_is_one(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0{tmp_path}")
        ServiceManager({"NOTIFY_SOCKET": f"@{tmp_path}"}).tell("READY=1")
        assert line.recv(100) == b"READY=1"
