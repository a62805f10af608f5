"""What runs the network."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol, TypeAlias
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from model.concurrency import Crew

Batch: TypeAlias = Sequence[Sequence[int]]

_SHORT, _STEP = 64, 16
"""Chat is padded to its longest row and no further, longer rows to multiples of 16: 92 lengths in all."""


class Backend(Protocol):
    """A loaded network. Called by one thread at a time."""

    @property
    def name(self) -> str:
        """The library that computes, such as "onnxruntime"."""

    @property
    def device(self) -> str:
        """The GPU's name, or "cpu"."""

    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """Logits of shape (len(batch), labels) for rows of token ids, special tokens included, not padded."""

    def start(self, batch: Batch) -> Future[NDArray[np.float32]]:
        """The same without waiting for it. Batches that were started are computed in their order."""

    def start_aside(self, batch: Batch) -> Future[NDArray[np.float32]]:
        """The same for a batch that is in no hurry: where there is a way to, it takes from others only what is left."""

    def padded_tokens(self, lengths: Sequence[int]) -> int:
        """How many tokens are computed for a batch of rows of these lengths, padding included."""


class InTurn(ABC):
    """A backend that computes one batch after the other, each padded to its longest row."""

    step = 1
    """Padded lengths are multiples of this."""

    @abstractmethod
    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """See `Backend.predict`."""

    def start(self, batch: Batch) -> Future[NDArray[np.float32]]:
        """See `Backend.start`."""
        return self._crew.submit(partial(self.predict, batch))

    def start_aside(self, batch: Batch) -> Future[NDArray[np.float32]]:
        """See `Backend.start_aside`."""
        return self.start(batch)

    def padded_tokens(self, lengths: Sequence[int]) -> int:
        """See `Backend.padded_tokens`."""
        return padded_length(max(lengths), self.step) * len(lengths)

    @cached_property
    def _crew(self) -> Crew:
        crew = Crew("inference-batch")
        finalize(self, crew.close)
        return crew


def padded_length(longest: int, step: int = 1) -> int:
    """The length a batch is padded to when its longest row has `longest` tokens, a multiple of `step` (up to 16)."""
    step = step if longest <= _SHORT else _STEP
    return -(-longest // step) * step


def pad(batch: Sequence[Sequence[int]], limit: int, step: int = 1) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids and attention mask, both of shape (len(batch), padded length), padded with 0 on the right."""
    width = min(padded_length(max(map(len, batch)), step), limit)
    ids = np.zeros((len(batch), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, tokens in enumerate(batch):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return ids, mask


def granted_cpus() -> int:
    """How many processors this process may use: its affinity, and no more than its control group's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        return count
    return count if quota == "max" else max(1, min(count, math.ceil(int(quota) / int(period))))
