"""How long the whole bot takes to end while it is busy with the worst texts that there are."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bot.demo.local_discord import LocalDiscord
from tests.discord.wire import build_world, online_bot


async def seconds_to_end(texts: Sequence[str]) -> float:
    """From SIGTERM to the process's end; everything in `texts` was asked about just before."""
    with tempfile.TemporaryDirectory() as folder:
        async with LocalDiscord() as local:
            world = build_world(local)
            async with online_bot(local, Path(folder)) as bot:
                world.ask_at_once(texts)
                await asyncio.sleep(0.3)
                started = time.perf_counter()
                bot.process.send_signal(signal.SIGTERM)
                await bot.ended()
                return time.perf_counter() - started
