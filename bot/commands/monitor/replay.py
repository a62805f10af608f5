"""`/monitor replay`: the alerts that the stored past would have brought at a sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.analytics.backtest import BacktestAlert, replay
from bot.charts.executor import ChartExecutor, TooBusy
from bot.commands.monitor.errors import may_manage
from bot.commands.mood.visibility import Chosen, NotToldHere, place_of
from bot.domain.records import AdminAction, Audited, HourMood, Sensitivity, TargetKind
from bot.domain.snowflake import SECONDS
from bot.presentation.text import signed, span
from bot.storage.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from bot.client import Vibecheck

UNAVAILABLE = "I cannot reach my records at the moment; please try again in a minute."

_DAYS = 90
_LISTED = 15


def replay_command() -> app_commands.Command[Any, ..., None]:
    """The command, to be added to the group of `/monitor`."""
    studio = ChartExecutor()

    @app_commands.check(may_manage)
    @app_commands.command(name="replay", description="Which alerts the stored past would have brought")
    @app_commands.describe(
        channel="Which channel",
        sensitivity="How far from usual the mood must be: low is far",
        messages="Fewest messages in an hour; empty: as this server has chosen",
    )
    async def command(
        interaction: discord.Interaction,
        channel: Chosen,
        sensitivity: Sensitivity = Sensitivity.NORMAL,
        messages: app_commands.Range[int, 2, 10_000] | None = None,
    ) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            said = await _replayed(interaction, channel, sensitivity, messages, studio)
        except (NotToldHere, TooBusy) as refusal:
            said = str(refusal)
        except DatabaseUnavailable:
            said = UNAVAILABLE
        await interaction.edit_original_response(content=said)

    return command


async def _replayed(
    interaction: discord.Interaction[Any],
    channel: Chosen,
    sensitivity: Sensitivity,
    messages: int | None,
    studio: ChartExecutor,
) -> str:
    bot: Vibecheck = interaction.client
    mood, guild_id = bot.mood, interaction.guild_id
    assert mood is not None and guild_id is not None
    place = place_of(interaction, channel)
    settings = await mood.store.settings(guild_id)
    if messages is not None:
        settings = replace(settings, alert_messages=messages)
    now = interaction.created_at.timestamp()
    present = int(now // SECONDS)
    hours = (await mood.store.mood(guild_id, place.id, present - _DAYS * 24, present - 1)).hours
    found = await studio.do(lambda: replay(hours, settings, sensitivity, settings.zone))
    actor = mood.identity.author(interaction.user.id)
    entry = Audited(guild_id, int(now), actor, AdminAction.REPLAY, TargetKind.CHANNEL, place.id)
    await mood.store.add_audit(entry)
    return replay_words(place.mention, hours, found, sensitivity)


def replay_words(
    where: str, hours: Sequence[HourMood], found: Sequence[BacktestAlert], sensitivity: Sensitivity
) -> str:
    """How many alerts there would have been, and the latest of them."""
    if not hours:
        return f"Nothing is stored of {where} that could be replayed."
    stored = span((hours[-1].hour + 1 - hours[0].hour) * SECONDS)
    count = {0: "no alert", 1: "one alert"}.get(len(found), f"{len(found)} alerts")
    lines = [f"At sensitivity {sensitivity}, the {stored} stored of {where} would have brought {count}."]
    for one in found[-_LISTED:]:
        over = f"over after {span((one.recovered - one.hour) * SECONDS)}" if one.recovered is not None else "not over"
        lines.append(
            f"- <t:{one.hour * SECONDS}:f>: mean score {signed(one.level)}, usually {signed(one.usual)}; {over}"
        )
    if len(found) > _LISTED:
        lines.append(f"…and {len(found) - _LISTED} before these.")
    return "\n".join(lines)
