"""What moderators read: an alert with its button, and the word that it is over. Nobody is quoted or named."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Self

import discord

from bot.domain.records import AdminAction, Alert, Audited, HourMood, TargetKind
from bot.error_handler import apologising
from bot.presentation import palette
from bot.presentation.text import span
from bot.services import services_of
from bot.storage.errors import DatabaseUnavailable

MODERATORS_ONLY = "Only members who may manage messages here can do that."
TAKEN = "Somebody looks after it already."


class AcknowledgeButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"alert:(?P<number>[0-9]{1,18})"):
    """Lets the other moderators see that somebody looks after an alert; it works after a restart, too."""

    def __init__(self, number: int) -> None:
        self.number = number
        label, custom_id = "I look after it", f"alert:{number}"
        super().__init__(discord.ui.Button(label=label, style=discord.ButtonStyle.primary, custom_id=custom_id))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuilds the button from its id alone."""
        return cls(int(match["number"]))

    @apologising("an alert's button")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Notes it, and takes the button away. Only for members who may manage messages."""
        storage = services_of(interaction).storage
        guild_id, message = interaction.guild_id, interaction.message
        if guild_id is None or message is None or not interaction.permissions.manage_messages:
            await interaction.response.send_message(MODERATORS_ONLY, ephemeral=True)
            return
        if not await storage.alerts.acknowledge(guild_id, self.number):
            await interaction.response.send_message(TAKEN, ephemeral=True)
            return
        at = int(interaction.created_at.timestamp())
        embeds = message.embeds[:1]
        for embed in embeds:
            embed.add_field(name="Looked after", value=f"since <t:{at}:t>")
        await interaction.response.edit_message(embeds=embeds, view=None)
        actor = storage.pseudonyms.author(interaction.user.id)
        entry = Audited(guild_id, at, actor, AdminAction.ACKNOWLEDGE, TargetKind.SERVER, guild_id)
        with suppress(DatabaseUnavailable):  # the alert is acknowledged, and the moderator has seen it
            await storage.guilds.add_audit(entry)


def footer(number: int) -> str:
    """By which an alert's post is recognised."""
    return f"Alert {number}"


def over_footer(number: int) -> str:
    """By which the word that an alert is over is recognised."""
    return f"Alert {number}, over"


def alert_post(alert: Alert, _hour: HourMood | None) -> dict[str, Any]:
    """What to send when a storm starts, without a number: the hour that was judged is exact, and is not over."""
    embed = discord.Embed(
        title="The mood has dropped",
        description=(
            f"<#{alert.channel_id}> is far more negative than usual at this hour of the week. "
            "Once the hour is over, `/mood channel` shows how much.\n"
            "I say so when it is as usual again, and nothing more until then."
        ),
        colour=palette.BAD,
    )
    embed.set_footer(text=footer(alert.number))
    view = discord.ui.View(timeout=None)
    view.add_item(AcknowledgeButton(alert.number))
    return {"embed": embed, "view": view}


def recovered_post(alert: Alert, now: float, hour: HourMood | None) -> dict[str, Any]:
    """What to send when a storm is over, without a number; None of an hour: hardly anybody writes any more."""
    lasted = span(int(now) - alert.started)
    level = "is as usual again" if hour is not None else "has fallen quiet"
    embed = discord.Embed(
        title="Recovered", description=f"<#{alert.channel_id}> {level}, {lasted} after the alert.", colour=palette.GOOD
    )
    embed.set_footer(text=over_footer(alert.number))
    return {"embed": embed}
