"""The report's pictures: confusion, reliability, slices, and what phase 2 gained and forgot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from model.verdict import SENTIMENTS
from training.checkpointing import read_json
from training.errors import TrainingError

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444")
"""Okabe and Ito's colours, told apart by people with any kind of colour vision."""

mpl.use("Agg")


def draw(report: dict[str, Any], folder: Path, main: str) -> list[Path]:
    """Writes the plots as PNG files to `folder`; confusion and reliability are those of the system named `main`."""
    folder.mkdir(parents=True, exist_ok=True)
    plots = {"confusion": _confusion, "reliability": _reliability, "slices": _slices}
    written = []
    for name, plot in plots.items():
        figure = plot(report, main)
        if figure is not None:
            written.append(_save(figure, folder / f"{name}.png"))
    return written


def draw_forgetting(curve: dict[str, Any], file: Path) -> Path:
    """Draws `training.evaluation.forgetting.forgetting_curve`'s result: both tasks against the share of phase 2.

    Raises TrainingError for anything but such a result.
    """
    if not {"points", "metrics"} <= set(curve):
        raise TrainingError("The forgetting curve isn't complete; `python -m training curve` draws it again.")
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    shares = [point["share"] for point in curve["points"]]
    for (metric, label), colour in zip(curve["metrics"].items(), COLOURS, strict=False):
        axes.plot(shares, [100 * point[metric] for point in curve["points"]], marker="o", color=colour, label=label)
    of = f", from {' to '.join(curve['between'])}" if "between" in curve else ""
    axes.set(xlabel="share of phase 2 in the weights", ylabel="percent", title=f"What phase 2 gains and forgets{of}")
    _finish(axes)
    return _save(figure, file)


def draw_latest_forgetting(report: Path, folder: Path) -> list[Path]:
    """Draws the report's curve, which is written down in `folder` then, or the one that stands there; nothing without.

    Raises TrainingError for a file that holds no curve.
    """
    newer, kept = report / "forgetting.json", folder / "forgetting.json"
    curve = newer if newer.is_file() else kept
    if not curve.is_file():
        return []
    picture = draw_forgetting(read_json(curve), folder / "forgetting.png")
    if curve is newer:  # only what could be drawn takes the place of what is there
        kept.write_bytes(newer.read_bytes())
    return [picture]


def _confusion(report: dict[str, Any], main: str) -> Figure | None:
    names = [name for name, suite in report["suites"].items() if suite["ways"] == 3 and not suite["pairs"]]
    if not names:
        return None
    figure = Figure(figsize=(3.4 * len(names), 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        counts = np.array(report["confusion"][name][main], dtype=float)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row in range(3):
            for column in range(3):
                ink = "white" if shares[row, column] > 0.55 else "black"
                axes.text(column, row, f"{shares[row, column]:.0%}", ha="center", va="center", color=ink)
        short = [sentiment.value for sentiment in SENTIMENTS]
        axes.set_xticks(range(3), short, fontsize=8)
        axes.set_yticks(range(3), short, fontsize=8, rotation=90, va="center")
        axes.set_title(report["suites"][name]["title"], fontsize=9)
        axes.set_xlabel("answer")
    figure.supylabel("truth")
    return figure


def _reliability(report: dict[str, Any], main: str) -> Figure | None:
    names = [
        name
        for name, by_system in report["reliability"].items()
        if main in by_system and not report["suites"][name]["pairs"]
    ]
    if not names:
        return None
    figure = Figure(figsize=(6, 5.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([33, 100], [33, 100], color="#999999", linestyle="--", label="perfectly calibrated")
    for index, name in enumerate(names):
        bins = [one for one in report["reliability"][name][main] if one["count"] >= 20]
        label = f"{report['suites'][name]['title']} (ECE {report['results'][name][main]['ece']['value']:.3f})"
        axes.plot(
            [100 * one["confidence"] for one in bins],
            [100 * one["right"] for one in bins],
            marker="o",
            markersize=4,
            color=COLOURS[index % len(COLOURS)],
            linestyle="-" if index < len(COLOURS) else ":",
            label=label,
        )
    axes.set(xlabel="confidence, percent", ylabel="right, percent", title=f"Reliability of {main}")
    _finish(axes)
    return figure


def _slices(report: dict[str, Any], _: str) -> Figure | None:
    names = list(report["slices"])
    if not names:
        return None
    systems = list(report["systems"])
    figure = Figure(figsize=(8, 0.5 + len(names) * (0.25 + 0.14 * len(systems))), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(systems)
    for index, system in enumerate(systems):
        found = [report["slices"][name][system] for name in names]
        values = np.array([100 * one["value"] for one in found])
        spread = [values - [100 * one["low"] for one in found], [100 * one["high"] for one in found] - values]
        where = np.arange(len(names)) + (index - (len(systems) - 1) / 2) * height
        axes.barh(where, values, height * 0.9, xerr=spread, color=COLOURS[index % len(COLOURS)], label=system,
                  error_kw={"linewidth": 0.8, "ecolor": "#333333"})  # fmt: skip
    counts = [next(iter(report["slices"][name].values()))["count"] for name in names]
    axes.set_yticks(range(len(names)), [f"{name} ({count:,})" for name, count in zip(names, counts, strict=True)])
    axes.invert_yaxis()
    axes.set(xlabel="accuracy, percent, with 95 % interval", xlim=(0, 100))
    _finish(axes)
    return figure


def _finish(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, loc="best")


def _save(figure: Figure, file: Path) -> Path:
    """Without the library's version in it, so that the same report gives the same file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110, metadata={"Software": None})
    return file
