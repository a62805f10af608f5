"""`/monitor`: the commands. Every answer is for the admin alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, cast

import discord
from discord import app_commands
from discord.ext import commands

from bot.channels import ChannelOption
from bot.charts.executor import TooBusy
from bot.commands.monitor.blindness import blindness
from bot.commands.monitor.doctor import doctor
from bot.commands.monitor.errors import NOT_SEEN, STARTING, STORE_AWAY, Refused, may_manage
from bot.commands.monitor.languages import language_warning
from bot.commands.monitor.preview import preview
from bot.commands.monitor.replay import replay
from bot.commands.monitor.rule_changes import RuleChanges
from bot.commands.monitor.settings_form import SettingsChanges, changed, in_words, zones_like
from bot.commands.monitor.status import status, unread_lately
from bot.commands.monitor.targets import RuleTarget, the_channel, the_role, the_server
from bot.commands.monitor.visible import left_out, mention_for, readable_by
from bot.commands.mood.visibility import NotToldHere
from bot.domain.records import FEWEST_AUTHORS, AdminAction, DigestKind, GuildSettings, Sensitivity
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.watched_channels import watched
from bot.storage.errors import DatabaseUnavailable, UnknownTimezone
from model.concurrency import in_thread

_SUGGESTING_SECONDS = 1.0
"""What may be typed further is shown within this time or not at all."""

_Work = Callable[[RuleChanges], Awaitable[str | discord.Embed]]


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class MonitorCog(commands.GroupCog, group_name="monitor", group_description="Choose what is watched; for admins"):
    """What is watched, how, and whether that works."""

    def __init__(self, monitoring: Monitoring) -> None:
        super().__init__()
        self.monitoring = monitoring

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Manage Server, whatever the server's own settings for this command say."""
        return await may_manage(interaction)

    @app_commands.command(description="Watch a channel, a category, a thread or the whole server")
    @app_commands.describe(
        channel="A channel, category or thread; empty: this one",
        tagging="React to strongly positive and negative messages; off unless you switch it on",
        sensitivity="How easily the mood of a channel raises an alert",
        whole_server="Watch every channel instead",
    )
    async def enable(
        self,
        interaction: discord.Interaction,
        channel: ChannelOption | None = None,
        tagging: bool | None = None,
        sensitivity: Literal["low", "normal", "high"] | None = None,
        whole_server: bool = False,
    ) -> None:
        """Posts a notice where people write; without one nobody is read."""
        wanted = Sensitivity(sensitivity) if sensitivity else None

        async def work(admin: RuleChanges) -> str:
            what = _place(interaction, admin, channel, whole_server)
            said = await admin.enable(what, tagging, wanted)
            warning = await language_warning(self.monitoring, cast(discord.Member, interaction.user), what.channel)
            return f"{said} {warning}".strip()

        await self._answer(interaction, work)

    @app_commands.command(description="Stop watching a channel, a category, a thread or the whole server")
    @app_commands.describe(
        channel="A channel, category or thread; empty: this one", whole_server="Remove the rule for the whole server"
    )
    async def disable(
        self, interaction: discord.Interaction, channel: ChannelOption | None = None, whole_server: bool = False
    ) -> None:
        """What was counted stays as sums by hour."""

        async def work(admin: RuleChanges) -> str:
            return await admin.disable(_place(interaction, admin, channel, whole_server))

        await self._answer(interaction, work)

    @app_commands.command(description="Never read people with a role, or a channel, category or thread")
    @app_commands.describe(role="People with it are never read", channel="Nobody is read in it")
    async def exempt(
        self,
        interaction: discord.Interaction,
        role: discord.Role | None = None,
        channel: ChannelOption | None = None,
    ) -> None:
        """An exempt role goes before every other rule."""

        async def work(admin: RuleChanges) -> str:
            return await admin.exempt(_role_or_channel(admin, role, channel))

        await self._answer(interaction, work)

    @app_commands.command(description="Undo an exemption")
    @app_commands.describe(
        role="People with it follow the other rules again", channel="It follows the wider rules again"
    )
    async def include(
        self,
        interaction: discord.Interaction,
        role: discord.Role | None = None,
        channel: ChannelOption | None = None,
    ) -> None:
        """Watches nothing by itself."""

        async def work(admin: RuleChanges) -> str:
            return await admin.include(_role_or_channel(admin, role, channel))

        await self._answer(interaction, work)

    @app_commands.command(description="What is watched, by which rule, and what has become of it")
    async def status(self, interaction: discord.Interaction) -> None:
        """Counts are since the start of the bot."""

        async def work(admin: RuleChanges) -> discord.Embed:
            settings = await self.monitoring.rules.settings(admin.guild.id)
            storage = self.monitoring.storage
            readable, now = readable_by(admin.member), storage.clock.now()
            unread = await unread_lately(storage.moods, admin.guild.id, readable, now)
            counting = {one.counting for one in watched(self.monitoring.rules, admin.guild)}
            silent = await left_out(self.monitoring.services.mod_channels, admin.guild, settings, counting, now)
            unseen = await blindness(self.monitoring, admin.member)
            return status(self.monitoring, admin.member, settings, unread=unread.share, left_out=silent, unseen=unseen)

        await self._answer(interaction, work)

    @app_commands.command(description="Is anything missing, and what is to be clicked?")
    async def doctor(self, interaction: discord.Interaction) -> None:
        """Where all is in order, what was refused before is tried again."""

        async def work(admin: RuleChanges) -> discord.Embed:
            settings = await self.monitoring.rules.settings(admin.guild.id)
            return await doctor(self.monitoring, admin.member, settings)

        await self._answer(interaction, work)

    @app_commands.command(description="What the tags of the last 20 messages would have been; only you see it")
    @app_commands.describe(channel="A channel or thread; empty: this one")
    async def preview(self, interaction: discord.Interaction, channel: ChannelOption | None = None) -> None:
        """Nothing is stored, and nobody is tagged."""

        async def work(admin: RuleChanges) -> discord.Embed:
            what = _place(interaction, admin, channel, False)
            settings = await self.monitoring.rules.settings(admin.guild.id)
            shown = await preview(self.monitoring, cast(discord.Member, interaction.user), what, settings)
            await admin.write_down(AdminAction.PREVIEW, what)
            return shown

        await self._answer(interaction, work)

    @app_commands.command(description="Which alerts the stored past would have brought")
    @app_commands.describe(
        channel="Which channel",
        sensitivity="How far from usual the mood must be: low is far",
        messages="Fewest messages in an hour; empty: as this server has chosen",
    )
    async def replay(
        self,
        interaction: discord.Interaction,
        channel: ChannelOption,
        sensitivity: Sensitivity = Sensitivity.NORMAL,
        messages: app_commands.Range[int, 2, 10_000] | None = None,
    ) -> None:
        """Judges the past by the rules of the present."""

        async def work(admin: RuleChanges) -> str:
            services = self.monitoring.services
            with services.charts.answer_for(interaction.user.id):
                return await replay(
                    interaction, services, admin, channel=channel, sensitivity=sensitivity, messages=messages
                )

        await self._answer(interaction, work)

    @app_commands.command(description="Time zone, mod channel, tags, alerts and digests; without options: show them")
    @app_commands.describe(
        timezone="Such as Europe/Berlin; charts and digests use it",
        mod_channel="Where alerts and digests are posted",
        no_mod_channel="Post no alerts and digests any more",
        positive_emoji="The tag for strongly positive messages",
        negative_emoji="The tag for strongly negative messages",
        confidence="Percent from which on a message is tagged",
        alert_messages="Messages that an hour needs before it can raise an alert",
        alert_authors="People that an hour needs before it can raise an alert",
        digest="How often the mod channel gets a digest",
        digest_hour="Local hour of the digest",
        digest_messages="Messages below which a digest says that nothing notable happened",
    )
    async def settings(
        self,
        interaction: discord.Interaction,
        *,
        timezone: app_commands.Range[str, 1, 64] | None = None,
        mod_channel: ChannelOption | None = None,
        no_mod_channel: bool = False,
        positive_emoji: app_commands.Range[str, 1, 100] | None = None,
        negative_emoji: app_commands.Range[str, 1, 100] | None = None,
        confidence: app_commands.Range[int, 50, 99] | None = None,
        alert_messages: app_commands.Range[int, 5, 10_000] | None = None,
        alert_authors: app_commands.Range[int, FEWEST_AUTHORS, 1000] | None = None,
        digest: Literal["off", "daily", "weekly"] | None = None,
        digest_hour: app_commands.Range[int, 0, 23] | None = None,
        digest_messages: app_commands.Range[int, 1, 10_000] | None = None,
    ) -> None:
        """All of what was given is changed, or nothing."""
        kind = DigestKind(digest) if digest else None
        emojis = positive_emoji, negative_emoji
        alerts = alert_messages, alert_authors
        wishes = SettingsChanges(
            timezone, mod_channel, no_mod_channel, *emojis, confidence, *alerts, kind, digest_hour, digest_messages
        )

        async def work(admin: RuleChanges) -> discord.Embed:
            before = await self.monitoring.rules.settings(admin.guild.id)
            if wishes == SettingsChanges():
                return in_words(before, mod_channel=_named_to(admin.member, before), after_a_change=False)
            after = await changed(before, wishes, admin.guild)
            await admin.choose(after)
            return in_words(after, mod_channel=_named_to(admin.member, after), after_a_change=True)

        await self._answer(interaction, work)

    @settings.autocomplete("timezone")
    async def _suggest_timezone(self, _interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        try:
            async with asyncio.timeout(_SUGGESTING_SECONDS):
                zones = await in_thread(lambda: zones_like(typed))
        except TimeoutError:
            zones = []  # the names are read from the disk, and nobody may wait for that
        return [app_commands.Choice(name=zone, value=zone) for zone in zones]

    async def _answer(self, interaction: discord.Interaction, work: _Work) -> None:
        """Says how it went, or in one sentence why it did not."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        guild = interaction.guild
        try:
            if guild is None or guild.unavailable or not isinstance(interaction.user, discord.Member):
                raise Refused(STARTING)
            said = await work(RuleChanges(self.monitoring, guild, interaction.user))
        except (Refused, UnknownTimezone, NotToldHere, TooBusy) as error:
            said = str(error)
        except DatabaseUnavailable:
            said = STORE_AWAY
        if isinstance(said, str):
            await interaction.edit_original_response(content=said)
        else:
            await interaction.edit_original_response(embed=said)


def _place(
    interaction: discord.Interaction, admin: RuleChanges, channel: ChannelOption | None, whole_server: bool
) -> RuleTarget:
    if whole_server and channel is not None:
        raise Refused("Give either `channel` or `whole_server`, not both.")
    if whole_server:
        return the_server(admin.guild)
    _must_see(channel)
    return the_channel(admin.guild, channel if channel is not None else interaction.channel_id or 0)


def _role_or_channel(admin: RuleChanges, role: discord.Role | None, channel: ChannelOption | None) -> RuleTarget:
    if role is not None and channel is None:
        return the_role(role)
    if channel is not None and role is None:
        _must_see(channel)
        return the_channel(admin.guild, channel)
    raise Refused("Give either `role` or `channel`.")


def _must_see(channel: ChannelOption | None) -> None:
    """Nobody has a channel watched, or learns whether it is, that they cannot see themselves."""
    if channel is not None and not channel.permissions.view_channel:
        raise Refused(NOT_SEEN)


def _named_to(member: discord.Member, settings: GuildSettings) -> str | None:
    return mention_for(member, settings.mod_channel_id) if settings.mod_channel_id is not None else None
