"""`/monitor settings`: what a server has chosen, shown and changed."""

from __future__ import annotations

from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import cache, partial
from importlib.resources import files
from typing import TypeVar
from zoneinfo import available_timezones

import discord
from discord.app_commands import Choice

from bot.audience import channel_of
from bot.channels import ChannelOption
from bot.commands.monitor.emojis import usable
from bot.commands.monitor.errors import DISCORD_FAILS, NOT_SEEN, UNKNOWN_CHANNEL, Refused
from bot.commands.monitor.wanted_languages import folded, languages_in_words, wanted_languages
from bot.domain.local_hours import begins_at, first_hour, known_zone
from bot.domain.records import DigestKind, GuildSettings
from bot.i18n import LANGUAGES, gettext, ngettext, npgettext, pgettext
from bot.i18n.formats import clock, percent
from bot.link.failures import REQUEST_FAILURES
from bot.link.spoken import server_language
from bot.mod_channel import look_up
from bot.permissions import for_reporting, missing, what_to_click
from bot.presentation import palette
from bot.presentation.quoting import escape
from model import ModelInfo
from model.concurrency import in_thread

_T = TypeVar("_T")

_NAMED = 5
_SUGGESTIONS = 25
"""As many as Discord shows."""

AS_THE_SERVER = "server"
"""The choice of whatever language the server has at Discord."""

LANGUAGE_CHOICES = [
    Choice(name="Same as the server", value=AS_THE_SERVER),
    *(Choice(name=name, value=language) for language, name in LANGUAGES.items()),
]


@dataclass(frozen=True, slots=True)
class SettingsChanges:
    """What an admin wants changed; None leaves a setting as it is. `confidence` is in percent.

    `language` is one of `LANGUAGES` or `AS_THE_SERVER`, and `languages` are as they were typed.
    """

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
    language: str | None = None
    languages: str | None = None


async def changed(
    settings: GuildSettings, wishes: SettingsChanges, guild: discord.Guild, info: ModelInfo
) -> GuildSettings:
    """The settings with what was wished for. Raises Refused, and then nothing of it counts."""
    mod_channel_id = settings.mod_channel_id
    if wishes.mod_channel is not None:
        mod_channel_id = await _mod_channel(guild, wishes.mod_channel)
    elif wishes.no_mod_channel:
        mod_channel_id = None
    zone = settings.timezone
    if wishes.timezone is not None:
        find = partial(zone_named, wishes.timezone)  # the names are read from the disk
        zone = await in_thread(partial(copy_context().run, find))  # and the thread speaks whoever asked's language
    language = "" if wishes.language == AS_THE_SERVER else wishes.language
    languages = wanted_languages(wishes.languages, info) if wishes.languages is not None else None
    floor = wishes.confidence * 10 if wishes.confidence is not None else None
    after = replace(
        settings,
        timezone=zone,
        mod_channel_id=mod_channel_id,
        positive_reaction=settings.positive_reaction if not wishes.positive else await usable(guild, wishes.positive),
        negative_reaction=settings.negative_reaction if not wishes.negative else await usable(guild, wishes.negative),
        reaction_floor=_or(floor, settings.reaction_floor),
        alert_messages=_or(wishes.alert_messages, settings.alert_messages),
        alert_authors=_or(wishes.alert_authors, settings.alert_authors),
        digest=_or(wishes.digest, settings.digest),
        digest_hour=_or(wishes.digest_hour, settings.digest_hour),
        digest_messages=_or(wishes.digest_messages, settings.digest_messages),
        language=_or(language, settings.language),
        languages=_or(languages, settings.languages),
    )
    if after.positive_reaction == after.negative_reaction:
        raise Refused(gettext("Both reactions would be the same emoji; nobody could tell them apart."))
    if after.digest is not DigestKind.OFF and after.mod_channel_id is None:
        raise Refused(gettext("A digest needs a channel to be posted in: give `mod_channel` as well."))
    return after


def in_words(
    settings: GuildSettings, guild: discord.Guild, info: ModelInfo, *, mod_channel: str | None, after_a_change: bool
) -> discord.Embed:
    """All settings, for the admin who asked or changed some; `mod_channel` as it is named to them."""
    embed = discord.Embed(
        title=gettext("Saved") if after_a_change else gettext("Settings"),
        colour=palette.GOOD if after_a_change else palette.PLAIN,
    )
    nobody, on, off = pgettext("role to ping", "nobody"), pgettext("links", "on"), pgettext("links", "off")
    fields = {
        gettext("Time zone"): _zone(settings),
        gettext("Language of my posts"): _language(settings, guild),
        gettext("Languages I read"): languages_in_words(settings, info),
        gettext("Alerts and digests go to"): mod_channel or gettext("not set, so no alerts will be posted"),
        pgettext("settings", "Reactions"): gettext(
            "{positive} / {negative} when at least {percent} sure",
            positive=settings.positive_reaction,
            negative=settings.negative_reaction,
            percent=percent(settings.reaction_floor / 10),
        ),
        pgettext("settings", "Alerts"): _alerts(settings),
        pgettext("settings", "Digest"): _digest(settings),
        gettext("Role to ping"): nobody if settings.alert_role_id is None else f"<@&{settings.alert_role_id}>",
        gettext("Links to messages"): on if settings.links else off,
    }
    for name, value in fields.items():
        embed.add_field(name=name, value=value, inline=False)
    return embed


