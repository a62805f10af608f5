"""How long a chart takes, and how large it is: `python -m tests.bench.chart`.

The chart of 90 days of a channel with 1,000,000 messages, from the question to the picture: hours read from SQLite, the
eight weeks before them learned from, and drawn. The last seven days' messages are in the file with their people, as
they would be. The first chart of a process imports matplotlib, too.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from bot.charts.drawing import draw
from bot.charts.summary import sentences
from bot.commands.mood.query import Asked, read_channel
from bot.domain.snowflake import first_id_of
from bot.storage.chunks import chunks
from bot.storage.database import Database
from bot.storage.mood_repository import MoodRepository
from bot.storage.publication import Publication
from bot.storage.schema import HourAuthorRow, HourRow, MessageScoreRow

GUILD, CHANNEL, DAYS, WEEKS_BEFORE, NAMED_DAYS, PEOPLE = 1, 2, 90, 8, 7, 400
ZONE = ZoneInfo("Europe/Berlin")


async def fill(database: Database, messages: int, now: float) -> None:
    """Writes so many messages, as hours, into the last 90 days, and as many an hour into the weeks before."""
    present, rng = int(now // 3600), random.Random(0)
    each = messages // (DAYS * 24)
    hours: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    scores: list[dict[str, Any]] = []
    for hour in range(present - DAYS * 24 - WEEKS_BEFORE * 168, present + 1):
        count = max(10, round(each * (1 + 0.8 * rng.uniform(-1, 1))))
        third, level = count // 3, rng.gauss(0.1, 0.08)
        row = {"channel_id": CHANNEL, "hour": hour, "guild_id": GUILD, "negative": third, "neutral": third}
        row |= {"positive": count - 2 * third, "score_sum": round(1000 * level * count)}
        people_then = min(PEOPLE, count)
        hours.append(row | {"score_square_sum": 400_000 * count, "authors": people_then, "writers": people_then})
        if hour <= present - NAMED_DAYS * 24:
            continue
        for number in range(count):
            author = (number % PEOPLE).to_bytes(16, "big")
            if number < PEOPLE:
                people.append({"channel_id": CHANNEL, "hour": hour, "author": author, "messages": 1})
            score: dict[str, Any] = {"message_id": first_id_of(hour) + number, "guild_id": GUILD, "channel_id": CHANNEL}
            score |= {"thread_id": None, "author": author, "hour": hour, "edited": 0, "score": 100}
            scores.append(score | {"sentiment": 1, "model": "0123456789ab"})
    async with database.write() as connection:
        for table, rows in ((HourRow, hours), (HourAuthorRow, people), (MessageScoreRow, scores)):
            for some in chunks(rows, 5000):
                await connection.execute(insert(table), some)
    await Publication(database).publish(now)


async def chart(moods: MoodRepository, now: float) -> bytes:
    """What `/mood channel since: 90 days` does, without Discord."""
    asked = Asked(GUILD, ZONE, int(now // 3600) - DAYS * 24 + 1, now)
    reading = await read_channel(moods, asked, CHANNEL)

    def picture() -> bytes:
        baseline = reading.learned(ZONE)
        sentences(reading.timeline, reading.hours, baseline, ZONE)
        return draw([reading.line("#general", baseline)], ZONE)

    return await asyncio.to_thread(picture)


async def run(messages: int, times: int) -> None:
    """Prints seconds and bytes of each chart."""
    with tempfile.TemporaryDirectory() as folder:
        database = await Database.open(Path(folder))
        now = time.time()
        await fill(database, messages, now)
        for number in range(times):
            start = time.perf_counter()
            png = await chart(MoodRepository(database), now)
            first = "  the first: matplotlib imported" if not number else ""
            print(f"{time.perf_counter() - start:8.2f} s   {len(png):9,} bytes{first}")
        await database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    chosen = parser.parse_args()
    asyncio.run(run(chosen.messages, chosen.times))
