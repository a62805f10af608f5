"""`/monitor exempt` and `include`: a role or a channel each, so that nobody can give both or neither."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import app_commands

from bot.channels import ChannelOption
from bot.commands.monitor.errors import may_manage
from bot.commands.monitor.rule_changes import RuleChanges
from bot.commands.monitor.targets import must_see, the_channel, the_role

Answer = Callable[[discord.Interaction, Callable[[RuleChanges], Awaitable[str | discord.Embed]]], Awaitable[None]]
"""Does some work for an admin, and tells them alone how it went."""


class _Exemptions(app_commands.Group):
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Manage Server, as for the commands beside this."""
        return await may_manage(interaction)


class Exempt(_Exemptions, name="exempt", description="Ignore a role or a channel"):
    """An exempt role goes before every other rule."""

    @app_commands.command(name="role", description="Ignore everybody with a role, in every channel")
    @app_commands.describe(role="I won't read people with this role")
    async def role(self, interaction: discord.Interaction, role: discord.Role) -> None:
        """Also what they wrote before is read by nothing any more."""

        async def work(admin: RuleChanges) -> str:
            return await admin.exempt(the_role(role))

        await self._answer(interaction, work)

    @app_commands.command(name="channel", description="Ignore a channel, category or thread")
    @app_commands.describe(channel="I won't read anybody in it")
    async def channel(self, interaction: discord.Interaction, channel: ChannelOption) -> None:
        """Whatever is watched around it."""

        async def work(admin: RuleChanges) -> str:
            must_see(channel)
            return await admin.exempt(the_channel(admin.guild, channel))

        await self._answer(interaction, work)


class Include(_Exemptions, name="include", description="Stop ignoring a role or a channel"):
    """Watches nothing by itself."""

    @app_commands.command(name="role", description="Stop ignoring a role")
    @app_commands.describe(role="People with it are read again where I watch")
    async def role(self, interaction: discord.Interaction, role: discord.Role) -> None:
        """They follow the other rules again."""

        async def work(admin: RuleChanges) -> str:
            return await admin.include(the_role(role))

        await self._answer(interaction, work)

    @app_commands.command(name="channel", description="Stop ignoring a channel, category or thread")
    @app_commands.describe(channel="It follows the wider rules again")
    async def channel(self, interaction: discord.Interaction, channel: ChannelOption) -> None:
        """It follows the wider rules again."""

        async def work(admin: RuleChanges) -> str:
            must_see(channel)
            return await admin.include(the_channel(admin.guild, channel))

        await self._answer(interaction, work)
