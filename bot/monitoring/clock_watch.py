"""A clock of this machine that is off by minutes: whoever runs the bot is told, once."""

from __future__ import annotations

import logging

from bot.domain.discord_clock import DiscordClock
from bot.i18n import gettext, speaking
from bot.i18n.languages import ENGLISH
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
            with speaking(ENGLISH):  # as all of the log is
                _log.warning("%s I go by Discord's until it is set right.", clock_in_words(off))
        elif not off and self._wrong:
            _log.info("this machine's clock is right again")
        self._wrong = bool(off)


def clock_in_words(off: float) -> str:
    """What is wrong with a clock that is so many seconds ahead of Discord's, or behind if negative."""
    apart = span(round(abs(off)))
    if off > 0:
        return gettext("The clock of the machine I run on is {apart} ahead of Discord's.", apart=apart)
    return gettext("The clock of the machine I run on is {apart} behind Discord's.", apart=apart)
