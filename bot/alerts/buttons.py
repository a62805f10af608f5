"""The buttons under an alert: who is on it, whether it was a false alarm, and no more of them for a while.

Each is made of its id alone. What was pressed is in the database, and the post is built anew from that, in the
server's language, so that two who press at the same time do not undo what the other one did.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Self
from weakref import WeakValueDictionary

import discord

from bot.alerts.embed import Named, alert_embed
from bot.domain.records import AdminAction, Alert, Audited, GuildSettings, TargetKind
from bot.domain.snowflake import SECONDS
from bot.error_handler import apologising, is_in_server
from bot.i18n import N_, gettext, speaking
from bot.link.failures import REQUEST_FAILURES
from bot.link.spoken import server_language
from bot.presentation.error_words import NOT_HERE
from bot.services import services_of
from bot.storage.alert_holds import Hold
from bot.storage.errors import DatabaseUnavailable
from bot.ui.happened_button import HappenedButton, jump_button

MODERATORS_ONLY = N_("Only people with the permission **Manage Messages** can do that.")
TAKEN = N_("Someone's already on it.")
FORGOTTEN = N_("I don't remember this alert any more.")
NOT_NOTED = N_("My database isn't responding, so I may not have noted it. Please press the button again in a minute.")
NOT_SHOWN = N_("Noted, but I couldn't change the post. Press the button again in a minute.")
SAID_ALREADY = N_("Someone already called it a false alarm.")
NOT_SAID = N_("Nobody calls it a false alarm any more.")
AWAKE = N_("Alerts for this channel aren't snoozed any more.")

SNOOZES = {1: N_("For 1 hour"), 8: N_("For 8 hours"), 24: N_("For 1 day")}
"""By hours, how a snooze is offered."""

_RECORD_SECONDS = 10.0
"""How long the database may take before whoever pressed is told that it does not answer."""

_HELD_ALREADY = 40060
"""Discord's code for an interaction that was acknowledged before."""

_Interaction = discord.Interaction[Any]

_TURNS: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
"""By number, of alerts of which something is pressed now: one press after the other changes a post."""


class AcknowledgeButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"alert:(?P<number>[0-9]{1,18})"):
    """Lets the other moderators see who looks after an alert; it works after a restart, too."""

    def __init__(self, number: int) -> None:
        self.number = number
        label, custom_id = gettext("I'm on it"), f"alert:{number}"
        super().__init__(discord.ui.Button(label=label, style=discord.ButtonStyle.primary, custom_id=custom_id))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuilds the button from its id alone."""
        return cls(int(match["number"]))

    @apologising("an alert's button")
    async def callback(self, interaction: _Interaction) -> None:
        """Notes it, and takes the button away; pressed again, it does what went wrong before.

        Only for members who may manage messages.
        """

        async def note(guild_id: int, _alert: Alert | None) -> bool:
            return await services_of(interaction).storage.alerts.acknowledge(guild_id, self.number)

        await _press(interaction, self.number, _Press(AdminAction.ACKNOWLEDGE, note, TAKEN))


class FalseAlarmButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"alert:(?P<what>false|true):(?P<number>[0-9]{1,18})"
):
    """Says that an alert was a false alarm, or takes that back."""

    def __init__(self, number: int, *, false: bool = True) -> None:
        self.number, self.false = number, false
        label = gettext("False alarm") if false else gettext("Not a false alarm")
        custom_id = f"alert:{'false' if false else 'true'}:{number}"
        super().__init__(discord.ui.Button(label=label, style=discord.ButtonStyle.secondary, custom_id=custom_id))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuilds the button from its id alone."""
        return cls(int(match["number"]), false=match["what"] == "false")

    @apologising("an alert's button")
    async def callback(self, interaction: _Interaction) -> None:
        """Raises the bar for this channel for a day, or puts it back."""

        async def note(guild_id: int, _alert: Alert | None) -> bool:
            holds = services_of(interaction).storage.holds
            return await (holds.say_false if self.false else holds.take_back)(guild_id, self.number)

        again = SAID_ALREADY if self.false else NOT_SAID
        await _press(interaction, self.number, _Press(AdminAction.FALSE_ALARM, note, again))


