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
from bot.commands.monitor.alert_options import Links, WebhookOptions
from bot.commands.monitor.alert_state import alert_state
from bot.commands.monitor.backfill import Do, backfill, how_far
from bot.commands.monitor.backfill_progress import BackfillProgress
from bot.commands.monitor.blindness import blindness
from bot.commands.monitor.doctor import doctor
from bot.commands.monitor.emojis import emojis_like
from bot.commands.monitor.errors import STARTING, STORE_AWAY, Refused, may_manage
from bot.commands.monitor.exemptions import Exempt, Include
from bot.commands.monitor.expectations import with_what_to_expect
from bot.commands.monitor.learning_line import learning_line
from bot.commands.monitor.preview import preview
from bot.commands.monitor.replay import replay
from bot.commands.monitor.rule_changes import RuleChanges
from bot.commands.monitor.settings_form import LANGUAGE_CHOICES, SettingsChanges, changed, in_words, zones_like
from bot.commands.monitor.status import status, unread_lately
from bot.commands.monitor.targets import RuleTarget, must_see, the_channel, the_server
from bot.commands.monitor.visible import left_out, mention_for, readable_by
from bot.commands.monitor.wanted_languages import languages_like
from bot.commands.mood.visibility import NotToldHere
from bot.domain.backfill import MOST_DAYS
from bot.domain.records import FEWEST_AUTHORS, AdminAction, DigestKind, GuildSettings, Sensitivity
from bot.i18n import gettext, ngettext
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.watched_channels import watched
from bot.storage.errors import DatabaseUnavailable, UnknownTimezone
from model.concurrency import in_thread

_SUGGESTING_SECONDS = 1.0
"""What may be typed further is shown within this time or not at all."""

_SAID_SECONDS = 24 * 3600.0
"""How long `/monitor status` still says what has become of a history that was read."""

