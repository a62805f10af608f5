"""Writes until it is killed: messages, edits, and deletions of even numbers. Each line is a message that is safe."""

import asyncio
import random
import sys
import time
from pathlib import Path

from bot.storage.database import Database
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import message_id, say

SCORES = (-1.0, 0.0, 0.5, None)


async def main(folder, first):
    database = await Database.open(Path(folder))
    hour = int(time.time() // 3600)
    buffer = WriteBuffer(database)
    number = first
    while True:
        for _ in range(300):
            say(buffer, number, number % 9, random.choice(SCORES), hour=hour, channel=101 + number % 2)
            number += 1
        for _ in range(50):
            say(buffer, random.randrange(number), 1, random.choice(SCORES), hour=hour, edited=number)
        await buffer.flush()
        print(message_id(number - 1, hour), flush=True)
        buffer.deleted(message_id(random.randrange(0, number, 2), hour) for _ in range(30))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
