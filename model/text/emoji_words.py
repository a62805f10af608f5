"""Emoji as the words that people mean by them.

The uncased BERT vocabulary maps nearly every emoji to `[UNK]`. The common ones have a sense in emoji.csv; the others go
by their Unicode CLDR short names, in brackets, so that a picture of a turtle is not taken for praise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby

import emoji

from model.text.sarcasm import MARK
from model.text.tables import rows, words

MOST = 60
"""Emoji of a text that become words; of the others only the number is given."""

_LONGEST_RUN = 12 * MOST
"""Characters of a run that are looked at: an emoji has 12 at most, and the library's time grows with the square."""

_CHARACTER = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf\u2934-\u2b55\u3030\u303d"
    "\u3297\u3299\U0001f004-\U0001f251\U0001f300-\U0001faff"
)
_JOINTS = "\u200d\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f"
_RUN = re.compile(
    rf"[#*0-9{_CHARACTER}](?:(?<=[#*0-9])\ufe0f?\u20e3|(?<=[{_CHARACTER}])[{_JOINTS}]*)"
    rf"(?:\s*(?:[{_CHARACTER}{_JOINTS}]|[#*0-9]\ufe0f?\u20e3)+)*"
)
"""Begins with a set of characters, which is sought faster than alternatives."""

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_SHORTCODE = re.compile(r"(?<![\w:]):([a-zA-Z0-9_+\-]{1,41}):(?![\w:])")
_JOINED_CHAIN = re.compile("(?:[^\\s\u200d][\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]{0,2}\u200d){12}")
"""Each joined to the next, which no emoji is made of; the library seeks one in a time that grows with the square."""

_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TONE_NAME = re.compile(r"(?:medium-)?(?:light|medium|dark) skin tone,? ?")
_TONE = re.compile("[\U0001f3fb-\U0001f3ff]")
_ADDED = "[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
_ONE = re.compile(
    rf"[#*0-9]\ufe0f?\u20e3|[\U0001f1e6-\U0001f1ff]{{2}}|[{_CHARACTER}]{_ADDED}(?:\u200d[{_CHARACTER}]{_ADDED}){{0,3}}"
)
_GENDER = re.compile("\u200d[\u2640\u2642]\ufe0f?")
_LETTER = re.compile(r"[^\W_]")
_WORDS = re.compile(r"[a-z']+")
_LAUGHTER = re.compile(
    r"\b(?=[cdfhjklr])(?:l+o+l+|lmf?ao+|rofl|(?:h[aeiou]){2,}h?|(?:[kj]e){2,}|kekw?|lul|lulw|dead|ded|dying|cry+ing|cryin|hilarious|funny|jokes?)\b"
)
_LAUGHS = r"\U0001F480\u2620\U0001F602\U0001F923\U0001F639\U0001F606"
_DYING_OF_LAUGHTER = re.compile(
    r"\s*(?P<before>(?:(?:lol|lmf?ao|nah|omg)\s+)?(?:(?:i['\u2019]?m|i am)\s+(?:(?:literally|actually|legit)\s+)?)?)"
    rf"(?:(?:dead|ded|deceased)\s*[{_LAUGHS}\U0001F62D]|(?:dying|crying|screaming|wheezing|cackling|howling)\s*[{_LAUGHS}])"
    rf"[{_LAUGHS}\U0001F62D\ufe0f\s]*",
    re.IGNORECASE,
)
"""Whoever says of themselves that they are dead, beside laughter, laughs: "im dead 💀". It has to be all that is said:
"im dead 💀 i mean it" is for whoever looks for people in danger."""

