"""The table of emoticons, whole, and what only looks like one."""

from itertools import product

import pytest

from model.text.cleaning import clean
from model.text.tables import rows
from model.verdict import SENTIMENTS
from tests.for_each import for_each

ROWS = rows("emoticons")
AROUND = [
    "{}", "so {}", "{} so", "so {} so", "so\n{}", "{}\nso", "so {}\nso", "so\n{}\nso", "so {}!", "so {}, so", '"{}"',
]  # fmt: skip
every_row = for_each("row", ROWS)


def test_there_are_more_than_sixty_and_none_twice():
    known = [row["emoticon"] for row in ROWS]
    assert len(known) > 60
    assert len(set(known)) == len(known)


@every_row
def test_each_row_is_whole(row):
    assert row["emoticon"] == row["emoticon"].strip()
    assert row["mood"] in SENTIMENTS
    assert row["sense"].isascii()
    assert clean(row["sense"]) == row["sense"]


@for_each(("row", "around"), product(ROWS, AROUND))
def test_each_emoticon_is_what_it_means_wherever_it_stands_by_itself(row, around):
    cleaned = clean(around.format(row["emoticon"]))
    assert cleaned.split() == clean(around.format(f" {row['sense']} ")).split()
    assert clean(cleaned) == cleaned


@every_row
def test_the_model_reads_each_emoticon_as_its_mood_says(row, sentiment_of):
    assert sentiment_of(row["emoticon"]) == row["mood"]


ATTACHED = [":)", ":(", ":D", ";)", ":]", ":[", "=)", "=(", "=D", ":|", ":-)", ":-(", ":-D", ":/"]


@pytest.mark.parametrize("emoticon", ATTACHED)
def test_an_emoticon_with_eyes_may_follow_a_word_without_a_space(emoticon):
    assert clean(f"thanks{emoticon}") == clean(f"thanks {emoticon}") != f"thanks {emoticon}"
    assert clean(f"thanks{emoticon}\nbye") == clean(f"thanks {emoticon} bye")


@pytest.mark.parametrize(
    ("once", "often"),
    [(":)", ":))))"), (":(", ":(((((("), (":D", ":DDDDD"), ("xD", "xDDDD"), ("<3", "<33333"), (":P", ":PPPP")],
)
def test_the_last_sign_may_be_repeated(once, often):
    assert clean(f"well {often}") == clean(f"well {once}")


@pytest.mark.parametrize(
    ("emoticon", "symbol"),
    [("<3", "\u2764\ufe0f"), (":|", "\U0001f610"), (":)", "\U0001f642"), ("\u00af\\_(\u30c4)_/\u00af", "\U0001f937")],
)
def test_an_emoticon_says_what_its_emoji_says(emoticon, symbol):
    assert clean(emoticon) == clean(symbol)


@pytest.mark.parametrize(
    "text",
    [
        "at 8:D", "10:30", "8:3 was the score", "http://example.org", "and/or", "c:\\users", "C:\\Dir", "a:b:c",
        "x = (a)", "if x<3 then", "f(x):", "note: (see below)", "ratio 4:3", "key:value", "std::vector", "a<b",
        "text; more", "dict = {1: 2}", "D", "XP", "o7n", "3 : 2", "foo();", "10:00", "TTYL", "QQQ", "boxD", "PX",
        "my c: drive is full", "copy it to D: and reboot", "A: Paris B: London C: Rome D: Berlin", "D: drive",
        "{a: b, c: d}", "root=/ ro", "kinds=['card'],", "smb://'host'", "mms://?", "https:/ is cut off", "file:///",
    ],
)  # fmt: skip
def test_what_only_looks_like_one_stays(text):
    senses = {row["sense"] for row in ROWS}
    assert not any(sense in clean(text) for sense in senses)


@pytest.mark.parametrize("text", ["https://example.org/x", "see http://a.b/:/ ok", "ftp://x.y"])
def test_a_link_holds_none(text):
    assert "unsure" not in clean(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("idk :/ maybe", "idk unsure, not happy maybe"),
        ("D: no", "very upset no"),
        ("gg o7", "gg ready"),
        ("\\o/ we won", "very happy we won"),
        ("(\u256f\u00b0\u25a1\u00b0)\u256f\ufe35 \u253b\u2501\u253b", "angry"),
        ("**:)**", "happy"),
        ("> quoted :(\nfine :)", "fine happy"),
        ("`x`:)", "x happy"),
        ("that was close xD", "that was close very happy"),
        ("I had windows XP", "I had windows XP"),
    ],
)
def test_emoticons_come_before_markup(text, expected):
    assert clean(text) == expected
