"""Whether a text says for certain in which language it is."""

import pytest

from model.text.telling import tells_language


@pytest.mark.parametrize(
    "text",
    ["jaja", "jajajajaja", "lol", "xd", "Pedro", "Messi", "😂😂", "❤️", "que lindo", "no mames", "gg wp", "lol nice"],
)
@pytest.mark.parametrize("language", ["", "en", "es", "pt"])
def test_a_short_one_does_not(text, language):
    assert not tells_language(text, language)


@pytest.mark.parametrize("text", ["horrible la verdad tio", "menudo partidazo colegas", "lmao noob carry feeder gg ez"])
def test_one_without_english_words_is_not_surely_english(text):
    assert not tells_language(text, "en")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("need one more healer for the raid", "en"),
        ("what a wonderful day it was", ""),
        ("me encanta este juego de verdad", "es"),
        ("das update ist echt der letzte müll", "de"),
    ],
)
def test_a_sentence_does(text, language):
    assert tells_language(text, language)
    assert tells_language(f"{text} " * 1000, language)
