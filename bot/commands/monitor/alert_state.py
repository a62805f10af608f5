"""What holds back alerts, for `/monitor status`: false alarms, snoozes, and where else alerts go."""

from __future__ import annotations

from collections.abc import Collection

from bot.domain.records import GuildSettings
from bot.i18n import gettext, ngettext
from bot.i18n.formats import series
from bot.storage.alert_holds import Hold
from bot.storage.errors import DatabaseUnavailable
from bot.storage.open_storage import Storage


async def alert_state(storage: Storage, settings: GuildSettings, readable: Collection[int]) -> list[str]:
    """A line for each channel that whoever asks can read, and what is set; none while the database is away."""
    guild_id = settings.guild_id
    try:
        holds = await storage.holds.of((guild_id,))
        counts = await storage.holds.false_alarms(guild_id)
        webhook = await storage.webhooks.has(guild_id)
    except DatabaseUnavailable:
        return []
    lines = [
        line
        for channel in sorted(holds.keys() | counts.keys())
        if channel in readable and (line := _line(channel, holds.get(channel, Hold()), counts.get(channel, 0)))
    ]
    if webhook:
        lines.append(gettext("Alerts also go out by a webhook: `/monitor webhook remove` stops that."))
    if not settings.links:
        lines.append(gettext("Links to messages are off: `/monitor links on`."))
    return lines


def _line(channel_id: int, hold: Hold, false_alarms: int) -> str:
    said, channel = [], f"<#{channel_id}>"
    snoozed, raised = f"<t:{hold.snoozed_until}:f>", f"<t:{hold.raised_until}:f>"
    if hold.snoozed_until is not None:
        said.append(gettext("snoozed until {time}", time=snoozed))
    if false_alarms:
        said.append(ngettext("{count} false alarm in 30 days", "{count} false alarms in 30 days", false_alarms))
    if hold.raised_until is not None:
        said.append(gettext("the next alert needs a bigger drop until {time}", time=raised))
    return gettext("{channel}: {remarks}.", channel=channel, remarks=series(said)) if said else ""
