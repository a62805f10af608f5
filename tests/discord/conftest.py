"""One Discord and one bot per module, for the tests that leave both as they found them; and who plays systemd."""

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.demo.local_discord import LocalDiscord
from tests.discord.wire import RunningBot, World, build_world, online_bot


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local() -> AsyncIterator[LocalDiscord]:
    async with LocalDiscord(heartbeat_interval=0.5) as local:
        yield local


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(local: LocalDiscord) -> World:
    return build_world(local)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(local: LocalDiscord, world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningBot]:
    """Online in `world`. It must live through the whole module and have nothing to complain of."""
    folder: Path = tmp_path_factory.mktemp("bot")
    async with online_bot(local, folder) as bot:
        yield bot
        assert bot.process.returncode is None
        assert "Traceback" not in bot.said


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[tuple[Path, Callable[[], list[str]]]]:
    """The address of a socket such as systemd's, and all that was told there so far."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.setblocking(False)
        told: list[str] = []

        def listen() -> list[str]:
            try:
                while True:
                    told.extend(line.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return list(told)

        yield tmp_path / "notify", listen
