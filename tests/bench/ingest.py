"""How fast scores get into SQLite, and how long the event loop is held meanwhile: `python -m tests.bench.ingest`.

Messages of 2,000 people in 50 channels go through the write buffer as fast as they are written, with an edit or a
deletion after every tenth, while a second task asks for the time again and again. The file is new and in the
temporary folder. With --charts charts of another channel's 90 days are read and drawn all the while.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from pathlib import Path

from bot.domain.snowflake import first_id_of
from bot.storage.database import Database
from bot.storage.mood_repository import MoodRepository
from bot.storage.pseudonyms import HashKey, Pseudonyms
from bot.storage.write_buffer import WriteBuffer
from model.verdict import Sentiment, Verdict
from tests.bench import chart

VERDICTS = (
    Verdict(Sentiment.NEGATIVE, (0.7, 0.2, 0.1), 1, "0123456789ab"),
    Verdict(Sentiment.NEUTRAL, (0.2, 0.6, 0.2), 1, "0123456789ab"),
    Verdict(Sentiment.POSITIVE, (0.05, 0.1, 0.85), 1, "0123456789ab"),
)
PEOPLE, CHANNELS, AT_ONCE, WAITING = 2000, 50, 50, 20_000


async def worst_stall(stop: asyncio.Event) -> float:
    """The longest time between two turns of the event loop that should have been a millisecond apart, in seconds."""
    worst, before = 0.0, time.perf_counter()
    while not stop.is_set():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        worst, before = max(worst, now - before - 0.001), now
    return worst


async def ingest(buffer: WriteBuffer, identity: Pseudonyms, messages: int) -> None:
    """Has the buffer take this many messages, and waits where more than `WAITING` are not written yet."""
    first = first_id_of(int(time.time() // 3600))
    for number in range(messages):
        who, where, verdict = identity.author(number % PEOPLE), number % CHANNELS, VERDICTS[number % 3]
        buffer.scored(first + number, 1, 10 + where, who, verdict)
        if number % 20 == 10:
            buffer.scored(first + number - 10, 1, 10 + where - 10, who, VERDICTS[0], edited=number)
        elif number % 20 == 0:
            buffer.deleted([first + number // 2])
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
        while len(buffer) >= WAITING:
            await asyncio.sleep(0.001)


async def draw_all_the_while(database: Database, stop: asyncio.Event) -> int:
    """Draws chart after chart; returns how many."""
    drawn, moods, now = 0, MoodRepository(database), time.time()
    while not stop.is_set():
        await chart.chart(moods, now)
        drawn += 1
    return drawn


async def run(messages: int, interval: float, charts: bool) -> None:
    """Prints messages per second, until all were written, and the longest stall."""
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder))
        if charts:
            await chart.fill(database, 1_000_000, time.time())
        before = _size(folder)
        gc.collect()
        gc.freeze()  # as the bot does when it has started
        buffer = WriteBuffer(database, interval=interval)
        stop = asyncio.Event()
        watch = asyncio.ensure_future(worst_stall(stop))
        drawing = asyncio.ensure_future(draw_all_the_while(database, stop)) if charts else None
        start, cpu = time.perf_counter(), time.process_time()
        buffer.start()
        await ingest(buffer, Pseudonyms([HashKey("a key for this bench")]), messages)
        await buffer.close()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        stop.set()
        drawn = await drawing if drawing is not None else 0
        size = _size(folder) - before
        await database.close()
        print(f"{messages / seconds:8,.0f} messages/s   {messages:,} in {seconds:.1f} s, {cpu:.1f} s of processor time")
        print(f"{await watch * 1000:8.1f} ms         longest stall of the event loop")
        print(f"{size / messages:8.0f} bytes      on the disk for each message")
        if charts:
            print(f"{drawn:8,} charts     drawn meanwhile")
        print(buffer.counts)


def _size(folder: str) -> int:
    """Bytes of the database's files."""
    return sum(file.stat().st_size for file in Path(folder).iterdir())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between writes")
    parser.add_argument("--charts", action="store_true", help="draw charts all the while")
    chosen = parser.parse_args()
    asyncio.run(run(chosen.messages, chosen.interval, chosen.charts))
