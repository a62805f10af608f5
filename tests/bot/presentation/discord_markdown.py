"""How Discord's client reads a text, as far as the tests need it: what is covered, what can be clicked, who is named.

The rules are those of the client's parser (simple-markdown with Discord's own), tried in this order at each place; none
looks beyond its own match, and what is inside of one is read by the same rules.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A run of text, or what stands for one: a link's address, a mention's or an emoji's markup."""

    text: str
    covered: bool
    kind: str = "text"


_INNER = r"((?:\\[\s\S]|[^\\])+?)"
_NESTED = (
    ("masked link", re.compile(r"\[((?:\[[^\]]*\]|[^\[\]]|\](?=[^\[]*\]))*)\]\(\s*<?((?:[^\s\\]|\\.)*?)>?\s*\)")),
    ("spoiler", re.compile(r"\|\|([\s\S]+?)\|\|")),
    ("strong", re.compile(rf"\*\*{_INNER}\*\*(?!\*)")),
    ("underline", re.compile(rf"__{_INNER}__(?!_)")),
    ("emphasis", re.compile(r"\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)")),
    ("emphasis", re.compile(r"\b_((?:__|\\[\s\S]|[^\\_])+?)_\b")),
    ("strike", re.compile(r"~~([\s\S]+?)~~(?!_)")),
)
_PLAIN = (
    ("code block", re.compile(r"```([\s\S]*?[^`])`{3}")),
    ("code", re.compile(r"(`+)([\s\S]*?[^`])\1(?!`)")),
    ("mention", re.compile(r"<@[!&]?\d+>|<#\d+>|<id:\w+>|</[^:>]+:\d+>|@everyone|@here")),
    ("emoji", re.compile(r"<a?:\w+:\d+>", re.ASCII)),
    ("time", re.compile(r"<t:-?\d{1,17}(?::[tTdDfFR])?>", re.ASCII)),
    ("link", re.compile(r"<[^: >]+:/[^ >]+>")),
    ("link", re.compile(r"(?:https?|steam)://[^\s<]+[^<.,:;\"'\]\s]")),
)
_ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")
_HEADING = re.compile(r"(?:^|\n) *(?:#{1,3}|-#|[-*+]|\d+\.|>(?:>>)?) +")


def read(text: str, *, covered: bool = False) -> list[Piece]:
    """The pieces of `text` in their order, without its markup."""
    found: list[Piece] = []
    place = 0
    while place < len(text):
        escape = _ESCAPE.match(text, place)
        if escape:
            found.append(Piece(escape[1], covered))
            place = escape.end()
            continue
        plain = next(((kind, match) for kind, rule in _PLAIN if (match := rule.match(text, place))), None)
        if plain:
            kind, match = plain
            found.append(Piece(match[0], covered, kind))
            place = match.end()
            continue
        nested = next(((kind, match) for kind, rule in _NESTED if (match := rule.match(text, place))), None)
        if nested:
            kind, match = nested
            found.append(Piece("", covered, kind))
            found += read(match[1], covered=covered or kind == "spoiler")
            place = match.end()
            continue
        found.append(Piece(text[place], covered))
        place += 1
    return found


def visible(text: str) -> str:
    """What everybody reads at once, without uncovering anything."""
    return "".join(piece.text for piece in read(text) if not piece.covered)


def hidden(text: str) -> str:
    """What is read only by those who uncover it."""
    return "".join(piece.text for piece in read(text) if piece.covered)


def kinds(text: str) -> set[str]:
    """Which markup works in a text."""
    found = {piece.kind for piece in read(text)} - {"text"}
    return found | ({"block"} if _HEADING.search(text) else set())
