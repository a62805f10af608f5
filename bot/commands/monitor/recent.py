"""A channel's last messages, as far as they would be read if the channel were watched. Nothing of them is kept."""

from __future__ import annotations

import discord

from bot.channels import WithMessages
from bot.domain.records import Mode, TargetKind
from bot.monitoring.command_filter import is_command
from bot.monitoring.ingest import is_from_a_person
from bot.monitoring.monitoring import Monitoring


async def recent_messages(monitoring: Monitoring, channel: WithMessages, limit: int) -> list[discord.Message]:
    """Those among the last `limit` that would be read, the oldest first. Raises discord.HTTPException.

    Left out are bots and commands for them, people who opted out, and those with an exempt role.
    """
    found = [message async for message in channel.history(limit=limit) if _says_something(message)]
    exempt = await _exempt(monitoring, channel.guild, {message.author.id for message in found})
    return [message for message in reversed(found) if message.author.id not in exempt]


def _says_something(message: discord.Message) -> bool:
    return is_from_a_person(message) and bool(message.content.strip()) and not is_command(message.content)


async def _exempt(monitoring: Monitoring, guild: discord.Guild, user_ids: set[int]) -> set[int]:
    """Those who are not read: they opted out, or have an exempt role, which old messages do not say."""
    out = {user_id for user_id in user_ids if monitoring.storage.opt_outs.includes(user_id)}
    rules = monitoring.rules.rules(guild.id)
    exempt = {number for (kind, number), rule in rules.items() if kind is TargetKind.ROLE and rule.mode is Mode.EXEMPT}
    if exempt:
        for user_id in user_ids - out:
            try:
                member = await guild.fetch_member(user_id)
            except discord.NotFound:
                out.add(user_id)  # who has left has no roles that could tell
                continue
            if any(role.id in exempt for role in member.roles):
                out.add(user_id)
    return out
