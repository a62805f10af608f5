"""`python -m tests.bench.gpu`: the engine on a GPU, beside transformers' pipeline there, everything in one run.

Prints a table and writes the same to build/gpu.json. Needs the extra `torch` and a GPU that works.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import torch
from transformers import TextClassificationPipeline

from model import Classifier
from model.backends.engine import Engine, load_engine
from model.scheduling.batch_size import calibrated
from tests.bench import peers, serving
from tests.bench.texts import chat

OUTPUT = Path("build/gpu.json")

FORWARD_TOKENS = (2048, 8192, 32768)
"""Padded tokens of a batch, forward only: from what suits a CPU to what fills a large GPU."""


@click.command()
@click.option("--quick", is_flag=True, help="A twentieth of the texts, to see that it runs.")
@click.option("--device", default="cuda", show_default=True, help="cpu, to try the command itself.")
def main(quick: bool, device: str) -> None:
    """Runs everything and prints it."""
    size = 0.05 if quick else 1.0
    sys.setswitchinterval(0.0005)  # as the bot does
    engine = calibrated(load_engine("bundled", device))
    report: dict[str, Any] = {"device": engine.backend.device, "torch": torch.__version__, "budget": engine.budget}
    report["agreement"] = agreement(engine, chat(int(2000 * size), seed=2))
    report["forward"] = forward(engine, chat(int(20_000 * size)))
    report["pipeline"] = pipelines(engine, device, size)
    report["serving"] = asyncio.run(serve(engine, size))
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    for line in lines(report):
        click.echo(line)
    click.echo(f"\nalso in {OUTPUT}")


def agreement(engine: Engine, texts: Sequence[str]) -> float:
    """In which share of the texts the GPU in half precision and the CPU in int8 say the same."""
    other = load_engine("bundled", "cpu")
    same = 0
    for text in texts:
        rows = engine.reader.read(text)
        verdicts = [one.decide(one.backend.predict(rows), one.traits(rows)).sentiment for one in (engine, other)]
        same += verdicts[0] is verdicts[1]
    return same / len(texts)


def forward(engine: Engine, texts: Sequence[str]) -> dict[int, float]:
    """Texts per second when they are tokenised and sorted by length already, by the padded tokens of a batch."""
    rows = sorted((row for text in texts for row in engine.reader.read(text)), key=len)

    def work(tokens: int) -> Callable[[Sequence[str]], object]:
        def predict(texts: Sequence[str]) -> None:
            chosen, batch = rows[: len(texts)], list[Sequence[int]]()
            for row in chosen:
                if batch and len(row) * (len(batch) + 1) > tokens:
                    engine.backend.predict(batch)
                    batch = []
                batch.append(row)
            engine.backend.predict(batch)

        return predict

    return {tokens: peers.rate(work(tokens), texts) for tokens in FORWARD_TOKENS}


def pipelines(engine: Engine, device: str, size: float) -> dict[str, float]:
    """Texts per second of transformers' pipeline over the same network in half precision."""
    same: TextClassificationPipeline = peers.pipelines(device)["same"]
    few, many = chat(int(1000 * size)), chat(int(4000 * size))
    return {
        "one by one": peers.rate(peers.one_by_one(same), few),
        "in batches of 32": peers.rate(peers.in_batches(same), many),
        "in batches of 256": peers.rate(peers.in_batches(same, 256), many),
    }


async def serve(engine: Engine, size: float) -> dict[str, float]:
    """The classifier, without its cache: closed load, then an open one at half of that."""
    texts = chat(int(20_000 * size), seed=1)
    found: dict[str, float] = {}
    async with await Classifier.start(lambda: replace(engine), queue_limit=1_000_000) as classifier:
        gc.collect()
        gc.freeze()  # as the bot does
        await serving.closed_load(classifier, texts[:2000])
        found["chat"] = max([await serving.closed_load(classifier, texts) for _ in range(3)])
        steady = await serving.open_load(classifier, texts, found["chat"] / 2)
        found |= {"steady_p50": steady.p50, "steady_p99": steady.p99, "steady_rate": steady.per_second}
        found["added_latency"] = await serving.added_latency(classifier, texts[: int(300 * size)], engine)
    return found


def lines(report: dict[str, Any]) -> list[str]:
    """The table."""
    own, forward = report["serving"], report["forward"]
    rate = own["chat"]
    return [
        f"{report['device']}, torch {report['torch']}, batches of {report['budget']} padded tokens",
        f"same sentiment as int8 on the CPU      {report['agreement']:.2%}",
        *(f"forward only, {tokens:>6} tokens a batch   {value:>10,.0f} texts/s" for tokens, value in forward.items()),
        *(f"pipeline, {name:<22}       {value:>10,.0f} texts/s" for name, value in report["pipeline"].items()),
        f"through the classifier                 {rate:>10,.0f} texts/s",
        *(f"  of forward only, {tokens:>6} tokens        {rate / value:>8.0%}" for tokens, value in forward.items()),
        *(f"  against pipeline {name:<18}  {rate / value:>8.1f}x" for name, value in report["pipeline"].items()),
        f"half load ({own['steady_rate']:,.0f}/s): p50 {own['steady_p50'] * 1000:.1f} ms, "
        f"p99 {own['steady_p99'] * 1000:.1f} ms",
        f"added latency, one in flight           {own['added_latency'] * 1000:>9.2f} ms",
    ]


if __name__ == "__main__":
    main()
