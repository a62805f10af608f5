"""Servers are spread evenly over a time, each always at the same place in it."""

from collections import Counter

import pytest

from bot.domain.spread import next_turn, place_in

SERVERS = [(10**12 + number) << 22 for number in range(6000)]


def test_of_servers_whose_ids_follow_each_other_every_minute_has_about_as_many():
    minutes = Counter(int(place_in(guild, 3600) // 60) for guild in SERVERS)
    assert sorted(minutes) == list(range(60))
    assert 80 <= min(minutes.values()) <= max(minutes.values()) <= 120


@pytest.mark.parametrize("now", [0.0, 1_764_000_000.0, 1_764_043_199.5])
def test_a_turn_comes_once_in_every_such_time(now):
    for guild in SERVERS[:50]:
        first = next_turn(guild, now, 86400)
        assert now < first <= now + 86400
        assert next_turn(guild, first, 86400) == first + 86400
        assert next_turn(guild, first - 1, 86400) == first
