"""`python -m tests.bench.table`: docs/benchmarks.md's table of speed, from docs/bench/, a column for each processor."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "docs" / "bench"
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- bench: python -m tests.bench.table -->\n", "<!-- /bench -->\n"

_LOADED = "*"


def reports(folder: Path = REPORTS) -> list[dict[str, Any]]:
    """All that were kept, by the names of their files. Runs over a part of the texts are none."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    return [report for report in found if not report["quick"]]


def table(found: Sequence[Mapping[str, Any]]) -> str:
    """The rows of all reports, in the order of the first that has them."""
    rows: dict[str, Mapping[str, Any]] = {}
    for report in found:
        rows |= {row["what"]: row for row in report["rows"] if row["what"] not in rows}
    names = [f"{report['machine']['cores']} cores of {report['machine']['processor']}" for report in found]
    lines = [f"| | {' | '.join((*names, 'floor', 'aim'))} |", f"|---|{'---:|' * (len(names) + 2)}"]
    for what, row in rows.items():
        cells = [_cell(report, what) for report in found]
        lines.append(f"| {what} | {' | '.join((*cells, row['floor'], row['aim']))} |")
    marked = any(report["machine"]["loaded"] for report in found)
    notes = [f"\n\\{_LOADED} Others used the machine meanwhile: this says more of them than of us."] if marked else []
    return "\n".join([*lines, *notes]) + "\n"


def shown(row: Mapping[str, Any]) -> str:
    """A value with its unit."""
    return f"{row['value']:,.2f}\u00d7" if row["unit"] == "x" else f"{row['value']:,.2f} {row['unit']}".strip()


def _cell(report: Mapping[str, Any], what: str) -> str:
    row = next((row for row in report["rows"] if row["what"] == what), None)
    if row is None:
        return ""
    return shown(row) + (f"\\{_LOADED}" if row["time"] and report["machine"]["loaded"] else "")


def with_table(page: str, made: str) -> str:
    """The page with the table between its two marks. Raises ValueError where they are not."""
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return f"{page[:start]}\n{made}\n{page[end:]}"


@click.command()
def main() -> None:
    """Writes it."""
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), table(reports())), "utf-8")


if __name__ == "__main__":
    main()
