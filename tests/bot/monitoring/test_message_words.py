"""What a message says, in every part in which Discord shows words, and what it is where it says nothing."""

import discord
import pytest
from simcord.backend import serializers

from bot.monitoring.message_words import (
    MOST_CHARACTERS,
    NOTHING,
    what_it_is,
    words_of_author,
    words_shown,
)

PICTURE = {"id": "1", "filename": "cat.png", "size": 3, "url": "https://cdn.invalid/cat.png", "proxy_url": "x"}


def file(content_type, description=None):
    return PICTURE | {"content_type": content_type, "description": description}


def media(description=None):
    return {"media": {"url": "https://cdn.invalid/cat.png"}, "description": description}


def display(text):
    return {"type": 10, "content": text}


def poll(question, *answers):
    return {
        "question": {"text": question},
        "answers": [
            {"answer_id": number, "poll_media": {"text": text}} for number, text in enumerate(answers, 1) if text
        ],
        "expiry": "2026-01-02T00:00:00+00:00",
        "allow_multiselect": False,
        "layout_type": 1,
    }


def snapshot(content="", **parts):
    nothing = {"embeds": [], "attachments": [], "edited_timestamp": None, "flags": 0, "components": []}
    said = nothing | {"type": 0, "content": content, "timestamp": "2026-01-01T00:00:00+00:00"}
    return {"message": said | parts}


@pytest.fixture
def received(home):
    """A message as discord.py makes it of what Discord sends: one of Alice's, with some parts exchanged."""

    def receive(content="", **parts):
        stored = home.env.backend.create_message(home.general.id, home.alice.id, "x", broadcast=False)
        payload = dict(serializers.message_payload(home.env.backend, stored)) | {"content": content} | parts
        return discord.Message(
            state=home.bot._connection,
            channel=home.bot.get_channel(home.general.id),
            data=payload,  # type: ignore[arg-type]
        )

    return receive


EMBED = {
    "type": "rich",
    "author": {"name": "somebody's name"},
    "provider": {"name": "a newspaper"},
    "title": "a title",
    "description": "a description",
    "fields": [{"name": "a field", "value": "its value", "inline": False}],
    "footer": {"text": "a footer"},
}
IN_ORDER = "a title\na description\na field\nits value\na footer"
BOXES = [
    display("first"),
    {
        "type": 17,
        "components": [
            display("second"),
            {"type": 9, "components": [display("third")], "accessory": {"type": 11, **media("fourth")}},
            {"type": 12, "items": [media("fifth"), media()]},
            {"type": 14},
            {"type": 1, "components": [{"type": 2, "style": 1, "label": "a button", "custom_id": "b"}]},
        ],
    },
]


@pytest.mark.parametrize(
    ("content", "parts", "shown"),
    [
        (" typed ", {}, "typed"),
        ("typed", {"embeds": [EMBED]}, f"typed\n{IN_ORDER}"),
        ("", {"embeds": [EMBED, {"type": "link", "title": "a link"}]}, f"{IN_ORDER}\na link"),
        ("", {"message_snapshots": [snapshot("forwarded")]}, "forwarded"),
        ("", {"message_snapshots": [snapshot("one", embeds=[EMBED]), snapshot("two")]}, f"one\n{IN_ORDER}\ntwo"),
        ("", {"message_snapshots": [snapshot(components=BOXES)]}, "first\nsecond\nthird\nfourth\nfifth"),
        ("", {"message_snapshots": [snapshot(attachments=[file("image/png", "a cat")])]}, "a cat"),
        ("typed", {"poll": poll("a question", "yes", "no")}, "typed\na question\nyes\nno"),
        ("", {"poll": poll("a question", "", "no")}, "a question\nno"),
        ("", {"components": BOXES, "flags": 1 << 15}, "first\nsecond\nthird\nfourth\nfifth"),
        ("typed", {"attachments": [file("image/png", "a cat"), file("video/mp4", "a dog")]}, "typed\na cat\na dog"),
        ("", {"embeds": [{"type": "gifv", "title": "a name", "description": "of a picture"}]}, ""),
        ("", {"embeds": [{"type": "image", "title": "a name"}]}, ""),
        ("", {"sticker_items": [{"id": "1", "name": "wave", "format_type": 1}]}, ""),
    ],
)
def test_everything_that_a_reader_sees_as_words_is_there_in_the_order_in_which_it_is_seen(
    received, content, parts, shown
):
    assert words_shown(received(content, **parts)) == shown


