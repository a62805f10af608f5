"""A picture of the dashboard from real numbers: `python -m tests.pages.dashboard [--seconds 150] [--file FILE.png]`.

There is no Grafana in any registry that is reached from here. So a Prometheus (Debian's `prometheus`, or
`--prometheus PATH`) asks a bot on a Discord on this machine while people write, use commands and start a storm; the
panels of deploy/grafana.json are asked of it as Grafana asks them, and drawn where they lie, by matplotlib.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import yaml  # type: ignore[import-untyped]
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bot.demo.conversations import CONVERSATIONS, STORM
from bot.demo.launch import bot_process, wait_until_ready
from bot.demo.local_discord import LocalDiscord
from bot.demo.world import World, build_world

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana.json").read_text("utf-8"))
STEP, RATE_INTERVAL = 2, "20s"
"""Seconds between two questions to the bot, and over what rates are taken."""

COLUMNS, WIDTH, ROW, DPI = 24, 14.0, 0.21, 100
"""Grafana's columns; the picture's width and the height of one of Grafana's rows, in inches."""

NAMED = 7
"""Series of a panel that are named below it."""

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8a8f98", "#000000")


def free_port() -> int:
    """One of 127.0.0.1 that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@asynccontextmanager
async def running_prometheus(program: str, folder: Path, asked: int) -> AsyncIterator[str]:
    """A Prometheus that asks the bot at that port; its address."""
    port, config = free_port(), folder / "prometheus.yml"
    job = {"job_name": "vibecheck", "static_configs": [{"targets": [f"127.0.0.1:{asked}"]}]}
    asks = {"scrape_interval": f"{STEP}s", "scrape_timeout": f"{STEP}s"}
    rules = [str(ROOT / "deploy" / "alerts.yml")]
    config.write_text(yaml.safe_dump({"global": asks, "rule_files": rules, "scrape_configs": [job]}), "utf-8")
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def be_busy(world: World, seconds: float) -> None:
    """People write, ask, and are angry for a while."""
    until, rng = time.monotonic() + seconds, random.Random(1)
    channels = list(world.channels.values())
    lines = [line.text for said in CONVERSATIONS.values() for line in said]
    _, *people = world.members
    while (left := until - time.monotonic()) > 0:
        storm = 0.35 * seconds < left < 0.6 * seconds
        for _ in range(rng.randint(6, 12) if storm else rng.randint(1, 3)):
            texts = STORM if storm else lines
            await rng.choice(people).send(rng.choice(channels), f"{rng.choice(texts)} {rng.randint(1, 999)}")
        if rng.random() < 0.5:
            await world.members[0].slash(channels[0], "sentiment", text=f"{rng.choice(lines)} {rng.randint(1, 99)}")
        if rng.random() < 0.15:
            await world.members[0].slash(channels[0], rng.choice(("mood channel", "privacy see", "monitor status")))
        await asyncio.sleep(rng.uniform(0.3, 1.2))


async def ask(session: aiohttp.ClientSession, address: str, expression: str, since: float, until: float) -> list[Any]:
    """What Prometheus answers for that time: a list of series."""
    for name, value in {"$job": "vibecheck", "$instance": ".*", "$__rate_interval": RATE_INTERVAL}.items():
        expression = expression.replace(name, value)
    asked = {"query": expression, "start": str(since), "end": str(until), "step": str(STEP)}
    async with session.get(f"{address}/api/v1/query_range", params=asked) as answer:
        told = await answer.json()
    if told["status"] != "success":
        raise SystemExit(f"Prometheus does not take {expression}: {told}")
    return list(told["data"]["result"])


def in_words(value: float, unit: str) -> str:
    """A number as the panel's unit has it."""
    if unit == "s":
        for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return f"{value * 1000:.3g} ms"
    scale, name = {"percentunit": (100, " %"), "bytes": (1 / 2**20, " MiB"), "reqps": (1, "/s")}.get(unit, (1, ""))
    return f"{value * scale:.4g}{name}"


def on_axis(unit: str, value: float, _place: int | None = None) -> str:
    """A number beside a panel, as matplotlib asks for it."""
    return in_words(value, unit) if value else "0"


