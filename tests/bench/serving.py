"""How the classifier behaves under load: latency, overload, fairness, the event loop, memory, changes of model."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model import Classifier, ModelError, Overloaded
from model.backends.engine import Engine, load_engine
from model.backends.measuring import batches_of, seconds_for


@dataclass(frozen=True, slots=True)
class Load:
    """What an open load met: latencies in seconds of the answered, and how quickly others were refused."""

    latencies: np.ndarray
    refused_within: np.ndarray
    seconds: float

    @property
    def p50(self) -> float:
        return float(np.percentile(self.latencies, 50))

    @property
    def p99(self) -> float:
        return float(np.percentile(self.latencies, 99))

    @property
    def refused_p99(self) -> float:
        return float(np.percentile(self.refused_within, 99))

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds


async def open_load(
    classifier: Classifier, texts: Sequence[str], per_second: float, origin: int = 0, seed: int = 0
) -> Load:
    """Sends the texts at random moments, `per_second` on average, whether or not earlier ones are answered."""
    chance = random.Random(seed)
    latencies: list[float] = []
    refused: list[float] = []

    async def ask(text: str) -> None:
        started = time.perf_counter()
        try:
            await classifier.classify(text, origin=origin)
        except Overloaded:
            refused.append(time.perf_counter() - started)
        else:
            latencies.append(time.perf_counter() - started)

    # Those that are answered are let go, as in a bot: the collector would look through all of them again and again.
    started, due, calls = time.perf_counter(), 0.0, set[asyncio.Future[None]]()
    for number, text in enumerate(texts):
        due += chance.expovariate(per_second)
        wait = due - (time.perf_counter() - started)
        if wait > 0.001:
            await asyncio.sleep(wait)
        call = asyncio.ensure_future(ask(text))
        calls.add(call)
        call.add_done_callback(calls.discard)
        if number % 50 == 0:
            await asyncio.sleep(0)
    await asyncio.gather(*calls)
    return Load(np.array(latencies), np.array(refused or [0.0]), time.perf_counter() - started)


async def closed_load(classifier: Classifier, texts: Sequence[str]) -> float:
    """Texts per second when there is always enough to do."""
    started = time.perf_counter()
    await classifier.classify_many(texts)
    return len(texts) / (time.perf_counter() - started)


def backend_alone(engine: Engine, texts: Sequence[str], rounds: int = 3) -> float:
    """Texts per second of the backend, in the batches that it would be given, without queue, reading and verdicts."""
    rows = [row for text in texts for row in engine.reader.read(text)]
    batches = batches_of(rows, engine.budget)
    return len(texts) / min(seconds_for(engine, batches, time.perf_counter) for _ in range(rounds))


async def added_latency(classifier: Classifier, texts: Sequence[str], engine: Engine | None = None) -> float:
    """Seconds that the queue, the thread and the event loop add to one request in flight, as a median difference."""
    engine = engine or load_engine("bundled")
    direct, through = [], []
    for text in texts:
        started = time.perf_counter()
        engine.answer(text)
        direct.append(time.perf_counter() - started)
        started = time.perf_counter()
        await classifier.classify(text)
        through.append(time.perf_counter() - started)
    return float(np.median(np.array(through) - np.array(direct)))


async def loop_lag(work: Awaitable[object]) -> float:
    """The 99th percentile in seconds by which a sleeper is late while `work` goes on."""
    lags: list[float] = []

    async def watch() -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - started - 0.005)

    watcher = asyncio.ensure_future(watch())
    await work
    watcher.cancel()
    return float(np.percentile(lags, 99))


async def fairness(
    classifier: Classifier, texts: Sequence[str], capacity: float, seconds: float = 8, rounds: int = 5
) -> tuple[float, float]:
    """The 99th percentile of nine servers' latencies without and with a tenth that sends 20 times its share.

    All ten send 60 % of what there is capacity for, evenly, before it begins to. Both are measured by turns, and of
    their rounds the median is taken: a percentile this high is whatever else the machine did in that second.
    """
    share = 0.06 * capacity
    count = max(20, int(share * seconds))

    async def others(seed: int) -> float:
        loads = await asyncio.gather(
            *(open_load(classifier, texts[:count], share, origin, seed + origin) for origin in range(1, 10))
        )
        return float(np.percentile(np.concatenate([load.latencies for load in loads]), 99))

    async def beside(tenth: float, seed: int) -> float:
        flood = asyncio.ensure_future(open_load(classifier, (list(texts) * 30)[: int(tenth * seconds)], tenth, 0, seed))
        worst = await others(seed)
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)
        while classifier.stats().queued:
            await asyncio.sleep(0.05)
        return worst

    alone, flooded = [], []
    for number in range(rounds):
        alone.append(await beside(share, 100 * number))
        flooded.append(await beside(20 * share, 100 * number + 50))
    return float(np.median(alone)), float(np.median(flooded))


async def beside_the_worst(
    classifier: Classifier,
    texts: Sequence[str],
    worst: Sequence[str],
    capacity: float,
    seconds: float = 8,
    rounds: int = 5,
) -> tuple[float, float]:
    """The 99th percentile of nine servers' latencies without and with a tenth that asks about the worst texts.

    The nine send a fifth of what there is capacity for. The tenth has all of `worst` in hand, again and again. Both are
    measured by turns, and of their rounds the median is taken.
    """
    share = 0.2 / 9 * capacity
    await classifier.classify_many(worst, origin=0)  # which loads what is loaded when it is first needed
    count = max(20, int(share * seconds))

    async def others(seed: int) -> float:
        loads = await asyncio.gather(
            *(open_load(classifier, texts[:count], share, origin, seed + origin) for origin in range(1, 10))
        )
        return float(np.percentile(np.concatenate([load.latencies for load in loads]), 99))

    async def ask_again(text: str) -> None:
        while True:
            try:
                await classifier.classify(text, origin=0)
            except ModelError:
                await asyncio.sleep(0.01)  # refused, or nothing to read in it

    quiet, beside = [], []
    for number in range(rounds):
        quiet.append(await others(100 * number))
        asking = [asyncio.ensure_future(ask_again(text)) for text in worst]
        beside.append(await others(100 * number + 50))
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        while classifier.stats().queued:
            await asyncio.sleep(0.05)
    return float(np.median(quiet)), float(np.median(beside))


async def memory_growth(classifier: Classifier, texts: Sequence[str], count: int) -> float:
    """How much resident memory grows over `count` texts after a tenth as many to warm up, as a share."""
    for start in range(0, count // 10, 2000):
        await classifier.classify_many([f"{text} {start}" for text in texts[:2000]])
    before = resident()
    for start in range(0, count, 2000):
        await classifier.classify_many([f"{text} {start}" for text in texts[:2000]])
    return resident() / before - 1


async def reloads(classifier: Classifier, texts: Sequence[str], per_second: float, count: int) -> tuple[int, float]:
    """Texts lost while the model is loaded anew `count` times under load, and the growth of memory meanwhile."""
    lost, stop = 0, False

    async def ask() -> None:
        nonlocal lost
        chance = random.Random(1)
        while not stop:
            await asyncio.sleep(chance.expovariate(per_second / 8))
            try:
                await classifier.classify(chance.choice(texts))
            except ModelError:
                lost += 1

    calls = [asyncio.ensure_future(ask()) for _ in range(8)]
    for _ in range(max(2, count // 10)):
        await classifier.reload()
    before = resident()
    for _ in range(count):
        await classifier.reload()
    growth = resident() / before - 1
    stop = True
    await asyncio.gather(*calls)
    return lost, growth


async def explained(classifier: Classifier, texts: Sequence[str]) -> float:
    """In which share of the texts leaving out the top word moves the score more than leaving out a random one does."""
    chance, moved, counted = random.Random(3), 0, 0
    for text in texts:
        influences = (await classifier.explain(text)).influences
        if len(influences) < 3:
            continue
        top = max(influences, key=lambda piece: abs(piece.effect))
        other = chance.choice(influences)
        moved += abs(top.effect) > abs(other.effect) or other is top
        counted += 1
    return moved / counted


_LOADED = """
import sys
from model import load_engine
engine = load_engine("bundled", "cpu", backend=sys.argv[1])
for length in (8, 32, 128, 512):
    engine.backend.predict([[101, *[2023] * (length - 2), 102]] * (1024 // length))
print(int(open("/proc/self/statm").read().split()[1]) * 4096)
"""


def memory_of(backend: str) -> float:
    """Megabytes of a process that has nothing but the bundled model on that backend, after batches of all lengths."""
    ran = subprocess.run([sys.executable, "-c", _LOADED, backend], check=True, capture_output=True, text=True)
    return int(ran.stdout) / 1e6


def resident() -> int:
    """Resident memory in bytes."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096
