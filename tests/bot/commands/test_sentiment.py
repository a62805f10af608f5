import re

import pytest

from bot.app.assemble import assemble
from bot.link.aside import ASIDE
from bot.presentation import palette
from bot.presentation.danger import kind_words
from bot.presentation.error_words import SORRY
from bot.presentation.verdict_words import EMOJI
from bot.ui import replies
from model import SENTIMENTS, NothingToRead, Overloaded, Sentiment, Unreadable, Verdict
from tests.cards import card, headline, labels, reply, texts

GOOD = "I love this, wonderful"
BAD = "this is terrible, I hate it"
ANSWER, THINKING, EPHEMERAL = 4, 5, 64
NOTHING = str(NothingToRead())


@pytest.mark.parametrize(("text", "sentiment"), [(GOOD, Sentiment.POSITIVE), (BAD, Sentiment.NEGATIVE)])
async def test_plain_words_get_their_sentiment_and_its_colour(world, text, sentiment):
    answer = await world.ask(text)
    assert f"### {EMOJI[sentiment]} {sentiment.capitalize()}\n" in card(answer.response)
    (container,) = answer.response.components
    assert container["accent_color"] == palette.SENTIMENT[sentiment]


async def test_the_answer_is_the_text_the_mood_a_line_of_words_three_bars_and_how_sure(world):
    quote, mood, bars, sure = texts((await world.ask(GOOD)).response)
    assert quote == f"> {GOOD}"
    assert re.fullmatch(r"### \S+ [A-Z][a-z]+\n[A-Z][^.]+\.", mood)
    rows = re.findall(r"^`([a-z]+) +━* +(\d{1,3}) %`$", bars, re.MULTILINE)
    assert [name for name, _ in rows] == [*reversed(SENTIMENTS)]
    assert sum(int(percent) for _, percent in rows) == 100
    assert re.fullmatch(r"-# (I'm (very |fairly |not )?sure|That's a guess)\.", sure)


async def test_the_models_version_is_in_about_and_not_under_every_answer(world, classifier):
    assert classifier.info.version not in card((await world.ask(GOOD)).response)


async def test_the_answer_carries_its_buttons_in_the_card(world):
    answer = await world.ask(GOOD)
    assert labels(answer.response) == ["Why?", "Right", "Wrong"]
    (container,) = answer.response.components
    assert container["type"] == 17
    assert answer.response.flags.components_v2


async def test_an_answer_is_for_everybody(world, monkeypatch):
    monkeypatch.setattr(replies, "UNDECIDED_SECONDS", 60)
    answer = await world.ask(GOOD)
    assert [sent["type"] for sent in world.requests("POST", "/callback")] == [ANSWER]
    assert not answer.response.ephemeral
    assert answer.response.id in [message.id for message in world.channel.history(viewer=world.maya)]


async def test_a_private_answer_is_for_the_asker_alone(world):
    answer = await world.ask(GOOD, private=True)
    assert world.requests("POST", "/callback") == [{"type": THINKING, "data": {"flags": EPHEMERAL}}]
    assert answer.response.ephemeral
    assert answer.response.id not in [message.id for message in world.channel.history(viewer=world.maya)]


async def test_a_text_of_four_thousand_characters_is_read_in_parts(world):
    words = [f"what a lovely quiet evening number {number} was" for number in range(120)]
    answer = await world.ask(" ".join(words)[:4000])
    assert re.search(r"I read it in [2-9] parts\.$", card(answer.response))


async def test_the_longest_text_an_option_takes_is_answered(world):
    words = [f"what a lovely quiet evening number {number} was" for number in range(150)]
    answer = await world.ask(" ".join(words)[:6000])
    assert re.search(r"I read it in [2-9] parts\.$", card(answer.response))


@pytest.mark.parametrize("text", [" ", " \n\t ", "\u200b", "<@80351110224678912>", "https://example.com/a?b=c", "..."])
async def test_a_text_that_says_nothing_is_not_read(world, backend, text):
    answer = await world.ask(text)
    assert reply(answer).content == NOTHING
    assert reply(answer).ephemeral
    assert not reply(answer).components
    assert backend.batches == 0


async def test_the_command_refuses_an_empty_text(world, backend):
    with pytest.raises(Exception, match="at least 1 characters"):
        await world.ask("")
    assert backend.batches == 0


async def test_emoji_alone_are_answered(world, backend):
    answer = await world.ask("🔥🔥🔥")
    assert card(answer.response).startswith("> 🔥🔥🔥\n")
    assert backend.batches == 1


async def test_the_command_works_in_a_direct_message(world):
    answer = await world.alice.user.slash("sentiment", text=GOOD)
    assert headline(answer.response) == "Positive"


async def test_a_text_is_answered_although_discord_shows_no_contents(world, settings, classifier, storage):
    await world.env.restart_bot(assemble(settings, classifier, storage, message_content=False))
    answer = await world.check(GOOD)
    assert headline(answer.response) == "Positive"


async def test_a_checked_message_is_answered_to_the_asker_alone(world):
    answer = await world.check(GOOD)
    assert world.requests("POST", "/callback") == [{"type": THINKING, "data": {"flags": EPHEMERAL}}]
    assert answer.response.ephemeral


