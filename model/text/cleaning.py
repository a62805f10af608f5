"""Chat text to plain words, the same for training and for serving.

`clean` is the only way text reaches the tokenizer, so what the model learned is what it meets. Signs of chat become
words that the model can read (`model.text`); what costs more than it says is shortened (`model.text.bounds`).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Generator

from model.text.bounds import REPETITIVE, normalised, without_endless_words, without_repetition
from model.text.emoji_words import few_emoji, name_emoji, open_shortcodes
from model.text.emoticons import hold_emoticons, name_emoticons
from model.text.letters import (
    SHORTEST_PHRASE,
    join_letters,
    may_be_dotted,
    may_be_spaced,
    may_run_together,
    undo_signs,
    unmask,
)
from model.text.markup import CHANNEL, LINK, ROLE, USER, drop_markup
from model.text.ratings import may_rate, name_drawn_stars, name_ratings
from model.text.sarcasm import LAST, mark_sarcasm, may_be_tagged, may_take_back

_MAX_ROUNDS = 20
"""Markup can hide markup (`||<@1>||`); a few rounds reach the point where nothing changes any more."""

PIECE = 500
"""Characters of a long text that are cleaned at a time, or a few less: it is cut at blanks."""

_AT_A_BLANK = re.compile(rf".{{1,{PIECE}}}(?:(?<!not)(?<!not[.!])\s|\Z)|.{{1,{PIECE}}}", re.DOTALL | re.IGNORECASE)
"""Not after a "not", which would seem to take back what is said before it."""

_UNSPEAKABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u115f\u1160\u2800\u3164\uffa0\ud800-\udfff\ufffc-\uffff]"
)
"""Controls, halves of surrogate pairs, noncharacters, and letters that show nothing at all."""

_AMPERSANDS = re.compile(r"&(?:amp;)+")
_CHARACTER_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});?")
_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_BLOCK_QUOTE = re.compile(r"^[^\S\n]*>>>[^\S\n].*\Z", re.DOTALL | re.MULTILINE)
_QUOTED_LINE = re.compile(r"^[^\S\n]*>[^\S\n].*$", re.MULTILINE)
_STRETCH = re.compile(r"([^\W\d_]|[!?.,])\1{3,}")
_MARKS = re.compile(r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff])+")
_EMOJI_JOINTS = "\u200d\ufe0e\ufe0f\u20e3"
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_STRAIGHT_QUOTES = str.maketrans("\u2018\u2019\u201b\u201c\u201d\u201f", "'''\"\"\"")
_CURLY = re.compile("[\u2018\u2019\u201b\u201c\u201d\u201f]")
"""Not the acute accent, which is a part of kaomoji and becomes a quote only after them."""
_PLACEHOLDER = re.compile(rf"{USER}\b|{ROLE}\b|{CHANNEL}\b|\b{LINK}\b")
_QUIET_SIGNS = r"[A-Za-z0-9 .,'!?\"()\-+%\n]*+"
_QUIET = re.compile(
    rf"{_QUIET_SIGNS}(?:(?:(?<=[A-Za-z0-9]):(?=[ \n0-9])|@(?:user|role)\b"
    rf"|#(?:[a-z]{{1,9}}|[A-Z]{{1,9}}|[A-Z][a-z]{{1,8}})(?![A-Za-z0-9_#])){_QUIET_SIGNS})*+\Z"
)
"""Letters, digits and signs of which none stands for something by itself."""

_RUN = re.compile(r"(.)\1\1\1", re.DOTALL)
_MOCKING_OR_LEET = re.compile(r"[A-Z0-9](?:(?<=[A-Z])[a-z][A-Z]|(?<=[0-9])[A-Za-z]|(?<=[A-Za-z][0-9]))")
_SUBSTANCE = re.compile(r"[^\s,.;:\u2026/|&\-]")


def clean(text: str) -> str:
    """Returns `text` as one line of plain words; "" when nothing is left.

    Discord markup becomes words or goes: mentions `@user`, links `http`, `<:pepe_sad:1>` "pepe sad", spoiler bars
    and emphasis off, code blocks and quoted lines out. Emoji, emoticons, ratings, marks of sarcasm and letters in
    disguise become the words that are meant, stretched letters and whatever is repeated are shortened ("sooooo" ->
    "sooo"), Unicode is brought to NFKC. Takes time that grows with the text's length, whatever it holds. Never raises;
    `clean(clean(x)) == clean(x)`.
    """
    if len(text) <= PIECE:
        text = _clean_piece(text)
        if len(text) <= PIECE:
            return text  # else its signs have become so many words that it is a long text, and read as one
    steps = clean_in_steps(text)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            cleaned: str = end.value
            return cleaned


def clean_in_steps(text: str) -> Generator[None, None, str]:
    """The same as `clean`, which yields whenever it has held the interpreter for a millisecond or so."""
    for _ in range(_MAX_ROUNDS):
        before = text
        text = without_endless_words(few_emoji(_without_blocks(text)))
        cleaned = []
        for piece in _AT_A_BLANK.findall(text):
            cleaned.append(_clean_piece(piece))
            yield
        text = " ".join(without_repetition(whole := " ".join(cleaned), whole.split()))
        yield
        if text == before:
            break
    return text


def _clean_piece(text: str) -> str:
    text = _straight(text)
    for _ in range(_MAX_ROUNDS):
        if _QUIET.match(text) and (quiet := _quiet(text)) is not None:
            return quiet
        cleaned = _clean_once(text)
        if cleaned == text:
            break
        text = cleaned
    return text


def is_readable(cleaned: str) -> bool:
    """Whether a cleaned text says anything beyond mentions, links and separators."""
    if "@" in cleaned or "#" in cleaned or LINK in cleaned:
        cleaned = _PLACEHOLDER.sub(" ", cleaned)
    return _SUBSTANCE.search(cleaned) is not None


def _quiet(text: str) -> str | None:
    """A text of letters and quiet signs as it is, which most of chat is; None where a closer look is needed."""
    words = text.split()
    lengths = list(map(len, words))
    said = set(words)
    if (
        _RUN.search(text)
        or _MOCKING_OR_LEET.search(text)
        or (lengths.count(1) > 2 and may_be_spaced(text))
        or (max(lengths, default=0) >= SHORTEST_PHRASE and may_run_together(words))
        or (len(words) >= REPETITIVE and 2 * len(said) <= len(words))
        or ("not" in (lowered := text.lower())[-LAST:] and may_take_back(text))
        or ((" of " in lowered or "star" in lowered) and may_rate(text))
        or (("(" in text or "#" in text) and may_be_tagged(text))
        or (("-" in text or "." in text) and (may_be_dotted(text) or "www." in lowered))
        or hold_emoticons(said)
    ):
        return None
    return " ".join(words)


def _clean_once(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        text = _UNSPEAKABLE.sub(" ", text)
    apart = mark_sarcasm(_plain(text))
    words = apart.split()
    text = join_letters(apart, words)
    if _RUN.search(text):
        text = _STRETCH.sub(r"\1\1\1", text)
    return " ".join(without_repetition(text, words if text == apart else text.split()))


def _plain(text: str) -> str:
    """Without signs that stand for something."""
    text = name_emoticons(_without_blocks(text))
    if ":" in text:
        text = open_shortcodes(text)
    if not text.isascii():
        text = _normalise(text)
    return name_ratings(drop_markup(undo_signs(text)))


def _without_blocks(text: str) -> str:
    """Without what may go over many lines: code blocks and quotes."""
    if "&" in text:
        text = _CHARACTER_REFERENCE.sub(lambda reference: html.unescape(reference[0]), _AMPERSANDS.sub("&", text))
    if "```" in text:
        text = _CODE_BLOCK.sub(" ", text)
    if ">" in text:
        text = _BLOCK_QUOTE.sub(" ", text)
        text = _QUOTED_LINE.sub(" ", text)
    return text


def _straight(text: str) -> str:
    """Curly quotes made straight."""
    return text.translate(_STRAIGHT_QUOTES) if not text.isascii() and _CURLY.search(text) else text


def _normalise(text: str) -> str:
    text = name_emoji(name_drawn_stars(unmask(_straight(text).replace("\u00b4", "'"))))
    if text.isascii():
        return text
    text = normalised(_strip_invisible(text))
    return text if text.isascii() else normalised(_MARKS.sub(r"\1", _UNSPEAKABLE.sub(" ", text)))


def _strip_invisible(text: str) -> str:
    """Drops zero-width and direction characters (category Cf) that hide words from the tokenizer."""
    return _BEYOND_ASCII.sub(lambda match: "".join(map(_shown, match[0])), text)


def _shown(character: str) -> str:
    if character in _EMOJI_JOINTS:
        return " "
    return "" if unicodedata.category(character) == "Cf" else character