def legend(form: str, labels: dict[str, str]) -> str:
    """The name of a series."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), form)


def draw(panels: list[tuple[dict[str, Any], list[tuple[str, list[Any]]]]], since: float) -> Figure:
    """All panels where the dashboard has them. Each comes with its series, as name and points."""
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel, _ in panels)
    figure = Figure(figsize=(WIDTH, rows * ROW), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    for panel, series in panels:
        grid = panel["gridPos"]
        left, width = grid["x"] / COLUMNS + 0.035, grid["w"] / COLUMNS - 0.045
        top, height = 1 - grid["y"] / rows, grid["h"] / rows
        figure.text(
            left - 0.028, top - 0.9 * ROW / (rows * ROW), panel["title"], fontsize=7.5, weight="bold", va="center"
        )
        if panel["type"] == "row":
            continue
        unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "none")
        if panel["type"] == "stat":
            said = [name if "with" in name else in_words(float(points[-1][1]), unit) for name, points in series]
            told = "\n".join(said).replace(" with ", "\nwith ")
            figure.text(
                left + width / 2 - 0.02,
                top - 0.62 * height,
                told,
                fontsize=9 if "\n" in told else 16,
                ha="center",
                va="center",
            )
            continue
        axes = figure.add_axes((left, top - height + 2.2 / rows, width, height - 3.9 / rows))
        for number, (name, points) in enumerate(series):
            known = [(when - since, float(value)) for when, value in points if value != "NaN"]
            axes.plot(
                *zip(*known, strict=True), lw=1, color=COLOURS[number % len(COLOURS)], label=name
            ) if known else None
        if not axes.lines:
            axes.text(0.5, 0.5, "nothing yet", transform=axes.transAxes, ha="center", fontsize=7, color="#8a8f98")
        lowest = min((float(value) for line in axes.lines for value in np.asarray(line.get_ydata())), default=0.0)
        axes.set_ylim(bottom=min(0.0, lowest))
        axes.tick_params(labelsize=5.5, length=2)
        axes.yaxis.set_major_formatter(partial(on_axis, unit))
        axes.xaxis.set_major_formatter(lambda value, _place: f"{value:.0f} s")
        axes.grid(lw=0.3, color="#d0d3d9")
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines:
            more = [Line2D([], [], lw=0)] if len(axes.lines) > NAMED else []
            lines = [*axes.lines[:NAMED], *more]
            names = [str(line.get_label()) for line in axes.lines[:NAMED]] + [f"and {len(axes.lines) - NAMED} more"]
            where: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (-0.02, -0.12), "ncols": 4}
            axes.legend(lines, names[: len(lines)], fontsize=5, frameon=False, **where)
    return figure


async def main() -> None:
    """Runs it all and writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--file", type=Path, default=ROOT / "docs" / "dashboard.png")
    parser.add_argument("--prometheus", default="prometheus")
    arguments = parser.parse_args()
    if shutil.which(arguments.prometheus) is None:
        raise SystemExit("There's no Prometheus here; Debian's package is called prometheus.")
    with tempfile.TemporaryDirectory(prefix="vibecheck-dashboard-") as made:
        folder, port = Path(made), free_port()
        async with LocalDiscord(heartbeat_interval=10) as local:
            world = build_world(local)
            settings = {"METRICS_PORT": str(port)}
            async with (
                running_prometheus(arguments.prometheus, folder, port) as address,
                bot_process(local, folder / "data", settings, past=world.past()) as bot,
            ):
                await wait_until_ready(local, bot)
                since = time.time()
                await be_busy(world, arguments.seconds)
                until = time.time()
                async with aiohttp.ClientSession() as session:
                    panels = []
                    for panel in DASHBOARD["panels"]:
                        series = []
                        for target in panel.get("targets", []):
                            found = await ask(session, address, target["expr"], since, until)
                            series += [(legend(target["legendFormat"], one["metric"]), one["values"]) for one in found]
                        panels.append((panel, series))
                    async with session.get(f"{address}/api/v1/rules") as answer:
                        rules = [rule for group in (await answer.json())["data"]["groups"] for rule in group["rules"]]
    empty = [panel["title"] for panel, series in panels if panel["type"] != "row" and not series]
    print(f"panels without a series: {', '.join(empty) or 'none'}")
    print(f"rules: {len(rules)}, broken: {[rule['name'] for rule in rules if rule['health'] != 'ok']}, firing: "
          f"{[rule['name'] for rule in rules if rule['state'] == 'firing']}")  # fmt: skip
    draw(panels, since).savefig(arguments.file, metadata={"Software": None})


if __name__ == "__main__":
    asyncio.run(main())
