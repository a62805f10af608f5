"""One message on joining a server: what I do, what I keep, and a button. Where nobody would see it, none."""

from __future__ import annotations

import logging
from typing import Any

import discord
from discord.ext import commands

from bot.commands.setup.command import BeginButton
from bot.connection import Connection
from bot.domain.discord_clock import DiscordClock
from bot.i18n import gettext, npgettext, speaking, unmarked
from bot.link.failures import REQUEST_FAILURES, kind_of_failure
from bot.link.spoken import server_language

_log = logging.getLogger(__name__)

NEW_SECONDS = 600.0
"""A server that was joined longer ago is one that comes back after an outage."""


def words(days: int) -> str:
    """What is said on joining, in the language that is spoken; scores are kept for so many days."""
    return gettext(
        "**Hi, I'm Vibecheck.** I tell you how the mood in your channels changes, and alert moderators when it drops.\n"
        "I don't store what people write: only a score for each message {for_days}, then hourly totals. I read nothing "
        "until an admin picks a channel, and I post a notice there first.\n"
        "Anyone can try `/sentiment` right now.",
        for_days=npgettext("kept", "for {count:,} day", "for {count:,} days", days),
    )


class GreetingCog(commands.Cog):
    """Says hello once for each time the bot is added to a server."""

    def __init__(self, connection: Connection, clock: DiscordClock, days: int) -> None:
        self._connection = connection
        self._clock = clock
        self._days = days
        self._greeted: dict[int, float] = {}

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was added, or the server is there again after an outage, which is no reason to say hello."""
        joined = guild.me.joined_at if guild.me is not None else None
        if joined is None or self._clock.now() - joined.timestamp() > NEW_SECONDS:
            return
        if self._greeted.get(guild.id) == joined.timestamp():
            return
        self._greeted[guild.id] = joined.timestamp()
        try:
            await self._greet(guild)
        except REQUEST_FAILURES as error:
            _log.info("server %d was not greeted (%s)", guild.id, kind_of_failure(error))

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Added again, it is greeted again."""
        self._greeted.pop(guild.id, None)

    async def _greet(self, guild: discord.Guild) -> None:
        channel = guild.system_channel
        if channel is not None:
            granted = channel.permissions_for(guild.me)
            if granted.view_channel and granted.send_messages:
                with speaking(server_language(guild)):
                    said, view = words(self._days), discord.ui.View(timeout=None)
                    view.add_item(BeginButton())
                await channel.send(said, view=view)
                return
        inviter = await _inviter(guild)
        if inviter is not None:
            direct = await self._connection.create_dm(inviter)
            with speaking(server_language(guild)):
                added = gettext("You added me to **{server}**.", server=_plain(guild.name))
                said, view = f"{words(self._days)}\n{added}", _way_there(guild)
            await direct.send(said, view=view)


async def _inviter(guild: discord.Guild) -> discord.abc.Snowflake | None:
    """Who added the bot, where the server's audit log may be read; the invite link doesn't ask for that."""
    if not guild.me.guild_permissions.view_audit_log:
        return None
    async for entry in guild.audit_logs(action=discord.AuditLogAction.bot_add, limit=5):
        if entry.target is not None and entry.target.id == guild.me.id:
            return entry.user
    return None


def _way_there(guild: discord.Guild) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    address = f"https://discord.com/channels/{guild.id}"
    label = unmarked(gettext("Go there and use `/setup`"))
    button: discord.ui.Button[Any] = discord.ui.Button(label=label, url=address)
    view.add_item(button)
    return view


def _plain(name: str) -> str:
    return discord.utils.escape_markdown(name)
