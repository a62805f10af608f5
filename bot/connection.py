"""What features ask of the connection to Discord; the client is one, and no feature knows more of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

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


class Connection(Protocol):
    """The members of discord.py's client that features need."""

    @property
    def user(self) -> discord.ClientUser | None:
        """The bot itself, None before it has logged in."""

    @property
    def guilds(self) -> Sequence[discord.Guild]:
        """The servers that it is in."""

    @property
    def shard_count(self) -> int | None:
        """Over how many connections its servers are spread."""

    @property
    def application_id(self) -> int | None:
        """The application that its token belongs to, None before it has logged in."""

    async def fetch_guild(self, guild_id: int, /, *, with_counts: bool = True) -> discord.Guild:
        """A server that it is in, asked for."""

    async def fetch_channel(
        self, channel_id: int, /
    ) -> discord.abc.GuildChannel | discord.abc.PrivateChannel | discord.Thread:
        """A channel or thread that it can see, asked for."""

    @property
    def latencies(self) -> Sequence[tuple[int, float]]:
        """Of each connection its shard and how long its last heartbeat took, in seconds; infinite before the first."""

    def is_ready(self) -> bool:
        """Whether all servers are known."""

    def get_guild(self, guild_id: int, /) -> discord.Guild | None:
        """A server that it is in."""

    def get_partial_messageable(self, channel_id: int, /, *, guild_id: int | None = None) -> discord.PartialMessageable:
        """A channel to write to, known or not."""

    async def create_dm(self, user: discord.abc.Snowflake, /) -> discord.DMChannel:
        """The direct messages with somebody."""

    async def is_owner(self, user: discord.User | discord.Member, /) -> bool:
        """Whether somebody runs this bot."""