_IN_PLACE_OF_A_WORD = re.compile(r"\b(?:an?|the|my|your|our|his|her|their|this|that|some|of|on|in)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Sense:
    words: str
    context: str
    otherwise: str


def name_emoji(text: str) -> str:
    """`text` with its emoji as words. A run of one emoji is one, and "very" where it has a sense.

    Where an emoji stands in place of a word ("the house is on X") it goes by its plain name.
    """
    if text.isascii():
        return text
    if (dying := _DYING_OF_LAUGHTER.fullmatch(text)) is not None:
        return f"{dying['before']}laughing funny"
    text = few_emoji(text)
    found_hints: list[frozenset[str]] = []

    def hints() -> frozenset[str]:
        if not found_hints:
            found_hints.append(_hints(text))
        return found_hints[0]

    def spoken(run: re.Match[str]) -> str:
        found = _emoji_in(run[0])
        if not found:
            return run[0]  # arrows, ticks and the like
        if len(found) == 1 and _IN_PLACE_OF_A_WORD.search(text, max(0, run.start() - 12), run.start()):
            return f" {_plain_name(found[0])} "
        told = groupby(_said(_plain_name(one), hints) for one in found)
        return " " + " ".join(_with_degree(said, len(list(same))) for said, same in told) + " "

    return _RUN.sub(spoken, text)


def _emoji_in(run: str) -> list[str]:
    if emoji.is_emoji(run):
        return [run]
    return [match["emoji"] for match in emoji.emoji_list(_JOINED_CHAIN.sub(r"\g<0> ", run[:_LONGEST_RUN]))]


def few_emoji(text: str) -> str:
    """`text` with its first `MOST` emoji and the number of the others at its end."""
    if len(text) <= MOST or text.isascii() or sum(map(len, _BEYOND_ASCII.findall(text))) <= MOST:
        return text  # each has a sign beyond ASCII
    count = 0

    def kept(run: re.Match[str]) -> str:
        nonlocal count
        ends = [one.end() for one in _ONE.finditer(run[0]) if len(one[0]) > 1 or emoji.is_emoji(one[0])]
        before, count = count, count + len(ends)
        if count <= MOST:
            return run[0]
        return f"{run[0][: ends[MOST - before - 1]]} " if before < MOST else " " if ends else run[0]

    shortened = _RUN.sub(kept, text)
    return f"{shortened} ({count - MOST} more emoji)" if count > MOST else text


def spoken_name(alias: str) -> str:
    """`:thumbs_up_medium_skin_tone:` -> "thumbs up"; `:pepeSad:` -> "pepe Sad"."""
    named = _CAMEL_CASE.sub(" ", alias.strip(":")).replace("_", " ")
    return _TONE_NAME.sub("", named).strip() or "emoji"


def open_shortcodes(text: str) -> str:
    """`:sob:` as its emoji where there is one of that name, so that both say the same, else the name in words."""
    return _SHORTCODE.sub(lambda code: _opened(code[0]), text)


def _opened(alias: str) -> str:
    found = emoji.emojize(alias, language="alias")
    if found != alias:
        return f" {found} "
    return f" {spoken_name(alias)} " if alias[1].isalpha() and len(alias) > 3 else alias


def _said(name: str, hints: Callable[[], frozenset[str]]) -> str:
    sense = _senses().get(name)
    if sense is None:
        return f"({name})"
    return sense.words if not sense.context or sense.context in hints() else sense.otherwise or f"({name})"


def _with_degree(said: str, times: int) -> str:
    return f"very {said}" if times > 1 and not said.startswith(("(", MARK)) else said


def _hints(text: str) -> frozenset[str]:
    """What the rest of the text says about its emoji; see the column `context` of emoji.csv."""
    lowered = text.lower()
    said = set(_WORDS.findall(lowered))
    found = set()
    if _LAUGHTER.search(lowered):
        found |= {"laughter or alone", "laughter or praise"}
    elif not _LETTER.search(_RUN.sub("", text)):
        found.add("laughter or alone")
    if said.isdisjoint(words("blame")):
        found.add("no blame")
    if not said.isdisjoint(words("praise")):
        found |= {"praise", "laughter or praise"}
    return frozenset(found)


@lru_cache(8192)  # emoji, and nothing else that anybody has written
def _plain_name(symbol: str) -> str:
    return spoken_name(emoji.demojize(_GENDER.sub("", _TONE.sub("", symbol))))


@cache
def _senses() -> dict[str, _Sense]:
    """By plain name, so that an emoji means the same with and without a variation selector or a skin tone."""
    return {_plain_name(row["emoji"]): _Sense(row["sense"], row["context"], row["otherwise"]) for row in rows("emoji")}
