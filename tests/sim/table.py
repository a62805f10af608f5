"""`python -m tests.sim.table`: docs/scale.md's tables, from what was kept of the simulated day and of the runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tests.sim.constants import ROOT

KEPT = ROOT / "docs" / "bench" / "scale"
DISCRETE = KEPT / "discrete.json"
PAGE = ROOT / "docs" / "scale.md"


def tables(kept: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By name, as the page has them between `<!-- sim: NAME -->` and `<!-- /sim -->`."""
    return {
        "walls": _walls(kept),
        "growth": _growth(kept),
        "faults": _faults([one for one in kept["outcomes"] if not one["broken"]][-1]),
        "constants": _constants(kept["constants"]),
        "runs": _runs(runs),
    }


def filled(page: str, found: Mapping[str, str]) -> str:
    """The page with these tables in the place of those it has."""
    for name, table in found.items():
        begin, end = f"<!-- sim: {name} -->\n", "<!-- /sim -->\n"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n{table}\n{end}{after}"
    return page


def of_page(kept: Path = DISCRETE) -> dict[str, str]:
    """What the page is to have, of what is kept."""
    runs = [json.loads(path.read_text("utf-8")) for path in sorted(kept.parent.glob("*.json")) if path != kept]
    return tables(json.loads(kept.read_text("utf-8")), runs)


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: bool = True) -> str:
    line = "|".join(["---", *["---:" if numbers else "---"] * (len(head) - 1)])
    return "\n".join([f"| {' | '.join(head)} |", f"|{line}|", *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def _walls(kept: Mapping[str, Any]) -> str:
    outcomes = kept["outcomes"]
    head = ["full in the loudest hour", "at so many servers", *(f"{one['servers']:,}" for one in outcomes)]
    rows = [
        [name, f"{_rounded(servers):,}", *(_percent(one["fullness"][name]) for one in outcomes)]
        for name, servers in kept["walls"]
    ]
    return _rows(head, rows)


def _growth(kept: Mapping[str, Any]) -> str:
    outcomes = kept["outcomes"]
    head = ["in a day", *(f"{one['servers']:,}" for one in outcomes), "exponent"]
    rows = [
        [name, *(_short(one["totals"][name]) for one in outcomes), f"{kept['exponents'].get(name, 0.0):.2f}"]
        for name in outcomes[0]["totals"]
    ]
    for what in ("processes", "replicas"):
        rows.append([what, *(f"{one['plant'][what]}" for one in outcomes), ""])
    return _rows(head, rows)


def _faults(outcome: Mapping[str, Any]) -> str:
    rows = []
    for one in outcome["faults"]:
        told = [f"{name} {value:,}" for name, value in one.items() if name != "fault" and value]
        rows.append([one["fault"], "; ".join(told)])
    return _rows([f"at {outcome['servers']:,} servers", "what followed, until the next"], rows, numbers=False)


def _constants(found: Sequence[Mapping[str, Any]]) -> str:
    rows = [[one["what"], f"{one['value']:.4g} {one['unit']}".strip(), _source(one["source"])] for one in found]
    return _rows(["constant", "value", "from"], rows, numbers=False)


def _source(source: str) -> str:
    return source if source.startswith("assumed") else f"`{source}`"


def _runs(runs: Sequence[Mapping[str, Any]]) -> str:
    names = [name for name in runs[0] if name not in {"taken", "machine"}] if runs else []
    head = ["", *(f"{run['model']} model" for run in runs)]
    rows = [["taken", *(run["taken"] for run in runs)]]
    rows.append(["on", *(f"{run['machine']['cores']} cores of {run['machine']['processor']}" for run in runs)])
    rows.append(["others used of the machine", *(f"{run['machine']['others_share']:.0%}" for run in runs)])
    rows += [[name, *(_cell(run.get(name, "")) for run in runs)] for name in names if name != "model"]
    return _rows(head, rows)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _percent(share: float) -> str:
    return f"{100 * share:,.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _rounded(servers: float) -> int:
    """Two digits: more would be a promise."""
    return int(float(f"{servers:.2g}"))


@click.command(help=__doc__)
def main() -> None:
    """Writes them."""
    PAGE.write_text(filled(PAGE.read_text("utf-8"), of_page()), "utf-8")


if __name__ == "__main__":
    main()
