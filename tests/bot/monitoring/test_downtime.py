"""Times in which nothing was seen become gaps, each once, also if the process is killed meanwhile."""

from math import inf

import pytest

from bot.domain.discord_clock import DiscordClock
from bot.domain.records import Absence, GapCause
from bot.monitoring.downtime import LASTING, Downtime
from bot.storage.errors import DatabaseUnavailable

NOW = 1_800_000_000.0
LOST = Absence(GapCause.CONNECTION)
FIRST, SECOND = (Absence(GapCause.CONNECTION, shard=shard, shards=2) for shard in range(2))
HIDDEN = Absence(GapCause.HIDDEN, 11, 12)
CONTENT = Absence(GapCause.CONTENT)


class Clock(DiscordClock):
    """One that a test moves."""

    def __init__(self):
        self.local, self.ran = NOW, 0.0
        super().__init__(lambda: self.local, lambda: self.ran)

    def go_on(self, seconds):
        self.local += seconds
        self.ran += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def downtime(storage, clock):
    return Downtime(storage.gaps, clock)


@pytest.fixture
def gaps(storage):
    """What was not seen, start and end of every gap, in seconds from NOW; no end: it lasts."""

    async def gaps():
        async with storage.database.read() as connection:
            rows = await connection.exec_driver_sql(
                "SELECT cause, guild_id, channel_id, shard, shards, started, ended FROM gaps ORDER BY number"
            )
            return [
                (Absence(*absence), started - NOW, None if ended is None else ended - NOW)
                for *absence, started, ended in rows
            ]

    return gaps


async def after_a_kill(storage, clock, last_alive):
    """The next process, as it knows what the last one left."""
    again = Downtime(storage.gaps, clock)
    await again.load()
    await again.started(last_alive)
    return again


async def test_a_session_that_is_lost_is_a_gap_from_when_it_broke(downtime, gaps, clock):
    assert downtime.away(FIRST)
    clock.go_on(30)
    assert not downtime.away(FIRST)  # it could not connect yet
    clock.go_on(30)
    missed = await downtime.over(FIRST)
    assert await downtime.over(FIRST) is None
    assert await gaps() == [(FIRST, 0, 60)]
    assert (missed.absence, missed.started, missed.ended) == (FIRST, NOW, NOW + 60)


async def test_what_is_noticed_late_began_when_it_began(downtime, gaps, clock):
    clock.go_on(100)
    downtime.away(LOST, clock.steady() - 75)
    clock.go_on(5)
    await downtime.over(LOST)
    assert await gaps() == [(LOST, 25, 105)]


async def test_a_session_that_is_resumed_leaves_no_gap_however_long_it_took(downtime, gaps, clock):
    downtime.away(LOST)
    clock.go_on(LASTING + 30)
    await downtime.note(clock.now())
    assert await gaps() == [(LOST, 0, None)]
    downtime.caught_up(LOST)
    await downtime.note(clock.now())
    assert await downtime.over(LOST) is None
    assert await gaps() == []


async def test_what_is_shorter_than_it_must_be_is_no_gap_but_was_missed(downtime, gaps, clock):
    downtime.away(LOST, shortest=120)
    clock.go_on(90)
    await downtime.note(clock.now())
    missed = await downtime.over(LOST)
    assert (missed.number, missed.ended - missed.started) == (None, 90)
    assert await gaps() == []


async def test_shards_are_away_each_for_itself(downtime, gaps, clock):
    downtime.away(FIRST)
    clock.go_on(10)
    downtime.away(SECOND)
    downtime.caught_up(FIRST)
    clock.go_on(10)
    await downtime.over(SECOND)
    assert await gaps() == [(SECOND, 10, 20)]


@pytest.mark.parametrize("jump", [7200, -7200, 8 * 86400])
async def test_a_clock_that_jumps_meanwhile_makes_no_gap_longer_or_shorter(downtime, gaps, clock, jump):
    downtime.away(LOST)
    clock.go_on(30)
    clock.local += jump
    await downtime.over(LOST)
    ((_, started, ended),) = await gaps()
    assert ended - started == 30


async def test_a_clock_that_is_off_does_not_put_a_gap_into_another_hour(downtime, gaps, clock):
    clock.heard(NOW)
    clock.local += 2 * 3600
    downtime.away(LOST)
    clock.go_on(30)
    await downtime.over(LOST)
    assert await gaps() == [(LOST, 0, 30)]


