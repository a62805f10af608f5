"""Which channel somebody asks about, and whether they may."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import discord
from discord import app_commands

from bot.audience import Audience, can_read, channel_of, reads
from bot.channels import ChannelOption
from bot.i18n import N_, gettext

NOT_SEEN = N_("You can't see that channel, so I can't say anything about it.")
NO_PAST = N_("You can't read that channel's history, so I can't say anything about it.")


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

    Raises NotToldHere unless the asker can read it, as Discord itself has computed for this very question.
    """
    if chosen is None:
        return _here(interaction)
    if not chosen.permissions.view_channel:
        raise NotToldHere(gettext(NOT_SEEN))
    if not reads(chosen.permissions, chosen.type):
        raise NotToldHere(gettext(NO_PAST))
    if isinstance(chosen, app_commands.AppCommandThread):
        parent = chosen.parent
        return Place(chosen.parent_id, f"#{parent.name}" if parent is not None else gettext("#its channel"))
    if chosen.type in (discord.ChannelType.category, discord.ChannelType.group):
        name = discord.utils.escape_markdown(chosen.name)
        raise NotToldHere(gettext("**{category}** is a category. Pick one of its channels.", category=name))
    return Place(chosen.id, f"#{chosen.name}")


def visible_channels(interaction: discord.Interaction[Any]) -> list[Place]:
    """The channels of this server of which the asker may be told."""
    guild, member = interaction.guild, interaction.user
    if guild is None or not isinstance(member, discord.Member):
        return []
    return [
        Place(channel.id, f"#{channel.name}")
        for channel in guild.channels
        if not isinstance(channel, discord.CategoryChannel) and can_read(member, channel)
    ]


def may_be_told_here(interaction: discord.Interaction[Any], channel_ids: Iterable[int]) -> bool:
    """Whether everybody who hears an answer in this channel may be told of these; False when that is not known.

    Otherwise an answer for everybody would tell people of channels that they cannot read.
    """
    guild, asker = interaction.guild, interaction.user
    if guild is None:
        return False
    place = interaction.channel
    # What Discord sends along of a channel that the bot does not know says nothing of who sees it.
    here = channel_of(place) if isinstance(place, discord.Thread) else guild.get_channel(interaction.channel_id or 0)
    if here is None:
        return False
    audience = Audience(here, [asker] if isinstance(asker, discord.Member) else [])
    return all(audience.may_hear_of(guild.get_channel(number)) for number in channel_ids)


def _here(interaction: discord.Interaction[Any]) -> Place:
    channel = interaction.channel
    if channel is None or not interaction.permissions.view_channel:
        raise NotToldHere(gettext("You can't see this channel, so I can't say anything about it."))
    if not reads(interaction.permissions, channel.type):
        raise NotToldHere(gettext("You can't read this channel's history, so I can't say anything about it."))
    if isinstance(channel, discord.Thread):
        parent = channel.parent
        return Place(channel.parent_id, f"#{parent.name}" if parent is not None else gettext("#its channel"))
    return Place(channel.id, f"#{getattr(channel, 'name', 'channel')}")
