"""Watched texts that get no rating: in another language, commands for other bots, and somebody in danger."""

import asyncio

import pytest

from bot.storage.schema import HourRow, MessageScoreRow
from model import Sentiment, Verdict
from tests.bot.parts import monitoring_of
from tests.bot.storage.scenes import assert_sums_are_right, rows_of

GOOD, BAD = "what a wonderful day", "this is terrible, I hate it"
SPANISH = "me encanta este servidor, son todos muy amables"
DANGER = "nobody would miss me if i was gone"


@pytest.fixture
async def watched(home, answers):
    """General is watched and tagged; the model takes one text for a sign of danger, and finds the rest itself."""
    answers[DANGER] = Verdict(Sentiment.NEGATIVE, (0.02, 0.01, 0.97), 1, "m", danger=True)
    monitoring_of(home.bot).reactions._pause = lambda _seconds: asyncio.sleep(0)
    await home.watch(tagging=True)
    return home


async def counted(home):
    """Of the present hour: negative, neutral, positive, unread, authors and writers; empty when there is none."""
    await home.storage.write_buffer.flush()
    await assert_sums_are_right(home.storage.database)
    names = ("negative", "neutral", "positive", "unread", "authors", "writers")
    return [tuple(row[name] for name in names) for row in await rows_of(home.storage.database, HourRow)]


def reactions(home):
    return [str(reaction.emoji) for message in home.general.history() for reaction in message.reactions]


async def test_what_cannot_be_read_is_counted_apart_and_not_tagged(watched):
    await watched.alice.send(watched.general, SPANISH)
    await watched.maya.send(watched.general, GOOD)
    assert await counted(watched) == [(0, 0, 1, 1, 1, 2)]
    assert reactions(watched) == ["🌟"]
    counts = monitoring_of(watched.bot).ingest.counts[watched.guild.id]
    assert (counts.read, counts.unread, counts.failed, counts.shed) == (1, 1, 0, 0)
    assert "Read: about 0." in await watched.monitor("status")  # exact counts would tell of single messages
    for number in range(3):
        await watched.alice.send(watched.general, f"{GOOD} {number}")
    assert "Read: about 5." in await watched.monitor("status")


async def test_its_language_is_kept_nowhere(watched, settings):
    await watched.alice.send(watched.general, SPANISH)
    await counted(watched)
    for word in (b"Spanish", SPANISH.encode()):
        assert not any(word in file.read_bytes() for file in settings.data_dir.rglob("*") if file.is_file())


async def test_an_edit_moves_it_into_the_mood_and_out_again(watched):
    message = await watched.alice.send(watched.general, SPANISH, attachments=[("cat.png", b"cat")])
    assert await counted(watched) == [(0, 0, 0, 1, 0, 1)]
    await watched.alice.edit(message, BAD)
    assert await counted(watched) == [(1, 0, 0, 0, 1, 1)]
    await watched.alice.edit(message, SPANISH)
    assert await counted(watched) == [(0, 0, 0, 1, 0, 1)]
    await watched.alice.edit(message, "")
    assert await counted(watched) == []


async def test_a_deletion_takes_it_out(watched):
    message = await watched.alice.send(watched.general, SPANISH)
    assert len(await counted(watched)) == 1
    await watched.alice.delete(message)
    assert await counted(watched) == []


async def test_opting_out_takes_it_out(watched):
    await watched.alice.send(watched.general, SPANISH)
    await watched.alice.slash(watched.general, "privacy opt-out")
    assert await counted(watched) == []
    await watched.alice.send(watched.general, SPANISH)
    assert await counted(watched) == []


async def test_a_command_for_another_bot_does_not_even_reach_the_model(watched, backend):
    before = backend.batches
    await watched.alice.send(watched.general, "!love bob alice")
    await watched.alice.send(watched.general, "-skip")
    assert backend.batches == before
    assert await counted(watched) == []
    counts = monitoring_of(watched.bot).ingest.counts[watched.guild.id]
    assert (counts.read, counts.unread) == (0, 0)


async def test_under_a_wider_rule_a_command_brings_no_notice(home):
    await home.monitor("enable", whole_server=True)
    await home.alice.send(home.general, "!love bob alice")
    assert [message.content for message in home.general.history()] == ["!love bob alice"]


async def test_an_edit_to_a_command_takes_the_message_out_and_one_from_it_puts_it_in(watched):
    message = await watched.alice.send(watched.general, GOOD)
    await watched.alice.edit(message, "!play something")
    assert await counted(watched) == []
    await watched.env.advance_time(1)
    await watched.alice.edit(message, BAD)
    assert await counted(watched) == [(1, 0, 0, 0, 1, 1)]


async def test_a_verdict_that_comes_after_the_edit_to_a_command_does_not_bring_the_text_back(watched, backend):
    backend.entered.clear()
    backend.hold()
    message = watched.env.backend.create_message(watched.general.id, watched.alice.id, GOOD)
    async with asyncio.timeout(20):
        while not backend.entered.is_set():
            await asyncio.sleep(0)
        watched.env.backend.edit_message(watched.general.id, message.id, {"content": "!play something"})
        while message.id not in watched.storage.write_buffer._emptied:
            await asyncio.sleep(0)
    backend.go_on.set()
    await watched.env.settle()
    assert await counted(watched) == []


async def test_somebody_in_danger_counts_as_negative_and_is_never_tagged(watched):
    await watched.alice.send(watched.general, DANGER)
    assert await counted(watched) == [(1, 0, 0, 0, 1, 1)]
    (row,) = await rows_of(watched.storage.database, MessageScoreRow)
    assert row["score"] < 0
    assert reactions(watched) == []
