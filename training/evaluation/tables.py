"""The report as Markdown tables: one row a measure, one column a system."""

from __future__ import annotations

from typing import Any

METRICS = {"accuracy": "accuracy", "macro_recall": "macro recall", "macro_f1": "macro F1", "both_right": "both right"}


def results_table(report: dict[str, Any]) -> str:
    """Every suite's metrics with their 95 % intervals, in percent."""
    systems = list(report["systems"])
    lines = [_row(["", *systems]), _row(["---", *["---:"] * len(systems)])]
    for name, suite in report["suites"].items():
        results = report["results"][name]
        size = f"{suite['pairs']:,} pairs" if suite["pairs"] else f"{suite['texts']:,} texts"
        way = ", two-way" if suite["ways"] == 2 else ""
        for metric in _metrics(suite):
            cells = [_percent(results[system].get(metric)) for system in systems]
            lines.append(_row([f"{suite['title']}, {METRICS.get(metric, 'ECE')}{way} ({size})", *cells]))
    spreads = [f"{report['countries'][system]['spread']:.2f}" for system in systems]
    count = report["countries"][systems[0]]["countries"]
    lines.append(_row([f"Spread of P(positive) over {count} countries", *spreads]))
    if report["seconds_per_1000"]:
        lines.append(_row(["Seconds for 1,000 tweets", *(f"{report['seconds_per_1000'][s]:.2f}" for s in systems)]))
    return "\n".join(lines)


def slices_table(report: dict[str, Any]) -> str:
    """Accuracy of each slice with its 95 % interval, in percent."""
    systems = list(report["systems"])
    lines = [_row(["accuracy", "texts", *systems]), _row(["---", *["---:"] * (len(systems) + 1)])]
    for name, by_system in report["slices"].items():
        count = next(iter(by_system.values()))["count"]
        lines.append(_row([name, f"{count:,}", *(_percent(by_system[system]) for system in systems)]))
    return "\n".join(lines)


def _metrics(suite: dict[str, Any]) -> list[str]:
    if suite["pairs"]:
        return ["both_right"]
    return ["accuracy", "ece"] if suite["ways"] == 2 else ["macro_recall", "macro_f1", "accuracy", "ece"]


def _percent(figure: dict[str, float] | None) -> str:
    if figure is None:
        return ""
    value = f"{figure['value'] * 100:.1f}"
    return f"{value} [{figure['low'] * 100:.1f}, {figure['high'] * 100:.1f}]" if "low" in figure else value


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
