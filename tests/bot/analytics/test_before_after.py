"""What changed at an event: how often the interval holds what is true, and when nothing is said."""

import random
from zoneinfo import ZoneInfo

import pytest

from bot.analytics.baseline import learn
from bot.analytics.before_after import FEWEST_BLOCKS, LONGEST, before_and_after
from bot.domain.records import HourMood

EVENT = 490_000 * 3600


def hour(number, mean, messages=40, spread=0.4):
    """An hour as it is told, with that mean and a standard deviation of its scores."""
    total = round(mean * 1000) * messages
    squares = round(messages * (spread * 1000) ** 2 + total**2 / messages)
    return HourMood(number, 0, messages, 0, total, squares, 10)


def week(rng, first, count, level, own=0.08, shared=0.1):
    """Hours that have something in common with their neighbours, as a channel's have."""
    found = []
    for number in range(first, first + count):
        if number == first or number % 6 == 0:
            mood = rng.gauss(0, shared)
        found.append(hour(number, level + mood + rng.gauss(0, own)))
    return found


@pytest.mark.parametrize("change", [0.0, -0.2])
def test_of_a_hundred_intervals_about_ninety_five_hold_what_is_true(change):
    rng, held, clear = random.Random(7), 0, 0
    tries = 300
    for _ in range(tries):
        before = week(rng, 490_000 - 72, 72, 0.1)
        after = week(rng, 490_000, 72, 0.1 + change)
        found = before_and_after(EVENT, before + after, None, EVENT + 72 * 3600)
        held += found.low <= change <= found.high
        clear += found.is_clear
    assert 0.92 <= held / tries <= 0.99
    assert clear / tries > 0.9 if change else clear / tries < 0.08


def test_what_is_usual_at_that_hour_of_the_week_is_no_change():
    """Nights are bad here, and the event was at the beginning of one."""
    rng = random.Random(3)

    def rhythm(number):
        return -0.4 if number % 24 < 12 else 0.3

    event = 490_000 // 24 * 24
    past = [hour(number, rhythm(number) + rng.gauss(0, 0.05)) for number in range(event - 900, event - 48)]
    hours = [hour(number, rhythm(number) + rng.gauss(0, 0.05)) for number in range(event - 48, event + 36)]
    now = (event + 36) * 3600  # two nights and a day, after two days and a night
    blind = before_and_after(event * 3600, hours, None, now)
    known = before_and_after(event * 3600, hours, learn(past, ZoneInfo("UTC")), now)
    assert blind.by < -0.2
    assert abs(known.by) < 0.05
    assert not known.is_clear


def test_too_little_on_one_side_is_not_compared():
    before = [hour(490_000 - back, 0.1) for back in range(1, 60)]
    for count in (0, 1, 6 * (FEWEST_BLOCKS - 2) + 1):
        after = [hour(490_000 + number, 0.1) for number in range(count)]
        assert before_and_after(EVENT, before + after, None, EVENT + count * 3600) is None


def test_the_hour_in_which_it_happened_is_on_neither_side_and_both_are_as_long():
    rng = random.Random(5)
    hours = week(rng, 490_000 - LONGEST * 2, LONGEST * 2, 0.1) + week(rng, 490_001, 60, 0.1)
    usual = before_and_after(EVENT + 1800, hours, None, EVENT + 61 * 3600)
    spoilt = [hour(490_000, -1.0, messages=100_000), hour(490_000 - 61, -1.0, messages=100_000)]
    assert before_and_after(EVENT + 1800, hours + spoilt, None, EVENT + 61 * 3600) == usual


def test_an_interval_is_never_narrower_than_what_the_hours_leave_open():
    """Hours that agree by chance, each with the noise that few people bring."""
    hours = [hour(490_000 + number, 0.1, messages=5, spread=0.9) for number in range(-48, 48)]
    found = before_and_after(EVENT, hours, None, EVENT + 48 * 3600)
    assert found.by == pytest.approx(0.0)
    assert found.high - found.low > 0.1
