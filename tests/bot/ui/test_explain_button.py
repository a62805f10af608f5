import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.assemble import assemble
from bot.domain.recent_texts import RecentText, RecentTexts
from bot.presentation.danger import kind_words
from bot.presentation.error_words import SLOW, SORRY
from bot.presentation.quoting import escape
from bot.presentation.verdict_words import ALL_OF_THEM, AS_A_WHOLE, NONE_PULLS
from bot.ui import explain_button as why_module
from bot.ui.explain_button import FORGOTTEN, WhyButton, explanation_embed, marked
from model import SENTIMENTS, Classifier, Explanation, Influence, Sentiment, Verdict, clean
from model.explain import split_pieces
from tests.bot.parts import give
from tests.bot.presentation.discord_markdown import hidden, kinds, visible

TEXT = "the food was wonderful"
VERDICT = Verdict(Sentiment.POSITIVE, (0.1, 0.2, 0.7), 1, "v1")


async def test_why_marks_words_and_lists_their_effect(world):
    why = await world.why(await world.ask(TEXT))
    (embed,) = why.response.embeds
    assert embed.title == "Why positive?"
    assert "**wonderful**" in embed.description
    assert re.search(r"^▲ wonderful pushed it up$", embed.fields[0].value, re.MULTILINE)


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
    assert len(bot.services.recent_texts) == 0


async def test_why_still_answers_within_a_quarter_of_an_hour(world):
    answer = await world.ask(TEXT)
    await world.env.advance_time(14 * 60)
    why = await world.why(answer)
    assert why.response.embeds


async def test_why_says_so_when_newer_texts_took_the_room(world, bot):
    give(bot, recent_texts=RecentTexts(limit=2))
    first = await world.ask(TEXT)
    for _ in range(2):
        latest = await world.ask(TEXT)
    assert (await world.why(first)).response.content == FORGOTTEN
    assert (await world.why(latest)).response.embeds


async def test_why_says_so_after_a_restart(world, settings, classifier, storage):
    answer = await world.ask(TEXT)
    await world.env.restart_bot(assemble(settings, classifier, storage))
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
def faulty_explanation(monkeypatch):
    """An error that nobody foresaw, with the text in its message."""

    async def explain(_, text, **__):
        raise KeyError(text)

    monkeypatch.setattr(Classifier, "explain", explain)


async def test_why_apologises_for_a_fault_of_the_bot_itself(world, faulty_explanation):
    why = await world.why(await world.ask(TEXT))
    assert why.response is not None
    assert why.response.content == SORRY


async def test_a_fault_behind_why_keeps_the_text_out_of_the_log(world, faulty_explanation, caplog):
    await world.why(await world.ask(TEXT))
    assert TEXT not in caplog.text


async def test_why_answers_for_a_text_of_many_words(world):
    text = " ".join(f"what a lovely *quiet* evening number {number} was," for number in range(8))
    why = await world.why(await world.ask(text))
    (embed,) = why.response.embeds
    assert embed.title.startswith("Why ")


async def test_recent_texts_are_bounded():
    texts = RecentTexts(limit=3)
    kept = [RecentText(f"text {number}") for number in range(5)]
    keys = [texts.remember(text) for text in kept]
    assert [texts.recall(key) for key in keys] == [None, None, *kept[2:]]
    assert len(texts) == 3


async def test_a_keys_button_is_found_again_by_its_id():
    key = RecentTexts().remember(RecentText("a text"))
    assert WhyButton.__discord_ui_compiled_template__.fullmatch(WhyButton(key).item.custom_id)["key"] == key  # type: ignore[arg-type, index]


def explained(text, *influences, verdict=VERDICT):
    return Explanation(verdict, text, influences)


def test_a_text_without_strong_words_says_so():
    embed = explanation_embed(explained("so so", Influence(0, 2, 0.01), Influence(3, 5, -0.04)))
    assert embed.description == AS_A_WHOLE


@pytest.mark.parametrize(
    ("probabilities", "said"),
    [((0.01, 0.02, 0.97), ALL_OF_THEM), ((0.02, 0.97, 0.01), NONE_PULLS), ((0.2, 0.3, 0.5), AS_A_WHOLE)],
)
def test_a_sure_verdict_without_a_strong_word_is_told_from_an_unsure_one(probabilities, said):
    verdict = Verdict(SENTIMENTS[probabilities.index(max(probabilities))], probabilities, 1, "v1")
    embed = explanation_embed(explained("so good so good", Influence(0, 2, 0.01), verdict=verdict))
    assert embed.description == said


def test_an_explanation_says_as_which_language_the_text_was_read_and_by_which_of_two_models():
    spanish, found = replace(VERDICT, language="es"), Influence(0, 5, 0.9)
    running: Any = SimpleNamespace(languages=("en", "es"), version="of both", versions=("of", "both"))
    footers = [
        explanation_embed(explained("bueno", *influences, verdict=spanish), running=running).footer.text or ""
        for influences in ((found,), ())
    ]
    assert footers[0].startswith("Bold pushed it up")
    assert all(footer.endswith(f"Read as Spanish by model {VERDICT.model}.") for footer in footers)
    assert "Read" not in (explanation_embed(explained("good", found)).footer.text or "")


