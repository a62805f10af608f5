"""Where something was refused it is tried three times in all, further and further apart."""

import pytest

from bot.refusal_backoff import PAUSES, Purpose, RefusalBackoff

CHANNEL = 7


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def outlets(clock):
    return RefusalBackoff(clock)


def test_only_the_first_refusal_is_news(outlets, clock):
    assert outlets.refused(CHANNEL, Purpose.TAG)
    assert not outlets.is_open(CHANNEL, Purpose.TAG)
    clock.now = PAUSES[0]
    assert outlets.is_open(CHANNEL, Purpose.TAG)
    assert not outlets.refused(CHANNEL, Purpose.TAG)


def test_three_refusals_are_all_there_ever_are(outlets, clock):
    tries = 0
    for clock.now in range(0, 30 * 86_400, 60):
        if outlets.is_open(CHANNEL, Purpose.TAG):
            tries += 1
            outlets.refused(CHANNEL, Purpose.TAG)
    assert tries == 3


def test_what_works_again_is_as_new(outlets, clock):
    outlets.refused(CHANNEL, Purpose.TAG)
    clock.now = PAUSES[0]
    outlets.worked(CHANNEL, Purpose.TAG)
    assert outlets.refused(CHANNEL, Purpose.TAG)


def test_a_refusal_concerns_one_channel_and_one_purpose(outlets):
    outlets.refused(CHANNEL, Purpose.TAG)
    assert outlets.is_open(CHANNEL, Purpose.NOTICE)
    assert outlets.is_open(CHANNEL + 1, Purpose.TAG)
    assert outlets.closed(CHANNEL) == [Purpose.TAG]


def test_whoever_has_looked_opens_it_again(outlets):
    for _ in range(3):
        outlets.refused(CHANNEL, Purpose.TAG)
    outlets.reopen(CHANNEL)
    assert outlets.is_open(CHANNEL, Purpose.TAG)
    assert outlets.closed(CHANNEL) == []
