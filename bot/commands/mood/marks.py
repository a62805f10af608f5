"""`/mood mark`, `marks` and `unmark`: events that this server's charts show, for whoever runs or moderates it."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from zoneinfo import ZoneInfo

import discord
from discord import app_commands
from discord.ext import commands

from bot.commands.mood.own_words import in_english
from bot.commands.mood.time_range import LONGEST_DAYS, NoSuchTime, read_since
from bot.domain.marks import LONGEST_TEXT, Mark
from bot.domain.records import AdminAction, Audited, TargetKind
from bot.domain.snowflake import SECONDS
from bot.i18n import N_, gettext, ngettext, spoken
from bot.presentation.quoting import escape
from bot.storage.errors import DatabaseUnavailable
from bot.storage.open_storage import Storage
from model.concurrency import in_thread

NOT_ALLOWED = N_("You need **Manage Server** or **Manage Messages** for that.")
UNAVAILABLE = N_("My database isn't responding. Please try again in a minute.")
NO_TEXT = N_("Give it a name, such as `patch 2.4`.")
TOO_MANY = N_("This server has 100 marks already. Remove one with `/mood unmark`.")
NO_MARKS = N_("There are no marks yet. Add one with `/mood mark`.")
GONE = N_("There's no such mark. Pick one from the list.")
_NOW = "now"
_AGO = re.compile(r"(\d{1,4}) ?(minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)(?: ago)?", re.ASCII)
_SECONDS_OF = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SUGGESTED_WITHIN = 2.0
"""Seconds; Discord takes no suggestions after three."""

_LISTED = 25
_LONGEST_LIST = 1950
"""Characters: a message of Discord's may have 2,000, and the line of how many more there are needs some."""


class MarkCommands(commands.Cog):
    """For the cog of `/mood`, which has the storage."""

    storage: Storage

    @app_commands.command(description="Mark an event on this server's charts, such as a patch")
    @app_commands.describe(
        text="What happened, for everybody to read: patch 2.4",
        when="When it happened (now if empty): yesterday, 3 hours ago, nov 1 at 18:00 …",
    )
    async def mark(
        self,
        interaction: discord.Interaction,
        text: app_commands.Range[str, 1, LONGEST_TEXT],
        when: app_commands.Range[str, 1, 60] = _NOW,
    ) -> None:
        """Nobody is noted with it but in the audit."""
        await _answer(interaction, self._mark(interaction, " ".join(text.split()), when))

    @app_commands.command(description="List the events marked on this server's charts")
    async def marks(self, interaction: discord.Interaction) -> None:
        """The latest first."""
        await _answer(interaction, self._list(interaction))

    @app_commands.command(description="Remove an event from this server's charts")
    @app_commands.describe(mark="Which one")
    async def unmark(self, interaction: discord.Interaction, mark: app_commands.Range[str, 1, 100]) -> None:
        """By its number, which the list has."""
        await _answer(interaction, self._remove(interaction, mark))

    @unmark.autocomplete("mark")
    async def suggest_mark(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Those whose name holds what was typed."""
        if interaction.guild_id is None or not _may(interaction):
            return []
        try:
            async with asyncio.timeout(_SUGGESTED_WITHIN):
                there = await self.storage.marks.all(interaction.guild_id)
        except (DatabaseUnavailable, TimeoutError):
            return []
        likely = [mark for mark in there if typed.casefold() in mark.text.casefold()]
        return [app_commands.Choice(name=mark.text, value=str(mark.number)) for mark in likely[:_LISTED]]

    async def _mark(self, interaction: discord.Interaction[Any], text: str, when: str) -> str:
        assert interaction.guild_id is not None
        if not text:
            return gettext(NO_TEXT)
        now = interaction.created_at.timestamp()
        zone = (await self.storage.guilds.settings(interaction.guild_id)).zone
        try:
            happened = int(now) if when == _NOW else await in_thread(lambda: read_instant(when, zone, now))
        except NoSuchTime as refusal:
            return str(refusal)
        mark = await self.storage.marks.add(interaction.guild_id, happened, text)
        if mark is None:
            return gettext(TOO_MANY)
        await self._write_down(interaction)
        return gettext("Marked {mark}. Everybody who asks for a chart of that time sees it.", mark=_named(mark))

    async def _list(self, interaction: discord.Interaction[Any]) -> str:
        assert interaction.guild_id is not None
        there = await self.storage.marks.all(interaction.guild_id)
        lines: list[str] = []
        for line in (f"- {_named(mark)}" for mark in there[:_LISTED]):
            if sum(map(len, lines)) + len(lines) + len(line) > _LONGEST_LIST:
                break
            lines.append(line)
        if len(there) > len(lines):
            older = len(there) - len(lines)
            lines.append(ngettext("… and {count:,} older one.", "… and {count:,} older ones.", older))
        return "\n".join(lines) if there else gettext(NO_MARKS)

    async def _remove(self, interaction: discord.Interaction[Any], chosen: str) -> str:
        assert interaction.guild_id is not None
        there = await self.storage.marks.all(interaction.guild_id)
        meant = [mark for mark in there if chosen == str(mark.number)]
        meant = meant or [mark for mark in there if chosen.casefold() == mark.text.casefold()]
        if len(meant) != 1 or not await self.storage.marks.remove(interaction.guild_id, meant[0].number):
            return gettext(GONE)
        await self._write_down(interaction)
        return gettext("Removed {mark}.", mark=_named(meant[0]))

    async def _write_down(self, interaction: discord.Interaction[Any]) -> None:
        assert interaction.guild_id is not None
        actor, now = self.storage.pseudonyms.author(interaction.user.id), int(interaction.created_at.timestamp())
        about = TargetKind.SERVER, interaction.guild_id
        await self.storage.guilds.add_audit(Audited(interaction.guild_id, now, actor, AdminAction.MARK, *about))


def read_instant(text: str, zone: ZoneInfo, now: float) -> int:
    """When something happened: so long ago exactly, else to the hour, as charts read `since`. Raises NoSuchTime."""
    for typed in (text, in_english(text, spoken())):
        asked = " ".join(typed.casefold().split())
        if asked == _NOW:
            return int(now)
        if ago := _AGO.fullmatch(asked):
            seconds = int(ago[1]) * _SECONDS_OF[ago[2][0]]
            return int(now) - min(seconds, LONGEST_DAYS * 86400)
    return min(read_since(text, zone, now).first_hour * SECONDS, int(now))


def _named(mark: Mark) -> str:
    return f"**{escape(mark.text)}** (<t:{mark.happened}:f>)"


def _may(interaction: discord.Interaction[Any]) -> bool:
    """By the permissions of the whole server, as a mark is in the charts of all its channels."""
    if not isinstance(interaction.user, discord.Member):
        return False
    permissions = interaction.user.guild_permissions
    return permissions.manage_guild or permissions.manage_messages


async def _answer(interaction: discord.Interaction[Any], work: Any) -> None:
    """To whoever asked alone."""
    if not _may(interaction):
        work.close()
        await interaction.response.send_message(gettext(NOT_ALLOWED), ephemeral=True)
        return
    try:
        await interaction.response.defer(ephemeral=True, thinking=True)
    except BaseException:
        work.close()
        raise
    try:
        said = await work
    except DatabaseUnavailable:
        said = gettext(UNAVAILABLE)
    await interaction.edit_original_response(content=said)
