"""`python -m tests.bench.remote`: what it costs to have texts scored by another process, all in one run.

Prints the goodput of lists of 64 against that of a classifier in process, what is added to one text that somebody waits
for, and how many texts are lost when one server of two is killed. Both sides compute with the same number of threads;
the load of the machine stands beside each row.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import click
import numpy as np

from model import Classifier, Priority, Verdict
from model.any_classifier import AnyClassifier
from model.serving.failover_classifier import FailoverClassifier
from tests.bench.machine import Moment, others_share
from tests.bench.texts import chat
from tests.score_process import score_process

ROUNDS = 3


@click.command()
@click.option("--quick", is_flag=True, help="A tenth of the texts, to see that it runs.")
@click.option("--threads", default=1, show_default=True, help="Of the model on either side.")
def main(quick: bool, threads: int) -> None:
    """Measures everything and prints it."""
    asyncio.run(_measure(0.1 if quick else 1.0, threads))


async def _measure(size: float, threads: int) -> None:
    many, few = chat(int(6000 * size)), chat(int(400 * size))
    async with AsyncExitStack() as kept:
        folder = Path(kept.enter_context(tempfile.TemporaryDirectory()))
        own = {"THREADS": str(threads), "CACHE_SIZE": "0"}
        servers = [await kept.enter_async_context(score_process(folder / name, 0, **own)) for name in ("a", "b")]

        async def here() -> Classifier:
            return await Classifier.open(threads=threads, cache=0, budget=1024, backend="onnxruntime")

        local = await kept.enter_async_context(await here())
        remote = await kept.enter_async_context(await FailoverClassifier.open(await here(), [servers[0].url]))
        both = await kept.enter_async_context(
            await FailoverClassifier.open(await here(), [server.url for server in servers])
        )
        await _printed("goodput of lists of 64, remote / in process", _goodput(local, remote, many))
        await _printed("p50 of one text that somebody waits for, added", _added(local, remote, few))
        await _printed("texts lost when one server of two is killed", _lost(both, many, servers[0].process.pid))


async def _printed(name: str, measured: Awaitable[str]) -> None:
    before = Moment.now()
    said = await measured
    others = others_share(before, Moment.now())
    click.echo(f"{name:<50} {said}  (load {os.getloadavg()[0]:.1f}, the rest of the machine {others:.0%})")


async def _goodput(local: AnyClassifier, remote: AnyClassifier, texts: Sequence[str]) -> str:
    """Texts a second of both by turns, the median of the rounds."""
    await asyncio.gather(local.classify_many(texts[:200]), remote.classify_many(texts[:200]))
    inside, outside = [], []
    for _ in range(ROUNDS):
        inside.append(await _per_second(local, texts))
        outside.append(await _per_second(remote, texts))
    here, there = float(np.median(inside)), float(np.median(outside))
    return f"{there / here:.2f} ({there:,.0f}/s / {here:,.0f}/s, {len(texts):,} texts)"


async def _per_second(classifier: AnyClassifier, texts: Sequence[str]) -> float:
    begun = time.perf_counter()
    answers = await classifier.classify_many(texts, Priority.PASSIVE)
    return sum(isinstance(answer, Verdict) for answer in answers) / (time.perf_counter() - begun)


async def _added(local: AnyClassifier, remote: AnyClassifier, texts: Sequence[str]) -> str:
    """The difference of the medians, one text at a time, by turns."""
    seconds: dict[str, list[float]] = {"here": [], "there": []}
    for text in texts:
        for name, ask in (("here", local.classify), ("there", remote.classify)):
            seconds[name].append(await _timed(ask, text))
    here, there = (float(np.median(seconds[name])) * 1000 for name in ("here", "there"))
    return f"{there - here:.1f} ms ({there:.1f} - {here:.1f}, {len(texts):,} texts)"


async def _timed(ask: Callable[[str], Awaitable[object]], text: str) -> float:
    begun = time.perf_counter()
    await ask(text)
    return time.perf_counter() - begun


async def _lost(both: AnyClassifier, texts: Sequence[str], pid: int) -> str:
    """Those that were asked for and have no verdict."""
    asking = asyncio.ensure_future(both.classify_many(texts, Priority.PASSIVE))
    await asyncio.sleep(0.3)
    os.kill(pid, signal.SIGKILL)
    lost = sum(not isinstance(answer, Verdict) for answer in await asking)
    return f"{lost} of {len(texts):,} ({both.stats().stood_in:,} were read in process)"


if __name__ == "__main__":
    main()
