"""What tests of catching up share."""

import pytest

from tests.bot.monitoring.outage import Outage
from tests.bot.monitoring.past import Past
from tests.bot.parts import MovedClock


@pytest.fixture
def clock(home, storage):
    moved = MovedClock(storage)
    moved.now = home.env.backend.clock.now().timestamp()
    return moved


@pytest.fixture
def away(home, clock):
    return Outage(home, clock)


@pytest.fixture
async def past(home, away):
    made = Past(home, away)
    await home.env.settle()
    return made
