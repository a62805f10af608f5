"""How many padded tokens a batch should hold here: the fewest that compute about as fast as any more would."""

from __future__ import annotations

import time
from dataclasses import replace

from model.backends.engine import Engine

BUDGETS = (512, 1024, 2048)
"""In padded tokens: from one full window to four. Larger ones are no faster on a CPU and hold memory for good."""

GPU_BUDGETS = (2048, 4096, 8192)
"""A GPU takes as long for a small batch as for a large one, up to thousands of tokens. No larger ones are recorded."""

_LENGTH = 32
_NEAR_BEST = 0.9
"""Less than it seems: here each batch waits for the last one's end, at work the next one is under way by then."""

_ROUNDS = 2


def calibrated(engine: Engine) -> Engine:
    """The engine with the budget that suits its backend and processor; takes a fraction of a second on a CPU.

    Larger batches are no faster once the processor is full, and everybody waits for the batch in hand.
    """
    (row,) = engine.reader.read("how does this sound")
    row = (row * _LENGTH)[:_LENGTH]
    speeds: dict[int, float] = {}
    for budget in BUDGETS if engine.backend.device == "cpu" else GPU_BUDGETS:
        batch = [row] * (budget // _LENGTH)
        try:
            best = min(_seconds(engine, batch) for _ in range(_ROUNDS))
        except Exception:  # such as too little memory
            if not speeds:
                raise
            break
        speeds[budget] = budget / best
        if speeds[budget] < max(speeds.values()) * _NEAR_BEST:
            break  # past the best: larger ones only get slower
    fastest = max(speeds.values())
    return replace(engine, budget=min(b for b, speed in speeds.items() if speed >= fastest * _NEAR_BEST))


def _seconds(engine: Engine, batch: list[list[int]]) -> float:
    started = time.perf_counter()
    engine.backend.predict(batch)
    return time.perf_counter() - started
