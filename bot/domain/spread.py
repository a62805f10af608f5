"""Servers spread evenly over a span of time, so that what is done for each of them is not done for all at once."""

from __future__ import annotations

_MIX, _ALL = 0x9E3779B97F4A7C15, 1 << 64
"""Of Fibonacci hashing: ids that follow each other come far apart."""


def place_in(guild_id: int, seconds: float) -> float:
    """When within so many seconds a server has its turn: always the same, from 0 and below `seconds`."""
    return ((guild_id >> 22) * _MIX % _ALL) / _ALL * seconds


def next_turn(guild_id: int, now: float, seconds: float) -> float:
    """The first instant after `now` at which a server has its turn, which it has every so many seconds."""
    place = place_in(guild_id, seconds)
    return ((now - place) // seconds + 1) * seconds + place
