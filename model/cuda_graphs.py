"""Small batches on a GPU as recorded graphs: to start each kernel from Python takes longer than all of them compute."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

_log = logging.getLogger(__name__)

Network = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Logits of shape (rows, labels) for token ids of shape (rows, width) and a mask of shape (rows, 1, 1, width)."""

_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_WIDTHS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512)
MOST_TOKENS = 8192
"""Larger batches keep the GPU busy for longer than their kernels take to start."""

_NOTHING = -1
"""In the place of a token where a row has none."""

_WARM_UP = 3


@dataclass(frozen=True, slots=True)
class _Graph:
    """From `tokens` to `logits` on the GPU; `given` and `found` are their places in memory that it copies by itself."""

    graph: torch.cuda.CUDAGraph
    tokens: torch.Tensor
    logits: torch.Tensor
    given: torch.Tensor
    found: torch.Tensor


class GraphedNetwork:
    """Runs batches padded to one of a few dozen shapes, each recorded when it comes up first. Safe between threads.

    A batch is four calls into PyTorch. Without a graph it is some hundred, and each of them gives up the interpreter's
    lock and gets it back half a millisecond later when another thread is busy.
    """

    def __init__(self, network: Network, device: torch.device) -> None:
        self._network = network
        self._device = device
        self._graphs: dict[tuple[int, int], _Graph] = {}
        self._lock = threading.Lock()
        self._works = True

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Logits for ids and mask of shape (rows, width); None when that shape is not recorded."""
        rows, width = ids.shape
        shape = bucket(rows, width)
        if shape is None or not self._works:
            return None
        with self._lock:
            graph = self._graphs.get(shape) or self._record(shape)
            if graph is None:
                return None
            given: NDArray[np.int32] = graph.given.numpy()
            given.fill(_NOTHING)
            given[:, 0] = 0  # no row without anything to look at
            given[:rows, :width] = np.where(mask, ids, _NOTHING)
            with torch.inference_mode():
                graph.tokens.copy_(graph.given, non_blocking=True)
                graph.graph.replay()
                graph.found.copy_(graph.logits, non_blocking=True)
                torch.cuda.current_stream(self._device).synchronize()
            return np.array(graph.found.numpy()[:rows])

    def _record(self, shape: tuple[int, int]) -> _Graph | None:
        try:
            with torch.inference_mode():
                found = self._recorded(shape)
        except RuntimeError as error:
            self._works = False
            _log.warning("no CUDA graphs: %s", str(error).splitlines()[0])
            return None
        self._graphs[shape] = found
        return found

    def _recorded(self, shape: tuple[int, int]) -> _Graph:
        graph = torch.cuda.CUDAGraph()
        tokens = torch.zeros(shape, dtype=torch.int32, device=self._device)
        beside = torch.cuda.Stream(self._device)
        beside.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(beside):
            for _ in range(_WARM_UP):
                self._computed(tokens)
        torch.cuda.current_stream(self._device).wait_stream(beside)
        # Another thread may load a model meanwhile, and is not to disturb this.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            logits = self._computed(tokens)
        given = torch.zeros(shape, dtype=torch.int32, pin_memory=True)
        found = torch.zeros(logits.shape, dtype=torch.float32, pin_memory=True)
        return _Graph(graph, tokens, logits, given, found)

    def _computed(self, tokens: torch.Tensor) -> torch.Tensor:
        mask = (tokens != _NOTHING)[:, None, None]
        return self._network(tokens.clamp(min=0).long(), mask).float()


def bucket(rows: int, width: int) -> tuple[int, int] | None:
    """The smallest recorded shape that holds a batch of so many rows and tokens a row; None when there is none."""
    taller = next((size for size in _ROWS if size >= rows), None)
    wider = next((size for size in _WIDTHS if size >= width), None)
    if taller is None or wider is None or taller * wider > MOST_TOKENS:
        return None
    return taller, wider
