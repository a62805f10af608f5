"""How answers to interactions get to Discord when the way there is broken: each arrives once, or its sender hears why.

The library sends again what a proxy of Discord's has failed on, although the first may have arrived. Then an
acknowledgement is heard to be there already (40060), which is what was wanted; and a message would be there twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import aiohttp
import discord
from discord.http import MultipartParameters
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

ALREADY_ACKNOWLEDGED = 40060

ACKNOWLEDGING_SECONDS = 2.5
"""How long an acknowledgement over a broken connection is tried again: Discord wants it within three seconds."""

EDITING_SECONDS = 20.0
"""The same for an edit, which may come within fifteen minutes, but somebody waits."""

_PAUSE = 0.25
_BROKEN = (aiohttp.ClientError, OSError)
_NEVER_ARRIVED = 503
"""Of the failures of Discord's servers the one that says that nothing was done."""


def use_answer_adapter() -> None:
    """From now on this adapter sends the answers of all clients that the running task, and what it starts, connects."""
    async_context.set(AnswerAdapter())


class _Unsure:
    """In the place of a session: notes whether a request may have arrived although its sender heard otherwise."""

    def __init__(self, session: aiohttp.ClientSession, *, once: bool = False) -> None:
        """`once`: a request that may have arrived fails at once, so that nobody sends it again."""
        self._session = session
        self._once = once
        self.unsure = False

    @asynccontextmanager
    async def request(self, *args: Any, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._session.request(*args, **options) as response:
                if response.status >= 500 and response.status != _NEVER_ARRIVED:
                    self.unsure = True
                    if self._once:
                        raise discord.DiscordServerError(response, None)
                yield response
        except aiohttp.ClientConnectorError:
            raise
        except _BROKEN:
            self.unsure = True
            raise


class AnswerAdapter(AsyncWebhookAdapter):
    """The library's own, but for what it does not know of answers."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def create_interaction_response(
        self,
        interaction_id: int,
        token: str,
        *,
        session: aiohttp.ClientSession,
        params: MultipartParameters,
        **way: Any,
    ) -> Any:
        """An acknowledgement that is there already because an earlier try arrived is one."""
        noting = _Unsure(session)

        async def answer() -> Any:
            for file in params.files or ():
                file.reset(seek=True)
            try:
                return await super(AnswerAdapter, self).create_interaction_response(
                    interaction_id, token, session=cast(aiohttp.ClientSession, noting), params=params, **way
                )
            except discord.HTTPException as error:
                if error.code != ALREADY_ACKNOWLEDGED or not noting.unsure:
                    raise
                _log.info("an answer has arrived although Discord said otherwise at first (%s)", error.code)
                return {"interaction": {"id": interaction_id}}

        return _again(answer, ACKNOWLEDGING_SECONDS)

    def edit_original_interaction_response(self, application_id: int, token: str, **what: Any) -> Any:
        """An edit that is made twice is made once, so a connection that breaks costs nothing but time."""

        async def edit() -> Any:
            for file in what.get("files") or ():
                file.reset(seek=True)
            return await super(AnswerAdapter, self).edit_original_interaction_response(application_id, token, **what)

        return _again(edit, EDITING_SECONDS)

    def execute_webhook(self, webhook_id: int, token: str, *, session: aiohttp.ClientSession, **what: Any) -> Any:
        """What follows an answer is sent again only where it cannot have arrived: people do not get it twice."""
        once = cast(aiohttp.ClientSession, _Unsure(session, once=True))

        async def follow() -> Any:
            return await super(AnswerAdapter, self).execute_webhook(webhook_id, token, session=once, **what)

        return _again(follow, EDITING_SECONDS, (aiohttp.ClientConnectorError,))


async def _again(
    asking: Callable[[], Awaitable[_T]], seconds: float, kinds: tuple[type[Exception], ...] = _BROKEN
) -> _T:
    """The result of `asking`, which is asked again for so many seconds while the connection breaks in those ways."""
    end, pause = time.monotonic() + seconds, _PAUSE
    while True:
        try:
            return await asking()
        except kinds as error:
            if time.monotonic() + pause > end:
                raise
            _log.info("an answer did not get through (%s) and is sent again", type(error).__name__)
        await asyncio.sleep(pause)
        pause *= 2
