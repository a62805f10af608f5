"""The people of a server, as far as history is concerned: whoever has left could not read the notice."""

from __future__ import annotations

from collections.abc import Callable

import discord

from bot.monitoring.backfill.pace import Pace

BELIEVED_SECONDS, BELIEVED_HERE_SECONDS = 600.0, 3600.0
"""How long the roles of somebody are believed, where a role is exempt; and how long it is that they are there."""


class Members:
    """Asks Discord for each person, and remembers it while a history is read."""

    def __init__(self, guild_id: int, pace: Pace, steady: Callable[[], float]) -> None:
        self.guild_id = guild_id
        self._pace = pace
        self._steady = steady
        self._known: dict[int, tuple[float, frozenset[int] | None]] = {}

    async def roles(self, guild: discord.Guild, user_id: int, *, exact: bool) -> frozenset[int] | None:
        """The ids of somebody's roles; None for who is not in the server. `exact`: some roles are exempt.

        Raises what a request raises.
        """
        moment, roles = self._known.get(user_id, (None, None))
        believed = BELIEVED_SECONDS if exact else BELIEVED_HERE_SECONDS
        if moment is not None and self._steady() - moment < believed:
            return roles
        try:
            member = await self._pace.one(guild.fetch_member(user_id))
        except discord.NotFound:
            roles = None
        else:
            roles = frozenset(role.id for role in member.roles)
        self._known[user_id] = (self._steady(), roles)
        return roles