def _zone(settings: GuildSettings) -> str:
    """The time zone, and what admins would wonder about."""
    name = settings.timezone
    if settings.lost_zone:
        return gettext("{zone}, which this machine doesn't know any more, so I use UTC", zone=name)
    begun = begins_at(first_hour(date.today(), settings.zone), settings.zone)
    if not begun.minute:
        return name
    return gettext(
        "{zone}; I count by whole hours of UTC, so a day begins at {time} here", zone=name, time=clock(begun)
    )


def _language(settings: GuildSettings, guild: discord.Guild) -> str:
    """In its own words, as in the list that it is chosen from."""
    name = LANGUAGES[server_language(guild, settings)]
    return name if settings.language in LANGUAGES else gettext("same as the server ({language})", language=name)


def _alerts(settings: GuildSettings) -> str:
    by_people = npgettext(
        "for hours with at least so many messages ...",
        "by {count:,} person",
        "by {count:,} people",
        settings.alert_authors,
    )
    return ngettext(
        "for hours with at least {count:,} message {by_people}",
        "for hours with at least {count:,} messages {by_people}",
        settings.alert_messages,
        by_people=by_people,
    )


def _digest(settings: GuildSettings) -> str:
    if settings.digest is DigestKind.OFF:
        return pgettext("digest", "off")
    at = clock(datetime.combine(date.min, time(settings.digest_hour)))
    if settings.digest is DigestKind.DAILY:
        return ngettext(
            "daily at {time}, if there's at least {count:,} message",
            "daily at {time}, if there are at least {count:,} messages",
            settings.digest_messages,
            time=at,
        )
    return ngettext(
        "weekly at {time}, if there's at least {count:,} message",
        "weekly at {time}, if there are at least {count:,} messages",
        settings.digest_messages,
        time=at,
    )


def zones_like(typed: str) -> list[str]:
    """Time zones whose names hold what was typed so far; those that begin with it, or whose city does, come first.

    Present names come before former ones, which stay valid.
    """
    wanted = folded(typed.strip().replace(" ", "_"))
    found = [zone for zone in _zones() if wanted in zone.casefold()]
    present = _present_names()
    begins = {zone for zone in found if zone.casefold().startswith(wanted) or f"/{wanted}" in zone.casefold()}
    found.sort(key=lambda zone: (zone not in begins, zone not in present))
    return found[:_SUGGESTIONS]


def zone_named(typed: str) -> str:
    """The time zone that somebody means by a name, a city or the beginning of one: "berlin" is Europe/Berlin.

    What is none stays as it was typed, and is refused where it would be kept. Raises Refused for what may be several.
    """
    wanted = folded(typed.strip().replace(" ", "_"))
    if known_zone(typed.strip()) is not None:
        return typed.strip()
    for zone in available_timezones():
        if zone.casefold() == wanted and known_zone(zone) is not None:
            return zone
    likely = zones_like(wanted) if wanted else []
    cities = [zone for zone in likely if zone.rpartition("/")[2].casefold() == wanted]
    meant = [zone for zone in cities if zone in _present_names()] or cities or likely
    if len(meant) == 1:
        return meant[0]
    if not meant:
        return typed
    named = ", ".join(meant[:_NAMED]) + (" …" if len(meant) > _NAMED else "")
    raise Refused(gettext("Which one do you mean by “{typed}”: {zones}?", typed=escape(typed), zones=named))


@cache
def _zones() -> list[str]:
    """The names of all places, sorted; read from the disk once."""
    places = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return [*places, "UTC"]


@cache
def _present_names() -> frozenset[str]:
    """The names that the time zone database gives places today; "Asia/Istanbul" is a former one, kept as a link."""
    lines = (files("tzdata.zoneinfo") / "zone.tab").read_text("utf-8").splitlines()
    return frozenset(line.split("\t")[2] for line in lines if line and not line.startswith("#"))


def _or(wish: _T | None, before: _T) -> _T:
    return before if wish is None else wish


async def _mod_channel(guild: discord.Guild, option: ChannelOption) -> int:
    if not option.permissions.view_channel:
        raise Refused(gettext(NOT_SEEN))
    try:
        channel = await look_up(guild, option.id)
    except REQUEST_FAILURES:
        raise Refused(gettext(DISCORD_FAILS)) from None
    if channel is None and guild.get_channel_or_thread(option.id) is None:
        raise Refused(gettext(UNKNOWN_CHANNEL))
    if channel is None or channel_of(channel) is None:
        raise Refused(gettext("Alerts and digests need a channel where I can post messages."))
    lacking = missing(channel, for_reporting(channel))
    if lacking:
        click = what_to_click(channel, lacking)
        raise Refused(gettext("Nothing has changed: {what_to_click} Then try again.", what_to_click=click))
    return channel.id
