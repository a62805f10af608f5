"""The time zones that `/setup` offers, and the one to begin with: Discord tells a person's language, not their zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.domain.local_hours import known_zone
from bot.i18n import gettext
from bot.i18n.formats import city, clock, weekday

_OF_LANGUAGE = {
    "bg": "Europe/Sofia",
    "cs": "Europe/Prague",
    "da": "Europe/Copenhagen",
    "de": "Europe/Berlin",
    "el": "Europe/Athens",
    "en-GB": "Europe/London",
    "en-US": "America/New_York",
    "es-419": "America/Mexico_City",
    "es-ES": "Europe/Madrid",
    "fi": "Europe/Helsinki",
    "fr": "Europe/Paris",
    "hi": "Asia/Kolkata",
    "hr": "Europe/Zagreb",
    "hu": "Europe/Budapest",
    "id": "Asia/Jakarta",
    "it": "Europe/Rome",
    "ja": "Asia/Tokyo",
    "ko": "Asia/Seoul",
    "lt": "Europe/Vilnius",
    "nl": "Europe/Amsterdam",
    "no": "Europe/Oslo",
    "pl": "Europe/Warsaw",
    "pt-BR": "America/Sao_Paulo",
    "ro": "Europe/Bucharest",
    "ru": "Europe/Moscow",
    "sv-SE": "Europe/Stockholm",
    "th": "Asia/Bangkok",
    "tr": "Europe/Istanbul",
    "uk": "Europe/Kyiv",
    "vi": "Asia/Ho_Chi_Minh",
    "zh-CN": "Asia/Shanghai",
    "zh-TW": "Asia/Taipei",
}
"""Discord's languages (https://discord.com/developers/docs/reference#locales), with where most who read it live."""

_WORLD = (
    "Pacific/Honolulu",
    "America/Anchorage",
    "America/Los_Angeles",
    "America/Denver",
    "America/Chicago",
    "America/New_York",
    "America/Halifax",
    "America/Sao_Paulo",
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Helsinki",
    "Europe/Istanbul",
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Dhaka",
    "Asia/Bangkok",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Pacific/Auckland",
)

UNKNOWN = "UTC"


def guessed(language: str) -> str:
    """The likeliest zone of somebody whose Discord speaks this language."""
    return _OF_LANGUAGE.get(language, UNKNOWN)


def offered(chosen: str, guess: str) -> list[str]:
    """At most 24 zones, from west to east but for the two that are likeliest, which come first; all are known here."""
    return [zone for zone in dict.fromkeys((chosen, guess, *_WORLD)) if known_zone(zone) is not None]


def label(zone: str, now: float) -> str:
    """A zone by its city and by what its clocks show now, by which people know their own."""
    at = datetime.fromtimestamp(now, ZoneInfo(zone))
    return gettext("{city}: it's {time}, {weekday}", city=city(zone), time=clock(at), weekday=weekday(at, short=True))
