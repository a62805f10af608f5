"""Memory that was freed goes back to the operating system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3
_LARGE = 1 << 20


def limit_arenas(most: int) -> None:
    """Lets all threads share so many of glibc's heaps; elsewhere nothing happens. To be called before they start.

    By default it makes eight for each processor, and what one thread freed another cannot use.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, max(1, most))


def map_large_blocks() -> None:
    """Has glibc ask the system for each large block by itself, and give it back when it is freed; elsewhere nothing.

    By default it does so up to the size of the first that is freed, and weights after those of the first model come to
    lie among small blocks: sixteen reloads left up to 309 MB resident without this, and 272 MB with it.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)


def return_freed() -> None:
    """Asks glibc to give back what it keeps for later; elsewhere nothing happens.

    A model is loaded in a thread of its own, from memory of that thread's own; after it is dropped, glibc keeps most of
    it. Thirty reloads left 480 MB resident without this and 290 MB with it.
    """
    with suppress(OSError, AttributeError, TypeError):  # no libc by that way, or one without it
        ctypes.CDLL(None).malloc_trim(0)