class SnoozeSelect(discord.ui.DynamicItem[discord.ui.Select[Any]], template=r"alert:snooze:(?P<number>[0-9]{1,18})"):
    """Has no alert of this channel start for a while; the alert that is there goes on, and its end is posted."""

    def __init__(self, number: int, *, snoozed: bool = False) -> None:
        self.number = number
        options = [discord.SelectOption(label=gettext(name), value=str(hours)) for hours, name in SNOOZES.items()]
        if snoozed:
            options.append(discord.SelectOption(label=gettext("Stop snoozing"), value="0"))
        shown, custom_id = gettext("Snooze alerts here …"), f"alert:snooze:{number}"
        super().__init__(discord.ui.Select(placeholder=shown, options=options, custom_id=custom_id))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuilds it from its id alone, with what it offered."""
        return cls(
            int(match["number"]), snoozed=isinstance(item, discord.ui.Select) and len(item.options) > len(SNOOZES)
        )

    @apologising("an alert's snooze")
    async def callback(self, interaction: _Interaction) -> None:
        """What was chosen counts from now on."""
        hours = int(self.item.values[0])

        async def note(guild_id: int, alert: Alert | None) -> bool:
            holds = services_of(interaction).storage.holds
            if alert is None:
                return False
            if hours not in SNOOZES:
                return await holds.wake(guild_id, alert.channel_id)
            await holds.snooze(guild_id, alert.channel_id, hours * SECONDS)
            return True

        await _press(interaction, self.number, _Press(AdminAction.SNOOZE, note, AWAKE))


ALL = (AcknowledgeButton, FalseAlarmButton, SnoozeSelect)


def buttons(alert: Alert, *, links: bool, snoozed: bool = False) -> discord.ui.View:
    """What can be pressed under an alert as it is now. The hour it began in is the one that was judged, or the next."""
    view = discord.ui.View(timeout=None)
    hour = alert.started // SECONDS
    if alert.acknowledged is None:
        view.add_item(AcknowledgeButton(alert.number))
    if links:
        view.add_item(HappenedButton(alert.channel_id, hour - 1, hour + 1, worst=True))
    view.add_item(FalseAlarmButton(alert.number, false=alert.false_alarm is None))
    view.add_item(jump_button(alert.guild_id, alert.channel_id, hour))
    view.add_item(SnoozeSelect(alert.number, snoozed=snoozed))
    return view


@dataclass(frozen=True, slots=True)
class _Press:
    """What a button does: it notes something; `again` is said when it was so before."""

    action: AdminAction
    note: Callable[[int, Alert | None], Awaitable[bool]]
    again: str


@dataclass(frozen=True, slots=True)
class _Noted:
    """What the store says after a press: whether that changed anything, the alert, unless it is forgotten, and more."""

    first: bool
    alert: Alert | None
    hold: Hold
    settings: GuildSettings


async def _press(interaction: _Interaction, number: int, press: _Press) -> None:
    """Notes something about an alert and shows it in the post."""
    guild_id, message = interaction.guild_id, interaction.message
    if guild_id is None or message is None or not interaction.permissions.manage_messages:
        await interaction.response.send_message(gettext(MODERATORS_ONLY), ephemeral=True)
        return
    if not is_in_server(interaction):
        await interaction.response.send_message(gettext(NOT_HERE), ephemeral=True)
        return
    await _hold(interaction)
    async with _TURNS.setdefault(number, asyncio.Lock()):
        try:
            async with asyncio.timeout(_RECORD_SECONDS):
                noted = await _note(interaction, guild_id, number, press)
        except (DatabaseUnavailable, TimeoutError):
            await interaction.followup.send(gettext(NOT_NOTED), ephemeral=True)
            return
        await _show(interaction, message, noted, press)
    if noted.first and noted.alert is not None:
        await _write_down(interaction, guild_id, press.action, noted.alert.channel_id)


async def _note(interaction: _Interaction, guild_id: int, number: int, press: _Press) -> _Noted:
    storage = services_of(interaction).storage
    first = await press.note(guild_id, await storage.alerts.alert(guild_id, number))
    alert = await storage.alerts.alert(guild_id, number)
    settings = await storage.guilds.settings(guild_id)
    holds = await storage.holds.of((guild_id,)) if alert is not None else {}
    return _Noted(first, alert, holds.get(alert.channel_id, Hold()) if alert is not None else Hold(), settings)


async def _show(interaction: _Interaction, message: discord.Message, noted: _Noted, press: _Press) -> None:
    """Changes the post, also when it was so before: a post that still has its button was never changed then."""
    embeds, view = message.embeds[:1], None
    if noted.alert is not None:
        embeds = await _embeds_there(interaction, message)
        named = _with_presser(Named.in_post(embeds, noted.alert, noted.hold), interaction, noted, press)
        with speaking(server_language(interaction.guild, noted.settings)):
            view = buttons(noted.alert, links=noted.settings.links, snoozed=noted.hold.snoozed_until is not None)
            embeds = [alert_embed(noted.alert, noted.hold, named)] if embeds else []
    try:
        await interaction.edit_original_response(embeds=embeds, view=view)
    except REQUEST_FAILURES as error:
        if not isinstance(error, discord.NotFound):  # a post that was deleted needs no button any more
            await interaction.followup.send(gettext(NOT_SHOWN), ephemeral=True)
    else:
        if not noted.first:
            again = gettext(press.again if noted.alert is not None else FORGOTTEN)
            await interaction.followup.send(again, ephemeral=True)


async def _embeds_there(interaction: _Interaction, message: discord.Message) -> list[discord.Embed]:
    """What the post says now: somebody may have pressed since it was shown to whoever pressed here."""
    try:
        return (await interaction.original_response()).embeds[:1]
    except REQUEST_FAILURES:
        return message.embeds[:1]


def _with_presser(named: Named, interaction: _Interaction, noted: _Noted, press: _Press) -> Named:
    """Whoever did it first is named."""
    if noted.first and press.action is AdminAction.ACKNOWLEDGE:
        return replace(named, on_it=interaction.user.id)
    if noted.first and press.action is AdminAction.SNOOZE:
        return replace(named, snoozed=interaction.user.id)
    return named


async def _hold(interaction: _Interaction) -> None:
    """Has Discord wait: 15 minutes instead of 3 seconds. Raises discord.HTTPException when these are over."""
    try:
        await interaction.response.defer()
    except discord.HTTPException as error:
        if error.code != _HELD_ALREADY:  # it took the first try although it answered with an error
            raise


async def _write_down(interaction: _Interaction, guild_id: int, action: AdminAction, channel_id: int) -> None:
    storage, at = services_of(interaction).storage, int(interaction.created_at.timestamp())
    actor = storage.pseudonyms.author(interaction.user.id)
    about = (TargetKind.SERVER, guild_id) if action is AdminAction.ACKNOWLEDGE else (TargetKind.CHANNEL, channel_id)
    with suppress(DatabaseUnavailable):  # it is noted, and the moderator has seen it
        await storage.guilds.add_audit(Audited(guild_id, at, actor, action, *about))
