"""Everything that is held about one person, as that person reads it: in words, and as JSON."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bot.domain.records import UNREAD, Audited, Held, HeldMessage
from bot.domain.snowflake import DISCORD_EPOCH, SECONDS
from bot.presentation.text import count
from model import SENTIMENTS

LISTED = 10
"""Channels that are named one by one."""


def in_words(held: Held, *, opted_out: bool, days: int) -> str:
    """At most 2,000 characters of Discord's markup. `days` is how long single messages are kept."""
    lines = ["**What is kept about you**", _opt_out_line(held, opted_out=opted_out)]
    if held.messages:
        lines += _message_lines(held, days)
    if held.hours:
        lines.append(
            f"- {count(len(held.hours), 'note')} of how many messages you wrote in an hour of a channel, to count how "
            f"many people wrote there. Each goes after {count(days, 'day')}, too."
        )
    if held.admin_actions:
        lines.append(
            f"- {count(len(held.admin_actions), 'thing')} you did as an admin. What was done stays; that it was you "
            f"goes after {count(days, 'day')}."
        )
    if held.messages or held.hours or held.admin_actions:
        lines.append(
            "You are in there as a hash of your id, made with a secret key; your name is nowhere, and neither is any "
            "text. The attached file has every entry. `/privacy delete` removes them."
        )
    else:
        lines.append("- Nothing else: no message, no count, nothing you did as an admin.")
    return "\n".join(lines)


def as_json(user_id: int, held: Held, *, opted_out: bool, days: int, now: float) -> str:
    """A JSON object with one line for each entry: ids as strings, times in UTC, scores in [-1, 1].

    `now` is in seconds since the Unix epoch.
    """
    parts = {
        "discord_id": str(user_id),
        "told_at": _time(now),
        "kept_under": "a hash of your Discord id, made with a secret key; neither your id nor your name is kept",
        "message_text": "never kept",
        "days_kept": days,
        "opted_out": opted_out,
        "opted_out_since": _time(held.opted_out_since),
    }
    lists: dict[str, Iterator[dict[str, Any]]] = {
        "messages": map(_message, held.messages),
        "messages_per_hour": (
            {"channel_id": str(channel), "hour": _time(hour * SECONDS), "messages": messages, "unread": unread}
            for channel, hour, messages, unread in held.hours
        ),
        "admin_actions": map(_action, held.admin_actions),
    }
    written = {name: json.dumps(value, ensure_ascii=False) for name, value in parts.items()}
    written |= {name: _one_a_line(entries) for name, entries in lists.items()}
    return "{\n" + ",\n".join(f' "{name}": {value}' for name, value in written.items()) + "\n}\n"


def as_file(text: str, limit: int) -> tuple[str, bytes]:
    """The name and bytes of a file that holds the JSON, compressed when it would be larger than `limit` bytes."""
    data = text.encode()
    return ("privacy.json", data) if len(data) <= limit else ("privacy.json.gz", gzip.compress(data))


def _opt_out_line(held: Held, *, opted_out: bool) -> str:
    if held.opted_out_since is not None:
        return f"- You opted out on <t:{held.opted_out_since}:D>: none of your messages is read."
    unwritten = "- You have opted out, but it could not be written down: please use `/privacy opt-out` once more."
    return unwritten if opted_out else "- You have not opted out."


def _message_lines(held: Held, days: int) -> list[str]:
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


def _unread(held: Held) -> str:
    """That some messages have no score, because they could not be read."""
    unread = sum(one.sentiment == UNREAD for one in held.messages)
    return f" ({unread:,} without a score: I couldn't read what isn't in English)" if unread else ""


def _message(one: HeldMessage) -> dict[str, Any]:
    read = one.sentiment != UNREAD
    return {
        "message_id": str(one.message_id),
        "written": _time(((one.message_id >> 22) + DISCORD_EPOCH) / 1000),
        "server_id": str(one.guild_id),
        "channel_id": str(one.channel_id),
        "thread_id": _id(one.thread_id),
        "hour": _time(one.hour * SECONDS),
        "edited": _time(one.edited / 1000) if one.edited else None,
        "score": one.score / 1000 if read else None,
        "sentiment": SENTIMENTS[one.sentiment] if read else "unread",
        "model": one.model if read else None,
    }


def _action(one: Audited) -> dict[str, Any]:
    return {
        "server_id": str(one.guild_id),
        "done": _time(one.done),
        "action": one.action,
        "target_kind": one.target_kind,
        "target_id": _id(one.target_id),
    }


def _one_a_line(entries: Iterator[dict[str, Any]]) -> str:
    lines = [f"  {json.dumps(entry, ensure_ascii=False)}" for entry in entries]
    return "[\n" + ",\n".join(lines) + "\n ]" if lines else "[]"


def _time(seconds: float | None) -> str | None:
    """ISO 8601, in UTC, whole seconds."""
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _id(number: int | None) -> str | None:
    """As text: JSON readers that take numbers for floating point would round it."""
    return None if number is None else str(number)
