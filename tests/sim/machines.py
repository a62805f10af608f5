"""What processes take and say: processor, memory, and their metrics."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

Key = tuple[str, tuple[tuple[str, str], ...]]


def processor(processes: Iterable[int]) -> float:
    """Seconds of processor time of processes and their children that have ended; those that are gone count nothing."""
    total = 0.0
    for number in processes:
        try:
            fields = Path(f"/proc/{number}/stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15])) / _TICKS
    return total


def memory(process: int) -> int:
    """Resident bytes; 0 for one that is gone."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1]) * _PAGE
    except OSError:
        return 0


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a bot's `/metrics` said at one moment."""

    values: Mapping[Key, float]

    def total(self, name: str, **labels: str) -> float:
        """The sum of what has that name and these labels."""
        wanted = set(labels.items())
        return sum(value for (known, own), value in self.values.items() if known == name and wanted <= set(own))

    def buckets(self, name: str, **labels: str) -> dict[float, float]:
        """Of a histogram how many were not above each bound."""
        found: dict[float, float] = {}
        wanted = set(labels.items())
        for (known, own), value in self.values.items():
            if known == f"{name}_bucket" and wanted <= set(own):
                bound = float(dict(own)["le"])
                found[bound] = found.get(bound, 0.0) + value
        return found


async def metrics_of(session: aiohttp.ClientSession, port: int) -> Metrics | None:
    """None while it does not answer."""
    try:
        async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
            text = await response.text()
    except (aiohttp.ClientError, OSError):
        return None
    values: dict[Key, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return Metrics(values)


async def is_ready(session: aiohttp.ClientSession, port: int) -> bool:
    """Whether `/readyz` says so."""
    try:
        async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
            return response.status == 200
    except (aiohttp.ClientError, OSError):
        return False


def quantile(after: Mapping[float, float], before: Mapping[float, float], share: float) -> float:
    """The bound below which that share of what was observed in between lies; infinity: above all bounds."""
    counts = {bound: after[bound] - before.get(bound, 0.0) for bound in sorted(after)}
    total = counts.get(float("inf"), 0.0)
    return next((bound for bound, count in counts.items() if total and count >= share * total), 0.0)
