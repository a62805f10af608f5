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
def backoff(clock):
    return RefusalBackoff(clock)


def test_only_the_first_refusal_is_news(backoff, clock):
    assert backoff.refused(CHANNEL, Purpose.TAG)
    assert not backoff.is_open(CHANNEL, Purpose.TAG)
    clock.now = PAUSES[0]
    assert backoff.is_open(CHANNEL, Purpose.TAG)
    assert not backoff.refused(CHANNEL, Purpose.TAG)


def test_three_refusals_are_all_there_ever_are(backoff, clock):
    tries = 0
    for clock.now in range(0, 30 * 86_400, 60):
        if backoff.is_open(CHANNEL, Purpose.TAG):
            tries += 1
            backoff.refused(CHANNEL, Purpose.TAG)
    assert tries == 3


def test_what_works_again_is_as_new(backoff, clock):
    backoff.refused(CHANNEL, Purpose.TAG)
    clock.now = PAUSES[0]
    backoff.worked(CHANNEL, Purpose.TAG)
    assert backoff.refused(CHANNEL, Purpose.TAG)


def test_a_refusal_concerns_one_channel_and_one_purpose(backoff):
    backoff.refused(CHANNEL, Purpose.TAG)
    assert backoff.is_open(CHANNEL, Purpose.NOTICE)
    assert backoff.is_open(CHANNEL + 1, Purpose.TAG)
    assert backoff.closed(CHANNEL) == [Purpose.TAG]


def test_whoever_has_looked_opens_it_again(backoff):
    for _ in range(3):
        backoff.refused(CHANNEL, Purpose.TAG)
    backoff.reopen(CHANNEL)
    assert backoff.is_open(CHANNEL, Purpose.TAG)
    assert backoff.closed(CHANNEL) == []
