"""The permissions that the bot needs, what for, and where an admin switches them on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import discord

from bot.channels import Watchable
from bot.i18n import N_, gettext
from bot.i18n.formats import series

PORTAL = "https://discord.com/developers/applications"

SWITCH_ON_CONTENT = f"at {PORTAL} → this application → Bot → Privileged Gateway Intents → Message Content Intent"
"""For whoever runs the bot, in English."""

NO_CONTENT = N_(
    "I can't read messages, because Discord doesn't show me what they say. My operator can turn that on at "
    "https://discord.com/developers/applications → this application → Bot → Privileged Gateway Intents → Message "
    "Content Intent and restart me. Commands work without it."
)


@dataclass(frozen=True, slots=True)
class Need:
    """A permission by its name in discord.py and on Discord's pages, and what it is for; both for `gettext`."""

    flag: str
    name: str
    reason: str


VIEW = Need("view_channel", N_("View Channel"), N_("to get the messages at all"))
CONNECT = Need("connect", N_("Connect"), N_("to get the messages in a voice channel's chat"))
SEND = Need("send_messages", N_("Send Messages"), N_("to post the notice, alerts and digests"))
SEND_IN_THREADS = Need("send_messages_in_threads", N_("Send Messages in Threads"), N_("to post the notice"))
POST = Need("send_messages", N_("Create Posts"), N_("to post the notice"))
HISTORY = Need(
    "read_message_history",
    N_("Read Message History"),
    N_("to check that my notice is still there, and to read what I missed"),
)
REACT = Need("add_reactions", N_("Add Reactions"), N_("to tag messages"))
EMBED = Need("embed_links", N_("Embed Links"), N_("for alerts, digests and answers with a chart"))
ATTACH = Need("attach_files", N_("Attach Files"), N_("for charts"))
SHOW = Need(
    "attach_files", N_("Attach Files"), N_("to post the notice with a picture, as posts in a media channel are")
)

LOOK_UP = Need("read_message_history", N_("Read Message History"), N_("to see what I've posted there before"))

INVITED_WITH = (VIEW, CONNECT, SEND, SEND_IN_THREADS, POST, EMBED, ATTACH, HISTORY, REACT)
"""What the invite link asks for."""

REPORT_IN_THREADS = Need("send_messages_in_threads", N_("Send Messages in Threads"), N_("to post alerts and digests"))
UNLOCK = Need("manage_threads", N_("Manage Threads"), N_("to post in a locked thread"))


def for_reporting(channel: Watchable) -> list[Need]:
    """What the mod channel needs. A thread that is archived comes back with the first post, unless it is locked."""
    needs = [VIEW, EMBED, ATTACH, LOOK_UP]
    if isinstance(channel, discord.VoiceChannel | discord.StageChannel):
        needs.append(CONNECT)
    if isinstance(channel, discord.Thread):
        return [*needs, REPORT_IN_THREADS, *([UNLOCK] if channel.locked else [])]
    return [*needs, SEND]


def for_watching(channel: Watchable, *, tagging: bool = False) -> list[Need]:
    """What is needed to tell people in a channel that it is watched, and to watch it."""
    needs = [VIEW]
    if isinstance(channel, discord.VoiceChannel | discord.StageChannel):
        needs.append(CONNECT)
    if isinstance(channel, discord.Thread):
        needs.append(SEND_IN_THREADS)
    elif isinstance(channel, discord.ForumChannel):
        needs += [POST, SHOW] if channel.is_media() else [POST]
    else:
        needs.append(SEND)
    needs.append(HISTORY)
    return [*needs, REACT] if tagging else needs


def missing(channel: Watchable, needs: Iterable[Need]) -> list[Need]:
    """Those of `needs` that the bot does not have in a channel."""
    granted = channel.permissions_for(channel.guild.me)
    return [need for need in needs if not getattr(granted, need.flag)]


def invite_permissions() -> discord.Permissions:
    """What the invite link asks for, as Discord counts it."""
    return discord.Permissions(**{need.flag: True for need in INVITED_WITH})


def what_to_click(channel: Watchable, lacking: Sequence[Need]) -> str:
    """One line for an admin: what is missing in a channel, what for, and where it is switched on.

    It may follow a colon; where it stands alone it is `capitalised`.
    """
    wanted = series(
        gettext("**{permission}** ({reason})", permission=gettext(need.name), reason=gettext(need.reason))
        for need in lacking
    )
    place = channel.parent if isinstance(channel, discord.Thread) and channel.parent else channel
    return gettext(
        "in {channel} I'm missing {permissions}. Click **Edit Channel** on {place} → **Permissions** → add {me} → "
        "allow that.",
        channel=channel.mention,
        permissions=wanted,
        place=place.mention,
        me=channel.guild.me.mention,
    )
