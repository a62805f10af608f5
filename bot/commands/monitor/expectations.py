"""What an admin can expect of a channel that they have just had watched, behind the word that it is."""

from __future__ import annotations

import discord

from bot.channels import Watchable
from bot.commands.monitor.languages import language_warning
from bot.commands.monitor.learning_line import learning_line
from bot.commands.monitor.small_server import small_server_note
from bot.monitoring.monitoring import Monitoring


async def with_what_to_expect(
    monitoring: Monitoring, member: discord.Member, channel: Watchable | None, said: str
) -> str:
    """A language that can't be read, when the first alert can come, and whether too few people write."""
    warning = await language_warning(monitoring, member, channel)
    settings = await monitoring.rules.settings(member.guild.id)
    learning = await learning_line(monitoring, member, settings)
    small = await small_server_note(monitoring, member, channel)
    return "\n".join(part for part in (f"{said} {warning}".strip(), learning, small) if part)
