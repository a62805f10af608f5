"""What an admin may be shown: nothing of channels that they cannot see, and what the mod channel leaves out."""

from __future__ import annotations

from collections.abc import Collection

import discord

from bot.audience import can_read, can_see, channel_of
from bot.domain.records import GuildSettings
from bot.i18n import gettext
from bot.link.failures import REQUEST_FAILURES
from bot.mod_channel import ModChannels, look_up


def readable_by(member: discord.Member) -> frozenset[int]:
    """The channels of a server of whose mood a member may be told."""
    return frozenset(channel.id for channel in member.guild.channels if can_read(member, channel))


def mention_for(member: discord.Member, number: int) -> str:
    """A channel as it is named to a member of its server."""
    known = member.guild.get_channel_or_thread(number)
    return f"<#{number}>" if known is None or can_see(member, known) else gettext("a channel you can't see")


async def left_out(
    mod_channels: ModChannels, guild: discord.Guild, settings: GuildSettings, channels: Collection[int], now: float
) -> frozenset[int]:
    """Those of these channels that alerts and digests leave out; none when there is no mod channel to read them in.

    None either while Discord fails: whether they may be told is asked again before each post. `now` is in seconds since
    the Unix epoch, by Discord's clock.
    """
    if settings.mod_channel_id is None:
        return frozenset()
    try:
        here = channel_of(await look_up(guild, settings.mod_channel_id))
        if here is None:
            return frozenset()
        return frozenset(channels) - await mod_channels.readers.may_hear_of(here, channels, now)
    except REQUEST_FAILURES:
        return frozenset()
