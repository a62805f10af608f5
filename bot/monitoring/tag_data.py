"""What tags say about people: whose message has one. They go when their author says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.records import Tag
from bot.i18n import ngettext
from bot.monitoring.reactions import Reactions
from bot.presentation.text import after_days, as_id
from bot.storage.personal_data import PersonalData
from bot.storage.schema import TagRow
from bot.storage.tag_repository import read_tags, release_tags


def tags_of_people(reactions: Reactions) -> PersonalData[tuple[Tag, ...]]:
    """To delete them blanks whose they are at once, and has the reactions taken back one after the other."""
    return PersonalData(
        tables=(TagRow,),
        read=read_tags,
        lines=_lines,
        entries=_entries,
        deletion=_deletion,
        erase=reactions.erase,
        erase_again=release_tags,
        erased=reactions.take_back_soon,
    )


def _lines(held: tuple[Tag, ...], days: int) -> list[str]:
    if not held:
        return []
    # Translators: {after_days} is "after 7 days".
    said = ngettext(
        "Which of your messages I reacted to: {count:,} reaction. Each note is deleted {after_days}; the reaction "
        "stays on its message.",
        "Which of your messages I reacted to: {count:,} reactions. Each note is deleted {after_days}; the reaction "
        "stays on its message.",
        len(held),
        after_days=after_days(days),
    )
    return [f"- {said}"]


def _entries(held: tuple[Tag, ...]) -> Mapping[str, Any]:
    return {"reactions": map(_entry, held)}


def _entry(one: Tag) -> dict[str, Any]:
    return {
        "message_id": str(one.message_id),
        "server_id": str(one.guild_id),
        "channel_id": str(one.channel_id),
        "thread_id": as_id(one.thread_id),
        "reaction": one.emoji,
    }


def _deletion(held: tuple[Tag, ...]) -> str:
    if not held:
        return ""
    return ngettext(
        "This removes {count:,} reaction of mine from messages of yours.",
        "This removes {count:,} reactions of mine from messages of yours.",
        len(held),
    )
