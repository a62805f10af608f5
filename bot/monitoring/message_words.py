"""What a message says: to whoever reads it, and of its author's own words.

Two questions, and two answers. Somebody who points at a message asks about everything that they see in it. Watching
asks how its author feels, and a link's preview is a newspaper's, a picture's description says what is in the picture,
and the answers of a poll are what others may think. So of these it reads nothing: only what was typed, the question of
a poll, and what somebody forwards where its own author may be read (`bot.monitoring.forwards`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import discord
from discord import components

from bot.i18n import N_, gettext

MOST_CHARACTERS = 6000
"""Of a message with everything that is in it: as many as `/sentiment` takes. What is typed are 4,000 at most."""

MOST_PARTS = 200
"""Pieces of text in one message. Ten embeds of 25 fields each are more, of which the first are shown first, too."""

DEEPEST = 5
"""Components inside one another; Discord allows three."""

_WITHOUT_TEXT = {"image", "gifv"}
"""Kinds of embeds of which only the picture is shown, whatever else they hold."""

_RESULT = "poll_result"
_RESULT_SHOWS = ("poll_question_text", "victor_answer_text")
"""Of the fields of a closed poll's message, those that a reader sees."""

_WORDS_OF_PEOPLE = {
    discord.MessageType.default,
    discord.MessageType.reply,
    discord.MessageType.chat_input_command,
    discord.MessageType.context_menu_command,
    discord.MessageType.thread_starter_message,
    discord.MessageType.auto_moderation_action,
    discord.MessageType.poll_result,
}
"""What holds words of people or of bots; the other types are Discord's own lines, such as "somebody has joined"."""

NOTHING = N_("There's no text in there I can read (links, mentions and pictures don't count).")

_WITHOUT_WORDS = {
    "voice message": (
        N_("That's a voice message without words, so there's nothing to read."),
        N_("That's a forwarded voice message without words, so there's nothing to read."),
    ),
    "sticker": (
        N_("That's a sticker without words, so there's nothing to read."),
        N_("That's a forwarded sticker without words, so there's nothing to read."),
    ),
    "GIF": (
        N_("That's a GIF without words, so there's nothing to read."),
        N_("That's a forwarded GIF without words, so there's nothing to read."),
    ),
    "picture": (
        N_("That's a picture without words, so there's nothing to read."),
        N_("That's a forwarded picture without words, so there's nothing to read."),
    ),
    "video": (
        N_("That's a video without words, so there's nothing to read."),
        N_("That's a forwarded video without words, so there's nothing to read."),
    ),
    "sound": (
        N_("That's a sound without words, so there's nothing to read."),
        N_("That's a forwarded sound without words, so there's nothing to read."),
    ),
    "file": (
        N_("That's a file without words, so there's nothing to read."),
        N_("That's a forwarded file without words, so there's nothing to read."),
    ),
    "message of buttons or pictures": (
        N_("That's a message of buttons or pictures without words, so there's nothing to read."),
        N_("That's a forwarded message of buttons or pictures without words, so there's nothing to read."),
    ),
}
"""What a message without words is, by its kind; the second where it is what somebody forwards in it."""


def words_of_author(message: discord.Message) -> str:
    """What its author said in it, for watching: the text, and a poll's question; "" where there is neither."""
    if message.poll is None:
        return message.content.strip()
    return _together((message.content, message.poll.question))


def words_forwarded(message: discord.Message) -> str:
    """The same, and what was forwarded with it."""
    return _together((words_of_author(message), *(snapshot.content for snapshot in message.message_snapshots)))


def words_shown(message: discord.Message) -> str:
    """Everything in a message that a reader sees as words, from top to bottom; "" where there is nothing of the kind.

    That is its text, what was forwarded with it, its poll, what its components say, the descriptions of its pictures,
    and its embeds. Names are left out (of authors, files, stickers), and so are buttons and menus, which nobody says.
    """
    if message.type not in _WORDS_OF_PEOPLE:
        return ""
    return _together(_parts(shown_message(message)))


def shown_message(message: discord.Message) -> discord.Message:
    """The message whose words a reader sees: this one, except where a thread shows the one that it began with."""
    if message.type is discord.MessageType.thread_starter_message and message.reference is not None:
        begun = message.reference.resolved
        return begun if isinstance(begun, discord.Message) else message
    return message


def what_it_is(message: discord.Message) -> str:
    """One sentence for a message without words, which says what it is instead."""
    if message.type is discord.MessageType.call:
        return gettext("That's a call, so there's nothing to read.")
    if message.type not in _WORDS_OF_PEOPLE:
        # Translators: A line that Discord writes, such as "somebody has joined".
        return gettext("That's a line of Discord's own, so there's nothing to read.")
    message = shown_message(message)
    parts: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    for part in parts:
        if found := _kind(part):
            return gettext(_WITHOUT_WORDS[found][part is not message])
    if message.poll is not None:
        return gettext("That's a poll without words I can read, so there's nothing to read.")
    return gettext(NOTHING)


def _kind(message: discord.Message | discord.MessageSnapshot) -> str:
    """What stands in a message besides words, of `_WITHOUT_WORDS`; "" where nothing does."""
    if message.flags.voice:
        return "voice message"
    if message.stickers:
        return "sticker"
    if any(embed.type == "gifv" for embed in message.embeds):
        return "GIF"
    for attachment in message.attachments:
        kind = (attachment.content_type or "").partition("/")[0]
        return {"image": "picture", "video": "video", "audio": "sound"}.get(kind, "file")
    if any(embed.type == "image" for embed in message.embeds):
        return "picture"
    return "message of buttons or pictures" if _components(message) else ""


def _together(parts: Iterable[str | None]) -> str:
    """The parts that say something, one below the other, up to the bounds."""
    said, left = [], MOST_CHARACTERS
    for part in islice((stripped for part in parts if part and (stripped := part.strip())), MOST_PARTS):
        if left <= 0:
            break
        said.append(part[:left])
        left -= len(part) + 1
    return "\n".join(said)


def _parts(message: discord.Message | discord.MessageSnapshot) -> Iterator[str | None]:
    yield message.content
    if isinstance(message, discord.Message):
        for snapshot in message.message_snapshots:
            yield from _parts(snapshot)
        if message.poll is not None:
            yield message.poll.question
            for answer in message.poll.answers:
                yield answer.text
    for component in _components(message):
        yield from _of_component(component, DEEPEST)
    for attachment in message.attachments:
        yield attachment.description
    for embed in message.embeds:
        yield from _of_embed(embed)


def _components(message: discord.Message | discord.MessageSnapshot) -> list[components.Component]:
    """The library sets none where Discord sends none, not even as an empty list."""
    return list(getattr(message, "components", ()))


def _of_component(component: object, deepest: int) -> Iterator[str | None]:
    if deepest <= 0:
        return
    match component:
        case components.TextDisplay():
            yield component.content
        case components.ThumbnailComponent():
            yield component.description
        case components.MediaGalleryComponent():
            for item in component.items:
                yield item.description
        case components.SectionComponent():
            for child in (*component.children, component.accessory):
                yield from _of_component(child, deepest - 1)
        case components.Container():
            for child in component.children:
                yield from _of_component(child, deepest - 1)


def _of_embed(embed: discord.Embed) -> Iterator[str | None]:
    if embed.type in _WITHOUT_TEXT:
        return
    if embed.type == _RESULT:
        fields = {field.name: field.value for field in embed.fields}
        for name in _RESULT_SHOWS:
            yield fields.get(name)
        return
    yield embed.title
    yield embed.description
    for field in embed.fields:
        yield field.name
        yield field.value
    yield embed.footer.text
