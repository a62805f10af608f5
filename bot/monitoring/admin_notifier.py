"""What a server's admins are told without having asked: once, in the channel they chose for it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import discord

from bot.mod_channel import NotPosted
from bot.monitoring.rule_cache import RuleCache
from bot.storage.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from bot.client import Vibecheck

_log = logging.getLogger(__name__)


class AdminNotifier:
    """Reaches the admins of a server through its mod channel."""

    def __init__(self, bot: Vibecheck, register: RuleCache) -> None:
        self._bot = bot
        self._register = register

    async def tell(self, guild: discord.Guild, sentence: str) -> None:
        """AlertRepository a sentence of ours in the mod channel, if there is one that takes it; raises nothing."""
        try:
            channel_id = (await self._register.settings(guild.id)).mod_channel_id
        except DatabaseUnavailable:
            channel_id = None
        if channel_id is None:
            _log.info("server %d has no channel to tell its admins in", guild.id)
            return
        try:
            await self._bot.mod_channels.post(guild.id, channel_id, time.time(), content=sentence)
        except (NotPosted, discord.HTTPException, OSError) as error:
            _log.info("the admins of server %d could not be told (%s)", guild.id, type(error).__name__)
