"""`/setup`: one private form, after which a server is watched. Its parts are known by their ids alone."""

from __future__ import annotations

import re
from typing import Any, Self, cast

import discord
from discord import app_commands
from discord.ext import commands

from bot.commands.monitor.errors import STARTING, STORE_AWAY, may_manage
from bot.commands.monitor.rule_changes import RuleChanges
from bot.commands.setup.advice import first_choices, warnings
from bot.commands.setup.form import Choices, layout, text_only
from bot.commands.setup.start import start
from bot.commands.setup.zones import guessed, label, offered
from bot.error_handler import apologising, is_in_server
from bot.i18n import N_, gettext
from bot.monitoring.monitoring import Monitoring
from bot.presentation.error_words import NOT_HERE
from bot.services import cog_of
from bot.storage.errors import DatabaseUnavailable, UnknownTimezone
from bot.ui.static_item import StaticItem

BEGIN, START = "setup:begin", "setup:start"

_LOST_ZONE = N_("I don't know that time zone any more. Pick another and try again.")


class SetupCog(commands.Cog):
    """The command, and what its buttons work with."""

    def __init__(self, monitoring: Monitoring) -> None:
        self.monitoring = monitoring

    @app_commands.command(description="Set me up in a minute: channels, mod channel, role to ping, time zone, digest")
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.default_permissions(manage_guild=True)
    async def setup(self, interaction: discord.Interaction) -> None:
        """Shows the form, filled in with what is set."""
        if await may_manage(interaction):
            await self.show_form(interaction)

    async def show_form(self, interaction: discord.Interaction[Any]) -> None:
        """To whoever asked alone."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        guild, admin = interaction.guild, interaction.user
        if guild is None or guild.unavailable or not isinstance(admin, discord.Member):
            await interaction.edit_original_response(content=gettext(STARTING))
            return
        try:
            settings = await self.monitoring.rules.settings(guild.id)
        except DatabaseUnavailable:
            await interaction.edit_original_response(content=gettext(STORE_AWAY))
            return
        language, here = interaction.locale.value, guild.get_channel(interaction.channel_id or 0)
        choices = first_choices(self.monitoring, admin, settings, here, language)
        await interaction.edit_original_response(view=self.form(admin, choices, language))

    def form(self, admin: discord.Member, choices: Choices, language: str) -> discord.ui.LayoutView:
        """The form as it looks with these choices."""
        now = self.monitoring.storage.clock.now()
        zones = [(zone, label(zone, now)) for zone in offered(choices.zone, guessed(language))]
        view = layout(choices, zones, warnings(self.monitoring, admin, choices), FormChoice)
        view.add_item(discord.ui.ActionRow(StartButton()))
        return view


class BeginButton(StaticItem, discord.ui.DynamicItem[discord.ui.Button[Any]], template=BEGIN):
    """Under the greeting: the same as `/setup`."""

    def __init__(self) -> None:
        super().__init__(
            discord.ui.Button(label=gettext("Set me up"), style=discord.ButtonStyle.primary, custom_id=BEGIN)
        )

    @apologising("the button under the greeting")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Shows the form, to people with Manage Server."""
        if await _may_set_up(interaction):
            await cog_of(interaction, SetupCog).show_form(interaction)


class FormChoice(discord.ui.DynamicItem[discord.ui.Item[Any]], template=r"setup:(?:channels|mods|role|zone|digest)"):
    """One of the selects of the form."""

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Takes the select that was used."""
        return cls(item)

    @apologising("the set-up")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Shows the form again, with what was chosen and what that lacks."""
        if interaction.message is None or not await _may_set_up(interaction):
            return
        values = cast(dict[str, Any], interaction.data or {}).get("values", [])
        choices = Choices.of(interaction.message).with_(self.custom_id.removeprefix("setup:"), values)
        admin, language = cast(discord.Member, interaction.user), interaction.locale.value
        await interaction.response.edit_message(view=cog_of(interaction, SetupCog).form(admin, choices, language))


class StartButton(StaticItem, discord.ui.DynamicItem[discord.ui.Button[Any]], template=START):
    """Does what was chosen."""

    def __init__(self) -> None:
        super().__init__(
            discord.ui.Button(label=gettext("Start watching"), style=discord.ButtonStyle.success, custom_id=START)
        )

    @apologising("the set-up")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Says how it went in the form's place; while the database is away the form stays, to be tried again."""
        guild, admin = interaction.guild, interaction.user
        if interaction.message is None or not await _may_set_up(interaction):
            return
        if guild is None or guild.unavailable or not isinstance(admin, discord.Member):
            await interaction.response.send_message(gettext(STARTING), ephemeral=True)
            return
        choices = Choices.of(interaction.message)
        await interaction.response.defer()
        try:
            said = await start(RuleChanges(cog_of(interaction, SetupCog).monitoring, guild, admin), choices)
        except (DatabaseUnavailable, UnknownTimezone) as error:
            why = STORE_AWAY if isinstance(error, DatabaseUnavailable) else _LOST_ZONE
            await interaction.followup.send(gettext(why), ephemeral=True)
            return
        await interaction.edit_original_response(view=text_only(said))


async def _may_set_up(interaction: discord.Interaction[Any]) -> bool:
    """Whether whoever presses may manage this server; if not, it is said."""
    if not is_in_server(interaction):
        await interaction.response.send_message(gettext(NOT_HERE), ephemeral=True)
        return False
    return await may_manage(interaction)
