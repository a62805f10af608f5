"""Locks on files, which the system lets go of when the file is closed or the process ends, however that happens."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import lock_descriptor


def lock_file(path: Path) -> int:
    """Opens a file and locks it at once, also on Windows; made for this account only when there is none.

    The file is there for the lock alone: Windows lets nobody else read what is locked. Returns the open file, whose
    closing ends the lock. Raises BlockingIOError when somebody has it, in this process or another, and OSError when it
    cannot be had at all.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not lock_descriptor(file, blocking=False):
            raise BlockingIOError(f"{path} is locked")
    except BaseException:
        os.close(file)
        raise
    return file
