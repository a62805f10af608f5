"""What anybody can ask for has nothing in English for whoever's client speaks another language."""

import re
from dataclasses import replace

import pytest

from bot.domain.recent_texts import RecentTexts
from bot.domain.snowflake import first_id_of
from bot.i18n import gettext, speaking
from bot.i18n.catalogue import catalogue
from bot.presentation.error_words import explain_failure
from bot.storage.errors import DatabaseUnavailable
from bot.ui import explain_button
from model import (
    BUNDLED,
    ClassifierClosed,
    DeadlinePassed,
    Explanation,
    InferenceFailed,
    Influence,
    Missed,
    ModelError,
    NothingToRead,
    Overloaded,
    Sentiment,
    TextTooLong,
    Unreadable,
    Verdict,
)
from model.text.language import _SCRIPTS, _WIDESPREAD
from tests.bot.parts import give
from tests.bot.pasts import hour_now
from tests.bot.storage.scenes import verdict as scored
from tests.cards import reply
from tests.i18n.pseudo import PSEUDO, all_translated, english_left, id_of, pseudo, said_by_the_bot

pytestmark = pytest.mark.usefixtures("everybody_speaks_pseudo")

TEXT = "lovely"
NAMES = (TEXT, "Vibecheck", "bundled", "onnxruntime", "cpu", "alice", "maya", "general", "Home")


def verdict(negative, neutral, positive, **rest):
    shares = (negative, neutral, positive)
    return Verdict([*Sentiment][shares.index(max(shares))], shares, rest.pop("windows", 1), "v1", **rest)


VERDICTS = {
    "clearly positive": verdict(0.01, 0.02, 0.97),
    "pretty clearly": verdict(0.02, 0.13, 0.85),
    "slightly": verdict(0.05, 0.35, 0.6),
    "mostly": verdict(0.12, 0.2, 0.68),
    "clearly negative": verdict(0.97, 0.02, 0.01),
    "just information": verdict(0.05, 0.9, 0.05),
    "mostly neutral": verdict(0.12, 0.76, 0.12),
    "a bit positive": verdict(0.1, 0.6, 0.3),
    "a bit negative": verdict(0.3, 0.6, 0.1),
    "mixed": verdict(0.5, 0.1, 0.4),
    "mixed, more good": verdict(0.4, 0.1, 0.5),
    "a mix": verdict(0.3, 0.4, 0.3),
    "hard to tell": Verdict(Sentiment.NEUTRAL, (0.48, 0.0, 0.52), 1, "v1"),
    "long": verdict(0.01, 0.02, 0.97, windows=3),
    "too long": verdict(0.01, 0.02, 0.97, windows=3, skipped=4),
    "danger": verdict(0.97, 0.02, 0.01, danger=True),
}
ERRORS = {
    "nothing to read": NothingToRead(),
    "another language": Unreadable("Spanish"),
    "some language": Unreadable(),
    "too long": TextTooLong(7000, 6000),
    "busy": Overloaded(3),
    "too busy": DeadlinePassed(),
    "failed": InferenceFailed("a reason"),
    "stopping": ClassifierClosed(),
    "taking long": TimeoutError(),
    "a fault": ValueError(TEXT),
}


@pytest.mark.parametrize("what", [*VERDICTS.values(), *ERRORS.values()], ids=[*VERDICTS, *(f"! {e}" for e in ERRORS)])
async def test_sentiment_and_the_menu(world, found, what):
    found(what)
    answers = [await world.ask(TEXT), await world.ask(TEXT, private=True), await world.check(TEXT)]
    world.env.errors.clear()
    assert all(answer.response is not None for answer in answers)
    all_translated(world.env, NAMES)


async def test_what_is_said_aside(world, found):
    found(NothingToRead(), late=True)
    await world.ask(TEXT)
    assert pseudo("I've answered this one privately.") in said_by_the_bot(world.env)
    all_translated(world.env, NAMES)


