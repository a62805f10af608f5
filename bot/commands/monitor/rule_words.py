"""What `/monitor enable`, `disable`, `exempt` and `include` say, by what they are about: grammars differ in that."""

from __future__ import annotations

import discord

from bot.channels import Watchable
from bot.domain.records import Rule, Sensitivity, TargetKind
from bot.i18n import N_, gettext, ngettext, npgettext, pgettext
from bot.link.failures import is_refusal

NOW_WATCHED = {
    TargetKind.SERVER: N_("Now watching the whole server ({how}), except where a more specific rule says otherwise."),
    TargetKind.CATEGORY: N_(
        "Now watching the category {place} ({how}), except where a more specific rule says otherwise."
    ),
}
NOT_WATCHED = {
    TargetKind.SERVER: N_("The whole server isn't watched."),
    TargetKind.CATEGORY: N_("The category {place} isn't watched."),
    TargetKind.CHANNEL: N_("{place} isn't watched."),
}
NO_LONGER_WATCHED = {
    TargetKind.SERVER: N_("No longer watching the whole server."),
    TargetKind.CATEGORY: N_("No longer watching the category {place}."),
    TargetKind.CHANNEL: N_("No longer watching {place}."),
}
EXEMPT = {
    TargetKind.ROLE: N_("People with {place}: I won't read them anywhere. `/monitor include` undoes that."),
    TargetKind.CATEGORY: N_(
        "The category {place}: I won't read anything there, even if a wider rule says so. `/monitor include` undoes "
        "that."
    ),
    TargetKind.CHANNEL: N_(
        "{place}: I won't read anything there, even if a wider rule says so. `/monitor include` undoes that."
    ),
}
NOT_EXEMPT = {
    TargetKind.ROLE: N_("The role {place} isn't exempt."),
    TargetKind.CATEGORY: N_("The category {place} isn't exempt."),
    TargetKind.CHANNEL: N_("{place} isn't exempt."),
}
INCLUDED_AND_WATCHED = {
    TargetKind.ROLE: N_("People with {place}: I'll read them again in watched channels."),
    TargetKind.CATEGORY: N_("The category {place} is no longer exempt; it's watched again."),
    TargetKind.CHANNEL: N_("{place} is no longer exempt; it's watched again."),
}
INCLUDED = {
    **INCLUDED_AND_WATCHED,
    TargetKind.CATEGORY: N_(
        "The category {place} is no longer exempt; it's not watched: `/monitor enable` starts that."
    ),
    TargetKind.CHANNEL: N_("{place} is no longer exempt; it's not watched: `/monitor enable` starts that."),
}

NO_TAG = N_(
    "Nothing was enabled: I can't post my notice, because every post in {forum} needs a tag, and only moderators can "
    "use the ones there are: add a tag everyone can use under **Edit Channel**, or allow me **Manage Threads** there. "
    "Then try again."
)


def how_in_words(rule: Rule) -> str:
    """How something is watched: tags, sensitivity, and what an hour needs where that is not the server's own."""
    tagging = gettext("tagging on") if rule.tagging else gettext("tagging off")
    sensitivity, needed = gettext(_SENSITIVITY[rule.sensitivity]), _needed_in_words(rule)
    if not needed:
        return pgettext("how a place is watched", "{tagging}, {sensitivity}", tagging=tagging, sensitivity=sensitivity)
    return pgettext(
        "how a place is watched",
        "{tagging}, {sensitivity}, {alerts}",
        tagging=tagging,
        sensitivity=sensitivity,
        alerts=needed,
    )


_SENSITIVITY = {
    Sensitivity.LOW: N_("sensitivity low"),
    Sensitivity.NORMAL: N_("sensitivity normal"),
    Sensitivity.HIGH: N_("sensitivity high"),
}


def _needed_in_words(rule: Rule) -> str:
    messages, people = rule.alert_messages, rule.alert_authors
    if messages is None and people is None:
        return ""
    if messages is None:
        return ngettext("alerts from {count:,} person an hour", "alerts from {count:,} people an hour", people or 0)
    if people is None:
        return ngettext("alerts from {count:,} message an hour", "alerts from {count:,} messages an hour", messages)
    and_people = npgettext(
        "alerts from so many messages ... an hour", "and {count:,} person", "and {count:,} people", people
    )
    return ngettext(
        "alerts from {count:,} message {and_people} an hour",
        "alerts from {count:,} messages {and_people} an hour",
        messages,
        and_people=and_people,
    )


def not_posted(channel: Watchable, error: BaseException) -> str:
    """Why a channel is not watched after all: its notice could not be posted."""
    if isinstance(error, discord.HTTPException) and is_refusal(error):
        return gettext(
            "Nothing was enabled: I couldn't post my notice in {place} (Discord says: {answer}). I don't watch anyone "
            "without it.",
            place=channel.mention,
            answer=error.text,
        )
    return gettext(
        "Nothing was enabled: I couldn't post my notice in {place} (Discord isn't responding; please try again in a "
        "minute). I don't watch anyone without it.",
        place=channel.mention,
    )
