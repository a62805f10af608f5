"""A session that is lost for a while, with a simulated Discord that tells its history by pages."""

import asyncio
from contextlib import asynccontextmanager

from bot.demo.history_pages import teach_pages
from tests.bot.parts import monitoring_of

teach_pages()


class Outage:
    """A session that is lost for a while, and how it is made good."""

    def __init__(self, home, clock):
        self.home, self.clock, self.watch = home, clock, monitoring_of(home.bot)
        self.watch.catch_up._pause = 0
        self.watch.catch_up._resumed = True

    @property
    def gaps(self):
        return self._gaps()

    async def _gaps(self):
        async with self.home.storage.database.read() as connection:
            rows = await connection.exec_driver_sql("SELECT guild_id, channel_id, cause FROM gaps ORDER BY number")
            return [tuple(row) for row in rows]

    async def pass_by(self, seconds):
        """Time goes on, here and at Discord."""
        await self.home.env.advance_time(seconds)
        self.clock.now = self.home.env.backend.clock.now().timestamp()
        self.clock.ran += seconds

    @asynccontextmanager
    async def __call__(self, seconds=600):
        """The bot is away for the block, in the middle of so many seconds."""
        await self.home.storage.write_buffer.flush()
        await self.pass_by(5)
        await self.home.bot.shards[0].disconnect()
        await events_handled()
        await self.pass_by(seconds / 2)
        yield
        await self.pass_by(seconds / 2)
        await self.home.bot.shards[0].reconnect()
        await self.home.env.advance_time(5)
        await events_handled()

    async def catch_up(self):
        await self.watch.catch_up.work(self.clock.now)
        assert self.watch.catch_up.waiting == 0


async def events_handled():
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name().startswith("discord.py: ")))