async def test_the_bars_are_in_the_language_and_of_one_width(world):
    await world.ask("I love this, wonderful")
    (bars,) = (words for words in said_by_the_bot(world.env) if words.startswith("`"))
    rows = re.findall(r"^`(⟦\w+⟧) +━* +\d{1,3}\s%`$", bars, re.MULTILINE)
    assert rows == [pseudo(name) for name in ("positive", "neutral", "negative")]
    assert len({len(line) for line in bars.splitlines()}) == 1


async def test_where_letters_are_wide_the_bars_begin_below_each_other(world, locales, monkeypatch):
    japanese = {"positive": "良い", "neutral": "どちらでもない", "negative": "悪い"}
    monkeypatch.setattr(catalogue("ja"), "_catalog", japanese)
    locales[world.alice.id] = "ja"
    await world.ask("I love this, wonderful")
    (bars,) = (words for words in said_by_the_bot(world.env) if words.startswith("`"))
    places = {2 * len(name) + len(gap) for name, gap in re.findall(r"^`([^ ]+)( +)━", bars, re.MULTILINE)}
    assert places == {2 * len("どちらでもない") + 1}


@pytest.mark.parametrize("sent", ["", "||", "https://example.com", "<@1>", "12"])
async def test_a_message_without_words(world, sent):
    await world.check(sent, **({} if sent else {"attachments": [("picture.png", b"x")]}))
    assert said_by_the_bot(world.env)
    all_translated(world.env, NAMES)


async def test_a_message_of_the_bots_own_and_of_somebody_who_opted_out(world):
    own = await world.ask(TEXT)
    mine = await world.alice.context_menu(world.channel, "Check sentiment", own.response)
    assert mine.response.content == pseudo("That's one of my own messages, and I don't rate those.")
    await world.maya.slash(world.channel, "privacy opt-out")
    await world.check(TEXT)
    all_translated(world.env, NAMES)


async def why(world, answer, who=None):
    return await (who or world.alice).click(answer.response, custom_id=id_of(world.env, answer.response, "why:"))


@pytest.mark.parametrize("shares", VERDICTS.values(), ids=VERDICTS)
@pytest.mark.parametrize("influences", [(Influence(0, 6, 0.9),), (Influence(0, 6, -0.9),), ()], ids=["up", "down", "-"])
async def test_why(world, monkeypatch, bot, shares, influences):
    async def explain(_, text, **__):
        return Explanation(shares, text, influences)

    answer = await world.ask(TEXT)
    monkeypatch.setattr(type(bot.services.classifier), "explain", explain)
    said = await why(world, answer)
    assert said.response.embeds or said.response.content
    all_translated(world.env, NAMES)


async def test_why_when_it_has_nothing_to_say(world, bot, monkeypatch, backend):
    answer = await world.ask(TEXT)
    backend.error = RuntimeError(TEXT)
    assert (await why(world, answer)).response.content == pseudo(
        "Something went wrong on my side. Please try again in a moment."
    )
    backend.error = None
    monkeypatch.setattr(explain_button, "LONGEST_WAIT", 0)
    backend.hold()
    await why(world, answer)
    backend.go_on.set()
    give(bot, recent_texts=RecentTexts())
    with speaking(PSEUDO):
        forgotten = gettext(explain_button.FORGOTTEN)
    assert (await why(world, answer)).response.content == forgotten
    all_translated(world.env, NAMES)


async def press(world, who, message, kind):
    return await who.click(message, custom_id=id_of(world.env, message, kind))


async def test_right_wrong_and_taken_back(world):
    (thanks,) = (await press(world, world.alice, (await world.ask(TEXT)).response, "feedback:2")).followups
    await press(world, world.alice, thanks, "undo:")
    answer = (await world.ask(TEXT)).response
    await press(world, world.maya, answer, "feedback:wrong")  # who didn't ask
    (which,) = (await press(world, world.alice, answer, "feedback:wrong")).followups
    await world.alice.select(which, ["2"])
    assert pseudo("Only the person who ran the command can rate this.") in said_by_the_bot(world.env)
    all_translated(world.env, NAMES)


