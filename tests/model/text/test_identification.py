"""Which of the languages that are read a text is in: English first, and whatever is plain costs nothing."""

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from model.errors import Unreadable
from model.text import language as language_module
from model.text.cleaning import clean
from model.text.identification import language_at_once, language_of
from model.text.preprocessing import prepare_at_once, prepare_in_steps
from tests.bench.reading import lines
from tests.bench.texts import sentences

READ = ("en", "es", "pt", "fr", "de", "it", "tr", "pl")
CODES = {"Spanish": "es", "Portuguese": "pt", "French": "fr", "German": "de", "Italian": "it", "Turkish": "tr",
         "Polish": "pl"}  # fmt: skip


def said_to_be(text, languages=READ):
    """The language that a text is read as, or the name of the one for which it is not."""
    try:
        return language_of(clean(text), languages)
    except Unreadable as refusal:
        return f"not read: {refusal.language}"


def by_language():
    with (Path(__file__).parent / "languages.csv").open(encoding="utf-8", newline="") as file:
        found = defaultdict(Counter)
        for row in csv.DictReader(file):
            found[row["language"]][said_to_be(row["text"])] += 1
    return found


FOUND = by_language()


@pytest.mark.parametrize("name", CODES)
def test_chat_lines_are_taken_for_what_they_are(name):
    assert FOUND[name][CODES[name]] >= 0.9 * FOUND[name].total()


@pytest.mark.parametrize("name", ["Russian", "Japanese", "Korean", "Arabic", "Hindi"])
def test_a_script_that_is_not_read_is_named(name):
    assert set(FOUND[name]) == {f"not read: {name}"}


@pytest.mark.parametrize("name", ["Dutch", "Swedish", "Indonesian", "Vietnamese", "Tagalog"])
def test_a_neighbour_that_is_not_read_is_hardly_ever_taken_for_one_that_is(name):
    assert sum(FOUND[name][code] for code in CODES.values()) <= 0.15 * FOUND[name].total()


def test_a_script_is_a_language_that_may_be_read():
    assert said_to_be("это лучшая игра в мире", ("en", "ru")) == "ru"
    assert said_to_be("ありがとう、最高だった", ("en", "ja")) == "ja"


def test_english_stays_english():
    found = Counter(map(said_to_be, sentences()))
    assert found[""] >= 0.999 * found.total()


def test_english_that_was_written_to_look_odd_mostly_does():
    found = Counter(said_to_be(row["text"]) for row in lines("english"))
    assert found[""] >= 0.95 * found.total()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("merci", "fr"),
        ("Merci!!", "fr"),
        ("gracias", "es"),
        ("danke", "de"),
        ("obrigado", "pt"),
        ("grazie", "it"),
        ("dzięki", "pl"),
        ("teşekkürler", "tr"),
        ("muy bien", "es"),
        ("so gut", "de"),
        ("no gracias", "es"),
        ("grazie mille", "it"),
        ("lol merci", "fr"),
        ("gracias \U0001f602", "es"),
        ("qué partidazo", "es"),
        ("gracias bro", "es"),
        ("je t'aime", "fr"),
        *((text, "") for text in ("gg", "lol", "no", "ok", "top", "bravo", "nice", "haha", "gg ez", "jajaja", "pog")),
        ("danke bro you're the best", ""),
        ("gracias for the carry", ""),
    ],
)
def test_short_words_of_one_other_language_alone(text, language):
    assert said_to_be(text) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("la maj est nulle", "fr"),
        ("maten la plantita y frenen la wave", "es"),
        ("takimda agzini bozan yok", "tr"),
    ],
)
def test_a_language_that_is_read_is_taken_rather_than_a_rare_one(text, language):
    assert said_to_be(text) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("mannaggia", "it"),
        ("czekam w lobby", "pl"),
        ("ile trzeba obsydianu na portal", "pl"),
        ("vardiya bitti", "tr"),
        ("jte parle plus", "fr"),
        ("ganhamo de 13 a 3", "pt"),
        ("vlw", "pt"),
        ("boh", "it"),
    ],
)
def test_a_short_line_without_a_word_of_english_is_not_english(text, language):
    assert said_to_be(text) == language


@pytest.mark.parametrize(("text", "language"), [("merciiii", "fr"), ("graciasss", "es"), ("catJAM merci catJAM", "fr")])
def test_words_long_drawn_out_and_beside_emotes_are_still_known(text, language):
    assert said_to_be(text) == language


@pytest.mark.parametrize("text", ["OhMyDog", "FeelsTastyMan", "iconiccc", "slayyy", "solo dub?!", "L bozo"])
def test_emotes_and_slang_of_english_chat_stay_english(text):
    assert said_to_be(text) == ""


def test_short_words_of_a_language_that_is_not_read_are_read_as_ever():
    assert said_to_be("merci", ("en", "es")) == ""


def test_what_is_refused_says_what_is_read():
    with pytest.raises(Unreadable, match=r"looks like Russian\. I only read English, Spanish and German\."):
        language_of(clean("это лучшая игра в мире"), ("en", "es", "de"))


def test_what_is_plainly_english_never_loads_the_language_model(monkeypatch):
    monkeypatch.setattr(language_module, "_load", lambda: pytest.fail("loaded"))
    for text in ("this is the best update so far", "gg", "lol", "the boss spawns at eight", "merci", "thanks bro"):
        assert language_at_once(clean(text), READ) is not None


def test_what_is_found_at_once_is_what_a_closer_look_finds():
    texts = [row["text"] for row in (*lines("languages"), *lines("english"))]
    for text in texts:
        at_once = language_at_once(clean(text), READ)
        assert at_once is None or at_once == said_to_be(text)


def prepared(text, languages):
    steps = prepare_in_steps(text, languages)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("text", ["merci", "gg", "odio a todos ustedes de verdad", "the boss spawns at eight"])
def test_a_text_is_prepared_with_its_language(text):
    found = prepared(text, READ)
    assert found.language == said_to_be(text)
    assert prepare_at_once(text, READ) in (None, found)


def test_where_nothing_but_english_is_read_nothing_is_identified(monkeypatch):
    for name in ("language_of", "language_at_once"):
        monkeypatch.setattr(f"model.text.preprocessing.{name}", lambda *_: pytest.fail("asked"))
    assert prepared("merci", ()).language == ""
    assert prepare_at_once("merci").language == ""
    with pytest.raises(Unreadable, match=r"looks like Spanish\. I only read English\."):
        prepared("odio a todos ustedes de verdad", ())
