"""`/monitor replay`: the alerts that the stored past would have brought at a sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import discord

from bot.analytics.backtest import BacktestAlert, backtest
from bot.channels import ChannelOption
from bot.channels import place_of as place_there
from bot.commands.monitor.rule_changes import RuleChanges
from bot.commands.monitor.targets import RuleTarget
from bot.commands.mood.visibility import place_of
from bot.domain.records import AdminAction, HourMood, Sensitivity, TargetKind
from bot.domain.snowflake import SECONDS
from bot.i18n import N_, gettext, ngettext
from bot.presentation.text import signed, span
from bot.services import Services

_DAYS = 90
_LISTED = 15
_SENSITIVITY = {Sensitivity.LOW: N_("low"), Sensitivity.NORMAL: N_("normal"), Sensitivity.HIGH: N_("high")}
_AS_TOLD = N_("I judged each hour once it was over. In a busy hour the real alert can come sooner.")


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
    known = place_there(admin.guild.get_channel(place.id))
    rule = admin.monitoring.rules.decide(known).rule if known is not None else None
    if rule is not None:
        settings = rule.thresholds(settings)
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
        return gettext("I have no data for {channel} to replay.", channel=where)
    stored = span((hours[-1].hour + 1 - hours[0].hour) * SECONDS)
    lines = [_how_many(where, len(found), sensitivity, stored), *map(_line, found[-_LISTED:])]
    if len(found) > _LISTED:
        lines.append(ngettext("…and {count} earlier one.", "…and {count} earlier ones.", len(found) - _LISTED))
    lines.append(gettext(_AS_TOLD))
    return "\n".join(lines)


def _how_many(where: str, alerts: int, sensitivity: Sensitivity, stored: str) -> str:
    chosen = gettext(_SENSITIVITY[sensitivity])
    if not alerts:
        return gettext(
            "With {sensitivity} sensitivity, {channel} would have had no alert in the {time} I have data for.",
            sensitivity=chosen,
            channel=where,
            time=stored,
        )
    return ngettext(
        "With {sensitivity} sensitivity, {channel} would have had {count} alert in the {time} I have data for.",
        "With {sensitivity} sensitivity, {channel} would have had {count} alerts in the {time} I have data for.",
        alerts,
        sensitivity=chosen,
        channel=where,
        time=stored,
    )


def _line(one: BacktestAlert) -> str:
    began, level, usual = f"<t:{one.hour * SECONDS}:f>", signed(one.level), signed(one.usual)
    if one.recovered is None:
        return gettext(
            "- {time}: mean score {level}, usually {usual}; still going", time=began, level=level, usual=usual
        )
    return gettext(
        "- {time}: mean score {level}, usually {usual}; lasted {length}",
        time=began,
        level=level,
        usual=usual,
        length=span((one.recovered - one.hour) * SECONDS),
    )
