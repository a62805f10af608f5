"""Letters in disguise: look-alikes of other scripts, letters as emoji, spaced and dotted letters, digits for letters.

People write so to get past filters, or for the look. Only what reads as plain letters to a person is unmasked: a word
in one script stays as it is, and digits become letters only where that gives a known word.
"""

from __future__ import annotations

import re
from functools import cache
from math import log

import emoji

from model.text.tables import words

_LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕһԁԛԝвнкмтяигпгʏьѵҽАЕОРСУХІЈЅНԚԜВКМТЯИГПΛΔΣЗαβεηικνορτυχωγΑΒΕΗΙΚΜΝΟΡΤΥΧΖΉΏάέήίόύώƬƧƦƎƐƖƆɅɎƗØøłŁđĐħŧƒƏəғ",
    "aeopcyxijshdqwbhkmtrnrnrybveAEOPCYXIJSHQWBKMTRNRNADEZabenikvoptuxwyABEHIKMNOPTYXZHOaenioywtsreelcayioollddhtfeef",
)
"""After Unicode's confusables (UTS 39), for the letters that are met; used in words that mix scripts."""

_SMALL_CAPITALS = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz")
_ENCLOSED = {
    **{first + place: ord("a") + place for first in (0x1F150, 0x1F170) for place in range(26)},
    **{0x1F1E6 + place: ord("a") + place for place in range(26)},
}
_BETWEEN = r"\s\u200b\u2060\ufe0f"
"""What stands between letters as emoji and shows nothing."""

_FLAG_LETTER = "[\U0001f1e6-\U0001f1ff]"
_ENCLOSED_RUN = re.compile(
    rf"[\U0001f150-\U0001f169\U0001f170-\U0001f189](?:[^\S\n]?[\U0001f150-\U0001f169\U0001f170-\U0001f189\ufe0f])*"
    rf"|{_FLAG_LETTER}(?:[{_BETWEEN}]{{0,4}}{_FLAG_LETTER})*"
)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_ENCLOSED_SIGN = re.compile("[\U0001f150-\U0001f169\U0001f170-\U0001f189\U0001f1e6-\U0001f1ff]")
_NEIGHBOURS = re.compile(rf"[^{_BETWEEN}]\ufe0f?[^{_BETWEEN}]")
_GAP = re.compile(f"[{_BETWEEN}]")
_FLAG_PAIR = re.compile(rf"{_FLAG_LETTER}{{2}}")
_SMALL_CAPITAL = re.compile("[ᴀ-ᴢɪɢʙʜʟɴʀʏꜰꜱꞯ]")
_MIXED_WORD = re.compile(r"[^\W\d_]{2,60}")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_OTHER = re.compile("[\u0370-\u052f\u0180-\u024f]")
_FAR = re.compile("[\u0370-\u052f\u01ac\u01a7\u01a6\u0196\u0245]")

_SPACED = re.compile(r"(?<![^\s\"'(])[^\W\d_](?: [^\W\d_])+(?: {2,4}[^\W\d_](?: [^\W\d_])*)*(?![^\s\"'),.!?])")
_SPACED_HINT = re.compile(r"(?<!\S)[^\W\d_] {1,4}[^\W\d_] {1,4}[^\W\d_](?!\S)")
_SPACED_WITHIN = re.compile(r" [^\W\d_] {1,4}[^\W\d_]")
"""Within three letters or more that stand alone."""
_DOTTED = re.compile(r"(?<![^\s\"'(])[^\W\d_]([.\-_*|/~])[^\W\d_](?:\1[^\W\d_]){2,30}(?![^\s\"'),.!?])")
_LEET_SIGNS = str.maketrans("013457@$", "oieast" + "as")
_LEET_WORD = re.compile(r"(?<![\w@$#:/.])(?=[a-z]*+[0134578@$])[a-z0134578@$]{3,20}(?![\w@$/:])", re.IGNORECASE)
_LEET_HINT = re.compile(r"[0134578@$](?:(?=[a-zA-Z])|(?<=[a-zA-Z].))")
_DOTTED_HINT = re.compile(r"([.\-_*|/~])[^\W\d_]\1[^\W\d_](?:(?!\w)|\1)")
_NUMBERED = re.compile(r"([a-z]+)[0134578]+|[0134578]+([a-z]+)")
"""A word with a number: "raid5", "season5", "4head", "5kills"."""

