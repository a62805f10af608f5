"""The role that an alert mentions, and what keeps it from being pinged."""

from __future__ import annotations

import discord

from bot.i18n import gettext


def role_warning(guild: discord.Guild, role_id: int | None) -> list[str]:
    """Why an alert would not reach a role; nothing while it would."""
    role = guild.get_role(role_id) if role_id is not None else None
    if role_id is None:
        return []
    if role is None or role.is_default():
        return [gettext("That role can't be pinged: pick another.")]
    if role.mentionable or guild.me.guild_permissions.mention_everyone:
        return []
    return [
        gettext(
            "I can't ping {role}. Click **Server Settings** → **Roles** → {role} → "
            "**Allow anyone to @mention this role**.",
            role=role.mention,
        )
    ]
