"""`python -m tests.bench.reading [--data DIR]`: what is refused as unreadable, and what reading a text costs.

Of a folder of data sets the English ones are asked how much of them is refused; without one, our own sentences are.
`python -m tests.bench.rereading COMMIT` holds the cost against an earlier commit's, in one run.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import click

from model.backends.engine import load_engine
from model.errors import ModelError, Unreadable
from model.text.cleaning import clean
from model.text.cost import estimated_tokens
from model.text.danger import may_be_in_danger
from model.text.language import check_language, is_plainly_readable
from tests.bench.texts import chat, sentences

LINES = Path(__file__).parents[1] / "model" / "text"
ENGLISH_SETS = ("tweet_eval", "goemotions", "figure_eight", "twitch")
LATIN = frozenset(
    "Spanish Portuguese French German Italian Dutch Polish Turkish Swedish Indonesian Vietnamese Tagalog".split()  # noqa: SIM905
)


def refused(text: str) -> str | None:
    """The language that a text is refused for, "" for an unknown one; None for one that is read."""
    cleaned = clean(text)
    if is_plainly_readable(cleaned):
        return None
    try:
        check_language(cleaned)
    except Unreadable as unreadable:
        return unreadable.language
    return None


def lines(name: str) -> list[dict[str, str]]:
    """The rows of one of our own lists of lines."""
    with (LINES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_language() -> dict[str, list[str]]:
    """Our own lines in other languages; of those in Latin script the ones with ten letters or more."""
    found: dict[str, list[str]] = {}
    for row in lines("languages"):
        if row["language"] not in LATIN or sum(map(str.isalpha, clean(row["text"]))) >= 10:
            found.setdefault(row["language"], []).append(row["text"])
    return found


def share_refused(texts: Sequence[str]) -> float:
    """Which share of the texts is refused."""
    return sum(refused(text) is not None for text in texts) / len(texts)


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False), help="A folder of data sets.")
def main(data: Path | None) -> None:
    """Prints both."""
    click.echo("refused of English, floor 0.5 %")
    for name, texts in _english(data).items():
        click.echo(f"  {name:<24} {share_refused(texts):8.2%} of {len(texts):,}")
    click.echo("caught of other languages, floor 85 % in Latin script, 99 % in others")
    for language, texts in by_language().items():
        click.echo(f"  {language:<24} {share_refused(texts):8.1%} of {len(texts):,}")
    click.echo("microseconds for a text of plain chat, and as a share of all that answering it takes on one core")
    texts = chat(3000)
    reader = load_engine("bundled", "cpu", 1)
    whole = _microseconds(lambda text: _answer(reader, text), texts[:300])
    for name, work, given in (
        ("cleaning", clean, texts),
        ("tokens", reader.reader.read_cleaned, [clean(text) for text in texts]),
        ("language", is_plainly_readable, [clean(text) for text in texts]),
        ("danger", may_be_in_danger, [clean(text) for text in texts]),
        ("estimate of tokens", estimated_tokens, [clean(text) for text in texts]),
    ):
        spent = _microseconds(work, given)
        click.echo(f"  {name:<24} {spent:8.1f} {spent / whole:8.2%}")


def _english(data: Path | None) -> dict[str, list[str]]:
    sets = {"our own sentences": sentences(), "our hard lines": [row["text"] for row in lines("english")]}
    if data is not None:
        from training.data import load_raw

        for name in ENGLISH_SETS:
            sets[f"{name}, test"] = [text for text in load_raw(name, "test", data)["text"] if text.strip()]
    return sets


def _answer(engine: object, text: str) -> None:
    from model.backends.engine import Engine

    assert isinstance(engine, Engine)
    engine.answer(text)


def _microseconds(work: Callable[[str], object], texts: Sequence[str]) -> float:
    """For one text, the best of three rounds."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        for text in texts:
            with suppress(ModelError):
                work(text)
        best = min(best, (time.perf_counter() - started) / len(texts))
    return best * 1e6


if __name__ == "__main__":
    main()
