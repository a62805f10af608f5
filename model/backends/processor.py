"""Which processor this is, and what it multiplies with."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

MATRIX_UNITS = (
    "amx_bf16", "amx_int8", "avx512_bf16", "avx512_fp16", "avx512_vnni", "avx_vnni", "avx512f", "avx2", "fma",
    "asimddp", "i8mm", "bf16", "sve",
)  # fmt: skip
"""Flags of Linux that say in which precisions a processor multiplies many numbers at a time, on x86 and on ARM."""

_INFORMATION = Path("/proc/cpuinfo")


@cache
def processor_name() -> str:
    """As the processor calls itself; its kind, such as "x86_64", where the system does not tell."""
    said = _said()
    return said.get("model name") or said.get("cpu model") or platform.processor() or platform.machine()


@cache
def matrix_units() -> tuple[str, ...]:
    """Those of `MATRIX_UNITS` that it has; none where the system does not tell."""
    said = _said()
    flags = set((said.get("flags") or said.get("features") or "").split())
    return tuple(unit for unit in MATRIX_UNITS if unit in flags)


def has_amx() -> bool:
    """Whether it multiplies bfloat16 in tiles, as Intel's servers since 2023 do."""
    return "amx_bf16" in matrix_units()


def _said() -> dict[str, str]:
    """What Linux says of the first processor."""
    try:
        first = _INFORMATION.read_text("utf-8", "replace").split("\n\n", 1)[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
