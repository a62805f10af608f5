"""What is kept about people as admins: what they did, by whatever command. That it was they goes after some days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.records import Audited
from bot.i18n import ngettext
from bot.presentation.text import after_days, as_id, as_time
from bot.storage.people_repository import blank_admin, read_admin_actions
from bot.storage.personal_data import PersonalData
from bot.storage.schema import AuditRow, ChannelRuleRow, GuildSettingsRow

IMPERSONAL = {
    GuildSettingsRow: "what a server has chosen",
    ChannelRuleRow: "what is watched and what is exempt: channels, categories, roles, never a person",
}


def _lines(held: tuple[Audited, ...], days: int) -> list[str]:
    if not held:
        return []
    return [
        ngettext(
            "- {count:,} thing you did as an admin. What was done stays; your name on it is deleted {after_days}.",
            "- {count:,} things you did as an admin. What was done stays; your name on it is deleted {after_days}.",
            len(held),
            after_days=after_days(days),
        )
    ]


def _entries(held: tuple[Audited, ...]) -> Mapping[str, Any]:
    return {"admin_actions": map(_action, held)}


def _action(one: Audited) -> dict[str, Any]:
    return {
        "server_id": str(one.guild_id),
        "done": as_time(one.done),
        "action": one.action,
        "target_kind": one.target_kind,
        "target_id": as_id(one.target_id),
    }


def _deletion(held: tuple[Audited, ...]) -> str:
    if not held:
        return ""
    return ngettext(
        "This removes your name from {count:,} thing you did as an admin.",
        "This removes your name from {count:,} things you did as an admin.",
        len(held),
    )


ADMIN_ACTIONS = PersonalData(
    tables=(AuditRow,),
    read=read_admin_actions,
    lines=_lines,
    entries=_entries,
    deletion=_deletion,
    erase=blank_admin,
)
