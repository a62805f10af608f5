"""Every way to mark sarcasm reads the same."""

import pytest

from model.text.cleaning import clean
from model.text.sarcasm import MARK

MARKS = [
    " /s", " /S", " \\s", " /sarc", " /sarcasm", " /sarcastic", " (sarcasm)", " (/sarcasm)", " [sarcasm]",
    " <sarcasm>", " </sarcasm>", " {sarcasm}", " (sarcastic)", " (end sarcasm)", " #sarcasm",
    " #sarcastic", " #sarc", " #irony", " # sarcasm", " ... not", "... not", "...not", " - not", " \u2014 not",
    "\u2026 not", " NOT", " NOT!", ", not!", " /s /s", " \n/s", " \U0001f643", " \U0001f644", " /s.",
]  # fmt: skip
PRAISE = ["what a great idea", "oh wonderful", "love this update", "best patch ever, thanks"]


@pytest.mark.parametrize("mark", MARKS)
def test_every_mark_says_the_same(mark):
    for text in PRAISE:
        assert clean(text + mark).replace(f" . {MARK}", f" {MARK}") == f"{text} {MARK}"


@pytest.mark.parametrize(
    "text",
    ["wHaT a gReAt iDeA", "WhAt A gReAt IdEa", "/s what a great idea", "<sarcasm>what a great idea</sarcasm>"],
)
def test_mocking_case_and_marks_elsewhere_say_the_same(text):
    assert clean(text) == f"what a great idea {MARK}"


@pytest.mark.parametrize("mark", MARKS)
def test_marking_comes_to_rest(mark):
    once = clean(PRAISE[0] + mark)
    assert clean(once) == once
    assert once.count(MARK) == 1


@pytest.mark.parametrize(
    "text",
    [
        "and/or", "/start", "he/she/they", "src/s/file.txt", "/s/file", "cd /s/x", "C:\\s\\x", "m/s is a speed",
        "10 km/s", "and/s", "w/s", "/speed", "/say hi", "/stop", "-s flag", "it is not", "why not", "or not", "if not",
        "i think not", "of course not.", "do it or not?", "NOT now", "do NOT go", "iPhone", "macOS and iOS", "eBay",
        "McDonald", "YouTube and TikTok", "sArah", "HTML5", "PvP or PvE", "sarcasm is fun", "my sarcastic friend",
        "it's fun - not that hard", "LaTeX", "ok... not bad", "GitHub JavaScript", "/\\s/g",
        "dir /s", "shutdown /s /t 0", "rm -rf /s", "X:/Windows /s", "setup.exe /s", "use the /s flag", "a \\s+ b",
        "<s>old</s> new", "I am NOT", "ABSOLUTELY NOT", "absolutely NOT", "of course NOT", "PLEASE DO NOT", "why NOT",
        "NO IT IS NOT", "please do NOT!", "dQw4w9WgXcQ", "I said NOT",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_mark_stays(text):
    assert MARK not in clean(text)


def test_a_loud_not_within_a_long_text_is_no_mark_wherever_the_text_is_cut():
    for words in range(60, 140):
        assert MARK not in clean(
            " ".join(f"word{chr(97 + n % 26)}{n}" for n in range(words)) + " NOT, " + "so it is " * 3
        )
        assert MARK not in clean(
            " ".join(f"on{n}" for n in range(words)) + " a game NOT a film so it is " + "x1 y2 " * 60
        )


def test_a_mark_alone_marks_nothing():
    assert MARK not in clean("/s")


@pytest.mark.parametrize("mark", [" /s", " #sarcasm", " (sarcasm)"])
@pytest.mark.parametrize("text", ["what a great update", "oh great", "great, another delay"])
def test_marked_praise_is_blame_to_the_model(text, mark, sentiment_of):
    assert sentiment_of(text + mark) == "negative"
