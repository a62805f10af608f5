import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.presentation.quoting import EXCERPT, escape, excerpt
from model import NothingToRead, Unreadable
from tests.cards import card, reply

ZALGO = "Z" + "\u0300\u0301\u0489" * 60 + "algo is lovely"
ANY_CHARACTER = st.characters(exclude_categories=())

ODD = {
    "lone surrogate": "nice \ud83d day",
    "reversed surrogates": "\udd25\ud83d nice",
    "NUL": "nice\x00day",
    "control characters": "\x01\x02nice\x1b[31m day\x7f",
    "zalgo": ZALGO,
    "right to left": "\u202eyad ecin\u202c \u05d9\u05d5\u05dd \u05d8\u05d5\u05d1",
    "noncharacters": "nice \ufffe\uffff day",
    "only marks": "e" + "\u0301" * 5000,
    "one long word": "a" * 6000,
    "stars": "*" * 3000 + "nice" + "_" * 2996,
    "code fence": "```py\nprint(1)\n``` nice",
    "open code": "` nice ``` day",
    "quote": "> nice\n>>> day, I like it",
    "blank lines": "nice\n\n\n\n\nday",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
async def test_an_odd_text_is_answered_within_discords_limits(world, text):
    answer = await world.ask(text)
    (sent,) = world.sent_answers()
    str(sent).encode("utf-8")
    assert "\x00" not in str(sent)
    if answer.response is not None and answer.response.components:
        assert len(card(answer.response)) <= 4000
        assert len(card(answer.response).splitlines()) == 7
    else:
        assert reply(answer).content in {str(NothingToRead()), str(Unreadable())}


@pytest.mark.parametrize("text", [ODD["lone surrogate"], ODD["NUL"], ODD["stars"], ZALGO])
async def test_why_answers_for_an_odd_text(world, text):
    why = await world.why(await world.ask(text))
    (embed,) = why.response.embeds
    str(embed.to_dict()).encode("utf-8")
    assert "\x00" not in str(embed.to_dict())


MENTIONS = ("@everyone", "@here", "<@80351110224678912>", "<@!80351110224678912>", "<@&80351110224678912>")


@pytest.mark.parametrize("mention", MENTIONS)
async def test_a_quoted_mention_pings_nobody(world, mention):
    answer = await world.ask(f"{mention} you are lovely")
    (sent,) = world.sent_answers()
    assert sent["allowed_mentions"]["parse"] == []
    assert not {"users", "roles"} & set(sent["allowed_mentions"])
    assert mention not in card(answer.response)
    assert answer.response.message.mentions == []


@pytest.mark.parametrize("mention", MENTIONS)
async def test_why_shows_no_working_mention(world, mention):
    why = await world.why(await world.ask(f"{mention} you are lovely"))
    assert mention not in str(why.response.embeds[0].to_dict())


async def test_markdown_is_quoted_as_it_was_typed(world):
    answer = await world.ask("**wow** `code` ~~no~~ ||nice|| __you__")
    quote = card(answer.response).splitlines()[0]
    assert quote == r"> \*\*wow\*\* \`code\` \~\~no\~\~ ||nice|| \_\_you\_\_"


def test_a_masked_link_is_not_clickable_in_a_quote():
    assert excerpt("[free nitro](https://evil.example) nice").startswith("\\[")


async def test_a_long_text_is_shortened_in_the_quote(world):
    answer = await world.ask("word " * 200)
    quote = card(answer.response).splitlines()[0].removeprefix("> ")
    assert len(quote) <= EXCERPT
    assert quote.endswith("word…")


def test_a_text_of_just_the_limit_is_quoted_whole():
    assert excerpt("x" * EXCERPT) == "x" * EXCERPT
    assert excerpt("x" * (EXCERPT + 1)) == "x" * (EXCERPT - 1) + "…"


@given(st.text(ANY_CHARACTER))
def test_a_quote_of_any_text_is_one_sendable_line(text):
    quote = excerpt(text)
    quote.encode("utf-8")
    assert "\x00" not in quote
    assert len(quote.splitlines()) <= 1


@given(st.text(ANY_CHARACTER, max_size=600))
def test_escaping_at_most_triples_a_text(text):
    assert len(escape(text)) <= 3 * len(text)
