"""Looking words up gives the tokens that the tokenizer gives, for any text and any tokenizer."""

import csv
import json
import re
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from model.errors import NothingToRead
from model.text.cleaning import clean
from model.text.known_words import KnownWords
from model.text.tokenization import Reader
from tests.model.conftest import TOKENIZER
from tests.model.text.odd_texts import EVERYTHING, own_texts, random_texts

SIZE = 512


def tokenizer_of(file):
    """A tokenizer that reads a text whole and adds nothing to it."""
    tokenizer = Tokenizer.from_str(file)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


BUNDLED = tokenizer_of(TOKENIZER.read_text("utf-8"))
KNOWN = KnownWords.of(BUNDLED, BUNDLED.get_vocab(with_added_tokens=True))
READER = Reader(TOKENIZER.read_bytes(), SIZE)
ASCII = st.text(st.characters(max_codepoint=127), max_size=80)
SIGNS = st.lists(
    st.sampled_from(
        [*EVERYTHING, "[CLS]", "[MASK]", "[cls]", "##ing", "unaffable", "\x00", "\x7f", "\t", "x" * 99, "y" * 101]
    ),
    max_size=12,
).map(" ".join)


def tokens_of(tokenizer, text):
    """What the library makes of it."""
    return tokenizer.encode(text, add_special_tokens=False).ids


def words_of(table):
    """The first column of one of our own lists of lines."""
    lines = (Path(__file__).parent / f"{table}.csv").read_text("utf-8")
    return [row["text"] for row in csv.DictReader(StringIO(lines, newline=""))]


@given(ASCII | SIGNS | st.text(max_size=40))
def test_words_that_are_looked_up_are_the_tokens_of_the_library(text):
    ids = KNOWN.ids(text)
    assert ids is None or ids == tokens_of(BUNDLED, text)


@given(ASCII | SIGNS | st.text(max_size=40))
def test_a_text_is_read_as_the_library_reads_it(text):
    assume(not re.search("[\\ud800-\\udfff]", text))  # cleaning leaves none, and the library takes none
    ids = tokens_of(BUNDLED, text)
    if not ids:
        with pytest.raises(NothingToRead):
            READER.read_cleaned(text)
        return
    assert READER.read_cleaned(text).rows == [[101, *ids, 102]]


@pytest.mark.parametrize(
    ("texts", "most"),
    [(own_texts(), 0.05), (random_texts(4000), 0.5), (words_of("english"), 0.05)],
    ids=["own", "random", "hard"],
)
def test_so_are_our_own_texts_and_few_of_them_by_anything_but_looking_words_up(texts, most):
    cleaned = [clean(text) for text in texts]
    found = [KNOWN.ids(text) for text in cleaned]
    assert [ids for ids in found if ids is not None] == [
        tokens_of(BUNDLED, text) for ids, text in zip(found, cleaned, strict=True) if ids is not None
    ]
    assert found.count(None) < most * len(found)


@pytest.mark.parametrize("text", ["[CLS]", "so [SEP] it", "caf\u00e9", "a\tb", "a\nb", "nul\x00here", "\x7f", "\u597d"])
def test_what_the_tokenizer_has_a_rule_for_is_left_to_it(text):
    assert KNOWN.ids(text) is None


def with_part(**parts):
    """The bundled tokenizer's file with some of it changed."""
    return {**json.loads(TOKENIZER.read_text("utf-8")), **parts}


def cased():
    file = with_part()
    file["normalizer"]["lowercase"] = False
    return file


def with_token(**what):
    file = with_part()
    token = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    file["added_tokens"].append({**token, "id": 30522, **what})
    return file


def with_short_words():
    file = with_part()
    file["model"]["max_input_chars_per_word"] = 5
    return file


OTHERS = {
    "cased": (cased(), "So GOOD", False),
    "no normalizer": (with_part(normalizer=None), "So GOOD", False),
    "no splitting": (with_part(pre_tokenizer=None), "so, good", False),
    "words given up on early": (with_short_words(), "terrible", False),
    "a token that is sought in small letters": (with_token(content="lol", normalized=True), "LOL good", False),
    "a token that is sought as it is": (with_token(content="lol"), "so lol and LOL", True),
}


@pytest.mark.parametrize(("file", "text", "is_known"), OTHERS.values(), ids=OTHERS)
def test_another_tokenizer_is_read_as_the_library_reads_it(file, text, is_known):
    data = json.dumps(file)
    tokenizer = tokenizer_of(data)
    assert (KnownWords.of(tokenizer, tokenizer.get_vocab(with_added_tokens=True)) is not None) is is_known
    for one in (text, "plain words, 7 of them!"):
        assert Reader(data.encode(), SIZE).read_cleaned(one).rows == [[101, *tokens_of(tokenizer, one), 102]]
    assert tokens_of(tokenizer, text) != tokens_of(BUNDLED, text)