def test_words_towards_negative_are_underlined_and_the_others_bold():
    found = [Influence(10, 15, -0.6), Influence(0, 4, 0.3)]
    assert marked("good, but awful", found) == "**good**, but __awful__"


def test_at_most_five_words_are_listed_the_strongest_first():
    text = "a b c d e f g"
    found = [Influence(place, place + 1, 0.1 + place / 100) for place in range(0, 13, 2)]
    embed = explanation_embed(explained(text, *found))
    assert [line.split()[1] for line in embed.fields[0].value.splitlines()] == ["g", "f", "e", "d", "c"]


@pytest.mark.parametrize("word", ["_" * 4000, "*" * 4000, "`|~" * 1300, "@everyone " * 400])
def test_an_explanation_of_the_wildest_text_fits_an_embed(word):
    embed = explanation_embed(explained(word, Influence(0, 4000, 0.9)))
    assert len(embed.description) <= 4096  # type: ignore[arg-type]
    assert len(embed.fields[0].value) <= 1024  # type: ignore[arg-type]


def test_a_long_word_is_listed_by_its_beginning_with_no_open_escape():
    embed = explanation_embed(explained("x" * 59 + "_" + "y" * 70, Influence(0, 130, 0.9)))
    listed = embed.fields[0].value.removeprefix("▲ ").removesuffix(" pushed it up")
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


HIDDEN_MARKUP = {
    "code": "```py\nterrible = awful\n``` the food was wonderful",
    "quote": "> terrible awful\nthe food was wonderful",
    "masked link": "[the](https://evil.example) food was wonderful",
}


@pytest.mark.parametrize("text", HIDDEN_MARKUP.values(), ids=HIDDEN_MARKUP.keys())
async def test_why_shows_the_text_as_it_was_read(world, text):
    why = await world.why(await world.ask(text))
    shown = str(why.response.embeds[0].to_dict())
    assert not [word for word in ("terrible", "awful", "evil.example", "py", "`", ">") if word in shown]
    assert "wonderful" in shown


async def test_why_under_a_text_with_spoilers_is_covered(world):
    why = await world.why(await world.ask("||Snape dies|| and it was wonderful"))
    (embed,) = why.response.embeds
    assert "Snape" in hidden(embed.description)
    for shown in (embed.description, embed.fields[0].value):
        assert not re.search("Snape|dies|wonderful", visible(shown))


async def test_why_says_kind_words_when_another_model_sees_danger(world, bot, monkeypatch):
    async def explain(_, text, **__):
        return Explanation(replace(VERDICT, danger=True), text, (Influence(0, 3, 0.9),))

    answer = await world.ask(TEXT)
    monkeypatch.setattr(Classifier, "explain", explain)
    why = await world.why(answer)
    assert (why.response.content, why.response.embeds) == (kind_words(bot.services.settings.help_url), [])


ODD_WORDS = st.lists(
    st.one_of(
        st.sampled_from(
            (
                *("[x](https://evil.example)", "[free", "nitro](https://evil.example)", "https://a.b/_", "<:a_b:1>"),
                *("@everyone", "<@80351110224678912>", "||", "||a", "b||", "|", "**", "__", "*a", "_b", "`", "```"),
                *("\\", "# a", ">"),
            )
        ),
        st.text(min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=30,
).map(" ".join)


@given(ODD_WORDS, st.data(), st.booleans())
def test_marks_and_pieces_never_make_markup_together(text, data, covered):
    spans = split_pieces(text, data.draw(st.integers(1, 24)))
    effects = data.draw(st.lists(st.floats(-2, 2), min_size=len(spans), max_size=len(spans)))
    found = [Influence(*span, effect) for span, effect in zip(spans, effects, strict=True)]
    embed = explanation_embed(explained(text, *found), covered=covered)
    for shown in (embed.description, *(field.value for field in embed.fields)):
        assert kinds(shown) <= {"strong", "underline", "spoiler", "emoji", "time", "link"}  # type: ignore[arg-type]
        assert ("spoiler" in kinds(shown)) is (covered and bool(embed.fields))  # type: ignore[arg-type]
    if covered and embed.fields:
        assert visible(embed.description) == ""  # type: ignore[arg-type]
    assert len(embed.description) <= 4096  # type: ignore[arg-type]
    assert all(len(field.value) <= 1024 for field in embed.fields)  # type: ignore[arg-type]


def test_a_cleaned_masked_link_is_not_put_together_again():
    text = clean("\\[free nitro](https://evil.example) now")
    words = split_pieces(text)
    shown = marked(text, [Influence(*span, 0.5) for span in words])
    assert "masked link" not in kinds(shown)


async def test_leaving_a_piece_out_lets_nothing_in_that_was_not_read(classifier):
    plain = await classifier.explain("the food was wonderful")
    for wrapped in ("```py\nterrible awful\n``` the food was wonderful", "> terrible awful\nthe food was wonderful"):
        assert await classifier.explain(wrapped) == plain
