"""`python -m tests.bench.rereading COMMIT [--data DIR]`: whether texts are read as they were, and how long that takes.

The earlier commit's packages are unpacked into a folder of their own, and two processes, one with each, read the same
texts by turns, on one core: words after cleaning and tokens must be the same, bit for bit.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from tqdm import tqdm

ROOT = Path(__file__).parents[2]
TOKENIZER = ROOT / "model" / "bundled" / "tokenizer.json"
PORTION = 2000
"""Texts that are compared at a time."""

TIMED = 3000
ROUNDS = 7


class Side:
    """A process that reads with the packages of one folder."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, "--side"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(folder)},
            cwd=folder,
        )

    def ask(self, what: str, texts: Sequence[str]) -> None:
        """Has it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([what, texts]).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """What it found; waits for it."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """Lets it end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def side() -> None:
    """What such a process does: answers a line for each that it is asked."""
    from model.errors import NothingToRead
    from model.text.cleaning import clean, is_readable
    from model.text.cost import estimated_tokens
    from model.text.tokenization import Reader

    reader = Reader(TOKENIZER.read_bytes(), 512)

    def read(cleaned: str) -> list[list[int]] | None:
        try:
            return reader.read_cleaned(cleaned).rows
        except NothingToRead:
            return None

    def digest(text: str) -> str:
        cleaned = clean(text)
        found = repr((cleaned, is_readable(cleaned), estimated_tokens(cleaned), read(cleaned)))
        return hashlib.sha256(found.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    for line in sys.stdin.buffer:
        what, texts = json.loads(line)
        answer: object
        if what == "digests":
            answer = [digest(text) for text in texts]
        else:
            cleaned = list(map(clean, texts))
            answer = [_microseconds(clean, texts), _microseconds(read, cleaned)]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _microseconds(work: Callable[[str], object], texts: Sequence[str]) -> float:
    started = time.thread_time()
    for text in texts:
        work(text)
    return (time.thread_time() - started) / len(texts) * 1e6


@contextmanager
def sides(commit: str) -> Iterator[tuple[Side, Side]]:
    """The commit's and today's."""
    archive = subprocess.run(
        ["git", "archive", commit, "--", "model", ":!model/bundled"], cwd=ROOT, check=True, stdout=subprocess.PIPE
    ).stdout
    with TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        pair = Side(Path(folder)), Side(ROOT)
        try:
            yield pair
        finally:
            for one in pair:
                one.close()


def differing(pair: tuple[Side, Side], texts: Sequence[str]) -> list[str]:
    """The texts that are read otherwise."""
    found: list[str] = []
    progress = tqdm(total=len(texts))
    for start in range(0, len(texts), PORTION):
        portion = texts[start : start + PORTION]
        for one in pair:
            one.ask("digests", portion)
        then, now = (one.answer() for one in pair)
        found += [text for text, old, new in zip(portion, then, now, strict=True) if old != new]
        progress.update(len(portion))
        progress.set_postfix(differ=len(found))
    progress.close()
    return found


def timed(pair: tuple[Side, Side], texts: Sequence[str]) -> list[list[float]]:
    """Microseconds a text for cleaning and tokenising, then and now: the best of some rounds by turns."""
    best = [[float("inf")] * 2 for _ in pair]
    for _ in range(ROUNDS):
        for place, one in enumerate(pair):
            one.ask("seconds", texts)
            best[place] = list(map(min, best[place], one.answer()))
    return best


def line(name: str, texts: Sequence[str], then: Sequence[float], now: Sequence[float]) -> str:
    """One row of what is printed."""
    pairs = [*zip(then, now, strict=True), (sum(then), sum(now))]
    length = sum(map(len, texts)) / len(texts)
    return f"  {name:<24}" + "".join(f"{a:9.1f}{b:7.1f}" for a, b in pairs) + f"   of {length:,.0f} characters"


def real_texts(data: Path) -> dict[str, list[str]]:
    """The texts of each set that may train, its training part alone."""
    from training.data import raw_texts
    from training.datasets_catalog import CORPORA

    names = [
        name for name, corpus in CORPORA.items() if "train" in corpus.files and corpus.file(data, "train").is_file()
    ]
    return {name: [text for text in raw_texts(name, "train", data) if text.strip()] for name in names}


@click.command()
@click.argument("commit")
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False), help="A folder of data sets.")
@click.option("--count", default=200_000, show_default=True, help="Real texts that are compared, and random ones.")
@click.option("--only-time", is_flag=True, help="Compare nothing.")
def main(commit: str, data: Path | None, count: int, only_time: bool) -> None:
    """Compares and times."""
    from tests.bench.texts import chat
    from tests.model.text.odd_texts import own_texts, random_texts

    chance = random.Random(16)
    sets = {"chat of tweets' lengths": chat(TIMED), "our own chat": own_texts()}
    real = real_texts(data) if data is not None else {}
    with sides(commit) as pair:
        if not only_time:
            everything = [text for texts in real.values() for text in texts]
            chance.shuffle(everything)
            for name, texts in (
                ("our own", own_texts()),
                ("real", everything[:count]),
                ("random", random_texts(count)),
            ):
                others = differing(pair, texts)
                click.echo(f"{name}: {len(texts):,} texts, {len(others):,} read otherwise")
                for text in others[:5]:
                    click.echo(f"  {text[:200]!a}")
        click.echo("microseconds a text on one core, then and now: cleaning, tokens, both; floor 45, aim 25")
        for name, texts in {**sets, **real}.items():
            some = chance.sample(texts, min(TIMED, len(texts)))
            click.echo(line(name, some, *timed(pair, some)))


if __name__ == "__main__":
    side() if "--side" in sys.argv else main()
