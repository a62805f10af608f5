"""Work that ends when the process is told to end, however long it would take."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

_T = TypeVar("_T")

GRACE_SECONDS = 1.0
"""What work gets to end by itself once it is cancelled."""


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, _T], grace: float = GRACE_SECONDS) -> _T | None:
    """The result of `work`, or None when `stop` came first and `work` was cancelled, with `grace` seconds to end."""
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
    if task.done():
        return task.result()
    task.cancel()
    with suppress(asyncio.CancelledError, TimeoutError):
        async with asyncio.timeout(grace):
            await task
    return None
