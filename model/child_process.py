"""Processes of ours that may come to harm: what they are told of the environment, their bounds, and how they ended."""

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


_PASSED_ON = (
    "HOME", "LANG", "LC_ALL", "PATH", "PYTHONHOME", "PYTHONPATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE",
    "VIRTUAL_ENV", "LD_LIBRARY_PATH",
)  # fmt: skip
"""Of the environment; a token or a password is not among them."""


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


def environment(*more: str) -> dict[str, str]:
    """What a child knows of this process's environment: what Python needs, and the variables named `more`."""
    return {name: os.environ[name] for name in (*_PASSED_ON, *more) if name in os.environ} | {"PYTHONUTF8": "1"}


def how_it_ended(code: int) -> str:
    """A code of `subprocess` in words."""
    return f"signal {-code}" if code < 0 else f"exit {code}"


def ends_first() -> None:
    """Should memory run out on the machine, Linux ends this process and no other. Called by itself."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def limit(kind: int, most: int) -> None:
    """Lowers one of `resource`'s limits of this process for good; a lower one that there is stays."""
    import resource

    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (most, most))


def bound(memory: int, seconds: float) -> None:
    """Bounds for this process, called by itself. Windows has none of these; there it is ended by the clock alone."""
    ends_first()
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
    for kind, most in limits.items():
        limit(kind, most)
    signal.alarm(max(1, int(seconds) + 1))  # a bot that is gone looks at no clock
    with suppress(OSError):
        os.nice(5)
