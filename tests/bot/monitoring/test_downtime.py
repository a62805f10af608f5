"""Times in which nothing was seen become gaps, each once."""

import pytest

from bot.monitoring.downtime import PORTION, SHORTEST_DOWNTIME, Downtime
from bot.storage.errors import DatabaseUnavailable

NOW = 1_800_000_000.0


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def downtime(storage, clock):
    return Downtime(storage.moods, clock)


@pytest.fixture
def gaps(storage):
    """Server, start and end of every gap, in seconds from NOW."""

    async def gaps():
        async with storage.database.read() as connection:
            rows = await connection.exec_driver_sql("SELECT guild_id, started, ended FROM gaps ORDER BY number")
            return [(guild, start - NOW, end - NOW) for guild, start, end in rows]

    return gaps


async def test_the_time_since_the_last_sign_of_life_is_a_gap_of_all_servers(downtime, gaps):
    await downtime.started(int(NOW) - 7200)
    assert await gaps() == [(None, -7200, 0)]


@pytest.mark.parametrize("last_alive", [None, int(NOW - SHORTEST_DOWNTIME + 1), int(NOW + 5000)])
async def test_a_first_start_a_quick_restart_and_a_clock_put_back_are_none(downtime, gaps, last_alive):
    await downtime.started(last_alive)
    assert await gaps() == []


async def test_a_session_that_is_lost_is_a_gap_of_its_servers_from_when_it_broke(downtime, gaps, clock):
    downtime.away(0, lambda: [11, 12])
    clock.now += 30
    downtime.away(0, lambda: [11, 12])  # it could not connect yet
    clock.now += 30
    await downtime.over(0)
    await downtime.over(0)
    assert await gaps() == [(11, 0, 60), (12, 0, 60)]


async def test_a_session_that_is_resumed_leaves_no_gap(downtime, gaps, clock):
    downtime.away(0)
    clock.now += 30
    downtime.caught_up(0)
    clock.now += 30
    await downtime.over(0)
    assert await gaps() == []


async def test_shards_are_away_each_for_itself(downtime, gaps, clock):
    downtime.away(0, lambda: [11])
    clock.now += 10
    downtime.away(1, lambda: [12])
    downtime.caught_up(0)
    clock.now += 10
    await downtime.over(1)
    assert await gaps() == [(12, 10, 20)]


async def test_a_long_absence_is_written_hour_by_hour_without_a_hole(downtime, gaps, clock):
    downtime.away("content")
    await downtime.note(NOW + PORTION - 1)
    assert await gaps() == []
    await downtime.note(NOW + PORTION)
    clock.now += PORTION + 60
    await downtime.close()
    assert await gaps() == [(None, 0, PORTION), (None, PORTION, PORTION + 60)]


async def test_a_clock_that_goes_backwards_meanwhile_makes_no_gap(downtime, gaps, clock):
    downtime.away(0)
    clock.now -= 50
    await downtime.over(0)
    assert await gaps() == []


async def test_a_gap_that_cannot_be_written_is_written_later_and_once(downtime, gaps, clock, storage, monkeypatch):
    async def fail(_gap):
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr(storage.moods, "add_gap", fail, raising=False)
        downtime.away(0)
        clock.now += 30
        await downtime.over(0)
        with pytest.raises(DatabaseUnavailable):
            await downtime.note(clock.now)
    await downtime.note(clock.now)
    await downtime.note(clock.now)
    assert await gaps() == [(None, 0, 30)]
