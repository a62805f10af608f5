"""Patterns are only tried where something calls for them; what comes out is as if each had been tried on every text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.text import cleaning, emoji_words, letters, markup
from tests.model.text import every_pattern
from tests.model.text.odd_texts import EVERYTHING, WORDS, own_texts, random_texts
from tests.model.text.test_cleaning import ANYTHING

TEXT = (
    ANYTHING
    | st.lists(st.sampled_from(EVERYTHING), max_size=12).map("".join)
    | st.lists(st.sampled_from(EVERYTHING), max_size=12).map(" ".join)
    | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
)


def assert_nothing_was_spared(text):
    assert cleaning._clean_once(text) == every_pattern.cleaned_once(text)


@given(TEXT)
def test_a_round_of_cleaning_is_what_every_pattern_makes_of_the_text(text):
    assert_nothing_was_spared(text)


@pytest.mark.parametrize("text", [WORDS, EVERYTHING], ids=["words", "everything"])
def test_so_it_is_for_each_unit_by_itself_and_beside_a_word(text):
    for unit in text:
        for form in (unit, f"{unit} good", f"good {unit}", f"({unit})", f"{unit}{unit}", f"x{unit}y"):
            assert_nothing_was_spared(form)


def test_so_it_is_for_random_texts():
    for text in random_texts(4000):
        assert_nothing_was_spared(text)


def test_so_it_is_for_our_own_chat():
    own = own_texts()
    assert len(own) > 10_000
    for text in own:
        assert_nothing_was_spared(text)


@given(TEXT)
def test_letters_in_disguise_are_sought_among_what_is_no_ascii(text):
    assert letters.unmask(text) == every_pattern.without_disguise(text)


@given(TEXT)
def test_patterns_that_begin_with_a_set_of_characters_find_the_same(text):
    for written, quick in (
        (every_pattern.EMOJI_RUN, emoji_words._RUN),
        (every_pattern.HANDLE, markup._HANDLE),
    ):
        assert [found.span() for found in written.finditer(text)] == [found.span() for found in quick.finditer(text)]


@given(st.lists(st.sampled_from(["\U0001f602", "\u2764\ufe0f", "1\ufe0f\u20e3", "\U0001f1e9\U0001f1ea"]), max_size=90))
def test_emoji_beyond_the_first_sixty_are_counted(found):
    text = emoji_words.few_emoji(f"{' so '.join(found)} {'x' * emoji_words.MOST}")
    assert text.endswith(f" ({len(found) - emoji_words.MOST} more emoji)") is (len(found) > emoji_words.MOST)


@given(TEXT)
def test_placeholders_alone_are_nothing_to_read(text):
    assert cleaning.is_readable(text) is every_pattern.is_readable(text)
