"""A process that may come to harm: bounds for its memory, processor, time and files, set by itself (`bound`)."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LARGEST_FILE = 16 << 20
"""Bytes: libraries write caches of theirs; nobody's disk is filled."""


class TookTooLong(Exception):
    """It was ended by the clock."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended, with the code of `subprocess`, and what it said on its standard output."""

    code: int
    output: bytes


def run_bounded(command: Sequence[str], asked: bytes, *, seconds: float, environment: Mapping[str, str]) -> Ended:
    """Blocks until the command has ended. `asked` is its standard input.

    Raises TookTooLong, once it and what it started are ended, and OSError where no process can be started.
    """
    process = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(environment),
        start_new_session=True,
    )
    with process:
        try:
            output, _ = process.communicate(asked, seconds)
        except subprocess.TimeoutExpired:
            raise TookTooLong from None
        finally:
            if process.returncode is None:  # its number is still its own, and its group's
                os.killpg(process.pid, signal.SIGKILL) if os.name == "posix" else process.kill()
    return Ended(process.returncode, output)


def bound(memory: int, seconds: float) -> None:
    """Bounds for this process, called by itself. Windows has none of these; there it is ended by the clock alone."""
    with suppress(OSError):  # should memory run out all the same, the system ends this process and no other
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    try:
        import resource
    except ImportError:
        return
    limits = {
        resource.RLIMIT_DATA: memory,
        resource.RLIMIT_CPU: max(1, int(seconds)),
        resource.RLIMIT_FSIZE: _LARGEST_FILE,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        _, hard = resource.getrlimit(kind)
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))
    signal.alarm(max(1, int(seconds) + 1))  # a bot that is gone looks at no clock
    with suppress(OSError):
        os.nice(5)
