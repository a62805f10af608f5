"""An engine over many texts, without the worker: for gates, evaluation and calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from model.backends.engine import Engine
from model.errors import NothingToRead, Unreadable
from model.register import Traits
from model.scheduling.batching import next_batch
from model.verdict import Sentiment, Verdict

_CHUNK = 256


def read_logits(engine: Engine, texts: Sequence[str], title: str = "", language: str = "") -> list[NDArray[np.float32]]:
    """Logits of each text, shape (windows, labels); (0, labels) for one that is refused. Shows progress.

    Of two models whichever reads that language is asked, "" being English; where neither does all are refused.
    """
    part = _part(engine, language)
    if part is None:
        return [_no_logits(engine)] * len(texts)
    results: list[NDArray[np.float32]] = []
    with tqdm(total=len(texts), desc=title, disable=not title, unit="text") as progress:
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            results.extend(_chunk_logits(part, chunk))
            progress.update(len(chunk))
    return results


def verdicts(
    engine: Engine, texts: Sequence[str], logits: Sequence[NDArray[np.float32]], language: str = ""
) -> list[Verdict]:
    """Verdicts for `read_logits` of these texts, which are in that language, "" being English.

    One that is refused, with nothing to read, say, counts as neutral.
    """
    part = _part(engine, language)
    return [
        part.decide(rows, _traits(part, text), language) if part is not None and len(rows) else refused(engine)
        for text, rows in zip(texts, logits, strict=True)
    ]


def refused(engine: Engine) -> Verdict:
    """What a text that is not read counts as."""
    return Verdict(Sentiment.NEUTRAL, (0.0, 1.0, 0.0), 0, engine.checkpoint.version)


def _part(engine: Engine, language: str) -> Engine | None:
    """Who of two models reads a language, if either does. One alone is asked whatever there is."""
    try:
        return engine.part(language) if engine.parts else engine
    except Unreadable:
        return None


def _traits(engine: Engine, text: str) -> Traits:
    return engine.traits(engine.reader.read(text)) if engine.checkpoint.register else Traits()


def read_traits(engine: Engine, texts: Sequence[str]) -> list[Traits]:
    """What each text's tokens tell of its register; nothing for one that is refused."""
    found = []
    for text in texts:
        try:
            found.append(engine.reader.traits(engine.reader.read(text)))
        except (NothingToRead, Unreadable):
            found.append(Traits())
    return found


class _Row(list[int]):
    """Token ids that remember whose window they are."""

    text: int


def _chunk_logits(engine: Engine, texts: Sequence[str]) -> list[NDArray[np.float32]]:
    waiting: list[_Row] = []
    for index, text in enumerate(texts):
        try:
            windows = engine.reader.read(text)
        except (NothingToRead, Unreadable):
            continue
        for window in windows:
            row = _Row(window)
            row.text = index
            waiting.append(row)
    waiting.sort(key=len)
    found: list[list[NDArray[np.float32]]] = [[] for _ in texts]
    while waiting:
        batch = next_batch(waiting)
        chosen = set(map(id, batch))
        waiting = [row for row in waiting if id(row) not in chosen]
        for row, logits in zip(batch, engine.backend.predict(batch), strict=True):
            found[row.text].append(logits)
    return [np.stack(rows) if rows else _no_logits(engine) for rows in found]


def _no_logits(engine: Engine) -> NDArray[np.float32]:
    return np.zeros((0, len(engine.checkpoint.labels)), dtype=np.float32)
