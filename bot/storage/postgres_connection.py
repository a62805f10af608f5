"""The connection to PostgreSQL. Only imported where that is used: its driver is an extra."""

from __future__ import annotations

import asyncio

import asyncpg

ENDING_SECONDS = 0.15
"""What a server gets to take note that a connection ends. One that was stopped never does."""


class PromptConnection(asyncpg.Connection):  # type: ignore[misc]
    """Ends in time: the driver's own asks the server to cancel what it does, and waits for the answer."""

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Says good-bye, and hangs up when that is not heard."""
        async with asyncio.timeout(ENDING_SECONDS):
            await super().close(timeout=timeout)
