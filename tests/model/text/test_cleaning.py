from random import Random

import emoji
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.text.cleaning import PIECE, clean, is_readable
from model.text.emoji_words import spoken_name

MARKUP = [
    "<@1>", "<@!22>", "<@&3>", "<#4>", "<id:guide>", "<a:pepe_sad:12>", "<:x:1>", "<t:1700000000:R>", "</play:5>",
    "||", "|", "**", "*", "__", "_", "~~", "`", "```", "> ", ">>> ", "\n", "# ", "-# ", "\\", "[", "](", ")", "<", ">",
    "https://a.b/c_(d)", "www.x.y", "discord.gg/z", "@", "@user", "@name", "#", ":smile:", ":", "&amp;",
    "&lt;", "&#64;",
    "&", "<br>", "<br/>", "sooooo", "!!!!!", "\u0301", "\u200d", "\ufe0f", "\u200b", "\u202e", "\ud800", "\x00",
    "\U0001f602", "\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea",
    "\u2764\ufe0f", "1\ufe0f\u20e3", "\u2122", "\u3030", "\u24c2", "\u3299", "\uff20", "\uff1c", "\ufb01",
    "\u00af\\_(\u30c4)_/\u00af", "word", " ",
]  # fmt: skip
ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)
CHAT = st.lists(st.sampled_from(MARKUP) | st.text(max_size=6), max_size=14).map("".join)


@given(ANYTHING | CHAT)
def test_cleaning_never_raises_and_gives_one_line(text):
    cleaned = clean(text)
    assert cleaned == " ".join(cleaned.split())
    cleaned.encode("utf-8")


@given(ANYTHING | CHAT)
def test_cleaning_twice_is_cleaning_once(text):
    assert clean(clean(text)) == clean(text)


def test_cleaning_a_short_text_that_its_signs_make_long_twice_is_cleaning_it_once():
    for seed in range(40):
        text = "".join(Random(seed).choices(["\u0130", "\U0001f525", ";;", "NOT"], k=180))
        cleaned = clean(text)
        assert len(text) < PIECE < len(cleaned)
        assert clean(cleaned) == cleaned


@given(ANYTHING | CHAT)
def test_no_emoji_is_left(text):
    assert emoji.emoji_count(clean(text)) == 0


def test_every_emoji_has_words():
    tones = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
    for symbol in emoji.EMOJI_DATA:
        cleaned = clean(f"so {symbol} ok")
        assert emoji.emoji_count(cleaned) == 0, symbol
        first, *name, last = cleaned.split()
        assert (first, last) == ("so", "ok"), symbol
        assert name or symbol in tones, symbol


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words stay", "plain words stay"),
        ("", ""),
        ("  two   spaces\nand\tlines ", "two spaces and lines"),
        ("hey <@123>, ask <@!45>", "hey @user , ask @user"),
        ("<@&9> in <#7> or <id:guide>", "@role in #channel or #channel"),
        ("thanks @someone", "thanks @user"),
        ("mail me@home.org", "mail me@home.org"),
        ("try </play song:55>", "try /play song"),
        ("starts <t:1700000000:R>", "starts time"),
        ("<:pepe_sad:123456789012345678>", "pepe sad"),
        ("<a:catJam:1> yes", "cat Jam yes"),
        (":fire: take", "awesome take"),
        (":sob: :unknown_name:", "(crying) unknown name"),
        ("at 10:30:45 sharp", "at 10:30:45 sharp"),
        ("run ```py\nprint('awful')\n``` now", "run now"),
        ("run ```never closed", "run"),
        ("`code` stays as words", "code stays as words"),
        ("> this is awful\nI disagree", "I disagree"),
        ("fine\n>>> all\nof it\nquoted", "fine"),
        ("5 > 3 and a>b", "5 > 3 and a>b"),
        ("the killer is ||the butler||", "the killer is the butler"),
        ("**bold** *it* __under__ _it_ ~~gone~~", "bold it under it gone"),
        ("what the f**k, **really**", "what the f**k, really"),
        ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
        ("# Title", "Title"),
        ("-# small print", "small print"),
        (r"\*not italic\*", "not italic"),
        ("see https://example.org/a?b=c ok", "see http ok"),
        ("<https://example.org>", "http"),
        ("www.example.org", "http"),
        ("join discord.gg/abc", "join http"),
        ("[great guide](https://example.org/x)", "great guide"),
        ("sooooooo good!!!!!!!", "sooo good!!!"),
        ("good soon, cool", "good soon, cool"),
        ("1000000 views", "1000000 views"),
        ("no\u200bthing hid\u00adden", "nothing hidden"),
        ("\uff47\uff4f\uff4f\uff44 \ufb01ne", "good fine"),
        ("it\u2019s \u201cfine\u201d", "it's \"fine\""),
        ("nul\x00here \ud800end", "nul here end"),
        ("it&#39;s &quot;ok&quot; <br /> yes", "it's \"ok\" yes"),
        ("\u00af\\_(\u30c4)_/\u00af whatever", "(shrug) whatever"),
        ("\U0001f602", "funny"),
        ("\U0001f44d\U0001f3fd nice", "great nice"),
        ("\U0001f480" * 9, "very funny"),
        ("\U0001f480" * 9 + " what a day", "(dead) what a day"),
        ("I \u2764\ufe0f it", "I love it"),
        ("a wild \U0001f422 \U0001f422", "a wild (turtle)"),
        ("the house is on \U0001f525", "the house is on fire"),
        ("this is \U0001f525\U0001f525", "this is very awesome"),
        ("well :/", "well unsure, not happy"),
        ("thanks:) o7", "thanks happy ready"),
        ("I give it 0/10", "I give it rated terrible"),
        ("9 out of 10", "rated great"),
        ("great idea /s", "great idea sarcasm, disappointed"),
        ("wHaT a gReAt iDeA", "what a great idea sarcasm, disappointed"),
        ("\U0001f1ed \U0001f1e6 \U0001f1f9 \U0001f1ea", "hate"),
        ("\u1d1b\u029c\u026as \u026as \u0493\u026a\u0274\u1d07", "this is fine"),
        ("s t u p i d", "stupid"),
        ("h4te it", "hate it"),
        ("thisgamesucks", "this game sucks"),
        ("st**up**id", "stupid"),
        ("[MASK] and [SEP]", "[ MASK ] and [ SEP ]"),
        ("good " * 2000, "good good"),
        ("hahahahahahahahahahaha", "hahaha"),
    ],
)  # fmt: skip
def test_chat_becomes_plain_words(text, expected):
    assert clean(text) == expected


