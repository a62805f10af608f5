"""Whose messages may be linked where an admin has exempted a role: Discord is asked who wrote one, and for their roles.

The store knows authors as hashes alone. What the messages say comes with the answer, and is looked at by nobody.
"""

from __future__ import annotations

from collections.abc import Collection

import discord

from bot.connection import Connection
from bot.domain.records import Mode, Rule, TargetKind
from bot.link.failures import REQUEST_FAILURES
from bot.storage.strong_messages import Strong

MOST_ASKED = 25
"""Messages that are asked for at one press, one request each, and one more for their author's roles."""


class ExemptAuthors:
    """For one press. `is_unsure` is whether of some it could not be found out: these are not linked either."""

    def __init__(self, connection: Connection, guild: discord.Guild, roles: Collection[int]) -> None:
        self._connection = connection
        self._guild = guild
        self._roles = frozenset(roles)
        self._left = MOST_ASKED
        self.is_unsure = False

    @staticmethod
    def exempt_roles(rules: Collection[Rule]) -> frozenset[int]:
        """The roles that these rules exempt."""
        exempt = (rule for rule in rules if rule.target_kind is TargetKind.ROLE and rule.mode is Mode.EXEMPT)
        return frozenset(rule.target_id for rule in exempt)

    async def may_be_linked(self, one: Strong) -> bool | None:
        """Whether the author of a message may be; None: this message does not tell, for it is gone or cannot be seen.

        Who has left the server has no role any more. Raises nothing of Discord's: after a failure that is not about
        this message or person, nobody else is asked for.
        """
        if self._left <= 0:
            self.is_unsure = True
            return None
        self._left -= 1
        place = self._connection.get_partial_messageable(one.thread_id or one.channel_id, guild_id=self._guild.id)
        try:
            author = (await place.fetch_message(one.message_id)).author
        except discord.NotFound:
            return None
        except REQUEST_FAILURES as error:
            self._note(error)
            return None
        try:
            member = await self._guild.fetch_member(author.id)
        except discord.NotFound:
            return True
        except REQUEST_FAILURES as error:
            self._note(error)
            return None
        return self._roles.isdisjoint(role.id for role in member.roles)

    def _note(self, error: Exception) -> None:
        self.is_unsure = True
        if not isinstance(error, discord.Forbidden):
            self._left = 0