async def test_a_process_that_is_killed_leaves_what_had_lasted_until_its_last_sign_of_life(
    storage, downtime, gaps, clock
):
    downtime.away(FIRST)
    clock.go_on(LASTING)
    await downtime.note(clock.now())
    await downtime.note(clock.now())
    assert await gaps() == [(FIRST, 0, None)]
    clock.go_on(3600)
    again = await after_a_kill(storage, clock, int(NOW) + 3000)
    await again.note(clock.now())
    assert await gaps() == [(FIRST, 0, 3000)]


async def test_what_is_hidden_over_a_restart_is_one_gap_and_no_news(storage, downtime, gaps, clock):
    assert downtime.away(HIDDEN)
    await downtime.close()
    clock.go_on(600)
    again = await after_a_kill(storage, clock, int(NOW) + 10)
    assert again.left(HIDDEN)
    assert not again.away(HIDDEN)
    again.settled(HIDDEN.guild_id, int(NOW) + 10)
    clock.go_on(60)
    await again.over(HIDDEN)
    assert await gaps() == [(HIDDEN, 0, 660)]


async def test_what_is_not_hidden_any_more_after_a_restart_was_so_until_the_last_sign_of_life(
    storage, downtime, gaps, clock
):
    downtime.away(HIDDEN)
    downtime.away(CONTENT)
    await downtime.close()
    clock.go_on(600)
    again = await after_a_kill(storage, clock, int(NOW) + 10)
    again.settled(None, int(NOW) + 10)
    again.settled(HIDDEN.guild_id, int(NOW) + 20)
    await again.note(clock.now())
    assert await gaps() == [(HIDDEN, 0, 20), (CONTENT, 0, 10)]


async def test_the_end_of_the_process_ends_what_is_about_the_connection(downtime, gaps, clock):
    downtime.away(LOST)
    clock.go_on(60)
    await downtime.close()
    assert await gaps() == [(LOST, 0, 60)]


async def test_a_server_that_is_gone_leaves_nothing_away(storage, downtime, gaps, clock):
    downtime.away(HIDDEN)
    downtime.away(Absence(GapCause.HIDDEN, 11, 13))
    downtime.forget(11, 12)
    assert not downtime.knows(HIDDEN)
    downtime.forget(11)
    clock.go_on(600)
    await downtime.note(clock.now())
    assert await gaps() == []


async def test_it_says_what_of_a_server_is_away(downtime, clock):
    downtime.away(SECOND)
    downtime.away(HIDDEN)
    downtime.away(Absence(GapCause.OFF), shortest=120)
    odd, even = (1 << 22), (2 << 22)
    assert list(downtime.lasting(11)) == [(HIDDEN, NOW)]
    assert list(downtime.lasting(odd)) == [(SECOND, NOW)]
    assert list(downtime.lasting(even)) == []


async def test_a_gap_that_cannot_be_written_is_written_later_and_once(downtime, gaps, clock, storage, monkeypatch):
    async def fail(*_):
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr(storage.gaps, "add", fail, raising=False)
        downtime.away(LOST)
        clock.go_on(30)
        await downtime.over(LOST)
        with pytest.raises(DatabaseUnavailable):
            await downtime.note(clock.now())
    await downtime.note(clock.now())
    await downtime.note(clock.now())
    assert await gaps() == [(LOST, 0, 30)]


async def test_until_it_is_in_the_database_it_is_known_since_when_something_is_unseen(downtime, clock, monkeypatch):
    assert downtime.unwritten_since() == inf
    clock.go_on(10)
    downtime.away(LOST)
    clock.go_on(30)
    downtime.away(HIDDEN)
    assert downtime.unwritten_since() == NOW + 10
    clock.go_on(LASTING)
    await downtime.note(clock.now())
    assert downtime.unwritten_since() == inf
    downtime.away(FIRST)
    clock.go_on(5)

    async def stands_still(*_):
        raise DatabaseUnavailable("it doesn't answer")

    with monkeypatch.context() as patch:
        patch.setattr(downtime._gaps, "add", stands_still)
        await downtime.over(FIRST)
    assert downtime.unwritten_since() == NOW + 40 + LASTING
    await downtime.write()
    assert downtime.unwritten_since() == inf
