"""How a notice gets into a channel: as a message, or in a forum or media channel as a post that obeys its rules."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

import discord

from bot.channels import Watchable, WithMessages
from bot.i18n import LANGUAGES, N_, gettext, speaking
from bot.monitoring.notice_button import details_view

# Translators: The title of the bot's own post in a forum that it watches; at most 100 characters.
FORUM_TITLE = N_("I measure the mood of this forum")
"""At most 100 characters, which is what Discord lets a post's title have."""

WEEK: Literal[10080] = 10080
"""Minutes: the longest that Discord keeps a post among the active ones. Archived and locked ones can still be read."""


class NoTagAllowed(Exception):
    """A forum asks for a tag that the bot may not give; `forum` is its mention."""

    def __init__(self, forum: str) -> None:
        super().__init__(forum)
        self.forum = forum


class Posted(NamedTuple):
    """The id of a notice's message, which for a post of a forum is the post's own, and what takes it back."""

    message_id: int
    take_back: Callable[[], Awaitable[None]]


async def send(channel: Watchable, words: str) -> Posted:
    """Posts a notice, with a title and a button in the language that is spoken.

    Raises NoTagAllowed, and whatever the library raises (`bot.link.failures.REQUEST_FAILURES`).
    """
    if isinstance(channel, discord.ForumChannel):
        tag = tag_for_post(channel)
        thread, _ = await channel.create_thread(
            name=gettext(FORUM_TITLE),
            content=words,
            view=details_view(),
            applied_tags=[] if tag is None else [tag],
            auto_archive_duration=WEEK,
            files=[discord.File(io.BytesIO(_picture()), "notice.png")] if channel.is_media() else [],
        )
        return Posted(thread.id, thread.delete)
    if isinstance(channel, WithMessages):
        message = await channel.send(words, view=details_view())
        return Posted(message.id, message.delete)
    raise TypeError("a category holds no messages")


def is_title(name: str) -> bool:
    """Whether a post is called as the bot calls it, in any language, and not as somebody has named it since."""
    for language in LANGUAGES:
        with speaking(language):
            if name == gettext(FORUM_TITLE):
                return True
    return False


def tag_for_post(forum: discord.ForumChannel) -> discord.ForumTag | None:
    """The tag of a post of the bot's; None where it needs none. Raises NoTagAllowed."""
    if not forum.flags.require_tag or not forum.available_tags:
        return None
    moderates = forum.permissions_for(forum.guild.me).manage_threads
    tag = min(forum.available_tags, key=lambda one: one.moderated)
    if tag.moderated and not moderates:
        raise NoTagAllowed(forum.mention)
    return tag


def _picture(side: int = 64) -> bytes:
    """A plain square as a PNG: whatever is posted in a media channel shows a picture."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x58\x65\xf2" * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")
