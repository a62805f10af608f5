"""Texts for the benchmarks: chat of the lengths of tweets, made of our own sentences, so that no data set is needed."""

from __future__ import annotations

import csv
import random
from pathlib import Path

SENTENCES = Path(__file__).parents[2] / "training" / "slang" / "expressions.csv"

DECILES = (3, 14, 18, 21, 24, 26, 28, 30, 33, 36, 45)
"""Tokens of TweetEval's test tweets, special ones included: least, each tenth, and nearly the most.

Printed by `python -m tests.bench.texts --data DIR`.
"""

_WORDS_PER_TOKEN = 0.72


def sentences() -> list[str]:
    """All our sentences, in a fixed random order."""
    with SENTENCES.open(encoding="utf-8", newline="") as file:
        found = [row["sentence"] for row in csv.DictReader(file)]
    random.Random(0).shuffle(found)
    return found


def chat(count: int, seed: int = 0) -> list[str]:
    """Distinct texts of tweets' lengths."""
    chance, pool = random.Random(seed), sentences()
    texts = []
    for number in range(count):
        tenth = chance.randrange(len(DECILES) - 1)
        wanted = chance.uniform(DECILES[tenth], DECILES[tenth + 1]) * _WORDS_PER_TOKEN
        words: list[str] = []
        while len(words) < wanted:
            words += chance.choice(pool).split()
        texts.append(" ".join([*words[: max(1, round(wanted) - 1)], str(number)]))
    return texts


def mixed(count: int, seed: int = 0) -> list[str]:
    """The same with 2 % long texts, of 200 to 450 words."""
    chance, texts, pool = random.Random(seed + 1), chat(count, seed), sentences()
    for number in range(0, count, 50):
        words: list[str] = []
        while len(words) < chance.randint(200, 450):
            words += chance.choice(pool).split()
        texts[number] = " ".join([*words, str(number)])
    return texts


def _measure(data: Path) -> None:
    import numpy as np

    from model import open_checkpoint
    from model.text.tokenization import Reader
    from training.data import load_raw

    checkpoint = open_checkpoint("bundled")
    reader = Reader(checkpoint.bytes_of("tokenizer.json"), checkpoint.max_length)
    for name, texts in (
        ("TweetEval's test tweets", load_raw("tweet_eval", "test", data)["text"][:5000]),
        ("chat()", chat(5000)),
    ):
        lengths = [sum(map(len, reader.read(text))) for text in texts if text.strip()]
        print(name, [int(np.percentile(lengths, tenth)) for tenth in (0, *range(10, 100, 10), 99)])


if __name__ == "__main__":
    import sys

    _measure(Path(sys.argv[sys.argv.index("--data") + 1]))