@pytest.mark.parametrize(
    ("content", "parts", "said"),
    [
        (" typed ", {}, "typed"),
        ("look: https://example.org", {"embeds": [EMBED | {"type": "link"}]}, "look: https://example.org"),
        ("", {"message_snapshots": [snapshot("forwarded", embeds=[EMBED])]}, ""),
        ("typed", {"poll": poll("a question", "yes", "no")}, "typed\na question"),
        ("", {"poll": poll("a question", "yes", "no")}, "a question"),
        ("", {"attachments": [file("image/png", "a sad dog in the rain")]}, ""),
        ("", {"components": BOXES, "flags": 1 << 15}, ""),
    ],
)
def test_of_its_author_only_what_was_typed_and_asked_counts(received, content, parts, said):
    assert words_of_author(received(content, **parts)) == said


def test_what_a_thread_began_with_is_shown_in_its_place(received):
    author = {"id": "9", "username": "x", "discriminator": "0", "avatar": None}
    begun: dict[str, object] = {"id": "7", "channel_id": "8", "author": author}
    begun |= {"content": "how it began", "type": 0, "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None}
    reference = {"message_id": "7", "channel_id": "8"}
    message = received("", type=21, message_reference=reference, referenced_message=begun)
    assert words_shown(message) == "how it began"
    assert words_shown(received("mine", type=19, message_reference=reference, referenced_message=begun)) == "mine"


def test_of_a_closed_poll_only_the_question_and_the_answer_that_won_are_shown(received):
    fields = {"poll_question_text": "a question", "victor_answer_text": "yes", "victor_answer_votes": "3"}
    rows = [{"name": name, "value": value, "inline": False} for name, value in fields.items()]
    assert words_shown(received("", type=46, embeds=[{"type": "poll_result", "fields": rows}])) == "a question\nyes"


def test_a_message_is_read_up_to_a_bound_however_much_is_in_it(received):
    fields = [{"name": "n" * 256, "value": "v" * 1024, "inline": False}] * 25
    crowded = received("typed", embeds=[{"type": "rich", "fields": fields}] * 10)
    assert words_shown(crowded).startswith("typed\nnnn")
    assert len(words_shown(crowded)) <= MOST_CHARACTERS
    tiny = received("", embeds=[{"type": "rich", "fields": [{"name": "a", "value": "b", "inline": False}] * 25}] * 10)
    assert len(words_shown(tiny).splitlines()) == 200


def test_boxes_in_boxes_without_end_end(received):
    box = display("the innermost")
    for _ in range(100):
        box = {"type": 17, "components": [display("a box"), box]}
    assert set(words_shown(received("", components=[box])).splitlines()) == {"a box"}


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"attachments": [file("image/png")]}, "a picture"),
        ({"attachments": [file("video/mp4")]}, "a video"),
        ({"attachments": [file("audio/mpeg")]}, "a sound"),
        ({"attachments": [file("application/pdf")]}, "a file"),
        ({"attachments": [PICTURE]}, "a file"),
        ({"attachments": [file("audio/ogg")], "flags": 1 << 13}, "a voice message"),
        ({"sticker_items": [{"id": "1", "name": "wave", "format_type": 1}]}, "a sticker"),
        ({"content": "https://tenor.com/x", "embeds": [{"type": "gifv"}]}, "a GIF"),
        ({"message_snapshots": [snapshot(attachments=[file("image/png")])]}, "a forwarded picture"),
        ({"type": 3, "call": {"participants": []}}, "a call"),
        ({"type": 7}, "a line of Discord's own"),
        ({"type": 63, "content": "wave"}, "a line of Discord's own"),
        ({"type": 6}, "a line of Discord's own"),
        ({"type": 250, "content": "from the future"}, "a line of Discord's own"),
    ],
)
def test_what_says_nothing_is_named_in_one_sentence(received, parts, named):
    message = received(**parts)
    assert words_shown(message) == parts.get("content", "") * (message.type is discord.MessageType.default)
    said = what_it_is(message)
    assert said.startswith(f"That's {named}")
    assert said.endswith("so there's nothing to read.")
    assert said.count(".") == 1


def test_what_holds_nothing_at_all_is_nothing_to_read(received):
    assert what_it_is(received()) == NOTHING
