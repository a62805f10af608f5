"""What languages are called, and what is said of a text in one of them."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot.i18n import speaking
from bot.presentation.language_words import NAMES, languages_of, named, named_all, read_as
from model import Sentiment, Verdict
from model.text.language import _SCRIPTS, _WIDESPREAD

SPANISH = Verdict(Sentiment.POSITIVE, (0.1, 0.2, 0.7), 1, "two", language="es")
ENGLISH = replace(SPANISH, model="one", language="en")


def running(*languages, version="one"):
    info: Any = SimpleNamespace(languages=languages, version=version, versions=tuple(version.split("+")))
    return info


def test_every_language_that_the_model_can_tell_has_its_name_and_its_code():
    likely = {name for name, _ in _SCRIPTS} | {*_WIDESPREAD.values()}
    assert likely <= {*NAMES.values()}
    assert {code: name for code, name in _WIDESPREAD.items() if code not in {"nb", "nn"}}.items() <= NAMES.items()
    assert len({*NAMES.values()}) == len(NAMES)


@pytest.mark.parametrize("language", ["de", "es", "fr", "ja", "pl", "pt_BR", "tr"])
def test_each_has_a_name_in_each_language_of_the_bot(language):
    with speaking(language):
        same = [code for code, name in NAMES.items() if named(code) == name]
    assert set(same) <= {"af", "ceb", "eo", "hi", "ta", "tl", "ur"}, same


def test_languages_stand_in_a_list_english_first():
    assert languages_of(running()) == ("en",)
    assert languages_of(running("es", "en", "fr")) == ("en", "es", "fr")
    assert languages_of(running("es", "fr")) == ("es", "fr")
    assert named_all(("en", "es", "fr")) == "English, Spanish and French"
    assert named("tlh") == "tlh"


def test_it_is_said_as_what_a_text_was_read_and_by_which_of_several_models():
    assert read_as(replace(SPANISH, language="")) == read_as(ENGLISH) == ""
    assert read_as(SPANISH) == "Read as Spanish."
    assert read_as(SPANISH, running("en", "es", version="two")) == "Read as Spanish."
    assert read_as(SPANISH, running("en", "es", version="one+two")) == "Read as Spanish by model two."
    assert read_as(replace(ENGLISH, model="two"), running("en", "es", version="one+two")) == "Read by model two."
    assert read_as(ENGLISH, running(version="before")) == "", "a model for English alone, changed meanwhile"
    with speaking("de"):
        assert named("es") == "Spanisch"
