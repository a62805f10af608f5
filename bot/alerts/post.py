"""What moderators read: an alert with its button, and the word that it is over. Nobody is quoted or named."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Any, Self

import discord

from bot.domain.records import AdminAction, Alert, Audited, HourMood, TargetKind
from bot.error_handler import apologising, is_in_server
from bot.link.failures import REQUEST_FAILURES
from bot.presentation import palette
from bot.presentation.error_words import NOT_HERE
from bot.presentation.text import span
from bot.services import services_of
from bot.storage.errors import DatabaseUnavailable

MODERATORS_ONLY = "Only members who may manage messages here can do that."
TAKEN = "Somebody looks after it already."
FORGOTTEN = "I have no record of this alert any more."
NOT_NOTED = "My records do not answer just now, so I may not have noted it. Please press the button again in a minute."
NOT_SHOWN = "It is noted, but I could not change the post. Press the button again in a minute, and I do."

_FIELD = "Looked after"
_RECORD_SECONDS = 10.0
"""How long the database may take before whoever pressed is told that it does not answer."""

_HELD_ALREADY = 40060
"""Discord's code for an interaction that was acknowledged before."""


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
        """Notes it, and takes the button away; pressed again, it does what went wrong before.

        Only for members who may manage messages.
        """
        guild_id, message = interaction.guild_id, interaction.message
        if guild_id is None or message is None or not interaction.permissions.manage_messages:
            await interaction.response.send_message(MODERATORS_ONLY, ephemeral=True)
            return
        if not is_in_server(interaction):
            await interaction.response.send_message(NOT_HERE, ephemeral=True)
            return
        await _hold(interaction)
        posts = services_of(interaction).storage.alerts
        try:
            async with asyncio.timeout(_RECORD_SECONDS):
                first = await posts.acknowledge(guild_id, self.number)
                alert = await posts.alert(guild_id, self.number)
        except (DatabaseUnavailable, TimeoutError):
            await interaction.followup.send(NOT_NOTED, ephemeral=True)
            return
        try:
            # Also when it was noted before: then the post that still has its button was never changed.
            await interaction.edit_original_response(embeds=_looked_after(message, alert), view=None)
        except REQUEST_FAILURES as error:
            if not isinstance(error, discord.NotFound):  # a post that was deleted needs no button any more
                await interaction.followup.send(NOT_SHOWN, ephemeral=True)
        else:
            if not first:
                await interaction.followup.send(TAKEN if alert is not None else FORGOTTEN, ephemeral=True)
        if first and alert is not None:
            await _write_down(interaction, guild_id)


async def _hold(interaction: discord.Interaction[Any]) -> None:
    """Has Discord wait: 15 minutes instead of 3 seconds. Raises discord.HTTPException when these are over."""
    try:
        await interaction.response.defer()
    except discord.HTTPException as error:
        if error.code != _HELD_ALREADY:  # it took the first try although it answered with an error
            raise


def _looked_after(message: discord.Message, alert: Alert | None) -> list[discord.Embed]:
    embeds = message.embeds[:1]
    for embed in embeds:
        if alert is not None and alert.acknowledged is not None and all(one.name != _FIELD for one in embed.fields):
            embed.add_field(name=_FIELD, value=f"since <t:{alert.acknowledged}:t>")
    return embeds


async def _write_down(interaction: discord.Interaction[Any], guild_id: int) -> None:
    storage, at = services_of(interaction).storage, int(interaction.created_at.timestamp())
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


def alert_post(alert: Alert) -> dict[str, Any]:
    """What to send when a storm starts, without a number: the hour that was judged may be exact, and not over."""
    embed = discord.Embed(
        title="The mood has dropped",
        description=(
            f"<#{alert.channel_id}> is far more negative than usual at this hour of the week. "
            "`/mood channel` shows how much, once the hour is over.\n"
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
