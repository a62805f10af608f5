"""The channel in which a server's moderators read what the bot has to say: posts to it, and who reads them."""

from __future__ import annotations

from bot.mod_channel.posting import FIRST_PAUSE, LONGEST_PAUSE, MOST_REFUSALS, ModChannels, NotPosted, Unreadable
from bot.mod_channel.readers import look_up

__all__ = ["FIRST_PAUSE", "LONGEST_PAUSE", "MOST_REFUSALS", "ModChannels", "NotPosted", "Unreadable", "look_up"]
