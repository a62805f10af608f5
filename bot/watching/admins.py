"""What a server's admins are told without having asked: once, in the channel they chose for it."""

from __future__ import annotations

import logging

import discord

from bot.mood.errors import DatabaseUnavailable
from bot.watching.outlets import Outlets, Purpose
from bot.watching.register import Register

_log = logging.getLogger(__name__)


class Admins:
    """Reaches the admins of a server through its mod channel."""

    def __init__(self, register: Register, outlets: Outlets) -> None:
        self._register = register
        self._outlets = outlets

    async def tell(self, guild: discord.Guild, sentence: str) -> None:
        """Posts a sentence of ours in the mod channel, if there is one that takes it; raises nothing."""
        try:
            channel_id = (await self._register.settings(guild.id)).mod_channel_id
        except DatabaseUnavailable:
            channel_id = None
        channel = guild.get_channel_or_thread(channel_id) if channel_id is not None else None
        if not isinstance(channel, discord.abc.Messageable) or not self._outlets.is_open(channel.id, Purpose.TELL):
            _log.info("server %d has no channel to tell its admins in", guild.id)
            return
        try:
            await channel.send(sentence)
        except discord.HTTPException as error:
            self._outlets.refused(channel.id, Purpose.TELL)
            _log.info("the admins of server %d could not be told (%s)", guild.id, error.code)
        else:
            self._outlets.worked(channel.id, Purpose.TELL)
