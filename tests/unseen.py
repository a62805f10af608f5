"""What happens in the simulated Discord while nobody listens."""

from collections.abc import Iterator
from contextlib import contextmanager

from simcord.backend import Backend


@contextmanager
def unseen(backend: Backend) -> Iterator[Backend]:
    """Of what is done in it, no bot is told: it was off, or its session was lost."""
    kept, backend.subscribers[:] = tuple(backend.subscribers), []
    try:
        yield backend
    finally:
        backend.subscribers[:] = kept
