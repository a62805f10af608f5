"""No text costs more than its length is worth: cleaning takes time that grows with the length, whatever is in it."""

import gc
import random
import time
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.text.cleaning import clean
from model.text.cost import estimated_tokens

UNITS = [
    "*", "_", "~", "`", "|", "[", "(", "<", "&", ">", "\u0301", "\ufdfa", "\U0001f602", "\U0001f422\U0001f40d",
    "\u2764\ufe0f\u200d\U0001f525", "\u200d", "\U0001f1e9\U0001f1ea", "\U0001f1ed", "1", "@", "#", ":", "'", '"',
    "ha", "\n",
    "   ", "\\", "&#", "&amp;", "```", "> ", "[a](http://", "<:", ":a", "/s ", "1/", "...", "s t ", "x.y", "\u0430b",
    "aB",
    "\u2605", "T_T", ":)", "not ", "https://", "a",
]  # fmt: skip
"""What cleaning has a meaning of its own for, or once took too long over."""

LENGTH = 2000
RATIO = 3.5
"""By how much longer twice the text may take. Twice is what it should be, four times what is quadratic."""

NOTICEABLE = 0.02
"""Seconds under which nobody is kept waiting, and which may be noise."""

CHANCE = random.Random(11)
TRIPLES = [CHANCE.choices(UNITS, k=3) for _ in range(1000)]


def texts_of(units, length):
    """Texts of about that length: the units by turns, and a run of each, the outer ones short or as long."""
    by_turns = "".join(units)
    each = [unit * (length // len(units) // len(unit) + 1) for unit in units]
    texts = [by_turns * (length // len(by_turns) + 1), "".join(each)]
    if len(units) > 2:
        texts.append(units[0] + units[1] * (length // len(units[1])) + units[2])
    return texts


def seconds(text):
    """Of this thread's own work, whatever else the machine is at."""
    gc.disable()  # how long it takes depends on all the other tests
    try:
        started = time.thread_time()
        clean(text)
        return time.thread_time() - started
    finally:
        gc.enable()


def grows_too_fast(units):
    """Whether any text of these units takes far more than twice as long when it is twice as long.

    A suspect is measured again, several times and at greater lengths, where what is not linear shows all the more.
    """
    for form, _ in enumerate(texts_of(units, 1)):
        short, long = (texts_of(units, length)[form] for length in (LENGTH, 2 * LENGTH))
        if seconds(long) < NOTICEABLE or seconds(long) <= RATIO * seconds(short):
            continue
        short, long = (texts_of(units, length)[form] for length in (2 * LENGTH, 4 * LENGTH))
        once, twice = (median(seconds(text) for _ in range(5)) for text in (short, long))
        if twice > max(NOTICEABLE, RATIO * once):
            return True
    return False


@pytest.mark.parametrize("unit", UNITS)
def test_twice_the_text_takes_about_twice_the_time_for_every_pair(unit):
    assert [other for other in UNITS if grows_too_fast([unit, other])] == []


@pytest.mark.parametrize("part", range(10))
def test_twice_the_text_takes_about_twice_the_time_for_triples(part):
    assert [units for units in TRIPLES[part::10] if grows_too_fast(units)] == []


@pytest.mark.parametrize("sign", UNITS)
def test_twice_the_text_takes_about_twice_the_time_for_a_run_between_letters(sign):
    assert not grows_too_fast(["a", sign, "a"])


@pytest.mark.parametrize("unit", UNITS)
def test_no_pair_swells(unit):
    for other in UNITS:
        for text in texts_of([unit, other], LENGTH):
            assert estimated_tokens(clean(text)) <= 3 * len(text) + 500


MIXTURES = st.lists(
    st.tuples(st.lists(st.sampled_from(UNITS), min_size=1, max_size=5), st.integers(1, 80)).map(
        lambda part: "".join(part[0]) * part[1]
    )
    | st.sampled_from(UNITS)
    | st.text(max_size=8),
    max_size=8,
).map("".join)


@given(MIXTURES)
def test_mixtures_come_to_rest_and_never_raise(text):
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert cleaned == " ".join(cleaned.split())
    cleaned.encode("utf-8")


@pytest.mark.parametrize("triple", TRIPLES[::10], ids=range(100))
def test_long_repetitions_come_to_rest(triple):
    for text in texts_of(triple, LENGTH):
        cleaned = clean(text)
        assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "&#" + "9" * 5000, "&#" + "9" * 5000 + ";", "&#x" + "f" * 5000 + ";", "&" + "a" * 5000 + ";", "&#55296;",
        "&#0;", "&#1114112;", "&#xD800;", "1" * 5000 + "/10", "9" * 5000 + " stars", "<t:" + "1" * 5000 + ">",
        "<@" + "1" * 5000 + ">", "\U000e0067" * 3000, "\U0001f3f4" + "\U000e0067" * 3000, "\ud800\udc00" * 2000,
    ],
    ids=lambda text: text[:12].encode("unicode_escape").decode(),
)  # fmt: skip
def test_nothing_raises_and_all_of_it_comes_to_rest(text):
    cleaned = clean(text)
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("good " * 2000, "good good"),
        ("hahahahahahahaha", "hahaha"),
        ("so good so good so good so good so good", "so good so good"),
        ("buy my skin now. " * 30, "buy my skin now. buy my skin now."),
        ("good good good", "good good good"),
        ("no no no no", "no no no no"),
        ("a" * 130, "aaa"),
    ],
)
def test_what_is_repeated_at_length_is_shortened(text, expected):
    assert clean(text) == expected


def test_a_line_that_is_pasted_again_and_again_is_read_twice_wherever_it_stands():
    lines = ["the quick brown fox", *("join my server now", "another line {}") * 12]
    cleaned = clean("\n".join(line.format(number) for number, line in enumerate(lines)))
    assert cleaned.count("join my server now") == 2
    assert cleaned.count("another line") == 12


def test_a_word_that_is_too_long_for_the_tokenizer_is_cut():
    word = "".join(chr(0x4E00 + number) for number in range(180))
    assert max(map(len, clean(word).split())) <= 60
    assert clean(word).replace(" ", "") == word
    assert clean(word + "abcde" * 3) == f"{clean(word)} (15 more letters)"


def test_signs_that_would_swell_are_not_expanded():
    assert len(clean("\ufdfa" * 500)) <= 520
    assert clean("\u00bd \ufb01") == "1\u20442 fi"
