"""Many texts through the model as passive work: bounded, behind every person, and never all in the queue at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from bot.web.page_classifier import PageClassifier
from model import ModelError, Overloaded, Priority, Verdict

ORIGIN = "web page"
"""All visitors of the page together are one origin among the servers."""

_LINES, _CHARACTERS = 256, 65_536
"""What of a batch waits in the queue at a time."""

PATIENCE = 120.0
"""Seconds without a single answer, because the queue is full of others, after which a batch gives up."""

_AGAIN = 0.5
"""Seconds until a refused text is tried again; it may not ask for a longer wait than the page shows."""

Answer = Verdict | ModelError


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is: `done` of `total` texts, after `seconds`."""

    done: int
    total: int
    seconds: float

    @property
    def left(self) -> float:
        """Seconds that the rest will take at this pace."""
        return self.seconds / self.done * (self.total - self.done) if self.done else 0.0


async def score(
    classifier: PageClassifier, texts: Sequence[str], answers: list[Answer], patience: float = PATIENCE
) -> AsyncIterator[Progress]:
    """Fills `answers`, in the order of `texts`, and says after each portion how far it is.

    A text that fails has its error in its place. A queue that is full makes it wait, for at most `patience` seconds
    without any progress; then Overloaded is raised.
    """
    started = time.perf_counter()
    for portion in _portions(texts):
        answers += await _answered(classifier, portion, patience)
        yield Progress(len(answers), len(texts), time.perf_counter() - started)


async def _answered(classifier: PageClassifier, texts: Sequence[str], patience: float) -> list[Answer]:
    answers: list[Answer] = list(await classifier.classify_many(texts, Priority.PASSIVE, origin=ORIGIN))
    give_up = time.perf_counter() + patience
    while refused := [place for place, answer in enumerate(answers) if isinstance(answer, Overloaded)]:
        first = answers[refused[0]]
        if time.perf_counter() > give_up and isinstance(first, Overloaded):
            raise first
        await asyncio.sleep(_AGAIN)
        again = await classifier.classify_many([texts[place] for place in refused], Priority.PASSIVE, origin=ORIGIN)
        for place, answer in zip(refused, again, strict=True):
            answers[place] = answer
        if not all(isinstance(answer, Overloaded) for answer in again):
            give_up = time.perf_counter() + patience
    return answers


def _portions(texts: Sequence[str]) -> Iterator[list[str]]:
    portion: list[str] = []
    size = 0
    for text in texts:
        if portion and (len(portion) == _LINES or size + len(text) > _CHARACTERS):
            yield portion
            portion, size = [], 0
        portion.append(text)
        size += len(text)
    if portion:
        yield portion
