"""`/monitor settings`: what a server has chosen, shown and changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import TypeVar
from zoneinfo import available_timezones

import discord

from bot.audience import channel_of
from bot.channels import ChannelOption
from bot.commands.monitor.emojis import usable
from bot.commands.monitor.errors import DISCORD_FAILS, NOT_SEEN, UNKNOWN_CHANNEL, Refused
from bot.domain.local_hours import begins_at, first_hour
from bot.domain.records import DigestKind, GuildSettings
from bot.link.failures import REQUEST_FAILURES
from bot.mod_channel import look_up
from bot.permissions import for_reporting, missing, what_to_click
from bot.presentation import palette

_T = TypeVar("_T")

_SUGGESTIONS = 25
"""As many as Discord shows."""


@dataclass(frozen=True, slots=True)
class SettingsChanges:
    """What an admin wants changed; None leaves a setting as it is. `confidence` is in percent."""

    timezone: str | None = None
    mod_channel: ChannelOption | None = None
    no_mod_channel: bool = False
    positive: str | None = None
    negative: str | None = None
    confidence: int | None = None
    alert_messages: int | None = None
    alert_authors: int | None = None
    digest: DigestKind | None = None
    digest_hour: int | None = None
    digest_messages: int | None = None


async def changed(settings: GuildSettings, wishes: SettingsChanges, guild: discord.Guild) -> GuildSettings:
    """The settings with what was wished for. Raises Refused, and then nothing of it counts."""
    mod_channel_id = settings.mod_channel_id
    if wishes.mod_channel is not None:
        mod_channel_id = await _mod_channel(guild, wishes.mod_channel)
    elif wishes.no_mod_channel:
        mod_channel_id = None
    floor = wishes.confidence * 10 if wishes.confidence is not None else None
    after = replace(
        settings,
        timezone=_or(wishes.timezone, settings.timezone),
        mod_channel_id=mod_channel_id,
        positive_reaction=settings.positive_reaction if not wishes.positive else await usable(guild, wishes.positive),
        negative_reaction=settings.negative_reaction if not wishes.negative else await usable(guild, wishes.negative),
        reaction_floor=_or(floor, settings.reaction_floor),
        alert_messages=_or(wishes.alert_messages, settings.alert_messages),
        alert_authors=_or(wishes.alert_authors, settings.alert_authors),
        digest=_or(wishes.digest, settings.digest),
        digest_hour=_or(wishes.digest_hour, settings.digest_hour),
        digest_messages=_or(wishes.digest_messages, settings.digest_messages),
    )
    if after.positive_reaction == after.negative_reaction:
        raise Refused("Both reactions would be the same emoji; nobody could tell them apart.")
    if after.digest is not DigestKind.OFF and after.mod_channel_id is None:
        raise Refused("A digest needs a channel to be posted in: give `mod_channel` as well.")
    return after


def in_words(settings: GuildSettings, *, mod_channel: str | None, after_a_change: bool) -> discord.Embed:
    """All settings, for the admin who asked or changed some; `mod_channel` as it is named to them."""
    mod_channel = mod_channel or "none, so nothing is posted"
    embed = discord.Embed(
        title="Changed; the settings are now" if after_a_change else "Settings",
        colour=palette.GOOD if after_a_change else palette.PLAIN,
    )
    digest = "off"
    if settings.digest is not DigestKind.OFF:
        digest = f"{settings.digest} at {settings.digest_hour:02}:00, from {settings.digest_messages:,} messages on"
    fields = {
        "Time zone": _zone(settings),
        "Alerts and digests go to": mod_channel,
        "Tags": f"{settings.positive_reaction} and {settings.negative_reaction}, from "
        f"{settings.reaction_floor / 10:g} % confidence on",
        "Alerts": f"for hours with at least {settings.alert_messages:,} messages by {settings.alert_authors:,} people",
        "Digest": digest,
    }
    for name, value in fields.items():
        embed.add_field(name=name, value=value, inline=False)
    return embed


def _zone(settings: GuildSettings) -> str:
    """The time zone, and what admins would wonder about."""
    if settings.lost_zone:
        return f"{settings.timezone}, which this machine doesn't know any more: everything is told in UTC"
    begun = begins_at(first_hour(date.today(), settings.zone), settings.zone)
    if not begun.minute:
        return settings.timezone
    return f"{settings.timezone}; I count by whole hours of UTC, so a day begins at {begun:%H:%M} here"


def zones_like(typed: str) -> list[str]:
    """Time zones whose names hold what was typed so far; those that begin with it, or whose city does, come first."""
    wanted = typed.strip().replace(" ", "_").casefold()
    found = [zone for zone in _zones() if wanted in zone.casefold()]
    found.sort(key=lambda zone: not (zone.casefold().startswith(wanted) or f"/{wanted}" in zone.casefold()))
    return found[:_SUGGESTIONS]


@cache
def _zones() -> list[str]:
    """The names of all places, sorted; read from the disk once."""
    places = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return [*places, "UTC"]


def _or(wish: _T | None, before: _T) -> _T:
    return before if wish is None else wish


async def _mod_channel(guild: discord.Guild, option: ChannelOption) -> int:
    if not option.permissions.view_channel:
        raise Refused(NOT_SEEN)
    try:
        channel = await look_up(guild, option.id)
    except REQUEST_FAILURES:
        raise Refused(DISCORD_FAILS) from None
    if channel is None and guild.get_channel_or_thread(option.id) is None:
        raise Refused(UNKNOWN_CHANNEL)
    if channel is None or channel_of(channel) is None:
        raise Refused("Alerts and digests need a channel in which messages can be posted.")
    lacking = missing(channel, for_reporting(channel))
    if lacking:
        raise Refused(f"Nothing was changed: {what_to_click(channel, lacking)} Then try again.")
    return channel.id
