"""When a server is left alone, and when it is asked again."""

import pytest

from model.serving.circuit_breaker import FAILURES, OPEN_SECONDS, PROBE_SECONDS, SLOW_SECONDS, CircuitBreaker


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(clock)


def test_so_many_failures_in_a_row_open_it_and_fewer_do_not(breaker):
    for _ in range(10):
        opened = [breaker.failed() for _ in range(FAILURES - 1)]
        assert not any(opened)
        assert breaker.failing
        breaker.passed(0.1)
    assert breaker.is_closed
    assert [breaker.failed() for _ in range(FAILURES)] == [False] * (FAILURES - 1) + [True]
    assert not breaker.is_closed


def test_it_is_left_alone_and_then_probed_once_a_second_until_one_passes(breaker, clock):
    breaker.open()
    assert not breaker.is_probe_due
    clock.now += OPEN_SECONDS
    assert breaker.is_probe_due
    breaker.probed(well=False)
    assert not breaker.is_probe_due
    clock.now += PROBE_SECONDS
    assert breaker.is_probe_due
    breaker.probed(well=True)
    assert breaker.is_closed
    assert not breaker.failing


def test_more_than_one_in_a_hundred_that_are_slow_open_it(breaker):
    assert not any(breaker.passed(0.1) for _ in range(300))
    assert not breaker.passed(SLOW_SECONDS + 0.1)
    assert not any(breaker.passed(0.1) for _ in range(99))
    assert not breaker.passed(SLOW_SECONDS + 0.1), "the one before is no longer among the last hundred"
    assert breaker.passed(SLOW_SECONDS + 0.1)


def test_answers_that_never_came_are_slow_ones(breaker):
    assert not breaker.failed(late=True)
    breaker.passed(0.1)
    assert breaker.failed(late=True)


def test_answers_that_nobody_waited_for_do_not_make_up_for_those_that_somebody_waits_for(breaker):
    for _ in range(FAILURES - 1):
        assert not breaker.failed()
        assert not breaker.passed(None)
        assert breaker.failing
    assert breaker.failed()


def test_answers_that_nobody_waited_for_are_not_among_the_last_hundred(breaker):
    assert not breaker.passed(SLOW_SECONDS + 0.1)
    assert not any(breaker.passed(None) for _ in range(300))
    assert breaker.passed(SLOW_SECONDS + 0.1)


def test_failures_that_nobody_waited_for_open_it_unless_anything_is_answered_between(breaker):
    for passed in (None, 0.1):
        assert not any(breaker.failed(waited=False) for _ in range(FAILURES - 1))
        breaker.passed(passed)
        assert not breaker.failing
    assert [breaker.failed(waited=False) for _ in range(FAILURES)] == [False] * (FAILURES - 1) + [True]


def test_what_comes_late_from_a_server_that_is_left_alone_changes_nothing(breaker, clock):
    breaker.open()
    assert not breaker.passed(0.1)
    assert not breaker.failed()
    assert not breaker.is_closed
    clock.now += OPEN_SECONDS
    assert breaker.is_probe_due
