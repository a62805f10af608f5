"""Of a long text so many windows are read, and the others are counted."""

import pytest

from model.errors import NothingToRead
from model.text.tokenization import Reader
from tests.model.conftest import TOKENIZER
from tests.model.long_texts import distinct_words, varied

SIZE = 512


@pytest.fixture(scope="module")
def reader():
    return Reader(TOKENIZER.read_bytes(), SIZE)


TEXTS = {
    "words": varied("good", 8000),
    "numbers": " ".join(map(str, range(20_000))),
    "one letter": "a " * 20_000,
    "other script": " ".join(chr(0x4E00 + number) for number in range(20_000)),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("most", [1, 8, 24])
def test_no_more_windows_are_read_than_wanted_and_those_left_out_are_about_as_many_as_there_are(reader, text, most):
    everything = reader.read_cleaned(text)
    reading = reader.read_cleaned(text, most)
    assert everything.skipped == 0
    assert len(reading.rows) == most < len(everything.rows)
    assert max(map(len, reading.rows)) <= SIZE
    assert most + reading.skipped == pytest.approx(len(everything.rows), rel=0.1)


@pytest.mark.parametrize("most", [2, 8, 24])
def test_what_is_read_is_spread_over_the_text_from_its_beginning(reader, most):
    text = " ".join(map(str, range(20_000)))
    everything, reading = reader.read_cleaned(text), reader.read_cleaned(text, most)
    assert reading.rows[0] == everything.rows[0]
    said = [row[1:-1] for row in everything.rows]
    places = [next(place for place, own in enumerate(said) if row[200:230] in windows_of(own)) for row in reading.rows]
    assert places == sorted(set(places))
    assert places[-1] >= len(said) - len(said) // most - 1


def windows_of(ids, size=30):
    return [ids[start : start + size] for start in range(len(ids) - size + 1)]


@pytest.mark.parametrize("most", [0, 2, 24])
def test_a_text_with_no_more_windows_than_wanted_is_read_whole(reader, most):
    text = varied("good", 300)
    assert reader.read_cleaned(text, most) == reader.read_cleaned(text)
    assert len(reader.read(text)) == 2


def test_a_text_that_is_tokenised_in_parts_has_the_tokens_of_the_whole(reader):
    text = " ".join(distinct_words(4000))
    whole = reader._tokenizer.encode(text, add_special_tokens=False).ids
    assert len(text) > 20_000
    assert reader._ids(text) == whole


@pytest.mark.parametrize("text", ["", " ", "\x00"])
def test_a_text_without_a_token_is_nothing_to_read(reader, text):
    with pytest.raises(NothingToRead):
        reader.read_cleaned(text)
