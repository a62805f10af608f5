"""The table of emoji, whole: each is one, means one thing, and is read by the model as its mood says."""

from itertools import product

import emoji
import pytest

from model.text.cleaning import clean
from model.text.emoji_words import MOST
from model.text.sarcasm import MARK
from model.text.tables import rows
from model.verdict import SENTIMENTS, Sentiment
from tests.for_each import for_each

ROWS = rows("emoji")
BESIDE = {
    "": "",
    "no blame": "",
    "laughter or alone": "",
    "laughter or praise": "lol",
    "praise": "oh great",
}
"""A text for each context of the table, such that an emoji beside it has its sense."""

WITHOUT = {
    "no blame": "the server is broken",
    "laughter or alone": "they play at nine",
    "laughter or praise": "they play at nine",
    "praise": "they play at nine",
}
"""The same, such that it has the other one."""

every_row = for_each("row", ROWS)


def beside(words, symbol):
    return f"{words} {symbol}".strip()


def test_there_are_some_two_hundred_and_fifty_and_none_twice():
    plain = [emoji.demojize(row["emoji"]) for row in ROWS]
    assert len(ROWS) >= 200
    assert len({row["emoji"].replace("\ufe0f", "") for row in ROWS}) == len(set(plain)) == len(ROWS)


@every_row
def test_each_row_is_whole(row):
    assert emoji.is_emoji(row["emoji"])
    assert row["mood"] in SENTIMENTS
    assert row["context"] in BESIDE
    assert row["context"] or not row["otherwise"]
    for words in filter(None, (row["sense"], row["otherwise"])):
        assert clean(words) == words
        assert words.isascii()
    assert row["sense"].startswith("(") or row["mood"] != "neutral"


@every_row
def test_each_emoji_has_its_sense_where_its_context_is(row):
    words = BESIDE[row["context"]]
    cleaned = clean(beside(words, row["emoji"]))
    assert cleaned == beside(words, row["sense"])
    assert clean(cleaned) == cleaned
    assert clean(beside(words, row["emoji"].replace("\ufe0f", ""))) == cleaned


@every_row
def test_a_run_of_one_emoji_is_one_and_very(row):
    words = BESIDE[row["context"]]
    degree = "" if row["sense"].startswith(("(", MARK)) else "very "
    for run in (row["emoji"] * 3, " ".join([row["emoji"]] * 3), row["emoji"] * 40):
        assert clean(beside(words, run)) == beside(words, degree + row["sense"])


@for_each("row", [row for row in ROWS if row["context"]])
def test_without_its_context_an_emoji_is_what_it_is_otherwise(row):
    words = WITHOUT[row["context"]]
    name = emoji.demojize(row["emoji"]).strip(":").replace("_", " ")
    assert clean(beside(words, row["emoji"])) == beside(words, row["otherwise"] or f"({name})")


@for_each("row", [row for row in ROWS if row["otherwise"]])
def test_what_an_emoji_is_otherwise_praises_nothing(row, sentiment_of):
    assert sentiment_of(beside(WITHOUT[row["context"]], row["emoji"])) != "positive"


@for_each(("row", "times"), product(ROWS, [1, 3]))
def test_the_model_reads_each_emoji_as_its_mood_says(row, times, sentiment_of):
    assert sentiment_of(beside(BESIDE[row["context"]], row["emoji"] * times)) == row["mood"]


@every_row
def test_shortcodes_say_what_their_emoji_say(row):
    words = BESIDE[row["context"]]
    known = emoji.EMOJI_DATA[row["emoji"]]
    for alias in (known["en"], *known.get("alias", ())):
        assert clean(beside(words, alias)) == beside(words, row["sense"]), alias


@pytest.mark.parametrize("tone", ["\U0001f3fb", "\U0001f3fd", "\U0001f3ff"])
def test_a_skin_tone_changes_nothing(tone):
    toned = [row["emoji"] for row in ROWS if emoji.is_emoji(row["emoji"] + tone)]
    assert len(toned) > 15
    for symbol in toned:
        assert clean(symbol + tone) == clean(symbol)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i saw a \U0001f422 here", "i saw a turtle here"),
        ("look \U0001f422", "look (turtle)"),
        ("the house is on \U0001f525", "the house is on fire"),
        ("this is \U0001f525", "this is awesome"),
        ("this broken update \U0001f525", "this broken update (fire)"),
        ("\U0001f480", "funny"),
        ("\U0001f480 lmao", "funny lmao"),
        ("the server is \U0001f480 again", "the server is (dead) again"),
        ("\U0001f62d", "(crying)"),
        ("lol \U0001f62d\U0001f62d", "lol very funny"),
        ("we lost \U0001f62d", "we lost (crying)"),
        ("love it \U0001f602", "love it funny"),
        ("you are so stupid \U0001f602", "you are so stupid (amused)"),
        ("\U0001f1e9\U0001f1ea", "(Germany)"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "(family man woman girl)"),
        ("1\ufe0f\u20e3 \U0001f422", "(keycap 1) (turtle)"),
        ("meet at 10:30:45", "meet at 10:30:45"),
        ("home \u2192 work \u2713", "home \u2192 work \u2713"),
        (":x: :D: :3", "bad :D: (cat smile)"),
        (":not_an_emoji_at_all: ok", "not an emoji at all ok"),
    ],
)  # fmt: skip
def test_an_emoji_means_what_the_rest_of_the_text_says(text, expected):
    assert clean(text) == expected


@pytest.mark.parametrize("count", [MOST, MOST + 1, 5000])
def test_of_very_many_emoji_the_rest_is_counted(count):
    cleaned = clean("\U0001f422\U0001f40d" * (count // 2) + "\U0001f422" * (count % 2))
    assert cleaned.endswith(f" ({count - MOST} more emoji)") == (count > MOST)
    assert len(cleaned) < 100


@pytest.mark.parametrize("count", [MOST - 1, MOST + 20])
def test_different_emoji_are_all_named_until_there_are_too_many(count):
    pictures = [chr(0x1F400 + number) for number in range(count)]  # animals
    cleaned = clean("".join(pictures))
    assert cleaned.count("(") == min(count, MOST) + (count > MOST)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("dead 💀", "laughing funny"),
        ("im dead 💀💀💀", "im laughing funny"),
        ("I'm literally DECEASED 😂", "I'm literally laughing funny"),
        ("i\u2019m dying 🤣", "i'm laughing funny"),
        ("lmao im crying 😂", "lmao im laughing funny"),
        ("im dead ☠️", "im laughing funny"),
        ("my phone is dead 💀", "my phone is dead funny"),
        ("the server is dead 😂", "the server is dead (amused)"),
        ("chat dead 💀", "chat dead funny"),
        ("im crying 😭", "im crying funny"),
        ("im dying 😭", "im dying funny"),
        ("weak 😂", "weak (amused)"),
        ("if i fail this class im dead 💀", "if i fail this class im dead funny"),
        ("im dead 💀 i mean it", "im dead funny i mean it"),
        ("everyone was laughing at me 😭", "everyone was laughing at me (crying)"),
        ("im dead", "im dead"),
    ],
)
def test_who_is_dead_and_laughs_says_no_more_than_that(typed, read):
    assert clean(typed) == read
    assert clean(read) == read


@pytest.mark.parametrize(
    "typed", ["dead 💀", "im dead 💀", "I'm dead 😂", "dying 😂", "lmao im dead ☠️", "screaming 🤣"]
)
def test_who_is_dead_of_laughter_is_not_unhappy(typed, sentiment_of):
    assert sentiment_of(typed) is Sentiment.POSITIVE
