"""Who reads a mod channel, as far as it takes to know of which channels they may be told."""

from __future__ import annotations

from collections.abc import Collection

import discord

from bot.audience import Audience
from bot.channels import WithMessages
from bot.link.failures import is_refusal

_LOOKED_UP, _KNOWN_SECONDS, _MOST_KNOWN = 20, 600.0, 2000
"""Members of whom roles are asked for in one question, for how long these are believed, and how many are kept."""


async def look_up(guild: discord.Guild, number: int) -> WithMessages | None:
    """A channel or thread of a server in which messages stand; None: it holds none, or is not there for the bot.

    An archived thread is asked for, for the library forgets it. Raises what the library raises when Discord fails.
    """
    known: object = guild.get_channel_or_thread(number)
    if known is None:
        try:
            known = await guild.fetch_channel(number)
        except discord.InvalidData:  # of another server
            return None
        except discord.HTTPException as error:
            if is_refusal(error):
                return None
            raise
    return known if isinstance(known, WithMessages) else None


class Readers:
    """Looks up the roles of members with permissions of their own. For one event loop; times are Unix seconds."""

    def __init__(self) -> None:
        self._members: dict[tuple[int, int], tuple[float, discord.Member | None]] = {}

    async def may_hear_of(self, here: discord.abc.GuildChannel, about: Collection[int], now: float) -> frozenset[int]:
        """Those of a server's channels of which everybody who reads `here` may be told (`bot.audience`).

        Of members with permissions of their own the roles are looked up, of a few; the others are taken for people who
        may not be told. Raises what the library raises when Discord fails.
        """
        guild, audience = here.guild, Audience(here)
        channels = [found for number in about if (found := guild.get_channel(number)) is not None]
        candidates = [channel for channel in channels if not audience.roles_are_shut_out(channel)]
        in_doubt = set[int]().union(*(audience.in_doubt(channel) for channel in candidates))
        gone = set[int]()
        for number in sorted(in_doubt)[:_LOOKED_UP]:
            member = await self._member(guild, number, now)
            if member is None:
                gone.add(number)
            else:
                audience.know(member)
        return frozenset(channel.id for channel in candidates if audience.in_doubt(channel) <= gone)

    async def _member(self, guild: discord.Guild, number: int, now: float) -> discord.Member | None:
        """Somebody with the roles of the last minutes; None: they have left."""
        key = (guild.id, number)
        since, member = self._members.get(key, (0.0, None))
        if not 0 <= now - since < _KNOWN_SECONDS:
            try:
                member = await guild.fetch_member(number)
            except discord.NotFound:
                member = None
            if len(self._members) >= _MOST_KNOWN:
                self._members.clear()
            self._members[key] = (now, member)
        return member
