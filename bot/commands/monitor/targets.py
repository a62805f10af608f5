"""What an admin points at: the whole server, a category, a channel, a thread or a role."""

from __future__ import annotations

from dataclasses import dataclass

import discord

from bot.channels import ChannelOption, Watchable, kind_of
from bot.commands.monitor.errors import UNKNOWN_CHANNEL, Refused
from bot.domain.records import Rule, TargetKind


@dataclass(frozen=True, slots=True)
class RuleTarget:
    """What a rule is to be about, and how it is named in an answer; `channel` for what is one."""

    kind: TargetKind
    id: int
    name: str
    channel: Watchable | None = None

    @property
    def holds_channels(self) -> bool:
        """Whether it is a server or a category."""
        return self.kind in {TargetKind.SERVER, TargetKind.CATEGORY}


def the_server(guild: discord.Guild) -> RuleTarget:
    """The whole server."""
    return RuleTarget(TargetKind.SERVER, guild.id, "the whole server")


def the_channel(guild: discord.Guild, channel: ChannelOption | int) -> RuleTarget:
    """A channel, category or thread, by an option or an id. Raises Refused for one that the bot cannot watch."""
    number = channel if isinstance(channel, int) else channel.id
    known = guild.get_channel_or_thread(number)
    if known is None:
        raise Refused(UNKNOWN_CHANNEL)
    if not isinstance(known, Watchable):
        raise Refused(f"{known.mention} is not a channel in which people write.")
    if isinstance(known, discord.Thread) and known.parent is None:
        raise Refused(UNKNOWN_CHANNEL)
    return RuleTarget(kind_of(known), known.id, mention(known), known)


def the_role(role: discord.Role) -> RuleTarget:
    """A role. Raises Refused for @everyone."""
    if role.is_default():
        raise Refused("Everyone has that role. `/monitor disable` with `whole_server` stops watching.")
    return RuleTarget(TargetKind.ROLE, role.id, role.mention)


def mention(channel: Watchable) -> str:
    """A channel as it is named in a sentence; categories cannot be linked to."""
    if isinstance(channel, discord.CategoryChannel):
        return f"the category **{discord.utils.escape_markdown(channel.name)}**"
    return channel.mention


def named(guild: discord.Guild, rule: Rule) -> str:
    """What a rule is about, as it is named in a list."""
    if rule.target_kind is TargetKind.SERVER:
        return "the whole server"
    if rule.target_kind is TargetKind.ROLE:
        return f"<@&{rule.target_id}>"
    channel = guild.get_channel_or_thread(rule.target_id)
    if isinstance(channel, Watchable):
        return mention(channel)
    return f"a {rule.target_kind} that I cannot see, or that is gone (`{rule.target_id}`)"
