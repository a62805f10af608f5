"""What a server's admins are told without having asked: once, in the channel they chose for it."""

from __future__ import annotations

import logging
import time

import discord

from bot.mod_channel import ModChannels, NotPosted
from bot.monitoring.rule_cache import RuleCache
from bot.storage.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)


class AdminNotifier:
    """Reaches the admins of a server through its mod channel."""

    def __init__(self, mod_channels: ModChannels, rules: RuleCache) -> None:
        self._mod_channels = mod_channels
        self._rules = rules

    async def tell(self, guild: discord.Guild, sentence: str) -> None:
        """Posts a sentence of ours in the mod channel, if there is one that takes it; raises nothing."""
        try:
            channel_id = (await self._rules.settings(guild.id)).mod_channel_id
        except DatabaseUnavailable:
            channel_id = None
        if channel_id is None:
            _log.info("server %d has no channel to tell its admins in", guild.id)
            return
        try:
            await self._mod_channels.post(guild.id, channel_id, time.time(), content=sentence)
        except (NotPosted, discord.HTTPException, OSError) as error:
            _log.info("the admins of server %d could not be told (%s)", guild.id, type(error).__name__)
