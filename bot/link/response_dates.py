"""Discord says in each of its answers what time it is."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp

from bot.domain.discord_clock import steady_seconds


def dates_of_answers(heard: Callable[[float, float], None]) -> aiohttp.TraceConfig:
    """Has the library's HTTP client call `heard` with each answer's `Date` and when it was asked for.

    The first in seconds since the Unix epoch, the second in those of `steady_seconds`.
    """

    async def begin(_session: object, context: SimpleNamespace, _asked: object) -> None:
        context.asked = steady_seconds()

    async def end(_session: object, context: SimpleNamespace, answered: aiohttp.TraceRequestEndParams) -> None:
        try:
            told = parsedate_to_datetime(answered.response.headers["Date"]).timestamp()
        except (KeyError, ValueError):
            return
        heard(told, context.asked)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(begin)
    trace.on_request_end.append(end)
    return trace
