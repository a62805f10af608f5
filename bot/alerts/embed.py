"""What an alert says, and the word that it is over: built of what the store knows, in the language that is spoken."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import discord

from bot.domain.records import Alert, HourMood
from bot.i18n import N_, gettext, pgettext
from bot.presentation import palette
from bot.presentation.text import span
from bot.storage.alert_holds import RAISED_SECONDS, Hold

TITLE = N_("The mood has dropped")
DROPPED = N_("{channel} is far more negative than usual at this hour of the week.")

_PERSON = re.compile(r"<@([0-9]+)>")


@dataclass(frozen=True, slots=True)
class Named:
    """The ids of the people whom a post names: who is on it, and who wants no more of them for a while.

    The post alone knows who that was; the store does not.
    """

    on_it: int | None = None
    snoozed: int | None = None

    @classmethod
    def in_post(cls, embeds: Iterable[discord.Embed], alert: Alert, hold: Hold) -> Self:
        """Whom a post names now, whatever its language: each is named in a field beside the instant that is kept."""
        fields = [field.value or "" for embed in embeds for field in embed.fields]
        return cls(_named(fields, _since(alert)), _named(fields, _until(hold)))


def footer(number: int) -> str:
    """By which an alert's post is recognised, in one of the bot's languages."""
    return gettext("Alert {number}", number=number)


def over_footer(number: int) -> str:
    """By which the word that an alert is over is recognised, in one of the bot's languages."""
    return gettext("Alert {number}, over", number=number)


def alert_embed(alert: Alert, hold: Hold, named: Named) -> discord.Embed:
    """An alert, without a number, with what moderators have said to it and whom the post names."""
    dropped = gettext(DROPPED, channel=f"<#{alert.channel_id}>")
    later = gettext("`/mood channel` shows how much once the hour is over.")
    over = gettext("I'll post here once it's back to normal.")
    embed = discord.Embed(title=gettext(TITLE), description=f"{dropped} {later}\n{over}", colour=palette.BAD)
    if since := _since(alert):
        embed.add_field(name=pgettext("under an alert: who takes care of it", "On it"), value=_on_it(since, named))
    if alert.false_alarm is not None:
        until = f"<t:{alert.false_alarm + RAISED_SECONDS}:f>"
        harder = gettext("Next alert here needs a bigger drop until {time}", time=until)
        embed.add_field(name=gettext("False alarm"), value=harder)
    if until := _until(hold):
        embed.add_field(name=pgettext("under an alert: no more of them", "Snoozed"), value=_snoozed(until, named))
    embed.set_footer(text=footer(alert.number))
    return embed


def recovered_embed(alert: Alert, now: float, hour: HourMood | None) -> discord.Embed:
    """The word that it is over, without a number; None of an hour: hardly anybody writes any more."""
    values = {"channel": f"<#{alert.channel_id}>", "length": span(int(now) - alert.started)}
    if hour is not None:
        description = gettext("{channel} is back to normal, {length} after the alert.", **values)
    else:
        description = gettext("{channel} has gone quiet, {length} after the alert.", **values)
    embed = discord.Embed(title=pgettext("a channel's mood", "Recovered"), description=description, colour=palette.GOOD)
    embed.set_footer(text=over_footer(alert.number))
    return embed


def _on_it(since: str, named: Named) -> str:
    if named.on_it is None:
        return gettext("since {time}", time=since)
    return gettext("{who} since {time}", who=f"<@{named.on_it}>", time=since)


def _snoozed(until: str, named: Named) -> str:
    if named.snoozed is None:
        return gettext("No new alerts here until {time}", time=until)
    return gettext("{who}: no new alerts here until {time}", who=f"<@{named.snoozed}>", time=until)


def _since(alert: Alert) -> str:
    """Since when somebody is on it, as posts say it; empty while nobody is."""
    return "" if alert.acknowledged is None else f"<t:{alert.acknowledged}:t>"


def _until(hold: Hold) -> str:
    """Until when alerts are snoozed, as posts say it; empty when they are not."""
    return "" if hold.snoozed_until is None else f"<t:{hold.snoozed_until}:f>"


def _named(fields: Iterable[str], instant: str) -> int | None:
    people = (_PERSON.search(value) for value in fields if instant and instant in value)
    return next((int(found[1]) for found in people if found), None)
