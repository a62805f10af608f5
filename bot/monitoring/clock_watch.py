"""A clock of this machine that is off by minutes: whoever runs the bot is told, once."""

from __future__ import annotations

import logging

from bot.domain.discord_clock import DiscordClock
from bot.presentation.text import span

_log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0


class ClockWatch:
    """Says in the log when the clock is wrong, and when it is right again."""

    def __init__(self, clock: DiscordClock) -> None:
        self._clock = clock
        self._wrong = False

    async def look(self, _now: float) -> None:
        """A job."""
        off = self._clock.off
        if off and not self._wrong:
            _log.warning("%s I go by Discord's until it is set right.", clock_in_words(off))
        elif not off and self._wrong:
            _log.info("this machine's clock is right again")
        self._wrong = bool(off)


def clock_in_words(off: float) -> str:
    """What is wrong with a clock that is so many seconds ahead of Discord's, or behind if negative."""
    return (
        f"The clock of the machine I run on is {span(round(abs(off)))} {'ahead of' if off > 0 else 'behind'} Discord's."
    )
