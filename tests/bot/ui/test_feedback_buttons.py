"""What people say of an answer: kept once, without the text and without who said it."""

import sqlite3
from contextlib import closing

import discord
import pytest
from sqlalchemy import text as sql

from bot.app.assemble import assemble
from bot.commands import sentiment
from bot.domain.records import Answer, Feedback
from bot.presentation.error_words import SORRY
from bot.storage.schema import FeedbackRow
from bot.ui.feedback_buttons import (
    ALREADY,
    NOT_KEPT,
    NOT_YOURS,
    TAKEN_BACK,
    THANKS,
    WHICH,
    FeedbackButton,
    TakeBackButton,
    WhichSelect,
)
from model import SENTIMENTS, Sentiment
from tests import cards
from tests.bot.storage.scenes import rows_of

GOOD = "I love this, wonderful"


def labels(answer):
    return cards.labels(answer.response)


def last_reply(world):
    """The note that only the one who pressed sees."""
    return [body for body in world.requests("POST", "") if body and body.get("flags") == 64][-1]["content"]


async def wrong(world, answer, who=None):
    """The question that only the one who pressed "Wrong" sees."""
    (which,) = (await (who or world.alice).click(answer.response, label="Wrong")).followups
    assert (which.content, which.ephemeral) == (WHICH, True)
    return which


def shown(world, message):
    """A private message as it is now: what it says, and its buttons."""
    now = next(one for one in world.channel.history(viewer=world.alice) if one.id == message.id)
    return now.content, [child.label for row in now.components for child in row.children if hasattr(child, "label")]


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
    assert answer.response.components
    assert (await world.why(answer)).response.embeds


async def test_wrong_asks_which_in_private_and_keeps_that(world, storage, classifier):
    answer = await world.ask(GOOD)
    which = await wrong(world, answer)
    assert which.id not in [message.id for message in world.channel.history(viewer=world.maya)]
    assert labels(answer) == ["Why?"]
    assert await storage.feedback.counts() == ()
    await world.alice.select(which, ["1"])
    assert await storage.feedback.counts() == (Feedback(classifier.info.version, 2, 1, 1),)
    assert shown(world, which) == (THANKS, ["Take it back"])


async def test_wrong_pressed_by_mistake_can_be_undone(world, storage):
    answer = await world.ask(GOOD)
    await world.alice.select(await wrong(world, answer), ["2"])
    assert [(kept.answered, kept.label) for kept in await storage.feedback.counts()] == [(2, 2)]


async def test_what_was_said_can_be_taken_back_and_said_anew(world, storage):
    which = await wrong(world, await world.ask(GOOD))
    await world.alice.select(which, ["0"])
    await world.alice.click(which, label="Take it back")
    assert await storage.feedback.counts() == ()
    assert shown(world, which) == (TAKEN_BACK, [])
    await world.alice.select(which, ["1"])
    assert [(kept.answered, kept.label) for kept in await storage.feedback.counts()] == [(2, 1)]


async def test_right_can_be_taken_back_too(world, storage):
    (thanks,) = (await world.alice.click((await world.ask(GOOD)).response, label="Right")).followups
    await world.alice.click(thanks, label="Take it back")
    assert await storage.feedback.counts() == ()
    assert shown(world, thanks) == (TAKEN_BACK, [])


async def test_taking_back_twice_takes_nobody_elses_word(world, storage):
    """The number of a row that is gone may be given to the next."""
    which = await wrong(world, await world.ask(GOOD))
    await world.alice.select(which, ["0"])
    (row,) = await rows_of(storage.database, FeedbackRow)
    answer = Answer(SENTIMENTS[row["answered"]], row["score"], row["model"])
    await storage.feedback.take_back(1, row["number"], answer, Sentiment.NEGATIVE)
    number = await storage.feedback.add(answer, Sentiment.POSITIVE)
    await storage.feedback.take_back(1, number, answer, Sentiment.NEGATIVE)
    assert [kept.label for kept in await storage.feedback.counts()] == [2]


@pytest.mark.parametrize("ask", ["private", "menu", "dm"])
async def test_it_works_under_every_kind_of_answer(world, storage, ask):
    if ask == "private":
        answer = await world.ask(GOOD, private=True)
    elif ask == "menu":
        answer = await world.check(GOOD)
    else:
        answer = await world.alice.user.slash("sentiment", text=GOOD)
    who = world.alice.user if ask == "dm" else world.alice
    await who.select(await wrong(world, answer, who), ["0"])
    assert [(kept.answered, kept.label) for kept in await storage.feedback.counts()] == [(2, 0)]
    assert labels(answer) == ["Why?"]


async def test_an_answer_of_a_former_version_is_rated_as_well(world, home_message, storage, classifier):
    """It is an embed with its buttons below."""
    await world.alice.click(home_message, label="Right")
    assert [kept.label for kept in await storage.feedback.counts()] == [2]
    assert cards.labels(home_message) == ["Why?"]


@pytest.fixture
async def home_message(world, monkeypatch):
    def former(verdict, buttons, **_):
        view = discord.ui.View(timeout=None)
        for button in buttons:
            view.add_item(button)
        return view

    monkeypatch.setattr(sentiment, "verdict_card", former)
    return (await world.ask(GOOD)).response


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
    await world.alice.select(await wrong(world, answer), ["1"])
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
    assert cards.headline(answer.response) == "Positive"
    assert "feedback failed: KeyError" in caplog.text
    assert GOOD not in caplog.text


async def test_no_view_is_kept_in_memory_for_an_answer(world, bot):
    """The library keeps a view for ever when one of its items is not rebuilt from its id alone."""
    answer = await world.ask(GOOD)
    await world.alice.select(await wrong(world, answer), ["1"])
    assert not bot._connection._view_store._synced_message_views
    assert not any(bot._connection._view_store._views.values())


@pytest.mark.parametrize("says", [None, *SENTIMENTS])
def test_an_id_carries_label_score_and_model_only_and_fits(says):
    button = FeedbackButton(Answer(Sentiment.NEGATIVE, -1000, "f" * 64), says, "label")
    assert len(button.item.custom_id) <= 100  # type: ignore[arg-type]
    match = FeedbackButton.__discord_ui_compiled_template__.fullmatch(button.item.custom_id)  # type: ignore[arg-type]
    assert match.groupdict().keys() == {"says", "label", "score", "model"}
    assert (match["label"], match["score"], match["model"]) == ("0", "-1000", "f" * 64)  # type: ignore[index]


def test_the_other_two_ids_fit_as_well():
    answer = Answer(Sentiment.NEGATIVE, -1000, "f" * 64)
    for item in (WhichSelect(answer), TakeBackButton(10**18 - 1, answer, Sentiment.POSITIVE)):
        custom_id = item.item.custom_id
        assert custom_id is not None
        assert len(custom_id) <= 100
        assert type(item).__discord_ui_compiled_template__.fullmatch(custom_id)


async def test_no_byte_of_the_files_says_who_said_it_or_of_what(world, storage, settings):
    answer = await world.ask(GOOD)
    await world.alice.click(answer.response, label="Right")
    with closing(sqlite3.connect(settings.data_dir / "mood.db")) as database:
        dump = "\n".join(database.iterdump())
    assert 'INSERT INTO "feedback"' in dump
    for secret in (GOOD, str(world.alice.id), str(answer.response.id), str(world.channel.id), str(world.guild.id)):
        assert secret not in dump
