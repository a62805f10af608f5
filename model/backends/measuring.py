"""Backends side by side on this processor: do they answer alike, and how fast is each?

It is done in a process of its own, so that what is not chosen is not in the bot's memory, and a library that ends its
process ends that one.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.acceptance import RECORDED_ON, check_golden, check_sizes, golden_examples, plain_examples
from model.backends.attempt import Attempt
from model.backends.engine import Engine, load_engine
from model.child_process import bound
from model.errors import ModelError
from model.scheduling.batch_size import BUDGETS
from model.scheduling.batching import next_batch

REFERENCE = RECORDED_ON

SAME_LABELS = 0.993
"""The least share of plain texts on which a backend must give the reference's label."""

MOST_ERROR = 0.05
"""The largest mean difference of the logits, as a share of how far apart these are."""

NO_NEIGHBOURS = 1e-3
"""How far a text's logits may be from those it has alone, when others are computed with it."""

LENGTHS = (3, 14, 18, 21, 24, 26, 28, 30, 33, 36, 45)
"""Tokens of tweets, by tenths (`tests.bench.texts`): what chat is like."""

_EACH, _ROUNDS, _AHEAD, _NEAR_BEST = 10, 4, 2, 0.95


def measured(source: str, backends: Sequence[str], threads: int) -> list[Attempt]:
    """The reference and each of `backends`, tried by turns. Raises a ModelError where the reference can't be had."""
    reference = load_engine(source, "cpu", threads, backend=REFERENCE)
    texts = [example.text for example in (*plain_examples(), *golden_examples(reference.checkpoint))]
    rows = [reference.reader.read(text)[0] for text in dict.fromkeys(texts)]
    expected = _alone(reference, rows)
    found: dict[str, Attempt] = {REFERENCE: Attempt(REFERENCE, same=1.0)}
    engines = {REFERENCE: reference}
    for name in backends:
        try:
            engine = load_engine(source, "cpu", threads, backend=name)
            check_sizes(engine)
            found[name] = _compared(name, engine, rows, expected)
            if not found[name].refused:
                check_golden(engine)
                engines[name] = engine
        except Exception as error:  # whatever a runtime raises, it may not answer
            reason = str(error) if isinstance(error, ModelError) else f"it fails ({type(error).__name__})"
            found[name] = Attempt(name, refused=reason.rstrip("."))
    speeds = _speeds(engines, rows)
    for name, by_budget in speeds.items():
        fastest = max(by_budget.values())
        budget = min(budget for budget, speed in by_budget.items() if speed >= fastest * _NEAR_BEST)
        found[name] = Attempt(name, by_budget[budget], found[name].same, found[name].error, budget)
    return list(found.values())


def _compared(name: str, engine: Engine, rows: Sequence[Sequence[int]], expected: NDArray[np.float32]) -> Attempt:
    """Whether it says the same as the reference, and the same of a text whatever is computed with it."""
    alone = _alone(engine, rows)
    long = (list(rows[0]) * 8)[: engine.checkpoint.max_length]
    together = engine.backend.predict([*rows, long])[:-1]  # beside a long one, others are padded
    same = float((alone.argmax(1) == expected.argmax(1)).mean())
    error = float(np.abs(alone - expected).mean())
    moved = float(np.abs(together - alone).max())
    refused = ""
    if same < SAME_LABELS:
        refused = f"it gives ONNX Runtime's label on {same:.1%} of the plain texts alone"
    elif error > MOST_ERROR * float(expected.std()):
        refused = f"its logits are {error:.3f} from ONNX Runtime's"
    elif moved > NO_NEIGHBOURS:
        refused = f"a text's logits move by {moved:.3f} with what is computed beside it"
    return Attempt(name, same=same, error=error, refused=refused)


def _alone(engine: Engine, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    return np.concatenate([engine.backend.predict([row]) for row in rows])


def _speeds(engines: dict[str, Engine], rows: Sequence[Sequence[int]]) -> dict[str, dict[int, float]]:
    """Texts that a processor computes per second, by backend and budget: the best of some rounds, by turns."""
    words = [token for row in rows for token in row]
    texts = [(words * 2)[:length] for length in LENGTHS for _ in range(_EACH)]
    random.Random(0).shuffle(texts)  # noqa: S311
    batches = {budget: batches_of(texts, budget) for budget in BUDGETS}
    best: dict[str, dict[int, float]] = {name: dict.fromkeys(BUDGETS, 0.0) for name in engines}
    for _ in range(_ROUNDS):
        for budget in BUDGETS:
            for name, engine in engines.items():
                seconds = seconds_for(engine, batches[budget])
                best[name][budget] = max(best[name][budget], len(texts) / seconds)
    return best


def batches_of(texts: Sequence[Sequence[int]], budget: int) -> list[list[Sequence[int]]]:
    """The rows in batches as `next_batch` makes them when all wait."""
    waiting, found = list(texts), []
    while waiting:
        batch = next_batch(waiting, budget)
        chosen = set(map(id, batch))
        waiting = [text for text in waiting if id(text) not in chosen]
        found.append(batch)
    return found


def seconds_for(
    engine: Engine, batches: Sequence[Sequence[Sequence[int]]], clock: Callable[[], float] = time.process_time
) -> float:
    """What all batches take by that clock, the next one under way while one is computed, as at work.

    It is processor time: by a clock on the wall, whoever else uses the machine would choose.
    """
    started = clock()
    pending: deque[Future[NDArray[np.float32]]] = deque()
    for batch in batches:
        if len(pending) == _AHEAD:
            pending.popleft().result()
        pending.append(engine.backend.start(batch))
    for logits in pending:
        logits.result()
    return clock() - started


def main() -> None:
    """The child: reads what is asked from stdin, and ends with one line of JSON."""
    answers = os.dup(1)  # what a library prints is no answer
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    asked: dict[str, Any] = json.load(sys.stdin)
    bound(asked["memory"], asked["seconds"])
    try:
        said: Any = [asdict(attempt) for attempt in measured(asked["source"], asked["backends"], asked["threads"])]
    except ModelError as error:
        said = {"failed": str(error)}
    os.write(answers, json.dumps(said).encode())
    os._exit(0)  # whatever its libraries would do at the end
