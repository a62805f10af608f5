"""A server with a past, as an admin has it read."""

from contextlib import contextmanager
from datetime import timedelta

from bot.domain.snowflake import SECONDS
from tests.bot.parts import monitoring_of

GOOD, BAD = "what a wonderful day, I love it so much, amazing", "this is terrible, I hate it"
A_DAY = 24 * SECONDS


class Past:
    """A server whose people have talked for days before anybody watched."""

    def __init__(self, home, away):
        self.home, self.away, self.watch = home, away, monitoring_of(home.bot)
        self.people = [home.guild.add_member(home.env.create_user(f"person{number}")) for number in range(5)]
        self.watch.backfills.pace.seconds = 0
        home.env.settle_timeout = 60  # seconds: enabling a busy channel looks at hundreds of messages

    @contextmanager
    def days_ago(self, days):
        clock = self.home.env.backend.clock
        clock._epoch -= timedelta(days=days)
        yield
        clock._epoch += timedelta(days=days)

    def talk(self, days, *, channel=None, people=None, text=GOOD, times=1):
        """Each of them writes in one hour of then; the messages."""
        where = channel or self.home.general
        with self.days_ago(days):
            return [
                self.home.env.backend.create_message(where.id, person.id, f"{text} {number}", broadcast=False)
                for person in (people or self.people)
                for number in range(times)
            ]

    async def told(self):
        """The notice has stood for a day."""
        await self.home.watch()
        await self.away.pass_by(A_DAY + 60)

    async def work(self, runs=30):
        for _ in range(runs):
            await self.watch.backfills.work(self.away.clock.now)

    async def state(self):
        return (await self.watch.backfills.of(self.home.guild.id)).state

    async def rows(self, question):
        async with self.home.storage.database.read() as connection:
            return [tuple(row) for row in await connection.exec_driver_sql(question)]
