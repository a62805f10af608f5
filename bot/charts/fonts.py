"""The letters of a picture: what can be drawn on this machine, how wide it is, and in which language it is said.

matplotlib brings DejaVu Sans, which has the letters of every language of the bot but Japanese. For these a font of the
machine is taken, if there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from bot.i18n import LANGUAGES, spoken
from bot.i18n.languages import ENGLISH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OWN = "DejaVu Sans"

OTHERS = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Source Han Sans JP",
    "IPAexGothic",
    "IPAPGothic",
    "IPAGothic",
    "TakaoPGothic",
    "TakaoGothic",
    "VL PGothic",
    "VL Gothic",
    "BIZ UDPGothic",
    "Hiragino Sans",
    "Yu Gothic",
    "Meiryo",
    "MS Gothic",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
"""Fonts with kana and kanji, those that were made for Japanese first."""

SMALLER = 0.6
"""To what share of their size words are made smaller so that they fit."""

_LONGEST_NAME = 24


@cache
def families() -> tuple[str, ...]:
    """The names of the fonts that letters are looked for in, in this order."""
    return OWN, *(_others() or _installed_since())[:1]


def _others() -> list[str]:
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return [name for name in OTHERS if name in there]


def _installed_since() -> list[str]:
    """Those that came after matplotlib had written down, once and for all, which fonts the machine has."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known = {font.fname for font in fontManager.ttflist}
    for path in sorted({*findSystemFonts()} - known):
        with suppress(Exception):  # whatever is wrong with one font, a chart is worth more
            fontManager.addfont(path)
    return _others()


def picture_language() -> str:
    """What is spoken, or English where no font has its letters: better than a picture full of empty boxes."""
    return spoken() if all(map(has_glyph, LANGUAGES.get(spoken(), ""))) else ENGLISH


def printable(name: str) -> str:
    """A channel's name as far as the fonts can draw it, not as a formula, and short."""
    drawn = "".join(letter for letter in name if has_glyph(letter)).replace("$", r"\$").strip()
    if not drawn.strip("#-_ "):  # nothing of it that would tell it from others
        return "#…"
    return drawn if len(drawn) <= _LONGEST_NAME else f"{drawn[:_LONGEST_NAME]}…"


def printable_apart(names: Sequence[str]) -> list[str]:
    """Several names as far as they can be drawn; with their places where they look the same then."""
    drawn = [printable(name) for name in names]
    if len({*drawn}) == len(drawn):
        return drawn
    return [f"{name} ({place})" for place, name in enumerate(drawn, 1)]


def shorter(drawn: str) -> str:
    """What is `printable` without its last letter, and with dots in its place."""
    return f"{drawn.removesuffix('…')[:-1].rstrip(chr(92))}…"


def has_glyph(letter: str) -> bool:
    """Whether a character shows something that one of the fonts has."""
    return letter.isprintable() and any(font.get_char_index(ord(letter)) > 0 for font in _fonts())


@cache
def _fonts() -> tuple[Any, ...]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return tuple(get_font(findfont(FontProperties(family=[name]))) for name in families())


def width_of(figure: Figure, words: str, size: float) -> float:
    """Pixels that words take in a picture, in letters of so many points."""
    written = figure.text(0, 0, words, fontsize=size, fontfamily=list(families()))
    width = float(written.get_window_extent().width)
    written.remove()
    return width


def widest(figure: Figure, several: Iterable[str], size: float) -> float:
    """Pixels that the widest of several words takes."""
    return max(width_of(figure, words, size) for words in several)


def fitting(size: float, width: Callable[[float], float], room: float, smallest: float = SMALLER) -> float:
    """The size in which words fit: that one, or smaller where their `width` in it is more pixels than there is room.

    Measured and not computed, for letters have whole pixels: half as large is not half as wide.
    """
    shares = [share / 20 for share in range(20, 0, -1) if share / 20 >= smallest]
    return next((size * share for share in shares if width(size * share) <= room), size * shares[-1])
