"""What people say of an answer: kept once, without the text and without who said it."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text as sql

from bot.app.assemble import assemble
from bot.domain.records import Answer, Feedback
from bot.presentation.error_words import SORRY
from bot.storage.schema import FeedbackRow
from bot.ui.feedback_buttons import ALREADY, NOT_KEPT, NOT_YOURS, THANKS, FeedbackButton
from model import SENTIMENTS, Sentiment
from tests.bot.storage.scenes import rows_of

GOOD = "I love this, wonderful"


def labels(answer):
    return [button["label"] for row in answer.response.components for button in row["components"]]


def last_reply(world):
    """The note that only the one who pressed sees."""
    return [body for body in world.requests("POST", "") if body and body.get("flags") == 64][-1]["content"]


async def test_an_answer_asks_whether_it_is_right(world):
    assert labels(await world.ask(GOOD)) == ["Why?", "Right", "Wrong"]
    assert labels(await world.check(GOOD)) == ["Why?", "Right", "Wrong"]


async def test_right_keeps_label_score_model_and_hour_and_nothing_else(world, storage, classifier):
    answer = await world.ask(GOOD)
    verdict = await classifier.classify(GOOD)
    await world.alice.click(answer.response, label="Right")
    (row,) = await rows_of(storage.database, FeedbackRow)
    assert row.pop("hour") > 0
    kept = {"number": 1, "label": 2, "answered": 2, "score": round(verdict.score * 1000), "model": verdict.model}
    assert row == kept
    assert last_reply(world) == THANKS


async def test_the_buttons_go_when_it_is_said_and_why_stays(world):
    answer = await world.ask(GOOD)
    await world.alice.click(answer.response, label="Right")
    assert labels(answer) == ["Why?"]
    assert answer.response.embeds
    assert (await world.why(answer)).response.embeds


async def test_wrong_asks_which_and_keeps_that(world, storage, classifier):
    answer = await world.ask(GOOD)
    await world.alice.click(answer.response, label="Wrong")
    assert labels(answer) == ["Why?", "Should be negative", "Should be neutral", "Positive is right"]
    assert await storage.feedback.counts() == ()
    await world.alice.click(answer.response, label="Should be neutral")
    assert await storage.feedback.counts() == (Feedback(classifier.info.version, 2, 1, 1),)
    assert labels(answer) == ["Why?"]


async def test_wrong_pressed_by_mistake_can_be_undone(world, storage):
    answer = await world.ask(GOOD)
    await world.alice.click(answer.response, label="Wrong")
    await world.alice.click(answer.response, label="Positive is right")
    assert [(kept.answered, kept.label) for kept in await storage.feedback.counts()] == [(2, 2)]


@pytest.mark.parametrize("ask", ["private", "menu", "dm"])
async def test_it_works_under_every_kind_of_answer(world, storage, ask):
    if ask == "private":
        answer = await world.ask(GOOD, private=True)
    elif ask == "menu":
        answer = await world.check(GOOD)
    else:
        answer = await world.alice.user.slash("sentiment", text=GOOD)
    who = world.alice.user if ask == "dm" else world.alice
    await who.click(answer.response, label="Wrong")
    await who.click(answer.response, label="Should be negative")
    assert [(kept.answered, kept.label) for kept in await storage.feedback.counts()] == [(2, 0)]
    assert labels(answer) == ["Why?"]


@pytest.mark.parametrize("label", ["Right", "Wrong"])
async def test_somebody_else_is_told_that_it_is_not_theirs_to_say(world, storage, label):
    answer = await world.ask(GOOD)
    refused = await world.maya.click(answer.response, label=label)
    assert (refused.response.content, refused.response.ephemeral) == (NOT_YOURS, True)
    assert await storage.feedback.counts() == ()
    assert labels(answer) == ["Why?", "Right", "Wrong"]


async def test_it_works_after_a_restart(world, storage, settings, classifier):
    answer = await world.ask(GOOD)
    await world.env.restart_bot(assemble(settings, classifier, storage))
    await world.alice.click(answer.response, label="Wrong")
    await world.alice.click(answer.response, label="Should be neutral")
    assert [(kept.answered, kept.label) for kept in await storage.feedback.counts()] == [(2, 1)]


async def test_a_second_press_that_was_under_way_counts_nothing(world, bot, storage):
    answer = await world.ask(GOOD)
    bot.services.storage.feedback._judged.add(answer.response.id)
    await world.alice.click(answer.response, label="Right")
    assert last_reply(world) == ALREADY
    assert await storage.feedback.counts() == ()


async def test_without_the_database_nothing_is_kept_and_the_buttons_stay(world, storage):
    answer = await world.ask(GOOD)
    async with storage.database.write() as connection:
        await connection.execute(
            sql("CREATE TRIGGER broken BEFORE INSERT ON feedback BEGIN SELECT RAISE(ABORT, 'broken'); END")
        )
    await world.alice.click(answer.response, label="Right")
    assert last_reply(world) == NOT_KEPT
    assert labels(answer) == ["Why?", "Right", "Wrong"]
    async with storage.database.write() as connection:
        await connection.execute(sql("DROP TRIGGER broken"))
    await world.alice.click(answer.response, label="Right")
    assert [kept.times for kept in await storage.feedback.counts()] == [1]


async def test_a_fault_leaves_the_answer_as_it_is(world, storage, monkeypatch, caplog):
    async def fail(*_):
        raise KeyError(GOOD)

    answer = await world.ask(GOOD)
    monkeypatch.setattr(type(storage.feedback), "add", fail)
    await world.alice.click(answer.response, label="Right")
    assert last_reply(world) == SORRY
    assert answer.response.embeds[0].title.endswith("Positive")
    assert "feedback failed: KeyError" in caplog.text
    assert GOOD not in caplog.text


async def test_no_view_is_kept_in_memory_for_an_answer(world, bot):
    """The library keeps a view for ever when one of its items is not rebuilt from its id alone."""
    answer = await world.ask(GOOD)
    await world.alice.click(answer.response, label="Wrong")
    await world.alice.click(answer.response, label="Should be neutral")
    assert not bot._connection._view_store._synced_message_views
    assert not any(bot._connection._view_store._views.values())


@pytest.mark.parametrize("says", [None, *SENTIMENTS])
def test_an_id_carries_label_score_and_model_only_and_fits(says):
    button = FeedbackButton(Answer(Sentiment.NEGATIVE, -1000, "f" * 64), says, "label")
    assert len(button.item.custom_id) <= 100  # type: ignore[arg-type]
    match = FeedbackButton.__discord_ui_compiled_template__.fullmatch(button.item.custom_id)  # type: ignore[arg-type]
    assert match.groupdict().keys() == {"says", "label", "score", "model"}
    assert (match["label"], match["score"], match["model"]) == ("0", "-1000", "f" * 64)  # type: ignore[index]


async def test_no_byte_of_the_files_says_who_said_it_or_of_what(world, storage, settings):
    answer = await world.ask(GOOD)
    await world.alice.click(answer.response, label="Right")
    with closing(sqlite3.connect(settings.data_dir / "mood.db")) as database:
        dump = "\n".join(database.iterdump())
    assert 'INSERT INTO "feedback"' in dump
    for secret in (GOOD, str(world.alice.id), str(answer.response.id), str(world.channel.id), str(world.guild.id)):
        assert secret not in dump
