"""`/mood`: the mood of channels, as a chart, in words and as a file."""

from __future__ import annotations

from bot.commands.mood.command import MoodCog
from bot.services import Feature, Services

__all__ = ["setup"]


def setup(services: Services) -> Feature:
    """The group of commands. It keeps nothing; an export is written down as what an admin did."""
    return Feature(name="/mood", cogs=(MoodCog(services.storage, services.charts),))
