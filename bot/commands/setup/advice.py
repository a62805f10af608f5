"""What a server's set-up begins with, and what would go wrong with what was chosen: a sentence each, with the click."""

from __future__ import annotations

import discord

from bot.audience import can_see
from bot.channels import Watchable
from bot.commands.monitor.errors import NOT_SEEN, UNKNOWN_CHANNEL
from bot.commands.monitor.pinging import role_warning
from bot.commands.setup.form import Choices
from bot.commands.setup.zones import guessed
from bot.domain.records import DigestKind, GuildSettings
from bot.i18n import gettext
from bot.i18n.formats import capitalised
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.watched_channels import watched
from bot.permissions import NO_CONTENT, for_reporting, for_watching, missing, what_to_click

_MODS = ("mod", "staff", "admin", "team", "equip", "équip", "ekip", "obsług", "yönetim", "yetkili", "運営", "管理")
"""What channels of moderators are called, among other things, in the languages that the bot speaks."""


def first_choices(
    monitoring: Monitoring, admin: discord.Member, settings: GuildSettings, here: object, language: str
) -> Choices:
    """What is set already, or else a guess: this channel, the moderators', the zone of the admin's language."""
    guild = admin.guild
    new = not any(watched(monitoring.rules, guild))
    channels = (here.id,) if new and isinstance(here, discord.TextChannel) and _is_public(here) else ()
    mod_channel = settings.mod_channel_id
    if mod_channel is None and new:
        guess = _mod_channel(admin)
        mod_channel = guess.id if guess is not None else None
    fresh = new and settings == GuildSettings(guild.id)
    return Choices(
        channels,
        mod_channel,
        settings.alert_role_id,
        guessed(language) if fresh else settings.timezone,
        DigestKind.WEEKLY if fresh else settings.digest,
    )


def warnings(monitoring: Monitoring, admin: discord.Member, choices: Choices) -> list[str]:
    """What keeps these choices from working."""
    guild, found = admin.guild, [] if monitoring.content_seen else [gettext(NO_CONTENT)]
    for number in choices.channels:
        channel = guild.get_channel(number)
        if channel is None or not can_see(admin, channel):
            found.append(gettext(UNKNOWN_CHANNEL if channel is None else NOT_SEEN))
        elif isinstance(channel, Watchable) and (lacking := missing(channel, for_watching(channel))):
            found.append(what_to_click(channel, lacking))
    mods = guild.get_channel(choices.mod_channel) if choices.mod_channel is not None else None
    if choices.mod_channel is not None and (mods is None or not can_see(admin, mods)):
        found.append(gettext(UNKNOWN_CHANNEL if mods is None else NOT_SEEN))
    elif isinstance(mods, Watchable):
        if lacking := missing(mods, for_reporting(mods)):
            found.append(what_to_click(mods, lacking))
        if _is_public(mods):
            found.append(
                gettext("Everybody can read {channel}, so alerts won't stay among moderators.", channel=mods.mention)
            )
    found += role_warning(guild, choices.role)
    return [f"⚠️ {capitalised(one)}" for one in dict.fromkeys(found)]


def _is_public(channel: discord.abc.GuildChannel) -> bool:
    return channel.permissions_for(channel.guild.default_role).view_channel


def _mod_channel(admin: discord.Member) -> discord.TextChannel | None:
    """Where Discord writes to moderators, or a channel that is hidden and called theirs; of those the admin can see."""
    guild = admin.guild
    named = [one for one in guild.text_channels if any(word in one.name for word in _MODS) and not _is_public(one)]
    found = [one for one in (guild.public_updates_channel, *named) if one is not None and can_see(admin, one)]
    return found[0] if found else None
