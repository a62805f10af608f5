"""Texts that cleaning has much to do with: ours, and random ones of all that it has a meaning for."""

import csv
import random
from functools import cache
from io import StringIO
from pathlib import Path

import emoji

from model.text import emoticons
from tests.bench.worst_texts import UNITS
from tests.model.text.test_cleaning import MARKUP

CHAT = Path(__file__).parents[3] / "training" / "chat"
WORDS = [
    "this", "game", "a", "i", "the", "NOT", "not!", "disappointing", "thisgamesucks", "#thisgamesucks", "#ThisGame",
    "h4te", "1st", "7pm", "PvP", "iPhone", "wHaT", "gReAt", "sAmE", "s t u p i d", "(s t u p i d)", "f.u.c.k",
    "o_k_a_y",
    "don`t", "snake_case", "_it_", "5/10", "9 out of 10", "3 stars", "star", "/s", "www.x.y", "WWW.X.Y", "me@x.y",
    "@me", "@user", "@users", "d\u0131scord.gg/a", "DISCORD.GG/B", "HTTP\u017f://x", "\n# h", "-# ", "\nx", "  ",
    "D:", "xD", "xDD", "c:", "thanks:)", ":/", "\\o/", "(:", "'(:", "loool", "....", "caf\u00e9", "\u2019",
    "\u1d1b\u029c\u026as",
    "\u0455hit", "[CLS]", "[NAME]", "http", "#channel", 9 * "haha", 70 * "x", "'D:",
]  # fmt: skip
EVERYTHING = [*UNITS, *MARKUP, *WORDS, *list(emoji.EMOJI_DATA)[::40], *emoticons._senses()]

_KEYS = "aAbB1.!?:;-_*/#@()<>'\"~`|\\ \n"


@cache
def own_texts() -> list[str]:
    """Our own messages of chat, as they were written."""
    tables = (StringIO(file.read_text("utf-8"), newline="") for file in sorted(CHAT.glob("*.csv")))
    return [row["text"] for table in tables for row in csv.DictReader(table) if "text" in row]


def random_texts(count: int, seed: int = 16) -> list[str]:
    """Most are made of units that mean something, some of single keys or of any characters, a few are long."""
    chance = random.Random(seed)
    return [_random_text(chance) for _ in range(count)]


def _random_text(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.8:
        length = chance.randint(1, 14) if kind < 0.795 else chance.randint(100, 700)
        between = chance.choice((" ", "", " "))
        return between.join(chance.choice(chance.choice((EVERYTHING, WORDS))) for _ in range(length))
    if kind < 0.9:
        return "".join(chance.choice(_KEYS) for _ in range(chance.randint(1, 30)))
    ranges = (range(32, 127), range(32, 127), range(0x2600), range(0x1F000, 0x1FB00), range(0x110000))
    return "".join(chr(chance.choice(chance.choice(ranges))) for _ in range(chance.randint(1, 40)))
