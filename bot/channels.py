"""Discord's channels as places that rules know."""

from __future__ import annotations

import discord
from discord import app_commands

from bot.domain.records import TargetKind
from bot.domain.rules import Place

WithMessages = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
"""Channels in which messages stand; those of a forum stand in its posts, which are threads."""

Watchable = WithMessages | discord.ForumChannel | discord.CategoryChannel
"""What a rule can be about, besides servers and roles."""


ChannelOption = app_commands.AppCommandChannel | app_commands.AppCommandThread
"""A channel as a command gets it: what the person sees of it, whether or not the bot knows it."""


def place_of(channel: object) -> Place | None:
    """Where a message in this channel stands; None where the bot does not know enough to say which rules are about it.

    That is so for a thread whose channel it cannot see.
    """
    if isinstance(channel, discord.Thread):
        parent = channel.parent
        return Place(channel.guild.id, parent.id, parent.category_id, channel.id) if parent is not None else None
    if isinstance(channel, WithMessages | discord.ForumChannel):
        return Place(channel.guild.id, channel.id, channel.category_id)
    return None


def is_private_thread(channel: object) -> bool:
    """Whether only those who were invited can see what is written there, and that it is there at all."""
    return isinstance(channel, discord.Thread) and channel.is_private()


def kind_of(channel: Watchable) -> TargetKind:
    """What kind of rule is about this channel."""
    if isinstance(channel, discord.Thread):
        return TargetKind.THREAD
    return TargetKind.CATEGORY if isinstance(channel, discord.CategoryChannel) else TargetKind.CHANNEL
