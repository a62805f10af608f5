"""What monitoring keeps about people: scores of their messages, and how many they wrote, or changed, in which hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.domain.records import FEWEST_AUTHORS, UNREAD, HeldMessage, HeldMessages
from bot.domain.snowflake import DISCORD_EPOCH, SECONDS
from bot.i18n import gettext, ngettext
from bot.i18n.formats import number
from bot.presentation.text import after_days, as_id, as_time
from bot.storage.hourly_rollup import remove_messages
from bot.storage.people_repository import read_messages
from bot.storage.personal_data import PersonalData
from bot.storage.schema import (
    BackfillRow,
    BookkeepingRow,
    ChangeRow,
    DepartureRow,
    ErasureLogRow,
    FilledRow,
    GapRow,
    HourAuthorRow,
    HourRow,
    LateChangeRow,
    LeaseRow,
    MessageScoreRow,
    NoticeRow,
    ProcessRow,
    RegistrationRow,
    ReleaseRow,
    ReportRow,
    SignOfLifeRow,
    ToldDayRow,
    ToldHourRow,
)
from model import SENTIMENTS

LISTED = 10
"""Channels that are named one by one."""

IMPERSONAL = {
    HourRow: "hourly sums of a channel, shown to nobody; deleted with the messages",
    ToldHourRow: "what I show of an hour with at least five people, rounded; of others only that there was one",
    ToldDayRow: "the same of the hidden hours of a day",
    GapRow: "when I couldn't see anything",
    ProcessRow: "which processes of the bot share its servers, and when they were last alive",
    ChangeRow: "that a server has chosen something else, or somebody has, so that every process hears of it; not who",
    ErasureLogRow: "how far the log of each process is done",
    RegistrationRow: "hashes of the bot's own commands, as one of them has registered them",
    LeaseRow: "which of them serves which connection to Discord",
    ReleaseRow: "which models were to answer in all of them, and why one was refused",
    ReportRow: "how far the last of these is in each of them",
    SignOfLifeRow: "until when all that happened on a connection to Discord is written",
    NoticeRow: "where my notice is, or was deleted",
    BackfillRow: "how far a server's history is read that an admin has asked for",
    FilledRow: "which hours of a channel were read from its history",
    DepartureRow: "servers that the bot has left within the last day",
    BookkeepingRow: "how far was purged, the last sign of life, whose database it is, and how far the log is done",
}


def messages_of_people(english_only: Callable[[int], bool]) -> PersonalData[HeldMessages]:
    """`MESSAGES`, said as it is where a server, by its id, has more read than English, or less."""

    def lines(held: HeldMessages, days: int) -> list[str]:
        unread_in = {one.guild_id for one in held.messages if one.sentiment == UNREAD}
        return _lines(held, days, english_only=all(map(english_only, unread_in)))

    return replace(MESSAGES, lines=lines)


def _lines(held: HeldMessages, days: int, *, english_only: bool = True) -> list[str]:
    lines = _message_lines(held, days, english_only=english_only) if held.messages else []
    if held.hours:
        # Translators: {after_days} is "after 7 days", as in the sentences like this one.
        said = ngettext(
            "{count:,} note of how many messages you wrote in an hour of a channel, to count how many people wrote "
            "there. Each is deleted {after_days}, too.",
            "{count:,} notes of how many messages you wrote in an hour of a channel, to count how many people wrote "
            "there. Each is deleted {after_days}, too.",
            len(held.hours),
            after_days=after_days(days),
        )
        lines.append(f"- {said}")
    if held.late:
        said = ngettext(
            "{count:,} note that messages of yours in an hour changed after I showed the hour, to count how many "
            "people's did. Each is deleted {after_days}, too.",
            "{count:,} notes that messages of yours in an hour changed after I showed the hour, to count how many "
            "people's did. Each is deleted {after_days}, too.",
            len(held.late),
            after_days=after_days(days),
        )
        lines.append(f"- {said}")
    return lines


def _message_lines(held: HeldMessages, days: int, *, english_only: bool) -> list[str]:
    servers = len({one.guild_id for one in held.messages})
    channels = Counter(one.channel_id for one in held.messages)
    first, last = ((held.messages[place].message_id >> 22) + DISCORD_EPOCH for place in (0, -1))
    # Translators: A part of "5 messages in 2 channels of 3 servers".
    in_channels = ngettext("in {count:,} channel", "in {count:,} channels", len(channels))
    # Translators: A part of "5 messages in 2 channels of 3 servers".
    of_servers = ngettext("of {count:,} server", "of {count:,} servers", servers)
    # Translators: {in_channels} is "in 2 channels", {of_servers} is "of 3 servers"; Discord shows the times.
    how_many = ngettext(
        "{count:,} message {in_channels} {of_servers}, written from <t:{first}:f> to <t:{last}:f>.",
        "{count:,} messages {in_channels} {of_servers}, written from <t:{first}:f> to <t:{last}:f>.",
        len(held.messages),
        in_channels=in_channels,
        of_servers=of_servers,
        first=first // 1000,
        last=last // 1000,
    )
    return [f"- {how_many} {_of_each(held, days, english_only=english_only)}", f"  {_named(channels)}"]


def _of_each(held: HeldMessages, days: int, *, english_only: bool) -> str:
    """What is kept of a message; and how many have no score, because they could not be read."""
    number_unread = sum(one.sentiment == UNREAD for one in held.messages)
    if not number_unread:
        # Translators: Follows "5 messages in 2 channels of 3 servers". {after_days} is "after 7 days".
        return gettext(
            "For each: its id, channel and hour, whether it was edited, its score and sentiment, and the model. Each "
            "is deleted {after_days}.",
            after_days=after_days(days),
        )
    if english_only:
        # Translators: A remark on some of somebody's messages.
        unread = ngettext(
            "{count:,} without a score: I couldn't read what isn't in English",
            "{count:,} without a score: I couldn't read what isn't in English",
            number_unread,
        )
    else:
        # Translators: A remark on some of somebody's messages.
        unread = ngettext(
            "{count:,} without a score, in a language I didn't read there",
            "{count:,} without a score, in languages I didn't read there",
            number_unread,
        )
    # Translators: {unread} is "2 without a score: I couldn't read what isn't in English".
    return gettext(
        "For each: its id, channel and hour, whether it was edited, its score and sentiment, and the model ({unread}). "
        "Each is deleted {after_days}.",
        unread=unread,
        after_days=after_days(days),
    )


def _named(channels: Counter[int]) -> str:
    named = ", ".join(f"<#{channel}>: {number(messages)}" for channel, messages in channels.most_common(LISTED))
    if len(channels) <= LISTED:
        return named
    return ngettext(
        "{channels}, and {count:,} more channel",
        "{channels}, and {count:,} more channels",
        len(channels) - LISTED,
        channels=named,
    )


def _entries(held: HeldMessages) -> Mapping[str, Any]:
    return {
        "messages": map(_message, held.messages),
        "messages_per_hour": (
            {"channel_id": str(channel), "hour": as_time(hour * SECONDS), "messages": messages, "unread": unread}
            for channel, hour, messages, unread in held.hours
        ),
        "changed_later": (
            {"channel_id": str(channel), "hour": as_time(hour * SECONDS), "messages": messages}
            for channel, hour, messages in held.late
        ),
    }


def _message(one: HeldMessage) -> dict[str, Any]:
    read = one.sentiment != UNREAD
    return {
        "message_id": str(one.message_id),
        "written": as_time(((one.message_id >> 22) + DISCORD_EPOCH) / 1000),
        "server_id": str(one.guild_id),
        "channel_id": str(one.channel_id),
        "thread_id": as_id(one.thread_id),
        "hour": as_time(one.hour * SECONDS),
        "edited": as_time(one.edited / 1000) if one.edited else None,
        "score": one.score / 1000 if read else None,
        "sentiment": SENTIMENTS[one.sentiment] if read else "unread",
        "model": one.model if read else None,
    }


def _deletion(held: HeldMessages) -> str:
    if not held.messages and not held.hours and not held.late:
        return ""
    scores = ngettext(
        "This removes the scores of {count:,} message of yours and takes them out of their hours' totals.",
        "This removes the scores of {count:,} messages of yours and takes them out of their hours' totals.",
        len(held.messages),
    )
    # Translators: People can't be told apart in a change of so many; {count} is always 5.
    shown = ngettext(
        "What I've already shown of an hour changes once messages of {count:,} person in it have changed.",
        "What I've already shown of an hour changes once messages of {count:,} people in it have changed.",
        FEWEST_AUTHORS,
    )
    return f"{scores} {shown}"


MESSAGES = PersonalData(
    tables=(MessageScoreRow, HourAuthorRow, LateChangeRow),
    read=read_messages,
    lines=_lines,
    entries=_entries,
    deletion=_deletion,
    erase=remove_messages,
)
