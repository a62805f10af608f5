"""`/monitor replay`: the alerts that the stored past would have brought at a sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import discord

from bot.analytics.backtest import BacktestAlert, backtest
from bot.channels import ChannelOption
from bot.commands.monitor.rule_changes import RuleChanges
from bot.commands.monitor.targets import RuleTarget
from bot.commands.mood.visibility import place_of
from bot.domain.records import AdminAction, HourMood, Sensitivity, TargetKind
from bot.domain.snowflake import SECONDS
from bot.presentation.text import signed, span
from bot.services import Services

_DAYS = 90
_LISTED = 15
_AS_TOLD = "Each hour was judged when it was over, as it is told; one of many people may bring its alert sooner."


async def replay(
    interaction: discord.Interaction[Any],
    services: Services,
    admin: RuleChanges,
    *,
    channel: ChannelOption,
    sensitivity: Sensitivity,
    messages: int | None,
) -> str:
    """What there would have been, in words. Raises NotToldHere, TooBusy and DatabaseUnavailable."""
    place = place_of(interaction, channel)
    settings = await services.storage.guilds.settings(admin.guild.id)
    if messages is not None:
        settings = replace(settings, alert_messages=messages)
    present = int(interaction.created_at.timestamp() // SECONDS)
    hours = (await services.storage.moods.mood(admin.guild.id, place.id, present - _DAYS * 24, present - 1)).hours
    found = await services.charts.run(lambda: backtest(hours, settings, sensitivity, settings.zone))
    await admin.write_down(AdminAction.REPLAY, RuleTarget(TargetKind.CHANNEL, place.id, place.mention))
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
    lines.append(_AS_TOLD)
    return "\n".join(lines)
