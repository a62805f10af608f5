"""The button "What happened?": links to the strongest messages of a time, for a moderator alone, and written down.

Nothing is kept for it: the ids are those of the single scores, and what the messages say is with Discord alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Self

import discord

from bot.audience import can_read
from bot.domain.records import AdminAction, Audited, Rule, TargetKind
from bot.domain.rules import Place, decide
from bot.domain.snowflake import first_id_of
from bot.error_handler import apologising, is_in_server
from bot.i18n import N_, gettext
from bot.presentation.error_words import NOT_HERE
from bot.presentation.text import after_days
from bot.services import services_of
from bot.storage.errors import DatabaseUnavailable
from bot.storage.strong_messages import Strong
from bot.ui.exempt_authors import ExemptAuthors

LABEL = N_("What happened?")
JUMP, JUMP_TO_WORST = N_("Go to that hour"), N_("Go to the worst hour")

NOT_A_MODERATOR = N_("You need **Manage Messages** in that channel, and you must be able to read it.")
SWITCHED_OFF = N_("An admin turned these links off for this server.")
NO_DATABASE = N_("My database isn't responding, so I can't look. Please try again in a minute.")
NOTHING = N_(
    "I have no messages to show for that time. I forget single scores {after_days}, and I only link hours in "
    "which 5 or more people wrote."
)
HEADING = N_("**The strongest messages of that time** (only you see this, and I note that someone looked)")
WORST = N_("**The most negative messages of that time** (only you see this, and I note that someone looked)")
UNSURE = N_("I left some out, because I couldn't check whether their authors have an exempt role.")
FOOTNOTE = N_("I don't keep what they say. I can be wrong about any of them, so read before you act.")


def jump(guild_id: int, channel_id: int, hour: int) -> str:
    """The address at which Discord shows a channel from the beginning of an hour on; it takes no message's id."""
    return f"https://discord.com/channels/{guild_id}/{channel_id}/{first_id_of(hour)}"


def jump_button(guild_id: int, channel_id: int, hour: int, label: str = JUMP) -> discord.ui.Button[Any]:
    """For everybody who may read that channel; `label` is one of those above."""
    return discord.ui.Button(label=gettext(label), style=discord.ButtonStyle.link, url=jump(guild_id, channel_id, hour))


class HappenedButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"happened:(?P<channel>[0-9]{1,20}):(?P<first>[0-9]{1,9}):(?P<end>[0-9]{1,9})(?P<worst>:worst)?",
):
    """Of a channel, or of all that whoever presses it moderates (0), from one hour up to another.

    With `worst` only negative messages: those that an alert was about. It works after a restart, too.
    """

    def __init__(self, channel_id: int, first_hour: int, end_hour: int, *, worst: bool = False) -> None:
        self.channel_id, self.first_hour, self.end_hour, self.worst = channel_id, first_hour, end_hour, worst
        custom_id = f"happened:{channel_id}:{first_hour}:{end_hour}{':worst' if worst else ''}"
        secondary = discord.ButtonStyle.secondary
        super().__init__(discord.ui.Button(label=gettext(LABEL), style=secondary, custom_id=custom_id))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuilds the button from its id alone."""
        return cls(int(match["channel"]), int(match["first"]), int(match["end"]), worst=match["worst"] is not None)

    @apologising(LABEL)
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Writes down that somebody looks, and then shows the links to them alone."""
        guild, member = interaction.guild, interaction.user
        if guild is None or not is_in_server(interaction) or not isinstance(member, discord.Member):
            await interaction.response.send_message(gettext(NOT_HERE), ephemeral=True)
            return
        channels = _moderated(guild, member, self.channel_id)
        if not channels:
            await interaction.response.send_message(gettext(NOT_A_MODERATOR), ephemeral=True)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            said = await self._links(interaction, guild, channels)
        except DatabaseUnavailable:
            said = gettext(NO_DATABASE)
        await interaction.edit_original_response(content=said)

    async def _links(
        self, interaction: discord.Interaction[Any], guild: discord.Guild, channels: Collection[int]
    ) -> str:
        services = services_of(interaction)
        storage = services.storage
        if not (await storage.guilds.settings(guild.id)).links:
            return gettext(SWITCHED_OFF)
        await storage.write_buffer.flush()  # what was deleted or taken back by now must not be shown
        rules = await storage.guilds.rules(guild.id)
        exempt = ExemptAuthors.exempt_roles(rules)
        authors = ExemptAuthors(services.connection, guild, exempt)
        found = await storage.strong.of(
            guild.id,
            channels,
            self.first_hour,
            self.end_hour,
            negative=self.worst,
            may=lambda channel, thread: _is_watched(guild, rules, channel, thread),
            whose=authors.may_be_linked if exempt else None,
        )
        kind, target = (TargetKind.CHANNEL, self.channel_id) if self.channel_id else (TargetKind.SERVER, guild.id)
        actor = storage.pseudonyms.author(interaction.user.id)
        entry = Audited(guild.id, int(storage.clock.now()), actor, AdminAction.LINKS, kind, target)
        await storage.guilds.add_audit(entry)
        unsure = [f"-# {gettext(UNSURE)}"] if authors.is_unsure else []
        if not found:
            nothing = gettext(NOTHING, after_days=after_days(services.settings.retention_days))
            return "\n".join((nothing, *unsure))
        lines = [_line(guild.id, one) for one in found]
        return "\n".join((gettext(WORST if self.worst else HEADING), *lines, *unsure, f"-# {gettext(FOOTNOTE)}"))


def _moderated(guild: discord.Guild, member: discord.Member, channel_id: int) -> set[int]:
    """Those of the channels asked about that a member can read and moderates."""
    asked = [guild.get_channel(channel_id)] if channel_id else guild.channels
    return {
        channel.id
        for channel in asked
        if channel is not None and can_read(member, channel) and channel.permissions_for(member).manage_messages
    }


def _is_watched(guild: discord.Guild, rules: Collection[Rule], channel_id: int, thread_id: int | None) -> bool:
    """What an admin has exempted since it was read is not shown any more."""
    channel = guild.get_channel(channel_id)
    place = Place(guild.id, channel_id, channel.category_id if channel is not None else None, thread_id)
    return decide({(rule.target_kind, rule.target_id): rule for rule in rules}, place).watched


def _line(guild_id: int, one: Strong) -> str:
    place = one.thread_id or one.channel_id
    sign = "\N{BLACK UP-POINTING TRIANGLE}" if one.positive else "\N{BLACK DOWN-POINTING TRIANGLE}"
    return f"{sign} https://discord.com/channels/{guild_id}/{place}/{one.message_id}"
