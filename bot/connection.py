"""What features ask of the connection to Discord; the client is one, and no feature knows more of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import discord

from bot.link.traffic import Traffic


class Connection(Protocol):
    """The members of discord.py's client that features need."""

    @property
    def user(self) -> discord.ClientUser | None:
        """The bot itself, None before it has logged in."""

    @property
    def guilds(self) -> Sequence[discord.Guild]:
        """The servers that it is in."""

    @property
    def traffic(self) -> Traffic:
        """What is asked of Discord."""

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
