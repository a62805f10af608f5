"""Texts of people who may be in danger, and those that only sound like it."""

import csv
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import model.text
from model.text.cleaning import clean
from model.text.danger import may_be_in_danger, prepare
from model.text.required import alternatives, required_words
from tests.for_each import for_each

TABLE = tomllib.loads((Path(model.text.__file__).parent / "danger.toml").read_text("utf-8"))


def labelled() -> list[tuple[str, bool]]:
    with Path(__file__).with_name("danger.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["danger"] == "1") for row in csv.DictReader(file)]


def test_the_list_is_long_enough_to_say_something():
    dangers = [danger for _, danger in labelled()]
    assert sum(dangers) >= 150
    assert len(dangers) - sum(dangers) >= 250


@for_each(("text", "danger"), labelled())
def test_danger_is_told_from_what_sounds_like_it(text, danger):
    assert may_be_in_danger(clean(text)) is danger


@pytest.mark.parametrize(
    "text",
    [
        "||kys||",
        "**kill yourself**",
        "KILL YOURSELF",
        "kiiiiill yourself",
        "k y s",
        "K.Y.S",
        "k-y-s",
        "k1ll y0urself",
        "k!ll yourself",
        "k*ll yourself",
        "kill\u200b your\u200bself",
        "ᴋɪʟʟ ʏᴏᴜʀꜱᴇʟꜰ",
        "<@123> kys",
        "I WANT TO DIE",
        "i want to dieeeeeee",
        "i want\nto die",
        "i *want* to __die__",
        "i w4nt to d1e",
        "i want to die 😭😭😭",
        "i\u2019m going to kill myself",
        "im gonna unalive myself",
        "sewer slide tonight",
        "> hey\ni dont want to live anymore",
    ],
)
def test_danger_is_seen_through_markup_and_disguise(text):
    assert may_be_in_danger(clean(text))


@pytest.mark.parametrize(
    "text",
    ["i want to die 😂", "i want to die 💀", "im dead 💀💀", "kms lmaooo", "`kill -9 1234`", "gonna kill u (jk)"],
)
def test_laughter_and_signs_of_play_are_no_danger(text):
    assert not may_be_in_danger(clean(text))


@given(st.text() | st.lists(st.sampled_from([text for text, _ in labelled()])).map(" ".join))
def test_it_never_raises(text):
    assert may_be_in_danger(text) in (True, False)
    assert may_be_in_danger(clean(text)) is may_be_in_danger(clean(clean(text)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    ["i want to ", "i dont want to . ", "kill ", "ill kill you in ", "you should die . ", "know where you live ",
     "wish i ", "goodbye ", "pills ", "if you ", "im going to ", "so ", "(a", "' ", "!", ".", "k y s ", "not ", "my "],
)  # fmt: skip
def test_time_grows_with_the_length(unit):
    prepare()

    def seconds(copies: int) -> float:
        tries = []
        for _ in range(3):
            start = time.process_time()
            may_be_in_danger(unit * copies)
            tries.append(time.process_time() - start)
        return min(tries)

    assert seconds(50_000) < 6 * seconds(12_500) + 0.05


@pytest.mark.slow
def test_no_beginning_of_what_is_said_is_slow_when_repeated():
    """A pattern that looks for its end from each of its beginnings would take a time that grows with their square."""
    prepare()
    dangers = [text for text, danger in labelled() if danger]
    for text in dangers:
        words = clean(text).split()
        beginning = " ".join(words[: max(1, 2 * len(words) // 3)]) + " "
        repeated = beginning * (20_000 // len(beginning))
        start = time.process_time()
        may_be_in_danger(repeated)
        assert time.process_time() - start < 0.3, text


def test_spoilers_case_and_invisible_signs_make_no_difference():
    for text, danger in labelled():
        disguised = "||" + "\u200b".join(text.upper()) + "||"
        if clean(disguised).lower() == clean(text).lower():
            assert may_be_in_danger(clean(disguised)) is danger


def test_each_group_says_why_and_each_look_alike_is_used():
    used = set(TABLE["always"].split())
    for group in TABLE["danger"]:
        assert len(group["why"]) > 10
        assert ("says" in group) is not ("words" in group)
        used |= set(group["unless"].split())
    assert used == set(TABLE["look_alikes"])


def test_each_line_can_be_passed_by_at_a_look_at_the_words():
    from model.text import danger

    for line in {id(line): line for lines in danger._table().by_word.values() for line in lines}.values():
        assert line.needs, line.says
        for some in line.needs:
            assert some


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        ("want to die", [{"die"}, {"want"}, {"to"}]),
        ("(kill|hang) (my|your)self", [{"myself", "yourself"}, {"hang", "kill"}]),
        ("favou?r( .*)? now", [{"favor", "favour"}, {"now"}]),
        (r"\w+ing (very )?soon", [{"soon"}]),
        (r"(the |my )?school(?! bus)", [{"school"}]),
        (r"jump( \. .*)?(nobody|bye)", [{"jump"}]),
        (r"kill( him| her)+ (dead )*", [{"kill"}]),
        ("(in my sleep|asleep)", [{"asleep", "sleep"}]),
        (".*", []),
    ],
)
def test_the_words_that_a_pattern_needs(pattern, needed):
    found = required_words(pattern)
    assert sorted(map(sorted, found)) == sorted(map(sorted, needed))


def test_a_text_that_holds_a_line_has_the_words_it_needs():
    """The sieve loses nothing: whoever is found by a line without it is found with it."""
    from model.text import danger

    table = danger._table()
    lines = list({id(line): line for some in table.by_word.values() for line in some}.values())
    for text, _ in labelled():
        plain = danger._plain(clean(text).lower(), table.spelling)
        said = any(line.says is not None and line.is_said_in(plain) for line in lines)
        assert not said or may_be_in_danger(clean(text)), text


def test_lines_are_cut_at_the_bars_outside_groups():
    assert alternatives(r"a|(b|c) d|e\|f") == ["a", "(b|c) d", r"e\|f"]
