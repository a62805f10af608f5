"""Does what was chosen in `/setup`: settings, rules and notices, by the same ways as `/monitor`, and in its audit."""

from __future__ import annotations

from dataclasses import replace

import discord

from bot.audience import can_see, channel_of
from bot.commands.monitor.errors import NOT_SEEN, UNKNOWN_CHANNEL, Refused
from bot.commands.monitor.learning_line import learning_line
from bot.commands.monitor.pinging import role_warning
from bot.commands.monitor.rule_changes import RuleChanges
from bot.commands.monitor.targets import the_channel
from bot.commands.setup.form import Choices
from bot.domain.records import DigestKind, GuildSettings
from bot.i18n import gettext
from bot.i18n.formats import capitalised
from bot.monitoring.watched_channels import watched
from bot.permissions import for_reporting, missing, what_to_click


async def start(admin: RuleChanges, choices: Choices) -> str:
    """Sets up a server as far as it goes, and says how far. Raises DatabaseUnavailable and UnknownTimezone."""
    monitoring, problems = admin.monitoring, []
    before = await monitoring.rules.settings(admin.guild.id)
    after = replace(before, timezone=choices.zone, digest=choices.digest)
    try:
        after = replace(after, mod_channel_id=_mod_channel(admin, choices.mod_channel))
    except Refused as error:
        problems.append(str(error))
    after, more = _with_role(admin.guild, after, choices.role)
    problems += more
    if after.mod_channel_id is None:
        after = replace(after, digest=DigestKind.OFF)
    await admin.choose(after)
    here = {one.channel.id for one in watched(monitoring.rules, admin.guild)}
    for number in choices.channels:
        if number in here and monitoring.rules.notice_of(admin.guild.id, number) is not None:
            continue
        try:
            channel = admin.guild.get_channel(number)
            if channel is not None and not can_see(admin.member, channel):
                raise Refused(gettext(NOT_SEEN))
            await admin.enable(the_channel(admin.guild, number), None, None)
        except Refused as error:
            problems.append(str(error))
    line = await learning_line(monitoring, admin.member, after)
    done = line or gettext("Nothing is watched yet: pick channels with `/setup`.")
    heading = gettext("### Almost: some things need a click") if problems else gettext("### All set")
    return "\n".join([heading, *(f"⚠️ {problem}" for problem in problems), done, _next(after)])


def _mod_channel(admin: RuleChanges, number: int | None) -> int | None:
    """The mod channel. Raises Refused for one that can't be used."""
    if number is None:
        return None
    channel = admin.guild.get_channel(number)
    if channel is None or channel_of(channel) is None:
        raise Refused(gettext(UNKNOWN_CHANNEL))
    if not can_see(admin.member, channel):
        raise Refused(gettext(NOT_SEEN))
    if isinstance(channel, discord.TextChannel) and (lacking := missing(channel, for_reporting(channel))):
        raise Refused(
            gettext("No alerts yet: {problem} Then use `/setup` again.", problem=what_to_click(channel, lacking))
        )
    return number


def _with_role(guild: discord.Guild, settings: GuildSettings, role_id: int | None) -> tuple[GuildSettings, list[str]]:
    """The settings with that role, and what keeps it from being pinged; one that is nobody's stays out."""
    role = guild.get_role(role_id) if role_id is not None else None
    usable = role_id is None or (role is not None and not role.is_default())
    problems = [capitalised(one) for one in role_warning(guild, role_id)]
    return (replace(settings, alert_role_id=role_id) if usable else settings), problems


def _next(settings: GuildSettings) -> str:
    said = gettext("Try `/mood channel` once an hour has passed, or `/help`.")
    if settings.digest is DigestKind.OFF:
        return said
    daily = settings.digest is DigestKind.DAILY
    return " ".join((said, gettext("Daily digest: on.") if daily else gettext("Weekly digest: on.")))
