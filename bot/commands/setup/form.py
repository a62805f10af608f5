"""The form of `/setup`: what was chosen is in the message itself, so it outlives a restart and nothing remembers it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, cast

import discord

from bot.domain.records import DigestKind
from bot.i18n import N_, gettext, pgettext

MOST_CHANNELS = 25
"""As many as one select of Discord's takes."""

CHANNELS, MODS, ROLE, ZONE, DIGEST = "channels", "mods", "role", "zone", "digest"

_WATCHED_TYPES = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.forum,
    discord.ChannelType.voice,
]
_MOD_TYPES = [discord.ChannelType.text, discord.ChannelType.news]
_DIGESTS = {DigestKind.WEEKLY: N_("Weekly, on Monday"), DigestKind.DAILY: N_("Daily"), DigestKind.OFF: N_("No digest")}


@dataclass(frozen=True, slots=True)
class Choices:
    """What an admin has chosen so far; channels and roles by id."""

    channels: tuple[int, ...] = ()
    mod_channel: int | None = None
    role: int | None = None
    zone: str = "UTC"
    digest: DigestKind = DigestKind.WEEKLY

    @classmethod
    def of(cls, message: discord.Message) -> Self:
        """What the selects of a form show."""
        found: dict[str, list[str]] = {}
        for row in message.components:
            for child in row.children if isinstance(row, discord.ActionRow) else ():
                if isinstance(child, discord.SelectMenu):
                    chosen = [str(one.id) for one in child.default_values]
                    chosen += [option.value for option in child.options if option.default]
                    found[(child.custom_id or "").removeprefix("setup:")] = chosen
        choices = cls()
        for what, values in found.items():
            choices = choices.with_(what, values)
        return choices

    def with_(self, what: str, values: Sequence[str]) -> Self:
        """The same after somebody has chosen these values in one of the selects."""
        if what == CHANNELS:
            return replace(self, channels=tuple(map(int, values)))
        if what == ZONE:
            return replace(self, zone=values[0] if values else self.zone)
        if what == DIGEST:
            return replace(self, digest=DigestKind(values[0]) if values else self.digest)
        name = {MODS: "mod_channel", ROLE: "role"}[what]
        changes: dict[str, Any] = {name: int(values[0]) if values else None}
        return replace(self, **changes)


def layout(
    choices: Choices, zones: Iterable[tuple[str, str]], notes: Sequence[str], items: type[discord.ui.DynamicItem[Any]]
) -> discord.ui.LayoutView:
    """The form. `zones` are names with their labels, `notes` what is missing; `items` wraps the selects."""
    view = discord.ui.LayoutView(timeout=None)

    def add(heading: str, select: discord.ui.Item[Any]) -> None:
        view.add_item(discord.ui.TextDisplay(heading))
        view.add_item(discord.ui.ActionRow(cast(Any, items)(select)))

    view.add_item(discord.ui.TextDisplay(gettext("### Set up Vibecheck\nFive choices, then **Start watching**.")))
    add(
        gettext("**Channels to watch.** I'll post a notice in each before I keep anything."),
        discord.ui.ChannelSelect(
            custom_id=f"setup:{CHANNELS}",
            channel_types=_WATCHED_TYPES,
            placeholder=gettext("Pick the channels"),
            min_values=0,
            max_values=MOST_CHANNELS,
            default_values=_channels(choices.channels),
        ),
    )
    add(
        gettext("**Mod channel.** Alerts and digests go here."),
        discord.ui.ChannelSelect(
            custom_id=f"setup:{MODS}",
            channel_types=_MOD_TYPES,
            placeholder=gettext("No mod channel: no alerts"),
            min_values=0,
            default_values=_channels(one for one in (choices.mod_channel,) if one is not None),
        ),
    )
    add(
        gettext("**Role to ping** in an alert."),
        discord.ui.RoleSelect(
            custom_id=f"setup:{ROLE}",
            placeholder=pgettext("the role to ping", "Nobody"),
            min_values=0,
            default_values=[discord.Object(choices.role, type=discord.Role)] if choices.role is not None else [],
        ),
    )
    zone_options = [
        discord.SelectOption(label=label, value=name, default=name == choices.zone) for name, label in zones
    ]
    add(
        gettext("**Time zone.** What time is it for you?"),
        discord.ui.Select(custom_id=f"setup:{ZONE}", options=zone_options),
    )
    digests = [
        discord.SelectOption(label=gettext(label), value=kind, default=kind is choices.digest)
        for kind, label in _DIGESTS.items()
    ]
    add(gettext("**Digest** in the mod channel."), discord.ui.Select(custom_id=f"setup:{DIGEST}", options=digests))
    if notes:
        view.add_item(discord.ui.TextDisplay("\n".join(notes)[:3000]))
    return view


def text_only(text: str) -> discord.ui.LayoutView:
    """What takes the form's place; a message that was one can only have a layout again."""
    view = discord.ui.LayoutView(timeout=None)
    view.add_item(discord.ui.TextDisplay(text[:4000]))
    return view


def _channels(numbers: Iterable[int]) -> list[discord.SelectDefaultValue]:
    kind = discord.SelectDefaultValueType.channel
    return [discord.SelectDefaultValue(id=number, type=kind) for number in numbers]
