"""The report as Markdown tables: one row a measure, one column a system."""

from __future__ import annotations

from typing import Any

from training.evaluation.trivial_edits import TURNED

METRICS = {
    "accuracy": "accuracy",
    "macro_recall": "macro recall",
    "macro_f1": "macro F1",
    "both_right": "both right",
    "flips": "polarity flips",
    "sure_right": "right at ≥ 90 % confidence",
    "ece": "ECE",
}


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
            lines.append(_row([f"{suite['title']}, {METRICS[metric]}{way} ({size})", *cells]))
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


def steadiness_table(report: dict[str, Any]) -> str:
    """The field cases, and how often a trivial edit changes an answer, in percent; "" where neither was asked."""
    systems = list(report["systems"])
    lines = []
    if cases := report["field_cases"]:
        count = cases[systems[0]]["cases"]
        for key, title in (("right", "right"), ("sure", "wrong with ≥ 90 % confidence"), ("refused", "refused")):
            shares = [f"{100 * cases[system][key] / count:.1f}" for system in systems]
            lines.append(_row([f"{count:,} field cases: {title}", *shares]))
    if edits := report["trivial_edits"]:
        for name in edits[systems[0]]:
            title = f"label changed by: {name}" if name != TURNED else f"{name} by lol"
            lines.append(_row([title, *(_percent(edits[system].get(name)) for system in systems)]))
    if not lines:
        return ""
    return "\n".join([_row(["", *systems]), _row(["---", *["---:"] * len(systems)]), *lines])


def _metrics(suite: dict[str, Any]) -> list[str]:
    if suite["pairs"]:
        return ["both_right"]
    if suite["ways"] == 2:
        return ["accuracy", "ece"]
    return ["macro_recall", "macro_f1", "accuracy", "flips", "ece", "sure_right"]


def _percent(figure: dict[str, float] | None) -> str:
    if figure is None:
        return ""
    value = f"{figure['value'] * 100:.1f}"
    return f"{value} [{figure['low'] * 100:.1f}, {figure['high'] * 100:.1f}]" if "low" in figure else value


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
