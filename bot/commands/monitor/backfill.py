"""`/monitor backfill`: an admin has the history read, sees how far that is, and pauses, resumes or stops it."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum

import discord

from bot.audience import can_see
from bot.channels import place_of
from bot.commands.monitor.errors import Refused
from bot.commands.monitor.rule_changes import RuleChanges
from bot.domain.backfill import Backfill, BackfillState
from bot.domain.disclosure import BASE
from bot.domain.records import AdminAction
from bot.i18n import N_, gettext, ngettext, npgettext
from bot.i18n.formats import series
from bot.link.failures import REQUEST_FAILURES
from bot.monitoring.backfill.places import can_read, channels_to_read
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.notice_post import NoTagAllowed
from bot.monitoring.reading_gate import HISTORY_AFTER
from bot.monitoring.watched_channels import Watched, watched
from bot.permissions import HISTORY, NO_CONTENT
from bot.presentation.text import span

_NAMED = 5
"""Channels that are named one by one in an answer."""

NOTHING = N_("I haven't read any history here. `/monitor backfill days:14` starts it.")
RUNNING = N_("I'm already reading the history of this server. `/monitor backfill do:stop` ends that.")


class Do(StrEnum):
    """What an admin can do with one that is not over."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


_NOT_RUNNING = {
    Do.PAUSE: N_("There's nothing to pause: no history is being read."),
    Do.RESUME: N_("There's nothing to resume: no history is being read."),
    Do.STOP: N_("There's nothing to stop: no history is being read."),
}
_AFTER = {Do.PAUSE: BackfillState.PAUSED, Do.RESUME: BackfillState.RUNNING, Do.STOP: BackfillState.STOPPED}


async def backfill(admin: RuleChanges, days: int | None, do: Do | None) -> str:
    """Does what an admin asks for, and says how far it is. Raises Refused and DatabaseUnavailable."""
    if days is not None and do is not None:
        raise Refused(gettext("Give either `days` or `do`, not both."))
    backfills, guild = admin.monitoring.backfills, admin.guild
    known = await backfills.of(guild.id)
    if days is not None:
        if known is not None and not known.state.is_over:
            raise Refused(gettext(RUNNING))
        return await _start(admin, days)
    if do is not None:
        if known is None or known.state.is_over:
            raise Refused(gettext(_NOT_RUNNING[do]))
        await backfills.set(guild.id, _AFTER[do])
        await admin.write_down(AdminAction.BACKFILL)
        known = await backfills.of(guild.id)
    return gettext(NOTHING) if known is None else await how_far(admin, known)


async def how_far(admin: RuleChanges, one: Backfill) -> str:
    """How far it is; when it is over, with what was filled in of what whoever asks can see.

    Raises DatabaseUnavailable.
    """
    said = progress_in_words(admin.monitoring, admin.guild, one)
    if not one.state.is_over:
        return said
    there = {channel.id: channel for channel in admin.guild.channels if can_see(admin.member, channel)}
    filled = await admin.monitoring.storage.backfills.filled(admin.guild.id, one.first_hour, one.end_hour)
    spans = {number: sum(end - start for start, end in of_it) for number, of_it in filled.items() if number in there}
    if not spans:
        return said
    hours = ngettext(
        "{count:,} hour of {channels} was filled in; charts mark it.",
        "{count:,} hours of {channels} were filled in; charts mark them.",
        sum(spans.values()),
        channels=_listed([there[number].mention for number in spans]),
    )
    return f"{said} {hours}"


def progress_in_words(monitoring: Monitoring, guild: discord.Guild, one: Backfill) -> str:
    """How far it is, in one or two sentences. Messages are counted in steps, as elsewhere."""
    said = _state_in_words(monitoring, guild, one)
    if not one.left_out:
        return said
    missed = ngettext(
        "I couldn't read all of {count:,} channel.", "I couldn't read all of {count:,} channels.", one.left_out
    )
    return f"{said} {missed}"


