"""How the bot talks: words that may not come back in what people read, and how hard that is to read."""

import re

import pytest

from tests.texts import grade, group, of_page, of_source, of_template, syllables, texts

ODD = {
    "of which": r"\bof which\b",
    "as usual": r"\bas usual\b",
    "anew": r"\banew\b",
    "told": r"\btold\b",
    "stands": r"\bstands\b(?! for)",
    "brought": r"\bbrought\b",
    "for in the sense of because": (
        r"[,;] for (?:it|its|he|she|they|we|I|you|that|there|nobody|no|too|the|my|Discord|some)\b"
    ),
    "for too much": r"\bfor too (?:much|many)\b",
    "looked after": r"\blooked after\b",
    "could not be had": r"\b(?:could not|couldn't|can't|cannot) be had\b",
    "hand in": r"\bhand(?:ed)? in\b",
    "just now": r"\bjust now\b",
    "is to be": r"\b(?:am|is|are|was|were) to be\b|\bI am to\b",
    "has somebody do": r"\bha(?:s|ve) me (?:post|watch|react|try)\b",
    "goes, for is deleted": r"\b(?:[Ee]ach|they|it|these) go(?:es)? (?:after|with)\b",
    "uncontracted": r"\b(?:cannot|could not|does not|do not|did not|is not|are not|was not|were not|has not|have not|"
    r"will not|would not)\b",
}
"""What no text may say, by what is wrong with it."""

TEXTS = [
    one for one in texts() if group(one.file) != "pages" or one.file == "README.md" or one.file.startswith("docs/")
]


@pytest.mark.parametrize("odd", ODD)
def test_no_text_talks_like_that(odd):
    found = [f"{one.file}:{one.line}: {one.text}" for one in TEXTS if re.search(ODD[odd], one.text)]
    assert found == []


@pytest.mark.parametrize(
    ("odd", "text"),
    [
        ("told", "An admin is told more."),
        ("for in the sense of because", "Nothing is read, for my notice was deleted."),
        ("for in the sense of because", "Nothing is read, for Discord did not take it."),
        ("stands", "It stands at 127.0.0.1."),
        ("is to be", "So much is to be read."),
        ("goes, for is deleted", "Each goes after 7 days."),
        ("uncontracted", "My database does not answer."),
    ],
)
def test_what_was_said_before_would_be_found(odd, text):
    assert re.search(ODD[odd], text)


@pytest.mark.parametrize("text", ["A chart for the last week.", "It's for everyone, for free.", "Ask for it."])
def test_for_may_still_mean_for(text):
    assert not re.search(ODD["for in the sense of because"], text)


@pytest.mark.parametrize(
    ("who", "most"), [("Discord", 4.0), ("web page", 4.5), ("operators", 4.5), ("training", 4.5), ("pages", 7.0)]
)
def test_what_people_read_is_easy_to_read(who, most):
    """Whole sentences; `python -m tests.texts --level` prints the grades."""
    assert 0 < grade(one.text for one in TEXTS if group(one.file) == who) < most


def test_the_list_has_every_kind_of_text_and_neither_docstrings_nor_the_log_nor_sql():
    source = '''
"""A docstring of five words."""
WORDS = "A text that is shown."
@command(description="Helps")
def say(name):
    """Another docstring of words."""
    log.warning("the log has %s", name)
    run("SELECT a FROM b")
    return f"Hello {name}, how are you?" + ("one part " "of two")
'''
    found = sorted(text for _, text in of_source(source))
    assert found == ["A text that is shown.", "Hello {}, how are you?", "Helps", "one part of two"]


def test_a_page_is_taken_by_paragraphs_without_code_and_tables():
    page = "# A title\n\nTwo lines\nof [one](x.md).\n\n```\ncode is here\n```\n\n| a table |\n\n- a point\n- another\n"
    assert [text for _, text in of_page(page)] == ["A title", "Two lines of one.", "a point", "another"]
    assert [text for _, text in of_page("# What it does.\nNAME=a value\n")] == ["What it does."]


def test_a_template_is_what_it_shows_and_reads_out():
    template = (
        '<style>\na { b: c }\n</style>\n<p aria-label="The whole answer">Read in {{ parts }}, <b>not more</b></p>\n'
    )
    assert of_template(template) == [(4, "The whole answer"), (4, "Read in {},  not more")]


@pytest.mark.parametrize(("word", "number"), [("mood", 1), ("notice", 2), ("server", 2), ("isn't", 1), ("table", 2)])
def test_syllables_are_groups_of_vowels(word, number):
    assert syllables(word) == number


def test_longer_sentences_of_longer_words_are_harder():
    assert grade(["The cat sat on the mat."]) < grade(
        ["Considering everything, extraordinarily complicated formulations necessitate additional concentration."]
    )
