"""How far a server is from its first alert, of the channels that whoever asks can see."""

from __future__ import annotations

import discord

from bot.commands.monitor.visible import readable_by
from bot.domain.records import GuildSettings
from bot.learning import in_words, progress
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.watched_channels import watched
from bot.storage.errors import DatabaseUnavailable


async def learning_line(monitoring: Monitoring, admin: discord.Member, settings: GuildSettings) -> str:
    """The line; empty where nothing is watched that they can see, and while the database is away."""
    readable = readable_by(admin)
    seen = {one.counting for one in watched(monitoring.rules, admin.guild) if one.counting in readable}
    storage = monitoring.storage
    try:
        found = await progress(storage.moods, admin.guild.id, seen, storage.clock.now())
    except DatabaseUnavailable:
        return ""
    return in_words(found, settings)