def test_stacked_accents_shrink_to_one_for_a_letter():
    assert clean("h" + "\u0335\u0321" * 40 + "i") == clean("h\u0335\u0321i")
    assert len(clean("".join(letter + "\u0301\u0316\u0334" * 20 for letter in "zalgo"))) <= 10


def test_an_ordinary_accent_survives():
    assert clean("cafe\u0301 na\u00efve") == "caf\u00e9 na\u00efve"


def test_markup_hidden_in_markup_is_found():
    assert clean("||**<@1>** &lt;@2&gt;||") == "@user @user"


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("ok", True), ("?", True), ("\U0001f602", True), ("<:kek:1>", True), ("\u597d", True), ("7", True),
        ("hi <@1>", True),
        ("", False), ("   \n", False), ("<@1> <@&2> <#3>", False), ("https://a.b/c", False), ("...", False),
        ("```code```", False), ("> only a quote", False), ("\u200b\u2060", False), ("\x00\ud800", False),
        ("\u3164\u2800", False),
        ("|| ||", False),
    ],
)  # fmt: skip
def test_a_text_is_readable_when_more_than_mentions_and_links_is_left(text, readable):
    assert is_readable(clean(text)) is readable


@pytest.mark.parametrize(
    ("alias", "words"),
    [(":thumbs_up_medium_skin_tone:", "thumbs up"), (":pepeSad:", "pepe Sad"), ("::", "emoji"), (":___:", "emoji")],
)
def test_emoji_names_are_spoken_as_words(alias, words):
    assert spoken_name(alias) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("&" + "amp;" * 40 + "lt;3", "love"),
        ("\\" * 64 + "w", "\\w"),
        ("a < b > c", "a < b > c"),
        ("so<br />good", "so good"),
    ],
)
def test_layers_of_escapes_come_off_and_comparisons_stay(text, expected):
    assert clean(clean(text)) == clean(text)
    assert clean(text) == expected


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["<" + " " * 99_999 + "x", "</" + " " * 99_999, "<br" + " " * 99_999])
def test_a_lone_bracket_before_very_much_space_costs_no_time(text):
    assert clean(text).startswith("<")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit",
    [
        "*", "_", "`", "```", "|", "~", "<", "<@", "<a:", "<:a", "[", "[a](", "[a](http://",
        "[a](https://x(", "> ", ">>> ", "\n> ",
        "https://", "http://a", "@", ":a", ":", "\\", "&", "&amp;", "&lt;", "#\n", "</a", "<t:1", " ", "\n",
        "a", "\u0301",
        "\u200d", "\U0001f602", "\U0001f468\u200d", "\U0001f1e9", "\ud800", "\ufb01", "<br",
        "&amp;lt;@1&amp;gt;", "*a", "a*", "_a ",
    ],
)  # fmt: skip
def test_a_hundred_kilobytes_of_anything_finish(unit):
    cleaned = clean(unit * (100_000 // len(unit)))
    assert emoji.emoji_count(cleaned) == 0
