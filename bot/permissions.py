"""The permissions that the bot needs, what for, and where an admin switches them on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import discord

from bot.channels import Watchable

PORTAL = "https://discord.com/developers/applications"

SWITCH_ON_CONTENT = f"at {PORTAL} → this application → Bot → Privileged Gateway Intents → Message Content Intent"

NO_CONTENT = (
    "I cannot read messages: Discord does not show me what they say. "
    f"Whoever runs this bot switches that on {SWITCH_ON_CONTENT}, and starts the bot again. Commands work without."
)


@dataclass(frozen=True, slots=True)
class Need:
    """A permission by its name in discord.py and on Discord's pages, and what it is for."""

    flag: str
    name: str
    reason: str


VIEW = Need("view_channel", "View Channel", "to get the messages at all")
CONNECT = Need("connect", "Connect", "to get the messages in a voice channel's chat")
SEND = Need("send_messages", "Send Messages", "to post the notice, alerts and digests")
SEND_IN_THREADS = Need("send_messages_in_threads", "Send Messages in Threads", "to post the notice")
POST = Need("send_messages", "Create Posts", "to post the notice")
HISTORY = Need(
    "read_message_history", "Read Message History", "to see that my notice still stands, and to read what I missed"
)
REACT = Need("add_reactions", "Add Reactions", "to tag messages")
EMBED = Need("embed_links", "Embed Links", "for alerts, digests and answers with a chart")
ATTACH = Need("attach_files", "Attach Files", "for charts")
SHOW = Need("attach_files", "Attach Files", "to post the notice with a picture, as posts in a media channel are")

LOOK_UP = Need("read_message_history", "Read Message History", "to see what I have posted there before")

INVITED_WITH = (VIEW, CONNECT, SEND, SEND_IN_THREADS, POST, EMBED, ATTACH, HISTORY, REACT)
"""What the invite link asks for."""

REPORT_IN_THREADS = Need("send_messages_in_threads", "Send Messages in Threads", "to post alerts and digests")
UNLOCK = Need("manage_threads", "Manage Threads", "to post in a thread that is locked")


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
    """One line for an admin: what is missing in a channel, what for, and where it is switched on."""
    wanted = ", ".join(f"**{need.name}** ({need.reason})" for need in lacking)
    place = channel.parent if isinstance(channel, discord.Thread) and channel.parent else channel
    return (
        f"in {channel.mention} I lack {wanted}. Click **Edit Channel** on {place.mention} → **Permissions** → "
        f"add {channel.guild.me.mention} → allow that."
    )
