"""A channel's last messages, as far as they would be read if the channel were watched. Nothing of them is kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import discord

from bot.channels import WithMessages
from bot.monitoring.command_filter import is_command
from bot.monitoring.forwards import WatchedWords, words_to_watch
from bot.monitoring.member_roles import MemberRoles
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.reading_gate import Barred, ReadingGate


@dataclass(frozen=True, slots=True)
class RecentMessage:
    """A message that may be read, what it says, and its author's roles where they had to be asked for."""

    message: discord.Message
    said: WatchedWords
    roles: Collection[int] | None

    @property
    def words(self) -> str:
        """What it says."""
        return self.said.words

    def may_be_shown(self, gate: ReadingGate) -> bool:
        """Asked again once it was read: its author may have opted out meanwhile."""
        return gate.preview(self.message, roles=self.roles).barred is None and self.said.may_be_read(gate)


LOOKED_AT = 200
"""Messages that are looked at, two requests: in many channels bots write more than people."""


async def recent_messages(monitoring: Monitoring, channel: WithMessages, limit: int) -> list[RecentMessage]:
    """The last `limit` that would be read, among the last `LOOKED_AT`, the oldest first. Raises discord.HTTPException.

    Left out are bots and commands for them, people who opted out, and those with an exempt role or whose roles are not
    known; nothing is read of a channel where nobody is to be read.
    """
    gate, members, found = monitoring.gate, MemberRoles(channel.guild), []
    if gate.bars_channel(channel) is not None:
        return []
    async for message in channel.history(limit=LOOKED_AT):
        roles, ruling = None, gate.preview(message)
        if ruling.barred is Barred.ROLES_UNKNOWN:
            roles = await members.of(message.author)
            ruling = gate.preview(message, roles=roles)
        if ruling.barred is not None:
            continue
        said = await words_to_watch(gate, message)
        if said.words and not is_command(said.words):
            found.append(RecentMessage(message, said, roles))
            if len(found) == limit:
                break
    return found[::-1]
