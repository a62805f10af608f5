"""Everything that is changed for the whole process, and nowhere else: threads, garbage, memory and signals.

A linter and a test keep these switches out of every other module: whoever flips one decides for all.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from bot.app.malloc import limit_arenas, map_large_blocks
from model.backends.base import granted_cpus
from model.child_process import ends_first, limit

_log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
"""https://man7.org/linux/man-pages/man2/prctl.2.html"""

_TORCH_THREADS = "OMP_NUM_THREADS"

SWITCH_SECONDS = 0.0005
"""How long a Python thread may keep the others waiting: the usual 5 ms are half of what a small batch takes."""

FEWEST_FILES, MANY_FILES = 256, 4096
"""Each question that is being answered has a connection of its own; the rest are a few dozen."""

_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))


def tune_threads(threads: int = 0) -> None:
    """How threads share the interpreter, memory and processors; to be called before any are started.

    `threads` compute each operation of a model on PyTorch, 0: as many as there are granted processors. PyTorch reads
    that when it is imported, so all models of the process have it alike, whenever they are loaded.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    limit_arenas(granted_cpus())
    map_large_blocks()
    if threads:
        os.environ[_TORCH_THREADS] = str(threads)
    else:
        os.environ.setdefault(_TORCH_THREADS, str(granted_cpus()))


def keep_memory_private() -> None:
    """No core dump is written of this process, and no other of the same account may look into its memory.

    Both hold texts and the token. Linux alone knows the second, and Windows neither.
    """
    try:
        import resource
    except ImportError:
        return
    limit(resource.RLIMIT_CORE, 0)
    _prctl(_PR_SET_DUMPABLE, 0)


def stay_small(memory: int) -> None:
    """Gives this process at most so many bytes for its data, for good: what wants more fails.

    If memory runs out on the machine all the same, Linux ends this process before others. Windows has no such bounds.
    """
    ends_first()
    try:
        import resource
    except ImportError:
        return
    limit(resource.RLIMIT_DATA, memory)


def stand_back(by: int) -> None:
    """Has this process wait for others that want the processor; `by` is as `nice` has it, from 0 to 19."""
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(by)


def end_with_parent() -> None:
    """Leaves the end to the process that started this one: what tells a whole group to end tells it first.

    Linux ends this one together with it, whatever this one is busy with.
    """
    for number in _ENDING:
        with suppress(ValueError, OSError):
            signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "SIGKILL"):
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    """Does nothing where there is no such call, as everywhere but on Linux."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def open_many_files() -> None:
    """Raises the limit of open files, connections among them, as far as it goes; says so when that is not enough."""
    try:
        import resource
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY_FILES if most == resource.RLIM_INFINITY else min(most, MANY_FILES)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    if wanted < FEWEST_FILES:
        _log.warning(
            "This process may have only %d files and connections open, too few for busy hours: set LimitNOFILE= or "
            "`ulimit -n` to %d or more.",
            wanted,
            FEWEST_FILES,
        )


def freeze_what_is_loaded() -> None:
    """Takes everything that is there now out of the search for garbage, for good.

    Looking through it holds the loop for 60 ms each time. To be called when nothing that anybody has said is alive:
    what is frozen and refers to itself is never freed.
    """
    gc.collect()
    gc.freeze()


def thaw() -> None:
    """Has everything looked through again, at the next search for garbage."""
    gc.unfreeze()


def stop_on_signals() -> asyncio.Event:
    """Set when the process is told to end: by SIGINT or SIGTERM, on Windows also by Ctrl-Break."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _ENDING:
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows has no handlers on its loop
            _stop_on_signal(number, loop, stop)
    return stop


def _stop_on_signal(number: signal.Signals, loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Python's own handler instead, which interrupts the main thread: it must not raise into whatever runs there."""

    def handle(_number: int, _frame: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: the process is ending already
            loop.call_soon_threadsafe(stop.set)

    with suppress(ValueError, OSError):  # not the main thread, or a signal that is not to be had here
        signal.signal(number, handle)


def on_hangup(reload: Callable[[], object]) -> None:
    """What SIGHUP does from now on. Not in a terminal, where it says that this was closed, nor on Windows."""
    if hangup_is_for_reloading():
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)


def hangup_is_for_reloading() -> bool:
    """Whether there is such a signal here, and it does not mean that a terminal was closed."""
    return hasattr(signal, "SIGHUP") and not sys.stderr.isatty()
