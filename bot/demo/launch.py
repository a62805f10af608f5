"""Starts and stops the bot of the demo in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bot.demo.local_discord import TOKEN, LocalDiscord
from bot.settings import SECRETS

_OURS = Path(__file__).parents[2]
"""The folder that this program's packages are in: a checkout, or an environment's site-packages."""

_RUN_MODULE = """
import runpy, sys
ours, module = sys.argv[1:3]
del sys.argv[1:3]
if ours not in sys.path:
    sys.path.insert(0, ours)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""

STOP_SECONDS = 4.0
READY_SECONDS = 60.0


class BotEnded(Exception):
    """The bot's process ended before anybody asked it to."""

    def __init__(self, code: int) -> None:
        super().__init__(f"The bot ended by itself with exit code {code}.")
        self.code = code


class BotNotReady(Exception):
    """The bot neither came online in time nor ended."""


def python_command(module: str) -> list[str]:
    """The beginning of a command line that runs a module of ours, whatever the working directory holds.

    `python -m` would look there first, and somebody's own `bot` or `model` would be taken for ours; `-P` leaves it out.
    A checkout that is not installed is then found because this process says where it has its own modules from.
    """
    return [sys.executable, "-P", "-c", _RUN_MODULE, str(_OURS), module]


@asynccontextmanager
async def bot_process(
    local: LocalDiscord,
    data_dir: Path,
    environment: Mapping[str, str] | None = None,
    *,
    past: str | None = None,
    stderr: int | None = None,
    module: str = "bot.demo.bot_process",
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs the bot against `local` for as long as the context lasts.

    `environment` adds to or replaces the bot's settings; `past` (of `World.past`) has it begin with a made-up one;
    `stderr` is as for asyncio.create_subprocess_exec; `module` is another one with the same command line.
    """
    settings = {
        "DISCORD_TOKEN": TOKEN,
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }
    process = await asyncio.create_subprocess_exec(
        *python_command(module),
        local.url,
        str(data_dir),
        *([past] if past is not None else []),
        stdin=asyncio.subprocess.PIPE,
        stderr=stderr,
        env={**without_secrets(os.environ), **settings, **(environment or {})},
        start_new_session=True,  # Ctrl-C in a terminal is for us; we pass it on in our own order
    )
    try:
        yield process
    finally:
        await stop(process)


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The operator's own token, key and database are not for a bot that only plays."""
    secret = {name.upper() for name in SECRETS} | {f"{name.upper()}_FILE" for name in SECRETS}
    return {name: value for name, value in environment.items() if name.upper() not in secret}


async def stop(process: asyncio.subprocess.Process) -> int:
    """Ends a process politely, then firmly, and returns its exit code."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
    return await process.wait()


async def wait_until_ready(local: LocalDiscord, process: asyncio.subprocess.Process) -> None:
    """Returns once the bot is online with its commands registered. Raises BotEnded or BotNotReady."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not local.has_bot:
                if process.returncode is not None:
                    raise BotEnded(process.returncode)
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise BotNotReady(f"The bot isn't online after {READY_SECONDS:.0f} s.") from None
