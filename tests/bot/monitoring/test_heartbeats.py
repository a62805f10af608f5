"""A connection worked until its last heartbeat that was acknowledged was sent."""

from math import inf

import pytest

from bot.monitoring.heartbeats import Heartbeats


class Connections:
    def __init__(self):
        self.now, self.latencies = 1000.0, {0: inf, 1: inf}
        self.heartbeats = Heartbeats(self.latencies.items, lambda: self.now)

    async def run(self, seconds):
        """Looks every second for so long."""
        for _ in range(seconds):
            self.now += 1
            await self.heartbeats.look(0)


@pytest.fixture
def connections():
    return Connections()


async def test_before_the_first_nothing_is_known(connections):
    await connections.run(3)
    assert connections.heartbeats.worked_until(0) is None


async def test_each_connection_worked_until_its_own_last_one(connections):
    connections.latencies[0] = 0.1
    await connections.run(1)
    connections.latencies[1] = 0.25
    await connections.run(40)
    assert connections.heartbeats.worked_until(0) == pytest.approx(1000.9)
    assert connections.heartbeats.worked_until(1) == pytest.approx(1001.75)


async def test_an_acknowledgement_that_waited_while_the_process_stood_still_proves_nothing_of_that_time(connections):
    connections.latencies[0] = 0.1
    await connections.run(10)
    connections.now += 75
    connections.latencies[0] = 0.2
    await connections.run(1)
    assert connections.heartbeats.worked_until(0) <= 1010
    connections.latencies[0] = 0.3
    await connections.run(1)
    assert connections.heartbeats.worked_until(0) > 1085


async def test_one_that_was_sent_before_and_measured_after_a_standstill_counts_from_when_it_was_sent(connections):
    await connections.run(1)
    connections.now += 75
    connections.latencies[0] = 75.5  # the library says so itself
    await connections.run(1)
    assert connections.heartbeats.worked_until(0) <= 1001


async def test_a_new_connection_begins_anew(connections):
    connections.latencies[0] = 0.1
    await connections.run(1)
    connections.heartbeats.connected(0)
    await connections.run(5)
    assert connections.heartbeats.worked_until(0) is None
