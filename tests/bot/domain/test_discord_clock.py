from itertools import pairwise

import pytest

from bot.domain.discord_clock import OFF_SECONDS, DiscordClock, steady_seconds

NOW = 1_800_000_000.0


class Machine:
    """Its clock, which somebody sets, and how long it has been running."""

    def __init__(self):
        self.clock, self.ran = NOW, 0.0
        self.discord = DiscordClock(lambda: self.clock, lambda: self.ran)

    def go_on(self, seconds):
        self.clock += seconds
        self.ran += seconds


@pytest.fixture
def machine():
    return Machine()


def test_before_discord_has_told_its_time_the_machines_counts(machine):
    assert (machine.discord.now(), machine.discord.off, machine.discord.is_told) == (NOW, 0.0, False)


@pytest.mark.parametrize("off", [-OFF_SECONDS, -2.0, 0.0, 2.0, OFF_SECONDS])
def test_within_a_minute_the_machines_clock_counts(machine, off):
    machine.discord.heard(NOW - off)
    assert (machine.discord.now(), machine.discord.off) == (NOW, 0.0)


@pytest.mark.parametrize("off", [-7200.0, -61.0, 61.0, 7200.0, 8 * 86400.0])
def test_a_clock_that_is_off_is_not_gone_by(machine, off):
    machine.discord.heard(NOW - off)
    assert (machine.discord.now(), machine.discord.off) == (NOW - off, off)
    machine.go_on(600)
    assert machine.discord.now() == NOW - off + 600


def test_a_clock_that_jumps_later_is_noticed_without_another_answer(machine):
    machine.discord.heard(NOW)
    machine.go_on(50)
    machine.clock += 3 * 3600
    assert (machine.discord.now(), machine.discord.off) == (NOW + 50, 3 * 3600)
    machine.clock -= 3 * 3600
    assert (machine.discord.now(), machine.discord.off) == (NOW + 50, 0.0)


def test_an_answer_that_took_long_tells_nothing(machine):
    asked = machine.discord.steady()
    machine.go_on(600)  # the machine slept
    machine.discord.heard(NOW, asked)
    assert not machine.discord.is_told


def test_an_instant_of_before_is_told_by_durations(machine):
    before = machine.discord.steady()
    machine.go_on(75)
    machine.clock += 7200
    assert machine.discord.at(before) == machine.discord.now() - 75


def test_steady_seconds_do_not_go_back():
    seconds = [steady_seconds() for _ in range(100)]
    assert all(earlier <= later for earlier, later in pairwise(seconds))
