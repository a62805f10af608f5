"""Whether somebody may be in danger: who speaks of ending their life or hurting themselves, or threatens others.

A rating of such a text would be an insult, and a mood that tags its author worse. The patterns and what only sounds
like them, a boss that makes one want to die, stand in danger.toml with the reason for each. Ordinary chat is let
through by a look at its words alone. It is no diagnosis: it decides which texts are not rated.
"""

from __future__ import annotations

import re
import threading
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from model.text.required import alternatives, required_words

_TABLE = Path(__file__).with_name("danger.toml")

_NEAR = 120
"""Characters on either side of a match in which a look-alike explains it."""

_SHORT = 160
"""Characters up to which words in whatever order are taken to be about the same."""

_SIEVED = str.maketrans({"'": None, **dict.fromkeys('.,!?;:"()[]{}<>+=~#$%^|\\-_', " ")})
_TRIPLES = tuple(3 * letter for letter in "aeiouylstk")
_STRETCH = re.compile(r"([a-z])\1{2,}")
_PLAIN_SIGN = re.compile(r"(?<=[a-z])!(?=[a-z])")
_TOKEN = re.compile(r"\([a-z][a-z' -]{0,60}\)|[^\W_](?:[^\W_]|[/*])*|&|[.!?;:]+")
_END = frozenset(".!?;:")
_TERM = re.compile(r"<([a-z_]+)>")
_reading = threading.Lock()
_GAPS = {" .. ": r" (?:[^\s.]+ ){0,5}?", " ... ": r" (?:[^\s.]+ ){0,8}?", " .... ": r" (?:\S+ ){0,14}?"}


class _Pattern:
    """A pattern over whole words, compiled when it is first asked: most never are."""

    def __init__(self, written: str) -> None:
        self._written = written
        self._compiled: re.Pattern[str] | None = None

    def get(self) -> re.Pattern[str]:
        """The pattern itself."""
        if self._compiled is None:
            self._compiled = re.compile(rf"(?<!\S)(?:{self._written})(?!\S)")
        return self._compiled


@dataclass(frozen=True, slots=True)
class _Line:
    """One way to say it. `needs` are sets of words: a text that says it has a word of each, in any spelling.

    Without `says` that is all it takes, in a text that is no essay. `unless`: what explains it.
    """

    needs: tuple[frozenset[str], ...]
    says: _Pattern | None
    unless: _Pattern

    def may_be_said_with(self, said: set[str]) -> bool:
        """Whether the words are there. The first were looked for already."""
        return not any(map(said.isdisjoint, self.needs[1:]))

    def is_said_in(self, plain: str) -> bool:
        """Whether it is said in `plain`, which has the words, and nothing near by explains it."""
        if self.says is None:
            return len(plain) <= _SHORT and not self.unless.get().search(plain)
        return any(
            not self.unless.get().search(plain, max(0, found.start() - _NEAR), found.end() + _NEAR)
            for found in self.says.get().finditer(plain)
        )


@dataclass(frozen=True, slots=True)
class _Table:
    """danger.toml, ready for use: the lines by the rarest words that they need, and what each spelling stands for."""

    by_word: dict[str, tuple[_Line, ...]]
    asked: frozenset[str]
    spelling: dict[str, str]

    def lines_for(self, said: set[str]) -> list[_Line]:
        """Those that a text of these words may hold; one that several of the words call for comes as often."""
        called = said & self.asked
        return [line for word in called for line in self.by_word[word] if line.may_be_said_with(said)]


def may_be_in_danger(cleaned: str) -> bool:
    """Whether a cleaned text says that somebody may be in danger: self-harm or suicide, threats, or being told to die.

    Takes time that grows with the length of the text. Never raises. The first call reads the table: see `prepare`.
    """
    table = _table()
    text = cleaned.lower()
    if any(map(text.__contains__, _TRIPLES)):
        text = _STRETCH.sub(r"\1", text)
    text = _PLAIN_SIGN.sub("i", text) if "!" in text else text
    lines = table.lines_for(set(text.translate(_SIEVED).split()))
    if not lines:
        return False
    plain = _plain(text, table.spelling)
    return any(line.is_said_in(plain) for line in lines)


def is_ready() -> bool:
    """Whether the table is read, so that the next text does not wait for it."""
    return _table.cache_info().currsize > 0


def prepare() -> None:
    """Reads the table, which takes a fraction of a second, so that no text has to wait for it."""
    with _reading:
        _table()


def _plain(text: str, spelling: dict[str, str]) -> str:
    """The form that the patterns are written for, see danger.toml, of a text in small letters."""
    found = _TOKEN.findall(text.replace("'", ""))
    tokens = (" ." if token[0] in _END else spelling.get(token, f" {token}") for token in found)
    return "".join(tokens).strip(" .")


@cache
def _table() -> _Table:
    with _TABLE.open("rb") as file:
        table = tomllib.load(file)
    spelling = {written: f" {meant}" for meant, ways in table["spelling"].items() for written in ways.split()}
    spelling |= dict.fromkeys(table["drop"].split(), "")
    ways: dict[str, set[str]] = {}
    for written, meant in spelling.items():
        for word in meant.split():
            ways.setdefault(word, {word}).add(written)
    by_word: dict[str, list[_Line]] = {}
    for line in _lines(table, ways):
        for word in line.needs[0]:
            by_word.setdefault(word, []).append(line)
    return _Table({word: tuple(lines) for word, lines in by_word.items()}, frozenset(by_word), spelling)


def _lines(table: dict[str, Any], ways: dict[str, set[str]]) -> Iterator[_Line]:
    terms = {name: _one_of(ways.split("\n")) for name, ways in table["terms"].items()}
    for group in table["danger"]:
        names = [*table["always"].split(), *group["unless"].split()]
        explained = [table["look_alikes"][name] for name in names if name not in group.get("even_with", "").split()]
        unless = _compiled(_one_of(line for some in explained for line in some.split("\n")), terms)
        if "words" in group:
            yield _Line(tuple(_spelled(words.split(), ways) for words in group["words"]), None, unless)
        for line in group.get("says", "").split("\n"):
            for way in alternatives(line):
                needs = required_words(_without_gaps(_filled(way, terms)))
                yield _Line(tuple(_spelled(words, ways) for words in needs), _compiled(way, terms), unless)


def _spelled(words: Iterable[str], ways: dict[str, set[str]]) -> frozenset[str]:
    return frozenset[str]().union(*(ways.get(word, {word}) for word in words))


def _one_of(lines: Iterable[str]) -> str:
    return f"(?:{'|'.join(line for line in lines if line)})"


def _filled(line: str, terms: dict[str, str]) -> str:
    """The line with its terms written out, and theirs."""
    while _TERM.search(line):
        line = _TERM.sub(lambda name: terms[name[1]], line)
    return line


def _without_gaps(line: str) -> str:
    for gap in _GAPS:
        line = line.replace(gap, " ")
    return line


def _compiled(line: str, terms: dict[str, str]) -> _Pattern:
    """The line as a pattern over whole words."""
    written = _filled(line, terms)
    for gap, pattern in _GAPS.items():
        written = written.replace(gap, pattern)
    return _Pattern(written)
