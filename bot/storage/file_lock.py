"""Locks on files, which the system lets go of when the file is closed or the process ends, however that happens."""

from __future__ import annotations


def lock_file(file: int) -> None:
    """Locks an open file for this process alone, at once. Raises OSError when another process has it."""
    try:
        import fcntl
    except ImportError:  # Windows; there the second process meets "database is locked" at its first write
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