_NUMERONYM = re.compile(r"[a-z]1\d[a-z]")
"""Such as "l10n" and "a11y": the digits count the letters that are left out."""

_VOWEL = re.compile("[aeiouy]")
_SHORTEST_TAG = 10
_RUN_TOGETHER = re.compile(rf"(?<![\w@/.])(#?)([A-Za-z]{{{_SHORTEST_TAG},40}})(?![\w/])")
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LINKING = frozenset(
    {
        "a",
        "all",
        "and",
        "are",
        "be",
        "for",
        "i",
        "is",
        "it",
        "my",
        "not",
        "of",
        "so",
        "that",
        "the",
        "these",
        "they",
        "this",
        "to",
        "was",
        "we",
        "with",
        "you",
        "your",
    }
)
_AFFIXES = frozenset(
    {
        "able", "age", "al", "ant", "ants", "ate", "ed", "ent", "er", "est", "ing", "ings", "ion", "ish", "ity", "less",
        "ly", "ment", "ness", "ties", "tion", "un",
    }
)  # fmt: skip
SHORTEST_PHRASE = 13
"""Letters from which on a word is looked at for several."""

_AROUND_WORDS = ".,!?\"'()"
_LONGEST_WORD = 14
"""Letters of the longest word that is looked for in letters that run together."""


def unmask(text: str) -> str:
    """Letters of other scripts and pictures of letters in `text` as plain ones. Before the emoji are named."""
    far = "".join(_BEYOND_ASCII.findall(text))
    if _ENCLOSED_SIGN.search(far):
        text = _ENCLOSED_RUN.sub(_spelled, text)
    if _SMALL_CAPITAL.search(far):
        text = text.translate(_SMALL_CAPITALS)
    if _OTHER.search(far):
        text = _MIXED_WORD.sub(_in_one_script, text)
    return text


def may_run_together(words: list[str]) -> bool:
    """Whether one of the words is so long, and not known, that it may be several."""
    return _hold_unknown(words, SHORTEST_PHRASE)


def may_be_spaced(text: str) -> bool:
    """Whether there are three letters in a row that stand alone."""
    return _SPACED_HINT.search(text) is not None


def may_be_dotted(text: str) -> bool:
    """Whether there might be a word with a sign after each letter."""
    return _DOTTED_HINT.search(text) is not None


def join_letters(text: str, words: list[str]) -> str:
    """Joins "s t u p i d" and letters that run together ("thisgamesucks", a hashtag). Before spaces are made few.

    `words` are those of `text`.
    """
    lengths = list(map(len, words))
    if lengths.count(1) > 2 and _SPACED_WITHIN.search(text):
        text = _SPACED.sub(_joined, text)
        words = text.split()
    if lengths and (max(lengths) >= SHORTEST_PHRASE or "#" in text) and _hold_unknown(words, _SHORTEST_TAG):
        text = _RUN_TOGETHER.sub(_apart, text)
    return text


def undo_signs(text: str) -> str:
    """Joins "s.t.u.p.i.d", and takes digits and signs in words for letters where that gives a known word."""
    if may_be_dotted(text):
        text = _DOTTED.sub(_joined, text)
    return _LEET_WORD.sub(_without_digits, text) if _LEET_HINT.search(text) else text


def split_words(letters: str) -> str | None:
    """The known English words that make up `letters`, with spaces; None where they do not, or are mostly scraps."""
    found = _split(letters.lower())
    if found is None or len(found) * 2 > len(letters):
        return None
    return " ".join(found)


def _hold_unknown(words: list[str], length: int) -> bool:
    """Whether one of the words has so many letters and is not known."""
    known = _known()
    long = [word for word in words if len(word) >= length]
    return any(word.strip(_AROUND_WORDS).lower() not in known for word in long)


def _spelled(run: re.Match[str]) -> str:
    """Letters of a run of enclosed ones; a run of regional indicators that is nothing but flags stays."""
    signs = run[0]
    bare = _GAP.sub("", signs)
    if signs[0] == "\U0001f171" and len(bare) == 1 and run.string[run.end() : run.end() + 1].isalpha():
        return "b"  # which people put in place of any letter, mostly that one
    if len(bare) == 1 and (emoji.is_emoji(bare) or _FLAG_PAIR.match(2 * bare)):
        return signs
    pairs = _FLAG_PAIR.findall(signs)
    if pairs and 2 * len(pairs) == len(bare) and all(map(emoji.is_emoji, pairs)):
        return signs
    gaps = r"\s+" if _NEIGHBOURS.search(signs) else r"\s{2,}|\n"
    parts = (_GAP.sub("", part).translate(_ENCLOSED) for part in re.split(gaps, signs))
    return f" {' '.join(split_words(part) or part for part in parts)} "


