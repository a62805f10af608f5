"""What of a server is not seen at the moment, and when something was not seen lately, for `/monitor status`."""

from __future__ import annotations

import discord

from bot.audience import can_see
from bot.domain.records import Absence, Gap, GapCause
from bot.domain.snowflake import SECONDS
from bot.i18n import N_, gettext, ngettext
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.watched_channels import watched
from bot.presentation.text import span
from bot.storage.errors import DatabaseUnavailable
from bot.storage.filled_hours import without

GAP_DAYS = 7
LISTED = 5
_LOOKED_AT = 20 * LISTED

_WHY = {
    GapCause.OFF: N_("I was off"),
    GapCause.CONNECTION: N_("my connection to Discord was lost"),
    GapCause.OUTAGE: N_("Discord had an outage of this server"),
    GapCause.CONTENT: N_("Discord didn't show me what messages say"),
    GapCause.HIDDEN: N_("I can't see the channel"),
    GapCause.UNTOLD: N_("my notice isn't there"),
    GapCause.OVERLOAD: N_("I was too busy"),
    None: N_("I was offline"),
}


async def blindness(monitoring: Monitoring, admin: discord.Member) -> list[str]:
    """One line for each, what lasts first; none of what was shorter than a minute, or of channels they cannot see."""
    now, guild = monitoring.clock.now(), admin.guild
    lasting = [one for one in monitoring.downtime.lasting(guild.id) if _is_shown(admin, one[0])]
    lines = [_present(absence, int(since)) for absence, since in sorted(lasting, key=lambda one: one[1])]
    if len(lines) > LISTED:
        left = len(lines) - LISTED
        lines = [*lines[:LISTED], ngettext("and {count} more", "and {count} more", left)]
    return lines + await _lately(monitoring, admin, int(now) - GAP_DAYS * 86400)


async def _lately(monitoring: Monitoring, admin: discord.Member, since: int) -> list[str]:
    """Without what was read later because an admin asked."""
    storage, guild = monitoring.storage, admin.guild
    try:
        noted = [one for one in await storage.gaps.lately(guild.id, since, _LOOKED_AT) if one.ended is not None]
        hours = [hour for one in noted for hour in (one.started // SECONDS, (one.ended or 0) // SECONDS + 1)]
        filled = await storage.backfills.filled(guild.id, min(hours), max(hours)) if hours else {}
    except DatabaseUnavailable:
        return []
    channels = {one.counting for one in watched(monitoring.rules, guild)}
    shown = [Gap.of(one.absence, one.started, one.ended or 0) for one in noted if _is_shown(admin, one.absence)]
    return [line for gap in shown for part in without((gap,), filled, channels) if (line := _past(part))][:LISTED]


def _is_shown(admin: discord.Member, absence: Absence) -> bool:
    if absence.channel_id is None:
        return True
    known = admin.guild.get_channel_or_thread(absence.channel_id)
    return known is None or can_see(admin, known)


def _present(absence: Absence, since: int) -> str:
    began, why = f"<t:{since}:f>", gettext(_WHY[absence.cause])
    if absence.channel_id is None:
        return gettext("nothing since {time}: {why}.", time=began, why=why)
    channel = f"<#{absence.channel_id}>"
    return gettext("{channel}: nothing since {time}: {why}.", channel=channel, time=began, why=why)


def _past(gap: Gap) -> str:
    if gap.ended - gap.started < 60:
        return ""
    began, length, why = f"<t:{gap.started}:f>", span(gap.ended - gap.started), gettext(_WHY[gap.cause])
    if gap.channel_id is None:
        return gettext("nothing for {length} from {time}: {why}.", length=length, time=began, why=why)
    channel = f"<#{gap.channel_id}>"
    return gettext(
        "{channel}: nothing for {length} from {time}: {why}.", channel=channel, length=length, time=began, why=why
    )
