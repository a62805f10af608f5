"""How a request to Discord fails: refused in that place, or in passing."""

from __future__ import annotations

import aiohttp
import discord

REQUEST_FAILURES = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError)
"""Whatever the library raises when a request did not do what it was to do; timeouts are OSErrors."""

_ASK_AGAIN_STATUSES = {401, 408, 429}
"""A token, a timeout and a rate limit say nothing of the place."""

_ASK_AGAIN_CODES = {20016, 20022, 20028, 20029, 31002, 40004, 40006, 40062, 130000}
"""Rate limits of writing, and what Discord has switched off for the time being."""


def is_refusal(error: BaseException) -> bool:
    """Whether Discord itself has refused something in this place, so that the same again would be refused again.

    That is said with a status of 4xx and a code, such as 50001, 50013, 10003 or 10014. An answer without a code is not
    of the API, but of what stands before it.
    """
    if not isinstance(error, discord.HTTPException) or not 400 <= error.status < 500:
        return False
    return bool(error.code) and error.status not in _ASK_AGAIN_STATUSES and error.code not in _ASK_AGAIN_CODES


def kind_of_failure(error: BaseException) -> str:
    """What may be logged of a failure: a code of Discord's, a status, or the kind of error."""
    if isinstance(error, discord.HTTPException):
        return str(error.code or error.status)
    return type(error).__name__