async def test_a_rating_that_is_known_and_one_that_cannot_be_kept(world, bot, monkeypatch):
    answer = (await world.ask(TEXT)).response
    kept = iter([None, DatabaseUnavailable("away")])

    async def add_once(*_):
        if isinstance(what := next(kept), Exception):
            raise what

    monkeypatch.setattr(type(bot.services.storage.feedback), "add_once", add_once)
    for _ in range(2):
        await press(world, world.alice, answer, "feedback:2")
    said = said_by_the_bot(world.env)
    assert pseudo("You've already rated this one, thanks!") in said
    all_translated(world.env, NAMES)


async def test_a_button_that_is_nothing_any_more(world):
    row = {"type": 1, "components": [{"type": 2, "custom_id": "gone:1", "style": 1, "label": TEXT}]}
    backend = world.env.backend
    post = backend.create_message(world.channel.id, backend.bot_user.id, TEXT, components=[row])
    said = await world.alice.click(await _message(world, post), custom_id="gone:1")
    assert said.response.content == pseudo("That one's too old, so I didn't do anything. Please run the command again.")


async def _message(world, stored):
    return next(message for message in world.channel.history() if message.id == stored.id)


async def test_about(world):
    await world.alice.slash(world.channel, "about")
    assert len(said_by_the_bot(world.env)) >= 6
    all_translated(world.env, NAMES)


@pytest.mark.parametrize("source", [BUNDLED, "org/name@1a2b3c4"])
async def test_about_another_model_than_there_should_be(world, classifier, monkeypatch, source):
    missed = Missed("org/other", "⟦x⟧")
    monkeypatch.setattr(type(classifier), "info", replace(classifier.info, source=source, missed=missed))
    await world.alice.slash(world.channel, "about")
    assert any("org/other" in words for words in said_by_the_bot(world.env))
    all_translated(world.env, (*NAMES, "org/name@1a2b3c4", "org/other"))


async def test_help_and_its_pages(world):
    answer = await world.alice.slash(world.channel, "help")
    for page in (1, 2, 0):
        await world.alice.click(answer.response, custom_id=f"help:{page}")
    assert len(said_by_the_bot(world.env)) >= 4 * 5
    all_translated(world.env, NAMES)


async def test_privacy(world, storage):
    hour = hour_now(world.env)
    for number in range(3):
        author = storage.pseudonyms.author(world.alice.id)
        place = (world.guild.id, world.channel.id)
        storage.write_buffer.scored(first_id_of(hour) + number, *place, author, scored(-1.0))
    for command in ("see", "export", "delete", "opt-out", "see", "opt-in", "opt-in", "delete"):
        answer = await world.alice.slash(world.channel, f"privacy {command}")
        assert reply(answer) is not None
    for command in ("opt-out", "opt-in"):
        await world.alice.slash(world.channel, f"privacy {command}", this_server=True)
    all_translated(world.env, NAMES)


async def test_privacy_deletes_at_the_press_of_a_button(world, storage):
    author = storage.pseudonyms.author(world.alice.id)
    place = (world.guild.id, world.channel.id)
    storage.write_buffer.scored(first_id_of(hour_now(world.env)), *place, author, scored(-1.0))
    asked = await world.alice.slash(world.channel, "privacy delete")
    await press(world, world.alice, asked.response, "privacy:")
    assert len(said_by_the_bot(world.env)) >= 3
    all_translated(world.env, NAMES)


def test_an_error_says_in_english_what_the_models_own_sentence_is():
    said = [error for error in ERRORS.values() if isinstance(error, ModelError) and error is not ERRORS["failed"]]
    assert len(said) >= 6
    assert [explain_failure(error) for error in said] == [str(error) for error in said]


def test_every_language_that_cannot_be_read_has_its_name(pseudo_language):
    likely = {name for name, _ in _SCRIPTS} | {*_WIDESPREAD.values()}
    assert len(likely) > 50
    with speaking(PSEUDO):
        assert {name for name in likely if english_left(explain_failure(Unreadable(name)))} == set()
    with speaking("de"):
        assert "Spanisch" in explain_failure(Unreadable("Spanish"))