_Work = Callable[[RuleChanges], Awaitable[str | discord.Embed]]


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class MonitorCog(commands.GroupCog, group_name="monitor", group_description="Choose what I watch (admins)"):
    """What is watched, how, and whether that works."""

    def __init__(self, monitoring: Monitoring) -> None:
        super().__init__()
        self.monitoring = monitoring
        self.backfill_progress = BackfillProgress(monitoring)
        for group in (Exempt, Include, Links, WebhookOptions):
            cast(app_commands.Group, self.app_command).add_command(group(self._answer))

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Manage Server, whatever the server's own settings for this command say."""
        return await may_manage(interaction)

    @app_commands.command(description="Watch a channel, a category, a thread or the whole server")
    @app_commands.describe(
        channel="Channel, category or thread (this one if empty)",
        tagging="React to strongly positive and negative messages (off by default)",
        sensitivity="How sensitive alerts are",
        whole_server="Watch every channel instead",
        alert_messages="Minimum messages in an hour for an alert here (0: this server's setting)",
        alert_authors="Minimum people in an hour for an alert here (0: this server's setting)",
    )
    async def enable(
        self,
        interaction: discord.Interaction,
        *,
        channel: ChannelOption | None = None,
        tagging: bool | None = None,
        sensitivity: Literal["low", "normal", "high"] | None = None,
        whole_server: bool = False,
        alert_messages: app_commands.Range[int, 0, 10_000] | None = None,
        alert_authors: app_commands.Range[int, 0, 1000] | None = None,
    ) -> None:
        """Posts a notice where people write; without one nobody is read."""
        wanted = Sensitivity(sensitivity) if sensitivity else None

        async def work(admin: RuleChanges) -> str:
            if 0 < (alert_messages or 0) < FEWEST_AUTHORS or 0 < (alert_authors or 0) < FEWEST_AUTHORS:
                raise Refused(
                    ngettext(
                        "An alert needs at least {count:,} message by {count:,} person.",
                        "An alert needs at least {count:,} messages by {count:,} people.",
                        FEWEST_AUTHORS,
                    )
                )
            what = _place(interaction, admin, channel, whole_server)
            said = await admin.enable(what, tagging, wanted, alert_messages, alert_authors)
            return await with_what_to_expect(self.monitoring, admin.member, what.channel, said)

        await self._answer(interaction, work)

    @app_commands.command(description="Stop watching a channel, a category, a thread or the whole server")
    @app_commands.describe(
        channel="Channel, category or thread (this one if empty)", whole_server="Stop watching the whole server"
    )
    async def disable(
        self, interaction: discord.Interaction, channel: ChannelOption | None = None, whole_server: bool = False
    ) -> None:
        """What was counted stays as sums by hour."""

        async def work(admin: RuleChanges) -> str:
            return await admin.disable(_place(interaction, admin, channel, whole_server))

        await self._answer(interaction, work)

    @app_commands.command(description="What I'm watching, and when the first alert can come")
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
            learning = await learning_line(self.monitoring, admin.member, settings)
            history = await self.monitoring.backfills.of(admin.guild.id)
            if history is not None and (not history.state.is_over or now - history.changed < _SAID_SECONDS):
                learning = "\n".join(filter(None, (learning, await how_far(admin, history))))
            return status(
                self.monitoring,
                admin.member,
                settings,
                unread=unread.share,
                left_out=silent,
                unseen=unseen,
                learning=learning,
                alerts=await alert_state(storage, settings, readable),
            )

        await self._answer(interaction, work)

    @app_commands.command(description="Check my permissions and setup")
    async def doctor(self, interaction: discord.Interaction) -> None:
        """Where all is in order, what was refused before is tried again."""

        async def work(admin: RuleChanges) -> discord.Embed:
            settings = await self.monitoring.rules.settings(admin.guild.id)
            return await doctor(self.monitoring, admin.member, settings)

        await self._answer(interaction, work)

    @app_commands.command(description="See how I'd tag the last 20 messages (only you see it)")
    @app_commands.describe(channel="Channel or thread (this one if empty)")
    async def preview(self, interaction: discord.Interaction, channel: ChannelOption | None = None) -> None:
        """Nothing is stored, and nobody is tagged."""

        async def work(admin: RuleChanges) -> discord.Embed:
            what = _place(interaction, admin, channel, False)
            settings = await self.monitoring.rules.settings(admin.guild.id)
            shown = await preview(self.monitoring, cast(discord.Member, interaction.user), what, settings)
            await admin.write_down(AdminAction.PREVIEW, what)
            return shown

        await self._answer(interaction, work)

    @app_commands.command(description="Read older messages too, or see how far I am with that")
    @app_commands.describe(days="How many days back", do="Pause, resume or stop; leave both empty to see how far I am")
    async def backfill(
        self,
        interaction: discord.Interaction,
        days: app_commands.Range[int, 1, MOST_DAYS] | None = None,
        do: Literal["pause", "resume", "stop"] | None = None,
    ) -> None:
        """Only where the notice has stood for a day and says that this may be."""
        answered: list[tuple[RuleChanges, str]] = []

        async def work(admin: RuleChanges) -> str:
            answered.append((admin, await backfill(admin, days, Do(do) if do else None)))
            return answered[0][1]

        await self._answer(interaction, work)
        for admin, said in answered:
            self.backfill_progress.follow(interaction, admin, said, keep=days is not None)

    @app_commands.command(description="See which alerts you would have got in the past 90 days")
    @app_commands.describe(
        channel="Which channel",
        sensitivity="How sensitive alerts are: low only catches big drops",
        messages="Minimum messages in an hour (this server's setting if empty)",
    )
    async def replay(
        self,
        interaction: discord.Interaction,
        channel: ChannelOption,
        sensitivity: Literal["low", "normal", "high"] = "normal",
        messages: app_commands.Range[int, 2, 10_000] | None = None,
    ) -> None:
        """Judges the past by the rules of the present."""

        async def work(admin: RuleChanges) -> str:
            services = self.monitoring.services
            with services.charts.answer_for(interaction.user.id):
                return await replay(
                    interaction,
                    services,
                    admin,
                    channel=channel,
                    sensitivity=Sensitivity(sensitivity),
                    messages=messages,
                )

        await self._answer(interaction, work)

    @app_commands.command(
        description="Time zone, language, mod channel, tags, alerts and digests (no options: show them)"
    )
    @app_commands.describe(
        timezone="Your city, such as Berlin; charts and digests use it",
        mod_channel="Where alerts and digests are posted",
        no_mod_channel="Stop posting alerts and digests",
        positive_emoji="Emoji for strongly positive messages",
        negative_emoji="Emoji for strongly negative messages",
        confidence="Minimum confidence (%) to react",
        alert_messages="Minimum messages in an hour for an alert",
        alert_authors="Minimum people in an hour for an alert",
        digest="How often the mod channel gets a digest",
        digest_hour="Hour of the digest, in your time zone",
        digest_messages="With fewer messages than this, a digest just says nothing notable happened",
        language="Language of what I post here, such as alerts, digests and notices",
        languages="Languages whose messages I read here, such as: Spanish, French",
    )
    @app_commands.choices(language=LANGUAGE_CHOICES)
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
        language: str | None = None,
        languages: app_commands.Range[str, 1, 200] | None = None,
    ) -> None:
        """All of what was given is changed, or nothing."""
        wishes = SettingsChanges(
            timezone,
            mod_channel,
            no_mod_channel,
            positive_emoji,
            negative_emoji,
            confidence,
            alert_messages,
            alert_authors,
            DigestKind(digest) if digest else None,
            digest_hour,
            digest_messages,
            language,
            languages,
        )

        async def work(admin: RuleChanges) -> discord.Embed:
            chosen = await self.monitoring.rules.settings(admin.guild.id)
            info = self.monitoring.services.classifier.info
            changes = wishes != SettingsChanges()
            if changes:
                chosen = await changed(chosen, wishes, admin.guild, info)
                await admin.choose(chosen)
            to_them = _named_to(admin.member, chosen)
            return in_words(chosen, admin.guild, info, mod_channel=to_them, after_a_change=changes)

        await self._answer(interaction, work)

    @settings.autocomplete("timezone")
    async def _suggest_timezone(self, _interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        try:
            async with asyncio.timeout(_SUGGESTING_SECONDS):
                zones = await in_thread(lambda: zones_like(typed))
        except TimeoutError:
            zones = []  # the names are read from the disk, and nobody may wait for that
        return [app_commands.Choice(name=zone, value=zone) for zone in zones]

    @settings.autocomplete("languages")
    async def _suggest_languages(self, _interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        found = languages_like(typed, self.monitoring.services.classifier.info)
        return [app_commands.Choice(name=name, value=value) for name, value in found]

    @settings.autocomplete("positive_emoji")
    @settings.autocomplete("negative_emoji")
    async def _suggest_emoji(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        own = interaction.guild.emojis if interaction.guild is not None else ()
        return [app_commands.Choice(name=name, value=value) for name, value in emojis_like(typed, own)]

    async def _answer(self, interaction: discord.Interaction, work: _Work) -> None:
        """Says how it went, or in one sentence why it did not."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        guild = interaction.guild
        try:
            if guild is None or guild.unavailable or not isinstance(interaction.user, discord.Member):
                raise Refused(gettext(STARTING))
            said = await work(RuleChanges(self.monitoring, guild, interaction.user))
        except (Refused, UnknownTimezone, NotToldHere, TooBusy) as error:
            said = str(error)
        except DatabaseUnavailable:
            said = gettext(STORE_AWAY)
        if isinstance(said, str):
            await interaction.edit_original_response(content=said)
        else:
            await interaction.edit_original_response(embed=said)


def _place(
    interaction: discord.Interaction, admin: RuleChanges, channel: ChannelOption | None, whole_server: bool
) -> RuleTarget:
    if whole_server and channel is not None:
        raise Refused(gettext("Give either `channel` or `whole_server`, not both."))
    if whole_server:
        return the_server(admin.guild)
    if channel is not None:
        must_see(channel)
    return the_channel(admin.guild, channel if channel is not None else interaction.channel_id or 0)


def _named_to(member: discord.Member, settings: GuildSettings) -> str | None:
    return mention_for(member, settings.mod_channel_id) if settings.mod_channel_id is not None else None
