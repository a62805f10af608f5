"""When the servers have arrived, they are taken out of the search for garbage, while nobody says anything.

What is frozen is freed like anything else, but for what refers to itself: that would stay for good. So no message and
no interaction may be alive then, for both hold words; and what a session before has left is looked through first.
"""

from __future__ import annotations

import asyncio
import gc
import logging

import discord

from bot.app.process_tuning import freeze_what_is_loaded, thaw
from bot.domain.recent_texts import RecentText

_log = logging.getLogger(__name__)

TRY_SECONDS, LATER_SECONDS = 1.0, 30.0
"""How often it is looked whether anything is being dealt with, and how long after something was found all the same."""

_BUSY = ("discord.py: ", "discord-ui-", "CommandTree-invoker")
"""What tasks are called in which the library deals with events, buttons and commands."""

_WITH_WORDS = (
    discord.Message,
    discord.MessageSnapshot,
    discord.Interaction,
    discord.RawMessageUpdateEvent,
    discord.RawMessageDeleteEvent,
    discord.RawBulkMessageDeleteEvent,
    RecentText,
)


class Freezing:
    """Freezes once for each time that the servers have arrived."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._has_servers = False

    def arrived(self) -> None:
        """All servers are there, perhaps again: those of a session before may go."""
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._freeze(), name="freezing")

    def stop(self) -> None:
        """The client ends. What it had is garbage then, and is looked through again."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._thaw()

    async def _freeze(self) -> None:
        while True:
            await asyncio.sleep(TRY_SECONDS)
            if _is_busy():
                continue
            self._thaw()
            if freeze_unless_words():
                self._has_servers = True
                _log.debug("%d objects are not looked through any more", gc.get_freeze_count())
                return
            await asyncio.sleep(LATER_SECONDS)

    def _thaw(self) -> None:
        if self._has_servers:  # else only what was there at the start is frozen, which stays
            self._has_servers = False
            thaw()


def _is_busy() -> bool:
    return any(task.get_name().startswith(_BUSY) for task in asyncio.all_tasks())


def freeze_unless_words() -> bool:
    """Freezes what is alive, unless anything that holds somebody's words is; whether it did.

    It looks through everything, which holds the loop for some tenths of a second with thousands of servers: as long as
    one of the collections that it saves.
    """
    gc.collect()
    # by its type: `isinstance` asks the object too, and what loads lazily then warns, raises or loads
    if any(issubclass(type(one), _WITH_WORDS) for one in gc.get_objects()):
        return False
    freeze_what_is_loaded()
    return True
