"""What monitoring keeps about people: scores of their messages, and how many they wrote, or changed, in which hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from bot.domain.records import FEWEST_AUTHORS, UNREAD, HeldMessage, HeldMessages
from bot.domain.snowflake import DISCORD_EPOCH, SECONDS
from bot.presentation.text import as_id, as_time, count
from bot.storage.hourly_rollup import remove_messages
from bot.storage.people_repository import read_messages
from bot.storage.personal_data import PersonalData
from bot.storage.schema import (
    BookkeepingRow,
    DepartureRow,
    GapRow,
    HourAuthorRow,
    HourRow,
    LateChangeRow,
    MessageScoreRow,
    NoticeRow,
    ToldDayRow,
    ToldHourRow,
)
from model import SENTIMENTS

LISTED = 10
"""Channels that are named one by one."""

IMPERSONAL = {
    HourRow: "sums of each hour of a channel, told to nobody; they go with the messages",
    ToldHourRow: "what is told of an hour of at least five people, rounded; of others only that there was one",
    ToldDayRow: "the same of the hidden hours of a day",
    GapRow: "when the bot saw nothing",
    NoticeRow: "where a notice stands, or was deleted",
    DepartureRow: "servers that the bot has left within the last day",
    BookkeepingRow: "how far was purged, the last sign of life, whose database it is, and how far the log is done",
}


def _lines(held: HeldMessages, days: int) -> list[str]:
    lines = _message_lines(held, days) if held.messages else []
    if held.hours:
        lines.append(
            f"- {count(len(held.hours), 'note')} of how many messages you wrote in an hour of a channel, to count how "
            f"many people wrote there. Each goes after {count(days, 'day')}, too."
        )
    if held.late:
        lines.append(
            f"- {count(len(held.late), 'note')} that messages of yours in an hour changed after the hour was shown, to "
            f"count how many people's did. Each goes after {count(days, 'day')}, too."
        )
    return lines


def _message_lines(held: HeldMessages, days: int) -> list[str]:
    servers = {one.guild_id for one in held.messages}
    channels = Counter(one.channel_id for one in held.messages)
    first, last = ((held.messages[place].message_id >> 22) + DISCORD_EPOCH for place in (0, -1))
    named = ", ".join(f"<#{channel}>: {messages:,}" for channel, messages in channels.most_common(LISTED))
    rest = f", and {count(len(channels) - LISTED, 'more channel')}" if len(channels) > LISTED else ""
    return [
        f"- {count(len(held.messages), 'message')} in {count(len(channels), 'channel')} of "
        f"{count(len(servers), 'server')}, written from <t:{first // 1000}:f> to <t:{last // 1000}:f>: of each its id, "
        "where and in which hour it was written, whether it was edited, its score and sentiment, and which model said "
        f"so{_unread(held)}. Each goes after {count(days, 'day')}.",
        f"  {named}{rest}",
    ]


def _unread(held: HeldMessages) -> str:
    """That some messages have no score, because they could not be read."""
    unread = sum(one.sentiment == UNREAD for one in held.messages)
    return f" ({unread:,} without a score: I couldn't read what isn't in English)" if unread else ""


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
    return (
        f"removes the scores of {count(len(held.messages), 'message')} of yours and takes them out of the sums of "
        f"their hours; what I've already shown of an hour changes when {FEWEST_AUTHORS} people's messages in it have"
    )


MESSAGES = PersonalData(
    tables=(MessageScoreRow, HourAuthorRow, LateChangeRow),
    read=read_messages,
    lines=_lines,
    entries=_entries,
    deletion=_deletion,
    erase=remove_messages,
)
