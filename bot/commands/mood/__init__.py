"""`/mood`: the mood of channels, as a chart, in words and as a file."""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo

from bot.charts.drawing import import_library
from bot.commands.mood.command import MoodCog
from bot.commands.mood.time_range import read_since
from bot.services import Feature, Services

__all__ = ["setup"]


def setup(services: Services) -> Feature:
    """The group of commands. It keeps nothing; an export is written down as what an admin did."""
    return Feature(name="/mood", cogs=(MoodCog(services.storage, services.charts),), warm=_warm)


def _warm() -> None:
    """What draws takes half a second to load, and what reads times a third of one."""
    import_library()
    read_since("last tuesday", ZoneInfo("UTC"), time.time())