async def test_a_checked_message_is_linked_and_not_quoted(world):
    answer = await world.check(BAD)
    checked = world.channel.history()[0]
    link = f"https://discord.com/channels/{world.guild.id}/{world.channel.id}/{checked.id}"
    assert f"[Negative]({link})" in card(answer.response)
    assert BAD not in card(answer.response)


@pytest.mark.parametrize("context", [1, 2], ids=["bot-dm", "private-channel"])
async def test_a_message_can_be_checked_outside_any_server(world, context):
    answer = await world.check_in_dm(BAD, context=context)
    assert headline(answer.response) == "Negative"


async def test_a_message_of_pictures_alone_is_not_read(world, backend):
    answer = await world.check(attachments=[("cat.png", b"not really a cat")])
    assert reply(answer).content == "That's a picture without words, so there's nothing to read."
    assert answer.response.ephemeral
    assert backend.batches == 0


async def test_what_needs_no_server_is_offered_everywhere_and_to_every_kind_of_install(world, bot):
    offered = {command.name: command.to_dict(bot.tree) for command in bot.tree.get_commands()}
    assert set(offered) == {"sentiment", "Check sentiment", "about", "privacy", "monitor", "mood", "setup", "help"}
    for command in (offered[name] for name in ("sentiment", "Check sentiment", "about", "privacy")):
        assert command["contexts"] == [0, 1, 2]
        assert command["integration_types"] == [0, 1]


async def test_a_forwarded_message_is_read(world):
    original = await world.maya.send(world.channel, BAD)
    forwarded = await world.maya.forward(original, world.channel)
    answer = await world.alice.context_menu(world.channel, "Check sentiment", forwarded)
    assert answer.response.components
    assert headline(answer.response) == "Negative"


DANGER = Verdict(Sentiment.NEGATIVE, (0.1, 0.1, 0.8), 1, "v1", danger=True)
SECRET = "words that nobody else may see"


LATE = pytest.mark.parametrize("late", [False, True], ids=["at once", "late"])


async def test_a_text_in_another_language_gets_one_sentence_and_no_buttons(world, found):
    found(Unreadable("Spanish"))
    for answer in (await world.ask(SECRET), await world.check(SECRET)):
        assert reply(answer).content == "I can't read this yet; it looks like Spanish. I only read English."
        assert (answer.response.embeds, answer.response.components) == ([], [])


@LATE
async def test_a_text_that_is_not_rated_gets_kind_words_for_the_asker_alone(world, found, late):
    found(DANGER, late=late)
    await world.ask(SECRET)
    (kind,) = world.channel.history(viewer=world.alice)
    assert kind.flags.ephemeral
    assert kind.content == kind_words("https://findahelpline.com")
    assert (kind.embeds, kind.components) == ([], [])
    assert world.channel.history(viewer=world.maya) == []


async def test_what_is_public_meanwhile_says_neither_the_text_nor_why(world, found):
    found(DANGER, late=True)
    world.env.inject_error("DELETE", "/webhooks/*/messages/@original", status=500)
    await world.ask(SECRET)
    assert world.requests("POST", "/callback") == [{"type": THINKING}]
    (left,) = world.channel.history(viewer=world.maya)
    assert (left.content, left.embeds, left.components) == (ASIDE, [], [])
    assert [message.flags.ephemeral for message in world.channel.history(viewer=world.alice)] == [False, True]


async def test_a_checked_message_that_is_not_rated_gets_the_same_words(world, found):
    found(DANGER)
    answer = await world.check(SECRET)
    assert answer.response.ephemeral
    assert reply(answer).content == kind_words("https://findahelpline.com")
    assert (answer.response.embeds, answer.response.components) == ([], [])


async def test_a_private_question_that_is_not_rated_gets_the_same_words(world, found):
    found(DANGER)
    answer = await world.ask(SECRET, private=True)
    assert (answer.response.ephemeral, answer.response.content) == (True, kind_words("https://findahelpline.com"))


REFUSALS = pytest.mark.parametrize(
    ("error", "words"),
    [
        (NothingToRead(), NOTHING),
        (Unreadable("Spanish"), str(Unreadable("Spanish"))),
        (Overloaded(3), "I'm busy right now. Try again in 3 seconds."),
        (ValueError(SECRET), SORRY),
    ],
    ids=["nothing to read", "another language", "busy", "a fault of the bot"],
)


@LATE
@REFUSALS
async def test_what_is_no_answer_is_for_the_asker_alone(world, found, late, error, words):
    found(error, late=late)
    await world.ask(SECRET)
    world.env.errors.clear()
    (said,) = world.channel.history(viewer=world.alice)
    assert (said.content, said.flags.ephemeral) == (words, True)
    assert world.channel.history(viewer=world.maya) == []


async def test_a_text_that_is_not_rated_is_not_remembered(world, found, bot):
    found(DANGER)
    await world.ask(SECRET)
    assert len(bot.services.recent_texts) == 0


async def test_a_public_answer_keeps_spoilers_covered(world):
    answer = await world.ask("||Snape dies|| and i hated it <:pepe_sad:123>")
    assert card(answer.response).startswith("> ||Snape dies|| and i hated it <:pepe_sad:123>\n")
