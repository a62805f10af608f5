import re

import pytest

from bot import why as why_module
from bot.answer import escape
from bot.client import create_bot
from bot.failures import SLOW, SORRY
from bot.why import FORGOTTEN, RecentTexts, WhyButton, explanation_embed, marked
from model import Explanation, Influence, Sentiment, Verdict

TEXT = "the food was wonderful"
VERDICT = Verdict(Sentiment.POSITIVE, (0.1, 0.2, 0.7), 1, "v1")


async def test_why_marks_words_and_lists_their_effect(world):
    why = await world.why(await world.ask(TEXT))
    (embed,) = why.response.embeds
    assert embed.title == "Why positive?"
    assert "**wonderful**" in embed.description
    assert re.search(r"^▲ positive: wonderful \(\+\d\.\d\d\)$", embed.fields[0].value, re.MULTILINE)


async def test_why_is_answered_to_the_one_who_pressed_only(world):
    answer = await world.ask(TEXT)
    why = await world.maya.click(answer.response, label="Why?")
    assert why.response.ephemeral
    seen = [message.id for message in world.channel.history(viewer=world.alice)]
    assert answer.response.id in seen
    assert why.response.id not in seen


async def test_why_is_acknowledged_before_anything_is_computed(world):
    await world.why(await world.ask(TEXT))
    thinking = {"type": 5, "data": {"flags": 64}}
    assert world.requests("POST", "/callback")[-1] == thinking


async def test_why_works_under_a_checked_message(world):
    why = await world.why(await world.check(TEXT))
    assert why.response.embeds[0].title == "Why positive?"


async def test_why_works_under_a_private_answer(world):
    why = await world.why(await world.ask(TEXT, private=True))
    assert why.response.ephemeral
    assert why.response.embeds[0].title == "Why positive?"


async def test_why_says_so_when_a_quarter_of_an_hour_has_passed(world, bot):
    answer = await world.ask(TEXT)
    await world.env.advance_time(15 * 60 + 1)
    why = await world.why(answer)
    assert (why.response.content, why.response.ephemeral) == (FORGOTTEN, True)
    assert len(bot.recent_texts) == 0


async def test_why_still_answers_within_a_quarter_of_an_hour(world):
    answer = await world.ask(TEXT)
    await world.env.advance_time(14 * 60)
    why = await world.why(answer)
    assert why.response.embeds


async def test_why_says_so_when_newer_texts_took_the_room(world, bot):
    bot.recent_texts = RecentTexts(limit=2)
    first = await world.ask(TEXT)
    for _ in range(2):
        latest = await world.ask(TEXT)
    assert (await world.why(first)).response.content == FORGOTTEN
    assert (await world.why(latest)).response.embeds


async def test_why_says_so_after_a_restart(world, settings, classifier):
    answer = await world.ask(TEXT)
    await world.env.restart_bot(create_bot(settings, classifier=classifier))
    assert (await world.why(answer)).response.content == FORGOTTEN


async def test_why_apologises_when_the_model_fails(world, backend):
    answer = await world.ask(TEXT)
    backend.error = RuntimeError(TEXT)
    why = await world.why(answer)
    assert why.response.content == SORRY


async def test_an_explanation_that_takes_too_long_is_given_up(world, backend, monkeypatch):
    answer = await world.ask(TEXT)
    monkeypatch.setattr(why_module, "LONGEST_WAIT", 0)
    backend.hold()
    assert (await world.why(answer)).response.content == SLOW


@pytest.fixture
def faulty_explanation(bot, monkeypatch):
    """An error that nobody foresaw, with the text in its message."""

    async def explain(text):
        raise KeyError(text)

    monkeypatch.setattr(bot.classifier, "explain", explain)


async def test_why_apologises_for_a_fault_of_the_bot_itself(world, faulty_explanation):
    why = await world.why(await world.ask(TEXT))
    assert why.response is not None
    assert why.response.content == SORRY


async def test_a_fault_behind_why_keeps_the_text_out_of_the_log(world, faulty_explanation, caplog):
    await world.why(await world.ask(TEXT))
    assert TEXT not in caplog.text


async def test_why_answers_for_a_text_of_many_words(world):
    text = "what a lovely *quiet* evening it was, " * 8
    why = await world.why(await world.ask(text))
    (embed,) = why.response.embeds
    assert embed.title.startswith("Why ")


async def test_recent_texts_are_bounded():
    texts = RecentTexts(limit=3)
    keys = [texts.remember(f"text {number}") for number in range(5)]
    assert [texts.recall(key) for key in keys] == [None, None, "text 2", "text 3", "text 4"]
    assert len(texts) == 3


async def test_a_keys_button_is_found_again_by_its_id():
    key = RecentTexts().remember("a text")
    assert WhyButton.__discord_ui_compiled_template__.fullmatch(WhyButton(key).item.custom_id)["key"] == key


def explained(*influences):
    return Explanation(VERDICT, influences)


def test_a_text_without_strong_words_says_so():
    embed = explanation_embed("so so", explained(Influence(0, 2, 0.01), Influence(3, 5, -0.04)))
    assert embed.description == "No single word stands out: the text reads this way as a whole."


def test_words_towards_negative_are_underlined_and_the_others_bold():
    found = [Influence(10, 15, -0.6), Influence(0, 4, 0.3)]
    assert marked("good, but awful", found) == "**good**, but __awful__"


def test_at_most_five_words_are_listed_the_strongest_first():
    text = "a b c d e f g"
    found = [Influence(place, place + 1, 0.1 + place / 100) for place in range(0, 13, 2)]
    embed = explanation_embed(text, explained(*found))
    assert [line.split()[2] for line in embed.fields[0].value.splitlines()] == ["g", "f", "e", "d", "c"]


@pytest.mark.parametrize("word", ["_" * 4000, "*" * 4000, "`|~" * 1300, "@everyone " * 400])
def test_an_explanation_of_the_wildest_text_fits_an_embed(word):
    embed = explanation_embed(word, explained(Influence(0, 4000, 0.9)))
    assert len(embed.description) <= 4096
    assert len(embed.fields[0].value) <= 1024


def test_a_long_word_is_listed_by_its_beginning_with_no_open_escape():
    embed = explanation_embed("x" * 79 + "_" + "y" * 50, explained(Influence(0, 130, 0.9)))
    listed = embed.fields[0].value.removeprefix("▲ positive: ").removesuffix(" (+0.90)")
    assert not listed.endswith("\\")


def test_a_text_is_shown_around_its_strongest_word_when_long():
    text = "calm " * 800 + "wonderful " + "calm " * 800
    start = text.index("wonderful")
    shown = marked(text, [Influence(start, start + 9, 0.9)])
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert "**wonderful**" in shown


def test_marks_survive_markdown_in_the_text():
    text = "**not** bold"
    assert marked(text, [Influence(0, 7, 0.5)]) == f"**{escape('**not**')}** bold"


async def test_two_presses_get_two_answers(world):
    answer = await world.ask(TEXT)
    first, second = await world.why(answer), await world.why(answer)
    assert first.response.id != second.response.id
    assert second.response.embeds
