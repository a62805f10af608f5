"""The texts that cost the most for their length, found by mutation: `python -m tests.bench.worst_texts`.

A text is made of special units, each said so many times, over and over until it is as long as Discord allows. What is
found goes to `tests/model/text/worst_texts.json`, which the tests and `make bench` read.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

import click
from tqdm import tqdm

from model.backends.engine import load_engine
from model.errors import ModelError
from model.scheduling.request import MOST_WINDOWS, Priority
from model.text.cleaning import clean
from model.text.tokenization import Reader

FOUND = Path(__file__).parents[1] / "model" / "text" / "worst_texts.json"
LENGTH = 6_000
"""Characters: the longest text that `/sentiment` takes."""

UNITS = (
    *"*_~`|[](){}<>#@&:;/\\\"'.,!?-=+^%$1aZ \n\t",
    *("ha", "the ", "lol ", "a b ", "no. ", "x.", "not", "qz", "th1s ", "sAmE ", "#tagOfWords", "ihateyousomuch "),
    *("/s ", "1/10 ", "5 stars ", "www.", "https://a.b/", "[a](http://b.c)", "&amp;", "&#38;", "&#x26;"),
    *("<@1>", "<:a_b:12>", ":sob:", ":+1:", "```", "> ", ">>> ", "||", "**", "__", "~~", "-# "),
    *(":)", ":(", "xD", "T_T ", "(\u256f\u00b0\u25a1\u00b0)\u256f\ufe35 \u253b\u2501\u253b", "\u2605"),
    *"\u0301\u20e3\u200d\u200b\ufe0f\u00ad\u202e\ufdfa\u3300\u2a0c\uac00\u4e2d\u0430\u03bf\u1d00\u0e01\U0001f170",
    *("\U0001f602", "\U0001f62d", "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea", "\U0001f1ee ", "\u2764\ufe0f"),
    *("\U0001f469\u200d\U0001f469\u200d\U0001f467", "1\ufe0f\u20e3"),
)

Genes = tuple[tuple[int, int], ...]


def spelled(genes: Genes, length: int = LENGTH) -> str:
    """The text of so many characters that the units and their numbers make."""
    once = "".join(UNITS[unit] * times for unit, times in genes) or "a"
    return (once * (length // len(once) + 1))[:length]


def worst_texts(length: int = LENGTH) -> list[str]:
    """Those that were found, spelled to a length."""
    return [
        spelled(tuple((unit, times) for unit, times in genes), length) for genes in json.loads(FOUND.read_text("utf-8"))
    ]


class Costs:
    """Seconds that a text takes to be cleaned and tokenised, and those of its windows in the network."""

    def __init__(self, reader: Reader, seconds_per_token: float) -> None:
        self._reader = reader
        self._seconds_per_token = seconds_per_token

    def of(self, text: str) -> float:
        """The least of two attempts: the machine may be busy."""
        return min(self._once(text) for _ in range(2))

    def _once(self, text: str) -> float:
        started = time.thread_time()
        tokens = 0
        try:
            reading = self._reader.read_cleaned(clean(text), MOST_WINDOWS[Priority.INTERACTIVE])
            tokens = sum(map(len, reading.rows))
        except ModelError:
            pass
        return time.thread_time() - started + tokens * self._seconds_per_token


def search(costs: Costs, seconds: float, chance: random.Random) -> Genes:
    """The costliest text that mutation comes to in so many seconds."""
    best: Genes = tuple((chance.randrange(len(UNITS)), 1) for _ in range(chance.randint(1, 4)))
    cost = costs.of(spelled(best))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        candidate = _mutated(best, chance)
        found = costs.of(spelled(candidate))
        if found > cost:
            best, cost = candidate, found
    return best


def _mutated(genes: Genes, chance: random.Random) -> Genes:
    changed = list(genes)
    for _ in range(chance.randint(1, 2)):
        place = chance.randrange(len(changed))
        what = chance.randrange(4)
        if what == 0:
            changed[place] = (chance.randrange(len(UNITS)), changed[place][1])
        elif what == 1:
            changed[place] = (
                changed[place][0],
                max(1, min(4_000, round(changed[place][1] * chance.choice((0.5, 2, 8))))),
            )
        elif what == 2 and len(changed) < 8:
            changed.insert(place, (chance.randrange(len(UNITS)), chance.choice((1, 1, 2, 30))))
        elif len(changed) > 1:
            del changed[place]
    return tuple(changed)


@click.command()
@click.option("--seconds", default=20.0, help="For each of the texts.")
@click.option("--texts", default=20, help="How many.")
def main(seconds: float, texts: int) -> None:
    """Searches, half by the time of reading alone and half with the network's, and keeps what it found."""
    reader = load_engine("bundled").reader
    found: list[Genes] = []
    for number in tqdm(range(texts)):
        costs = Costs(reader, 0.0 if number % 2 else 15e-6)
        found.append(search(costs, seconds, random.Random(number)))
    FOUND.write_text(json.dumps(found) + "\n", "utf-8")
    costs = Costs(reader, 0.0)
    plain = costs.of(spelled(((UNITS.index("the "), 1),)))
    click.echo(f"the worst reads in {_worst(costs) * 1000:.1f} ms, plain words in {plain * 1000:.1f} ms")


def _worst(costs: Costs) -> float:
    return max(map(costs.of, worst_texts()))


def describe(genes: Sequence[tuple[int, int]]) -> str:
    """The units of a text, to be looked at."""
    return " ".join(f"{UNITS[unit]!a}x{times}" for unit, times in genes)


if __name__ == "__main__":
    main()
