"""What the simulation reckons with: measured, read from a bench's report, or assumed, each with where it is from."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("constants.toml")


@dataclass(frozen=True, slots=True)
class Constant:
    """A value, its unit, what it is, and the command, report or assumption that it is from."""

    name: str
    value: float
    unit: str
    what: str
    source: str


@dataclass(frozen=True, slots=True)
class Constants:
    """Of one file, by name."""

    all: Mapping[str, Constant]

    def __getattr__(self, name: str) -> float:
        try:
            return self.all[name].value
        except KeyError:
            raise AttributeError(name) from None


def load(file: Path = FILE, others: Mapping[str, float] = MappingProxyType({})) -> Constants:
    """The constants of a file, some with other values. Raises KeyError for one that says not where it is from."""
    found = {name: _read(name, entry) for name, entry in tomllib.loads(file.read_text("utf-8")).items()}
    for name, value in others.items():
        known = found[name]
        found[name] = Constant(name, value, known.unit, known.what, "said on the command line")
    return Constants(found)


def _read(name: str, entry: Mapping[str, Any]) -> Constant:
    if "report" in entry:
        report = json.loads((ROOT / entry["report"]).read_text("utf-8"))
        (row,) = (row for row in report["rows"] if row["what"] == entry["row"])
        per = report["machine"][entry["per"]] if "per" in entry else 1
        return Constant(name, row["value"] / per, row["unit"], entry["what"], f"make bench ({entry['report']})")
    source = entry["command"] if "command" in entry else f"assumed: {entry['assumed']}"
    return Constant(name, float(entry["value"]), entry["unit"], entry["what"], source)
