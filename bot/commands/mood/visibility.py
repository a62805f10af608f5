"""Which channel somebody asks about, and whether they may."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Any

import discord
from discord import app_commands

from bot.channels import ChannelOption


class NotToldHere(Exception):
    """Somebody asks for what they may not know, or what is no channel; the message is one sentence for them."""


@dataclass(frozen=True, slots=True)
class Place:
    """A channel that somebody may ask about."""

    id: int
    name: str

    @property
    def mention(self) -> str:
        """As Discord shows it."""
        return f"<#{self.id}>"


def place_of(interaction: discord.Interaction[Any], chosen: ChannelOption | None) -> Place:
    """The channel that counts what is written in `chosen`, or where the command was used: a thread's is its parent.

    Raises NotToldHere unless the asker can see it, as Discord itself has computed for this very question.
    """
    if chosen is None:
        return _here(interaction)
    if not chosen.permissions.view_channel:
        raise NotToldHere("You cannot see that channel, so I tell you nothing about it.")
    if isinstance(chosen, app_commands.AppCommandThread):
        parent = chosen.parent
        return Place(chosen.parent_id, f"#{parent.name}" if parent is not None else "#its channel")
    if chosen.type in (discord.ChannelType.category, discord.ChannelType.group):
        raise NotToldHere(
            f"**{discord.utils.escape_markdown(chosen.name)}** is a category: choose one of its channels."
        )
    return Place(chosen.id, f"#{chosen.name}")


def visible_channels(interaction: discord.Interaction[Any]) -> list[Place]:
    """The channels of this server that the asker can see."""
    guild, member = interaction.guild, interaction.user
    if guild is None or not isinstance(member, discord.Member):
        return []
    return [
        Place(channel.id, f"#{channel.name}")
        for channel in guild.channels
        if not isinstance(channel, discord.CategoryChannel) and channel.permissions_for(member).view_channel
    ]


def may_be_told_here(interaction: discord.Interaction[Any], channel_ids: Iterable[int]) -> bool:
    """Whether every role that sees the channel in which was asked sees these too; False when that is not known.

    Otherwise an answer for everybody would tell people of channels that they cannot see.
    """
    guild, here = interaction.guild, interaction.channel
    if isinstance(here, discord.Thread):
        here = here.parent
    if here is None:
        return False
    others = set(channel_ids) - {here.id}
    if not others:
        return True
    if guild is None or not isinstance(here, discord.abc.GuildChannel):
        return False
    present = {role for role in guild.roles if here.permissions_for(role).view_channel}
    return all(_is_seen_by(guild.get_channel(channel_id), present) for channel_id in others)


def _is_seen_by(channel: discord.abc.GuildChannel | None, roles: Set[discord.Role]) -> bool:
    if channel is None:
        return False
    if channel.permissions_for(channel.guild.default_role).view_channel:
        roles = roles & channel.overwrites.keys()  # only an overwrite can hide from a role what everybody sees
    return all(channel.permissions_for(role).view_channel for role in roles)


def _here(interaction: discord.Interaction[Any]) -> Place:
    channel = interaction.channel
    if channel is None or not interaction.permissions.view_channel:
        raise NotToldHere("You cannot see this channel, so I tell you nothing about it.")
    if isinstance(channel, discord.Thread):
        parent = channel.parent
        return Place(channel.parent_id, f"#{parent.name}" if parent is not None else "#its channel")
    return Place(channel.id, f"#{getattr(channel, 'name', 'channel')}")
