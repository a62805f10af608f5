"""The roles of people whose messages do not tell them, as those of the past and those that somebody points at."""

from __future__ import annotations

import aiohttp
import discord

MOST_ASKED = 25
"""People of whom Discord is asked in one run, one request each; of the others it is not known."""


class MemberRoles:
    """Asks Discord once for each person, for one run: a preview, one question, one stretch of history."""

    def __init__(self, guild: discord.Guild, *, most: int = MOST_ASKED) -> None:
        self._guild = guild
        self._left = most
        self._known: dict[int, frozenset[int] | None] = {}

    async def of(self, author: discord.abc.User) -> frozenset[int] | None:
        """The ids of somebody's roles; None where that cannot be found out, as of who has left.

        Raises nothing of Discord's: after a failure that is not about this person, nobody else is asked for.
        """
        if isinstance(author, discord.Member):
            return frozenset(role.id for role in author.roles)
        return await self.of_user(author.id)

    async def of_user(self, user_id: int) -> frozenset[int] | None:
        """The same, for somebody of whom only the id is known."""
        if user_id not in self._known:
            self._known[user_id] = await self._ask(user_id)
        return self._known[user_id]

    async def _ask(self, user_id: int) -> frozenset[int] | None:
        if self._left <= 0:
            return None
        self._left -= 1
        try:
            member = await self._guild.fetch_member(user_id)
        except discord.NotFound:
            return None
        except (discord.HTTPException, aiohttp.ClientError, OSError):
            self._left = 0
            return None
        return frozenset(role.id for role in member.roles)
