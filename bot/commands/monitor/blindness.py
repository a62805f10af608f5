"""What of a server is not seen at the moment, and when something was not seen lately, for `/monitor status`."""

from __future__ import annotations

import discord

from bot.audience import can_see
from bot.domain.records import Absence, GapCause
from bot.monitoring.monitoring import Monitoring
from bot.presentation.text import span
from bot.storage.errors import DatabaseUnavailable
from bot.storage.gap_repository import Noted

GAP_DAYS = 7
LISTED = 5

_WHY = {
    GapCause.OFF: "I was off",
    GapCause.CONNECTION: "my connection to Discord was lost",
    GapCause.OUTAGE: "Discord had an outage of this server",
    GapCause.CONTENT: "Discord did not show me what messages say",
    GapCause.HIDDEN: "I may not see the channel",
    GapCause.UNTOLD: "my notice does not stand there",
    GapCause.OVERLOAD: "too much was waiting to be read",
    None: "I was away",
}


async def blindness(monitoring: Monitoring, admin: discord.Member) -> list[str]:
    """One line for each, what lasts first; none of what was shorter than a minute, or of channels they cannot see."""
    now, guild = monitoring.clock.now(), admin.guild
    lasting = [one for one in monitoring.downtime.lasting(guild.id) if _is_shown(admin, one[0])]
    lines = [
        f"{_where(absence)}nothing since <t:{int(since)}:f>: {_WHY[absence.cause]}."
        for absence, since in sorted(lasting, key=lambda one: one[1])
    ]
    more = f"and {len(lines) - LISTED} more" if len(lines) > LISTED else ""
    past = await _lately(monitoring, admin, int(now) - GAP_DAYS * 86400)
    return [*lines[:LISTED], *([more] if more else []), *past]


async def _lately(monitoring: Monitoring, admin: discord.Member, since: int) -> list[str]:
    try:
        noted = await monitoring.storage.gaps.lately(admin.guild.id, since, 4 * LISTED)
    except DatabaseUnavailable:
        return []
    return [line for one in noted if _is_shown(admin, one.absence) and (line := _past(one))][:LISTED]


def _is_shown(admin: discord.Member, absence: Absence) -> bool:
    if absence.channel_id is None:
        return True
    known = admin.guild.get_channel_or_thread(absence.channel_id)
    return known is None or can_see(admin, known)


def _past(one: Noted) -> str:
    if one.ended is None or one.ended - one.started < 60:
        return ""
    seconds = span(one.ended - one.started)
    return f"{_where(one.absence)}nothing for {seconds} from <t:{one.started}:f>: {_WHY[one.absence.cause]}."


def _where(absence: Absence) -> str:
    return f"<#{absence.channel_id}>: " if absence.channel_id is not None else ""
