"""What the library cannot read: see also `tests/discord/test_passing_faults.py`, over the wire."""

import discord
import pytest
from discord.ext import commands

from bot.link.unparsed_events import UnparsedEvents

PARTIAL = {"id": "1", "channel_id": "2", "guild_id": "3", "embeds": []}
WORDS = "my secret diary"


def test_the_library_still_ends_the_session_for_a_message_update_without_an_author():
    """When this fails a new discord.py reads such an event, and `UnparsedEvents` may have had its day."""
    client = commands.AutoShardedBot("!", intents=discord.Intents.none())
    with pytest.raises(KeyError):
        client._connection.parsers["MESSAGE_UPDATE"](dict(PARTIAL))


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("MESSAGE_UPDATE", PARTIAL),
        ("MESSAGE_CREATE", {"id": "1", "content": WORDS}),
        ("MESSAGE_DELETE", {}),
        ("MESSAGE_DELETE_BULK", {"ids": None}),
        ("INTERACTION_CREATE", {"id": "1", "type": 2}),
        ("GUILD_CREATE", {"id": "not a number"}),
        ("CHANNEL_CREATE", {"type": 0, "guild_id": "3"}),
        ("THREAD_CREATE", {}),
        ("GUILD_DELETE", {}),
        ("GUILD_MEMBER_UPDATE", {"guild_id": "3"}),
    ],
)
async def test_an_event_that_lacks_what_the_library_needs_is_counted_without_its_words(
    bot, world, caplog, event, payload
):
    if payload.get("guild_id") == "3":
        payload = {**payload, "guild_id": str(world.guild.id)}
    bot._connection.parsers[event](payload)
    if bot.unparsed.counts:  # a few of them the library takes as they are
        assert {name for name, _ in bot.unparsed.counts} == {event}
        assert f"an event {event} cannot be read" in caplog.text
    assert WORDS not in caplog.text


def test_a_parser_that_fails_takes_nothing_with_it_and_many_of_them_are_few_lines(caplog):
    parsed = []

    def fail(data):
        if data == "bad":
            raise ValueError(WORDS)
        parsed.append(data)

    parsers = {"SOMETHING": fail}
    unparsed = UnparsedEvents(parsers)
    for data in ["bad"] * 99 + ["good"]:
        parsers["SOMETHING"](data)
    assert parsed == ["good"]
    assert unparsed.counts == {("SOMETHING", "ValueError"): 99}
    assert len(caplog.records) == 2
    assert WORDS not in caplog.text


def test_a_session_that_cannot_begin_is_heard_of():
    """Contained, it would leave a bot that is connected and knows no server."""

    def fail(_data):
        raise KeyError

    parsers = {"READY": fail}
    UnparsedEvents(parsers)
    with pytest.raises(KeyError):
        parsers["READY"]({})
