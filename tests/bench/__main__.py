"""`make bench`, or `python -m tests.bench`: the engine beside its peers, everything in one run.

Prints a table of ratios, and writes the whole report to docs/bench/, under the processor's name: `python -m
tests.bench.table` makes the table in docs/benchmarks.md of what is there. On a machine that others use meanwhile the
ratios still mean something, the latencies do not; the report says so. A quick run is written to build/bench.json.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from bot.app.malloc import limit_arenas, map_large_blocks, return_freed
from bot.app.process_tuning import SWITCH_SECONDS
from model import Classifier
from model.backends.base import granted_cpus
from model.backends.choice import BackendChoice
from model.backends.engine import is_installed, load_engine
from tests.bench import peers, serving
from tests.bench.ending import seconds_to_end
from tests.bench.machine import Moment, described, slug
from tests.bench.table import REPORTS, shown
from tests.bench.texts import chat, mixed
from tests.bench.worst_texts import worst_texts

QUICK = Path("build/bench.json")
REMEMBERED = Path("build/backend.json")
"""Where the backend that was chosen is kept, as the bot keeps it in DATA_DIR."""


@click.command()
@click.option("--quick", is_flag=True, help="A twentieth of the texts, to see that it runs.")
@click.option("--worst-texts", "only_worst", is_flag=True, help="Only the rows of the worst texts.")
def main(quick: bool, only_worst: bool) -> None:
    """Runs everything and prints it."""
    size = 0.05 if quick else 1.0
    sys.setswitchinterval(SWITCH_SECONDS)  # as the bot does
    limit_arenas(granted_cpus())
    map_large_blocks()
    if only_worst:
        for line in _printed(worst_rows(asyncio.run(serve_beside_the_worst(size)))):
            click.echo(line)
        return
    before, load = Moment.now(), os.getloadavg()[0]
    REMEMBERED.unlink(missing_ok=True)
    report: dict[str, Any] = {"taken": datetime.now(UTC).date().isoformat(), "quick": quick}
    report["peers"] = compare(size)
    report["serving"] = asyncio.run(serve(size))
    report["memory"] = {name: serving.memory_of(name) for name in ("onnxruntime", "openvino") if is_installed(name)}
    report["machine"] = machine = described(before, load)
    report["rows"] = rows(report)
    output = QUICK if quick else REPORTS / f"{slug(machine['processor'])}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    units = ", ".join(machine["matrix_units"]) or "nothing known"
    click.echo(f"{machine['cores']} cores of {machine['processor']} ({units}); {report['serving']['backend']} answers")
    for line in _printed(report["rows"]):
        click.echo(line)
    if machine["loaded"]:
        click.echo(f"\nA loaded machine: others used {machine['others_share']:.0%} of it. Its latencies mean nothing.")
    click.echo(f"\nalso in {output}")


def compare(size: float) -> dict[str, float]:
    """Texts per second of everybody on the same chat, and the processor's own limit."""
    engine = load_engine("bundled", "cpu", backend="onnxruntime")
    pipelines = peers.pipelines()
    few, many = chat(int(300 * size)), chat(int(3000 * size))
    works = {
        "pipeline": (peers.one_by_one(pipelines["same"]), few),
        "pipeline_32": (peers.in_batches(pipelines["same"]), few),
        "pipeline_usual_size": (peers.one_by_one(pipelines["usual"]), few[: int(150 * size)]),
        "runtime_1": (peers.plain_runtime(engine, 1), few),
        "runtime_32": (peers.plain_runtime(engine, 32), many),
        "torch_bf16_32": (peers.plain_torch(pipelines["same"], engine, 32), many),
    }
    if is_installed("openvino"):
        works["openvino_32"] = (peers.plain_openvino(engine, 32), many)
    found = {}
    for name, (work, texts) in tqdm(works.items(), desc="peers"):
        try:
            found[name] = peers.rate(work, texts)
        except RuntimeError as error:  # OpenVINO cannot run our int8 file as it comes on some processors
            reason = str(error).strip().splitlines()[-1].strip()
            tqdm.write(f"{name} can't run here, so it's left out: {reason}")
    tokens = sum(len(row) for text in many for row in engine.reader.read(text)) / len(many)
    found["tokens_per_text"] = tokens
    found["multiply_adds_per_token"] = peers.multiply_adds_per_token()
    found |= {f"multiply_rate_{name}": value for name, value in peers.multiply_rate().items()}
    for length in (8, 32, 64, 128):
        batch = [[101, *[2023] * (length - 2), 102]] * max(1, 2048 // length)
        per_second = peers.rate(lambda _: engine.backend.predict(batch), ["x"] * len(batch))  # noqa: B023
        found[f"rows_of_{length}_tokens"] = per_second
    return found


async def serve(size: float) -> dict[str, Any]:
    """The classifier on the same chat, without its cache, which would make every figure better."""
    texts, long = chat(int(3000 * size), seed=1), mixed(int(3000 * size), seed=1)
    started = time.perf_counter()
    chosen = BackendChoice(remembered=REMEMBERED).load("bundled")
    found: dict[str, Any] = {"seconds_to_choose": time.perf_counter() - started}
    started = time.perf_counter()
    chosen = BackendChoice(remembered=REMEMBERED).load("bundled")
    found["seconds_to_load_the_chosen"] = time.perf_counter() - started
    found |= {"backend": chosen.backend.name, "tried": list(map(str, chosen.attempts))}
    progress = tqdm(total=11, desc="serving")
    async with await Classifier.open(
        "bundled", cache=0, remembered=REMEMBERED, after_change=return_freed
    ) as classifier:
        # As the bot does; the peers' libraries would hold everything up for a third of a second now and then.
        gc.collect()
        gc.freeze()
        await serving.closed_load(classifier, texts)
        found["budget"] = classifier.info.budget
        spent = time.process_time()
        rates = [await serving.closed_load(classifier, texts) for _ in range(3)]
        found["cpu_seconds"] = (time.process_time() - spent) / 3 / len(texts)
        found["chat"] = capacity = max(rates)
        found["backend_alone"] = serving.backend_alone(chosen, texts)
        del chosen
        few, many = texts[:100], (texts * 40)[: int(100_000 * size)]
        for_few = [await serving.closed_load(classifier, few) for _ in range(5)]
        found["cost_growth"] = max(for_few) / await serving.closed_load(classifier, many)
        progress.update()
        before = classifier.stats()
        found["mixed"] = await serving.closed_load(classifier, long)
        after = classifier.stats()
        useful = after.useful_tokens - before.useful_tokens
        found["useful_share"] = useful / (after.computed_tokens - before.computed_tokens)
        progress.update()
        direct = BackendChoice(remembered=REMEMBERED).load("bundled")
        found["added_latency"] = await serving.added_latency(classifier, texts[: int(300 * size)], direct)
        del direct
        progress.update()
        found["loop_lag"] = await serving.loop_lag(serving.closed_load(classifier, texts))
        progress.update()
        steady = await serving.open_load(classifier, (texts * 9)[: int(capacity * 20 * size)], 0.7 * capacity)
        found |= {"steady_p50": steady.p50, "steady_p99": steady.p99}
        progress.update()
        flood = (texts * 99)[: int(3 * capacity * 60 * size)]
        overload = await serving.open_load(classifier, flood, 3 * capacity)
        found |= {
            "overload_goodput": overload.per_second / capacity,
            "refused_within": overload.refused_p99,
        }
        progress.update()
        alone, beside = await serving.fairness(classifier, texts, capacity, max(1, 8 * size), 5 if size == 1 else 3)
        found |= {"others_p99": alone, "others_p99_beside_a_flood": beside}
        progress.update()
        found |= await _beside_the_worst(classifier, texts, capacity, size)
        progress.update()
        found["memory_growth"] = await serving.memory_growth(classifier, long, int(100_000 * size))
        progress.update()
        found["explained"] = await serving.explained(classifier, texts[: int(500 * size)])
        lost, growth = await serving.reloads(classifier, texts, 0.8 * capacity, max(2, int(200 * size)))
        found |= {"reload_lost": lost, "reload_growth": growth}
        found["rollback"] = (await classifier.rollback()).seconds
        progress.update()
    found["seconds_to_end"] = await seconds_to_end(worst_texts())
    progress.update()
    return found


async def serve_beside_the_worst(size: float) -> dict[str, float]:
    """What of `serve` the worst texts are in."""
    texts = chat(int(3000 * size), seed=1)
    async with await Classifier.open("bundled", cache=0, remembered=REMEMBERED) as classifier:
        gc.collect()
        gc.freeze()
        capacity = max([await serving.closed_load(classifier, texts) for _ in range(3)])
        found = await _beside_the_worst(classifier, texts, capacity, size)
    return found | {"seconds_to_end": await seconds_to_end(worst_texts())}


async def _beside_the_worst(classifier: Classifier, texts: list[str], capacity: float, size: float) -> dict[str, float]:
    rounds = 5 if size == 1 else 3
    quiet, worst = await serving.beside_the_worst(classifier, texts, worst_texts(), capacity, max(1, 8 * size), rounds)
    return {"others_p99_quiet": quiet, "others_p99_beside_the_worst": worst}


def rows(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The table: what was measured, and what was wanted of it."""
    peer, own = report["peers"], report["serving"]
    done = own["chat"] * peer["tokens_per_text"] * peer["multiply_adds_per_token"]
    limits = {name.removeprefix("multiply_rate_"): rate for name, rate in peer.items() if "multiply_rate" in name}
    plain = max(peer[name] for name in ("runtime_32", "openvino_32", "torch_bf16_32") if name in peer)
    lines = [
        ("chat, against pipeline one by one, same network", own["chat"] / peer["pipeline"], "x", "6.5", "15"),
        ("chat, against pipeline in batches of 32", own["chat"] / peer["pipeline_32"], "x", "", ""),
        ("chat, against pipeline over 66 M parameters", own["chat"] / peer["pipeline_usual_size"], "x", "20", "45"),
        ("chat, against plain ONNX Runtime one by one", own["chat"] / peer["runtime_1"], "x", "", ""),
        ("chat, against plain ONNX Runtime, 32, sorted", own["chat"] / peer["runtime_32"], "x", "0.9", "1.4"),
        ("chat, against the best of the plain runtimes, 32, sorted", own["chat"] / plain, "x", "0.9", "1.1"),
        ("chat, against its own backend alone", own["chat"] / own["backend_alone"], "", "0.9", "0.95"),
        ("share of the matrix-multiply limit", done / max(limits.values()), "", "0.2", "0.5"),
        *((f"share of the limit in {name}", done / limit, "", "", "") for name, limit in limits.items()),
        ("100,000 texts waiting, time per text against 100", own["cost_growth"], "x", "1.1", ""),
        ("processor time for 1,000 texts", own["cpu_seconds"] * 1000, "s", "", ""),
        *((f"memory of a process with {name} alone", of, "MB", "", "") for name, of in report["memory"].items()),
        ("start, the model with a backend that is remembered", own["seconds_to_load_the_chosen"], "s", "", ""),
        ("start, the model when a backend is chosen", own["seconds_to_choose"], "s", "", ""),
        ("useful share of computed tokens, 2 % long", own["useful_share"], "", "0.75", "0.85"),
        ("added latency, one in flight", own["added_latency"] * 1000, "ms", "1", "0.3"),
        ("open load at 70 %, p99 / p50", own["steady_p99"] / own["steady_p50"], "x", "5", "3"),
        ("3x overload, goodput of capacity", own["overload_goodput"], "", "0.9", ""),
        ("3x overload, refused within (p99)", own["refused_within"] * 1000, "ms", "5", ""),
        ("others' p99 beside a flood", own["others_p99_beside_a_flood"] / own["others_p99"], "x", "1.5", "1.2"),
        *_worst_lines(own),
        ("event-loop lag while saturated (p99)", own["loop_lag"] * 1000, "ms", "20", "10"),
        ("memory growth over 100,000 texts", own["memory_growth"] * 100, "%", "2", ""),
        ("reloads under load, texts lost", own["reload_lost"], "", "0", "0"),
        ("reloads under load, memory growth", own["reload_growth"] * 100, "%", "3", ""),
        ("rollback", own["rollback"] * 1000, "ms", "1000", "50"),
        ("top word moves more than a random one", own["explained"] * 100, "%", "80", ""),
        ("texts per second on chat", own["chat"], "/s", "", ""),
    ]
    return [_row(*line) for line in lines]


def worst_rows(own: dict[str, float]) -> list[dict[str, Any]]:
    """The rows of the worst texts alone."""
    return [_row(*line) for line in _worst_lines(own)]


def _worst_lines(own: dict[str, float]) -> list[tuple[str, float, str, str, str]]:
    ratio = own["others_p99_beside_the_worst"] / own["others_p99_quiet"]
    return [
        ("others' p99 beside the worst texts", ratio, "x", "1.5", ""),
        ("SIGTERM among the worst texts, to the end", own["seconds_to_end"], "s", "5", ""),
    ]


def _row(what: str, value: float, unit: str, floor: str, aim: str) -> dict[str, Any]:
    is_time = unit in ("ms", "s", "/s") or "p99" in what
    return {"what": what, "value": round(value, 4), "unit": unit, "floor": floor, "aim": aim, "time": is_time}


def _printed(table: list[dict[str, Any]]) -> list[str]:
    width = max(len(row["what"]) for row in table)
    return [f"{row['what']:<{width}}  {shown(row):>12}  {row['floor']:>8}  {row['aim']:>8}" for row in table]


if __name__ == "__main__":
    main()
