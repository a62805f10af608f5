"""`/monitor links` and `/monitor webhook`: whether moderators get links to messages, and where else alerts go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
from discord import app_commands
from pydantic import SecretStr

from bot.alerts.webhooks import is_gone, look_at
from bot.audience import can_see
from bot.commands.monitor.errors import DISCORD_FAILS, Refused, may_manage
from bot.commands.monitor.exemptions import Answer
from bot.commands.monitor.rule_changes import RuleChanges
from bot.domain.records import AdminAction
from bot.domain.webhook_address import read_webhook_address
from bot.i18n import N_, gettext
from bot.link.failures import REQUEST_FAILURES
from bot.storage.webhook_repository import Webhook

NO_ADDRESS = N_(
    "That's no webhook of Discord's. Copy the URL under **Edit Channel** → **Integrations** → **Webhooks**; "
    "it begins with `https://discord.com/api/webhooks/`."
)
NO_WEBHOOK = N_("Discord doesn't know that webhook any more. Make a new one and copy its URL.")
ELSEWHERE = N_("That webhook is in another server. I can't tell who reads there, so I won't post to it.")
HIDDEN = N_("That webhook posts to a channel you can't see, so I won't use it.")
SAVED = N_(
    "Saved. My alerts also go to <#{channel}> from now on, if everybody who reads there may read the channel they're "
    "about. I keep the URL secret, and forget it once the webhook is gone."
)
REMOVED = N_("Done. Alerts only go to the mod channel now.")
NONE = N_("There's no webhook to remove.")
LINKS_ON = N_(
    "On. Under alerts, digests and charts, moderators can open links to the strongest messages. They need **Manage "
    "Messages** in that channel, and I note every look."
)
LINKS_OFF = N_("Off. Nobody gets links to messages, not under posts that are already there either.")


class _Options(app_commands.Group):
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Manage Server, as for the commands beside this."""
        return await may_manage(interaction)


class Links(_Options, name="links", description="Links to messages under alerts, digests and charts"):
    """On unless somebody turns it off."""

    @app_commands.command(name="on", description="Let moderators open links to the strongest messages")
    async def on(self, interaction: discord.Interaction) -> None:
        """For those who may manage messages in the channel concerned."""
        await self._choose(interaction, links=True)

    @app_commands.command(name="off", description="Show nobody links to messages")
    async def off(self, interaction: discord.Interaction) -> None:
        """Also for the buttons that stand already."""
        await self._choose(interaction, links=False)

    async def _choose(self, interaction: discord.Interaction, *, links: bool) -> None:
        async def work(admin: RuleChanges) -> str:
            before = await admin.monitoring.rules.settings(admin.guild.id)
            await admin.choose(replace(before, links=links))
            return gettext(LINKS_ON if links else LINKS_OFF)

        await self._answer(interaction, work)


class WebhookOptions(_Options, name="webhook", description="Post alerts by a webhook as well"):
    """One webhook, of this server."""

    @app_commands.command(name="set", description="Post alerts by this webhook as well (only you see this)")
    @app_commands.describe(url="The webhook's URL, as Discord lets you copy it")
    async def set(self, interaction: discord.Interaction, url: app_commands.Range[str, 1, 300]) -> None:
        """It is looked at first: whether it is there, and in this server."""

        async def work(admin: RuleChanges) -> str:
            address = read_webhook_address(url)
            if address is None:
                raise Refused(gettext(NO_ADDRESS))
            webhook = Webhook(admin.guild.id, address[0], SecretStr(address[1]))
            channel = await _channel_of(webhook, admin)
            await admin.monitoring.storage.webhooks.set(webhook)
            await admin.write_down(AdminAction.WEBHOOK)
            return gettext(SAVED, channel=channel)

        await self._answer(interaction, work)

    @app_commands.command(name="remove", description="Stop posting alerts by the webhook")
    async def remove(self, interaction: discord.Interaction) -> None:
        """It is forgotten; in Discord it stays."""

        async def work(admin: RuleChanges) -> str:
            if not await admin.monitoring.storage.webhooks.remove(admin.guild.id):
                return gettext(NONE)
            await admin.write_down(AdminAction.WEBHOOK)
            return gettext(REMOVED)

        await self._answer(interaction, work)


async def _channel_of(webhook: Webhook, admin: RuleChanges) -> int:
    """Where it posts. Raises Refused where it may not be used."""
    try:
        found = await look_at(webhook, admin.monitoring.services.connection.traffic)
    except REQUEST_FAILURES as error:
        raise Refused(gettext(NO_WEBHOOK if is_gone(error) else DISCORD_FAILS)) from None
    if found.guild_id != admin.guild.id or found.channel_id is None:
        raise Refused(gettext(ELSEWHERE))
    if not can_see(admin.member, admin.guild.get_channel(found.channel_id)):
        raise Refused(gettext(HIDDEN))
    return found.channel_id
