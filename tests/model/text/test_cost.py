"""What a text costs is told before it is tokenised: never less than half of its tokens."""

import json
import random
from concurrent.futures import Future

import emoji
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from model.checkpoints.checkpoint import BUNDLED_FOLDER
from model.scheduling.fair_queue import SPARSE_TOKENS, FairQueue
from model.scheduling.request import MOST_WINDOWS, Priority, Request, cost_of
from model.text.cleaning import clean
from model.text.cost import estimated_tokens
from model.text.tables import rows, words

TOKENIZER = Tokenizer.from_file(str(BUNDLED_FOLDER / "tokenizer.json"))
TOKENIZER.no_truncation()
TOKENIZER.no_padding()

CHANCE = random.Random(3)


def tokens_of(cleaned):
    return len(TOKENIZER.encode(cleaned).ids)


def signs(first, last, gap=" "):
    return gap.join(chr(code) for code in range(first, last))


KINDS = {
    "nothing much": "a",
    "prose": "I think we should go back to the old map, nobody liked the new one anyway.",
    "shouting": "WHY IS THE SERVER DOWN AGAIN?!?! FIX YOUR GAME!!!",
    "every english word": " ".join(words("english")),
    "every foreign word": " ".join(words("foreign")),
    "every word of chat": " ".join(words("chat")),
    "words run together": "".join(list(words("english"))[:2000]),
    "names nobody knows": " ".join("".join(CHANCE.choices("bcdfghjklmnpqrstvwxz", k=9)) for _ in range(500)),
    "one letter and another": " ".join(CHANCE.choices("abcdefghijklmnopqrstuvwxyz", k=2000)),
    "numbers": " ".join(map(str, range(3000))),
    "digits": "".join(map(str, range(3000))),
    "hexadecimal": " ".join(f"{CHANCE.getrandbits(64):x}" for _ in range(200)),
    "base64": "".join(CHANCE.choices("ABCDEFGHIJabcdefghij0123456789+/", k=3000)),
    "signs": " ".join(CHANCE.choices("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", k=3000)),
    "signs in a row": "".join(CHANCE.choices("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", k=3000)),
    "underscores": "_".join(list(words("english"))[:1000]),
    "code": "for (int i = 0; i < n; ++i) { a[i] += b[i] * c[i]; } // " * 5 + "x->y(z)::w",
    "links": " ".join(f"https://example.org/{number}" for number in range(200)),
    "every emoji of the table": "".join(row["emoji"] for row in rows("emoji")),
    "every emoji": " x ".join(emoji.EMOJI_DATA),
    "every emoticon": " ".join(row["emoticon"] for row in rows("emoticons")),
    "ratings": " ".join(f"{number}/10" for number in range(11)),
    "accents": signs(0xC0, 0x250),
    "accented words": " ".join("\u00e9\u00e8\u00ea\u00f1\u00fc\u00e5"[number % 6] * 5 + "a" for number in range(300)),
    "marks": "".join(letter + "\u0301\u0316\u0334\u0323" for letter in "zalgotextofmanymarks" * 30),
    "greek": signs(0x370, 0x400),
    "cyrillic": signs(0x400, 0x530),
    "hebrew": signs(0x591, 0x5F5),
    "arabic": signs(0x600, 0x700, ""),
    "devanagari": signs(0x900, 0x980, ""),
    "thai": signs(0xE01, 0xE5C, ""),
    "georgian": signs(0x10A0, 0x1100),
    "jamo": signs(0x1100, 0x1200),
    "kana": signs(0x3041, 0x3100, ""),
    "chinese": signs(0x4E00, 0x5600, ""),
    "korean": signs(0xAC00, 0xB400, ""),
    "korean apart": signs(0xAC00, 0xB400),
    "korean pairs": " ".join(chr(code) + chr(code + 1) for code in range(0xAC00, 0xD7A2, 7)),
    "presentation forms": signs(0xFB00, 0xFEFF),
    "swelling ones": "\ufdfa \ufdfb " * 50 + signs(0xFDF0, 0xFDFF),
    "mathematical": signs(0x1D400, 0x1D7FF),
    "pictures": signs(0x2190, 0x2BFF),
    "old scripts": signs(0x10000, 0x10400),
    "private": signs(0xE000, 0xE100),
    "every letter in a word": "".join(chr(code) for code in range(0xC0, 0x24F) if chr(code).isalpha()),
}


@pytest.mark.parametrize("text", KINDS.values(), ids=KINDS)
def test_the_estimate_is_never_below_half_of_the_true_tokens(text):
    cleaned = clean(text)
    assert 2 * estimated_tokens(cleaned) >= tokens_of(cleaned)


@given(st.text(max_size=400) | st.text(st.characters(codec="utf-8"), max_size=400))
def test_nor_is_it_for_any_text(text):
    cleaned = clean(text)
    assert 2 * estimated_tokens(cleaned) >= tokens_of(cleaned)


@given(st.lists(st.text(st.characters(categories=["L", "M"]), min_size=1, max_size=12), max_size=40).map(" ".join))
def test_nor_for_words_of_any_letters(text):
    cleaned = clean(text)
    assert 2 * estimated_tokens(cleaned) >= tokens_of(cleaned)


@given(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4), st.integers(0, 900), st.integers(1, 400))
def test_nor_for_pieces_of_the_kinds(names, start, size):
    cleaned = clean(" ".join(KINDS[name][start % len(KINDS[name]) :][:size] for name in names))
    assert 2 * estimated_tokens(cleaned) >= tokens_of(cleaned)


def test_plain_chat_is_not_taken_for_twice_as_much():
    golden = json.loads((BUNDLED_FOLDER / "golden.json").read_text("utf-8"))
    chat = [clean(row["text"]) for row in golden]
    assert sum(map(estimated_tokens, chat)) <= 2 * sum(map(tokens_of, chat))


@pytest.mark.parametrize("priority", Priority)
def test_a_text_costs_no_more_than_the_windows_that_are_read_of_it(priority):
    long, short = estimated_tokens("word " * 100_000), estimated_tokens("good")
    assert cost_of(long, priority) == MOST_WINDOWS[priority] * 512 < long
    assert cost_of(short, priority) == short
    assert Request("word " * 100_000, priority, Future()).cost == cost_of(long, priority)


LONG = {name: text for name, text in KINDS.items() if tokens_of(clean(text)) > 2 * SPARSE_TOKENS}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_who_sends_a_long_text_is_not_taken_for_one_who_sends_little(text):
    assert len(LONG) >= 5
    request = Request(clean(text), Priority.INTERACTIVE, Future(), "loud")
    FairQueue(500_000).put(request)
    assert not request.sparse