def _state_in_words(monitoring: Monitoring, guild: discord.Guild, one: Backfill) -> str:
    messages = one.messages // BASE * BASE
    if one.state is BackfillState.DONE:
        return ngettext(
            "I've read {count:,} day of history: {messages}.",
            "I've read {count:,} days of history: {messages}.",
            one.days,
            messages=ngettext("{count:,} message", "{count:,} messages", messages),
        )
    so_far = ngettext("{count:,} message so far", "{count:,} messages so far", messages)
    if one.state is BackfillState.STOPPED:
        return gettext("Stopped reading history ({messages}). What I've counted stays.", messages=so_far)
    channels = channels_to_read(monitoring.rules, guild)
    done = sum(one.channel_id is not None and number < one.channel_id for number in channels)
    where = gettext(
        "channel {number} of {all}, {messages}",
        number=min(done + 1, len(channels)),
        all=len(channels),
        messages=so_far,
    )
    if one.state is BackfillState.PAUSED:
        return ngettext(
            "Paused reading {count:,} day of history ({where}). `/monitor backfill do:resume` goes on.",
            "Paused reading {count:,} days of history ({where}). `/monitor backfill do:resume` goes on.",
            one.days,
            where=where,
        )
    return ngettext(
        "Reading {count:,} day of history: {where}. New messages go first.",
        "Reading {count:,} days of history: {where}. New messages go first.",
        one.days,
        where=where,
    )


async def _start(admin: RuleChanges, days: int) -> str:
    monitoring, guild = admin.monitoring, admin.guild
    if not monitoring.content_seen:
        raise Refused(" ".join((gettext("I can't read any history."), gettext(NO_CONTENT))))
    there = list(watched(monitoring.rules, guild))
    if not there:
        raise Refused(gettext("I'm not watching anything yet. Use `/setup` to start."))
    ready, waiting, renewed = [], [], []
    for one in there:
        moment = await _told_since(monitoring, one)
        if moment is None and await _renew(monitoring, one):
            renewed.append(one)
        elif moment is not None and monitoring.rules.now() - moment >= HISTORY_AFTER and can_read(one.channel):
            ready.append(one)
        else:
            waiting.append(one)
    later = _later(admin, waiting, renewed)
    if not ready:
        raise Refused(" ".join((gettext("I can't read any history yet."), *later)))
    await admin.write_down(AdminAction.BACKFILL)
    await monitoring.backfills.start(guild.id, days)
    begun = ngettext(
        "I'm reading the last {count:,} day {of_channels}. It takes a while, because new messages go first. `/monitor "
        "backfill` shows how far I am; `do:pause` and `do:stop` work any time. I won't react to old messages or alert "
        "about them.",
        "I'm reading the last {count:,} days {of_channels}. It takes a while, because new messages go first. `/monitor "
        "backfill` shows how far I am; `do:pause` and `do:stop` work any time. I won't react to old messages or alert "
        "about them.",
        days,
        of_channels=npgettext("the last 28 days …", "of {count:,} channel", "of {count:,} channels", len(ready)),
    )
    return " ".join((begun, *later))


async def _told_since(monitoring: Monitoring, one: Watched) -> float | None:
    """Since when a channel's notice has said that the history may be read."""
    place = place_of(one.channel)
    if place is None or not await monitoring.notices.stands(place):
        return None
    return monitoring.rules.history_told_since(place)


async def _renew(monitoring: Monitoring, one: Watched) -> bool:
    """Posts the present notice where one of before stands, which says nothing of the history; whether it did."""
    known = monitoring.rules.notice_of(one.channel.guild.id, one.channel.id)
    if known is None or not known.stands or known.tells_of_history:
        return False
    with suppress(*REQUEST_FAILURES, NoTagAllowed):
        await monitoring.notices.post(one.channel, renew=True)
        return True
    return False


def _later(admin: RuleChanges, waiting: list[Watched], renewed: list[Watched]) -> list[str]:
    """Which channels are left out for now, and why, of those that whoever asks can see."""
    said = []
    if names := _names(admin, renewed):
        said.append(
            gettext(
                "My notice in {channels} didn't mention older messages, so I posted a new one. Try again tomorrow.",
                channels=names,
            )
        )
    if names := _names(admin, waiting):
        said.append(
            gettext(
                "In {channels}, my notice must be up for {time} first, and I need **{permission}**.",
                channels=names,
                time=span(HISTORY_AFTER),
                permission=gettext(HISTORY.name),
            )
        )
    return said


def _names(admin: RuleChanges, channels: list[Watched]) -> str:
    return _listed([one.channel.mention for one in channels if can_see(admin.member, one.channel)])


def _listed(seen: list[str]) -> str:
    named, left = series(seen[:_NAMED]), len(seen) - _NAMED
    if left <= 0:
        return named
    return ngettext("{channels} and {count} more", "{channels} and {count} more", left, channels=named)
