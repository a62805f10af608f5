"""What a channel costs in a digest: eight weeks of it are read and learned from: `python -m tests.bench.digest`.

Servers of five channels, of which every hour was told; they are read and learned 16 at a time, as the job does.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.analytics.baseline import AT_ONCE, WEEKS, learn
from bot.settings import Settings
from bot.storage.chunks import chunks
from bot.storage.open_storage import open_storage
from tests.bench.alert_tick import CHANNELS
from tests.bot.alerts.crowd import crowd


async def measure(servers: int) -> None:
    """Prints one line."""
    zone = ZoneInfo("Europe/Berlin")
    with tempfile.TemporaryDirectory() as folder:
        async with open_storage(Settings(_env_file=None, data_dir=Path(folder))) as storage:
            present = int(time.time() // 3600)
            guilds = await crowd(storage.database, servers, present, CHANNELS, hours=WEEKS * 7 * 24)
            channels = [guild + number for guild in guilds for number in range(1, CHANNELS + 1)]
            begun, processor = time.perf_counter(), time.process_time()
            for some in chunks(channels, AT_ONCE):
                pasts = await storage.moods.pasts(some, present - WEEKS * 7 * 24, present - 1)
                assert all(learn(past, zone) is not None for past in pasts.values())
            took, spent = time.perf_counter() - begun, time.process_time() - processor
    each = f"{1000 * took / len(channels):.1f} ms, {1000 * spent / len(channels):.1f} ms of processor"
    print(f"{len(channels):,} channels: {each} for each of them", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--servers", type=int, default=20)
    asyncio.run(measure(parser.parse_args().servers))
