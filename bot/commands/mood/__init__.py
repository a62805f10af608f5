"""`/mood`: the mood of channels, as a chart, in words and as a file."""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo

from bot.charts.drawing import import_library
from bot.commands.mood.command import MoodCog
from bot.commands.mood.time_range import read_since
from bot.services import Feature, Services
from bot.storage.schema import MarkRow
from bot.ui.happened_button import HappenedButton

__all__ = ["setup"]


def setup(services: Services) -> Feature:
    """The group of commands. It keeps marks; an export, and a look at links, are written down."""
    return Feature(
        name="/mood",
        cogs=(MoodCog(services.storage, services.charts),),
        buttons=(HappenedButton,),
        warm=_warm,
        impersonal={MarkRow: "events on a server's charts, and what a moderator has called them; not who"},
    )


def _warm() -> None:
    """What draws takes half a second to load, and what reads times a third of one."""
    import_library()
    read_since("last tuesday", ZoneInfo("UTC"), time.time())
