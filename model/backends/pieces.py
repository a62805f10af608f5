"""A batch in pieces: what a backend on a CPU makes of it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from model.backends.base import Batch, padded_length
from model.concurrency import Crew, refuse, settle
from model.scheduling.batching import pieces


class InPieces(ABC):
    """A backend of which each thread computes rows of its own, from the first layer to the last.

    Those are small pieces of a batch, of like lengths. Threads that share each operation wait for one another two
    hundred times a batch, and pad all rows to the longest.
    """

    piece = 256
    """Padded tokens that a thread computes at a time: larger matrices are hardly faster, and need more padding."""

    def __init__(self, threads: int, aside: Crew) -> None:
        """`threads` compute at a time; `aside` are those for what is in no hurry."""
        self._threads = threads
        self._crew = Crew("inference-piece", threads)
        self._aside = aside
        finalize(self, self._crew.close)
        finalize(self, aside.close)

    @abstractmethod
    def _computing(self, rows: Batch) -> Callable[[], NDArray[np.float32]]:
        """What computes one piece. It must not hold this backend, or the threads would keep one that was dropped."""

    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """See `Backend.predict`."""
        found = self._pieces(batch)
        if len(found) > 1:
            return self._start(batch, found, self._crew).result()
        return self._computing(batch)()

    def start(self, batch: Batch) -> Future[NDArray[np.float32]]:
        """See `Backend.start`. No thread waits for the others at a batch's end: it goes on with the next batch."""
        return self._start(batch, self._pieces(batch), self._crew)

    def start_aside(self, batch: Batch) -> Future[NDArray[np.float32]]:
        """See `Backend.start_aside`. A long row takes a thread tens of milliseconds, and cannot be broken off."""
        return self._start(batch, self._pieces(batch), self._aside)

    def padded_tokens(self, lengths: Sequence[int]) -> int:
        """See `Backend.padded_tokens`."""
        found = pieces(lengths, self._threads, self.piece)
        return sum(len(rows) * padded_length(max(lengths[row] for row in rows)) for rows in found)

    def _start(self, batch: Batch, found: list[list[int]], crew: Crew) -> Future[NDArray[np.float32]]:
        computed = _Computed(len(batch), len(found))
        for rows in found:
            crew.submit(partial(computed.add, rows, self._computing([batch[row] for row in rows])))
        return computed.logits

    def _pieces(self, batch: Batch) -> list[list[int]]:
        return pieces([len(row) for row in batch], self._threads, self.piece)


class _Computed:
    """The logits of a batch, put together of its pieces' as these come."""

    def __init__(self, rows: int, pieces: int) -> None:
        self.logits: Future[NDArray[np.float32]] = Future()
        self._rows = rows
        self._missing = pieces
        self._begun = False
        self._found: NDArray[np.float32] | None = None
        self._lock = threading.Lock()

    def add(self, rows: list[int], run: Callable[[], NDArray[np.float32]]) -> None:
        """Computes a piece, unless the batch was cancelled or another piece of it has failed."""
        if not self._is_wanted():
            return
        try:
            logits = run()
            if len(logits) != len(rows):  # a single row would be taken for all of them
                raise ValueError(f"{len(rows)} rows have {len(logits)} answers")
            with self._lock:
                if self._found is None:
                    self._found = np.empty((self._rows, logits.shape[1]), dtype=np.float32)
                self._found[rows] = logits
                self._missing -= 1
                complete = self._missing == 0
        except BaseException as error:
            refuse(self.logits, error)
            del self, run  # to which the error leads back
            return
        if complete:
            settle(self.logits, self._found)

    def _is_wanted(self) -> bool:
        """Once a piece has begun, a batch cannot be cancelled any more: nobody would notice if that piece hung."""
        with self._lock:
            if not self._begun and not self.logits.cancelled():
                self._begun = self.logits.set_running_or_notify_cancel()
        return not self.logits.done()
