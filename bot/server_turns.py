"""A job's turns at the servers: several at once, each by itself, so that one which waits or fails holds up no other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from bot.background_jobs import in_turn
from bot.charts.executor import TooBusy
from bot.mod_channel import PASSING
from bot.storage.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

AT_ONCE = 4
"""Servers that a job is busy with at the same time. Two jobs learn in one thread, which takes eight pieces of work."""


class ServerTurns:
    """Where a job called `name` has got to among the servers; a run that is broken off goes on behind them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._reached = 0

    async def take(self, guild_ids: Iterable[int], turn: Callable[[int], Awaitable[None]]) -> None:
        """Has every server's turn taken; each limits its own time.

        What passes by itself ends that server's turn only: it comes again at the next run. Anything else that goes
        wrong is raised when the others have had theirs, but without a database no further turn is begun.
        """
        waiting = iter(in_turn(((guild_id, None) for guild_id in guild_ids), self._reached))
        failures: list[Exception] = []

        async def work() -> None:
            for guild_id, _ in waiting:
                self._reached = guild_id
                try:
                    await turn(guild_id)
                except (*PASSING, TooBusy) as error:
                    _log.warning("%s of server %d: put off (%s)", self._name, guild_id, type(error).__name__)
                except DatabaseUnavailable as error:
                    failures.insert(0, error)
                except Exception as error:
                    failures.append(error)
                if any(isinstance(error, DatabaseUnavailable) for error in failures):
                    return

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        if failures:
            raise failures[0]
