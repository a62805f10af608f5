"""A channel of which more was lost than read was not quiet."""

import pytest

from bot.domain.records import Absence, GapCause
from bot.monitoring.overload import FEWEST, WINDOW_SECONDS
from model.errors import Overloaded
from tests.bot.parts import MovedClock, monitoring_of

GOOD, BAD = "what a wonderful day, I love it so much, amazing", "this is terrible, I hate it"


@pytest.fixture
def clock(home, storage):
    moved = MovedClock(storage)
    moved.now = home.env.backend.clock.now().timestamp()
    return moved


async def window_over(home, clock):
    clock.go_on(WINDOW_SECONDS)
    await home.env.advance_time(WINDOW_SECONDS)
    await monitoring_of(home.bot).overload.look(clock.now)


async def say(home, text, times):
    for _ in range(times):
        await home.alice.send(home.general, text)


@pytest.mark.parametrize(
    ("lost", "read", "blind"), [(FEWEST, 0, True), (FEWEST, FEWEST - 1, True), (FEWEST, FEWEST, False), (4, 0, False)]
)
async def test_more_lost_than_read_and_not_only_a_few_is_a_gap(home, clock, answers, lost, read, blind):
    answers[BAD] = Overloaded(1)
    await home.watch()
    await window_over(home, clock)
    await say(home, BAD, lost)
    await say(home, GOOD, read)
    await window_over(home, clock)
    absence = Absence(GapCause.OVERLOAD, home.guild.id, home.general.id)
    assert monitoring_of(home.bot).downtime.knows(absence) is blind


async def test_it_ends_with_the_first_window_in_which_enough_is_read(home, clock, answers, storage):
    answers[BAD] = Overloaded(1)
    await home.watch()
    await window_over(home, clock)
    for _ in range(2):
        await say(home, BAD, FEWEST)
        await window_over(home, clock)
    await say(home, GOOD, 1)
    await window_over(home, clock)
    async with storage.database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT channel_id, cause, ended - started FROM gaps")
        ((channel, cause, seconds),) = [tuple(row) for row in rows]
    assert (channel, cause) == (home.general.id, "overload")
    assert seconds == pytest.approx(3 * WINDOW_SECONDS, abs=2)
