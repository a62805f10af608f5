"""When a message was written, read from its id."""

from __future__ import annotations

from math import ceil

DISCORD_EPOCH = 1_420_070_400_000
"""Milliseconds since the Unix epoch at which Discord's ids begin
(https://discord.com/developers/docs/reference#snowflakes)."""

SECONDS, MILLISECONDS = 3600, 3_600_000
"""In an hour."""


def hour_of(message_id: int) -> int:
    """Whole hours since the Unix epoch, UTC, at which Discord made this id; no clock of this machine is asked."""
    return ((message_id >> 22) + DISCORD_EPOCH) // MILLISECONDS


def first_id_at(instant: float) -> int:
    """The smallest id that can have been made at this instant, in seconds since the Unix epoch, or later."""
    return max(0, ceil(instant * 1000) - DISCORD_EPOCH) << 22


def written_at(message_id: int) -> float:
    """When Discord made this id, in seconds since the Unix epoch."""
    return ((message_id >> 22) + DISCORD_EPOCH) / 1000


def first_id_of(hour: int) -> int:
    """The smallest id that can belong to this hour; 0 for an hour before Discord was."""
    return max(0, hour * MILLISECONDS - DISCORD_EPOCH) << 22
