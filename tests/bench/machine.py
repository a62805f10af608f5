"""What a benchmark ran on, and whether it had that to itself."""

from __future__ import annotations

import os
import platform
import re
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from model.backends.base import granted_cpus
from model.backends.processor import matrix_units, processor_name

PACKAGES = ("vibecheck-bot", "numpy", "onnxruntime", "openvino", "tokenizers", "torch", "transformers")

MOST_OTHERS = 0.05
"""Of the machine's processor time, how much others may use before a run is called a loaded one."""

_STAT = Path("/proc/stat")
_BUSY = (0, 1, 2, 5, 6, 7)
"""Columns of the first line: all but idle, waiting for disks, and what is counted twice."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Seconds of processor time that the machine, and this process with its children, have spent; and by the clock."""

    machine: float
    ours: float
    clock: float

    @classmethod
    def now(cls) -> Moment:
        ours = os.times()
        return cls(_busy_seconds(), sum(ours[:4]), time.perf_counter())


def others_share(before: Moment, after: Moment) -> float:
    """Which share of the machine's processor time others used meanwhile; 0 where the system does not tell."""
    if not after.machine:
        return 0.0
    others = (after.machine - before.machine) - (after.ours - before.ours)
    return max(0.0, others / ((after.clock - before.clock) * (os.cpu_count() or 1)))


def described(before: Moment, load_before: float) -> dict[str, Any]:
    """The machine as a report names it, once all is measured. A run that others disturbed is `loaded`."""
    others = others_share(before, Moment.now())
    return {
        "processor": processor_name(),
        "matrix_units": list(matrix_units()),
        "cores": granted_cpus(),
        "of": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}, {'-'.join(platform.libc_ver())}",
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "load_before": round(load_before, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "others_share": round(others, 3),
        "loaded": others > MOST_OTHERS,
    }


def slug(processor: str) -> str:
    """A processor's name as the name of a file, without marks and clock rates."""
    plain = re.sub(r"\((?:R|TM)\)|\bProcessor\b|\bCPU\b|@.*|\d+-Core", " ", processor)
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower())) or "unknown"


def _busy_seconds() -> float:
    try:
        columns = _STAT.read_text("ascii").splitlines()[0].split()[1:]
    except (OSError, IndexError):
        return 0.0
    return sum(int(columns[place]) for place in _BUSY if place < len(columns)) / os.sysconf("SC_CLK_TCK")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