def _in_one_script(word: re.Match[str]) -> str:
    letters = word[0]
    if not (_FAR.search(letters) and _LATIN.search(letters)):
        return letters
    plain = letters.translate(_LOOK_ALIKES)
    return plain if plain.isascii() else letters


def _joined(run: re.Match[str]) -> str:
    """What the letters spell, if that is a word or some; a gap of two spaces is one between words."""
    sign = run[1] if run.re is _DOTTED else " "
    if run[0].count(sign) < 2:
        return run[0]
    spelled = [part.replace(sign, "") for part in (re.split(" {2,}", run[0]) if sign == " " else [run[0]])]
    known = [part if part.lower() in _known() else split_words(part) for part in spelled]
    return " ".join(part for part in known if part) if all(known) else run[0]


def _without_digits(word: re.Match[str]) -> str:
    """The word that is meant, if it is one that is known; what holds more signs than letters stays."""
    leet = word[0].lower()
    letters = sum(char.isalpha() for char in leet)
    if letters == len(leet) or 2 * letters < len(leet) - leet.count("$"):
        return word[0]
    for one in ("i", "l"):
        plain = leet.replace("1", one).translate(_LEET_SIGNS)
        if plain in _known():
            return word[0] if _is_numbered(leet, plain) else plain
    return word[0]


def _is_numbered(leet: str, plain: str) -> bool:
    """Whether the digits are a number beside a word: then only abuse is meant by another word."""
    if _NUMERONYM.fullmatch(leet):
        return True
    numbered = _NUMBERED.fullmatch(leet)
    if numbered is None or plain in words("blame"):
        return False
    if numbered[1]:
        return len(numbered[1]) < 3 or (numbered[1] in _known() and not leet.endswith("0"))
    return numbered[2] in _known()


def _apart(word: re.Match[str]) -> str:
    sign, letters = word[1], word[2]
    if sign and _CAMEL_CASE.search(letters):
        return sign + _CAMEL_CASE.sub(" ", letters)
    if letters.lower() in _known() or _CAMEL_CASE.search(letters):
        return word[0]
    found = split_words(letters)
    if found is None or (not sign and not _is_phrase(found.split(" "))):
        return word[0]
    return sign + found


def _is_phrase(found: list[str]) -> bool:
    """A long word also falls into known ones ("in habit ants"), but then into few that make up sentences."""
    if len(found) < 3 or not _AFFIXES.isdisjoint(found) or not all(map(_VOWEL.search, found)):
        return False
    linking = sum(len(word) for place, word in enumerate(found) if word in _LINKING and (len(word) > 1 or place == 0))
    return 4 * linking >= sum(map(len, found))


@cache
def _known() -> dict[str, float]:
    """What a word costs: the rarer, the more (Zipf's law over the places in the list of English words)."""
    english = words("english")
    costs = {word: log((place + 2) * log(len(english))) for word, place in english.items() if "'" not in word}
    for name in ("blame", "praise", "chat"):
        for word in words(name):
            costs.setdefault(word, log(len(english)) + 2)
    return {word: cost for word, cost in costs.items() if len(word) > 1 or word in "ai"}


def _split(letters: str) -> list[str] | None:
    """The cheapest way to cut `letters` into known words."""
    known = _known()
    best: list[tuple[float, int] | None] = [(0.0, 0)]
    for end in range(1, len(letters) + 1):
        ways = [
            (before[0] + cost, start)
            for start in range(max(0, end - _LONGEST_WORD), end)
            if (before := best[start]) is not None and (cost := known.get(letters[start:end])) is not None
        ]
        best.append(min(ways, default=None))
    if best[-1] is None:
        return None
    found: list[str] = []
    end = len(letters)
    while end:
        step = best[end]
        assert step is not None, "it was reached"
        found.append(letters[step[1] : end])
        end = step[1]
    return found[::-1]
