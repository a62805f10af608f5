"""Small batches on a GPU as recorded graphs: to start each kernel from Python takes longer than all of them compute."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_log = logging.getLogger(__name__)

Network = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Logits of shape (rows, labels) for token ids of shape (rows, width) and a mask of shape (rows, 1, 1, width)."""

_ROWS = (1, 4, 16, 64, 256)
_WIDTHS = (16, 32, 64, 128, 256, 512)
MOST_TOKENS = 8192
"""Larger batches keep the GPU busy for longer than their kernels take to start."""

SHAPES = [(rows, width) for rows in reversed(_ROWS) for width in reversed(_WIDTHS) if rows * width <= MOST_TOKENS]
"""Rows and tokens a row, the largest first: what they need is used again for the others."""

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
    """Runs batches padded to one of two dozen shapes, all recorded at the start. Safe between threads.

    A batch is four calls into PyTorch. Without a graph it is some hundred, and each of them gives up the interpreter's
    lock and gets it back half a millisecond later when another thread is busy.
    """

    def __init__(self, network: Network, device: torch.device) -> None:
        """Takes a second or two. Where nothing can be recorded no shape is there, which is logged."""
        self._network = network
        self._device = device
        self._lock = threading.Lock()
        self._graphs: dict[tuple[int, int], _Graph] = {}
        try:
            with torch.inference_mode():
                memory = torch.cuda.graph_pool_handle()  # one for all, since they never run at the same time
                self._graphs = {shape: self._recorded(shape, memory) for shape in SHAPES}
        except RuntimeError as error:
            _log.warning("no CUDA graphs: %s", str(error).splitlines()[0])

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Logits for ids and mask of shape (rows, width); None when no recorded shape holds that."""
        rows, width = ids.shape
        shape = self.shape(rows, width)
        if shape is None:
            return None
        graph = self._graphs[shape]
        with self._lock:
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

    def shape(self, rows: int, width: int) -> tuple[int, int] | None:
        """The recorded shape that such a batch is padded to; None when there is none."""
        found = bucket(rows, width)
        return found if found in self._graphs else None

    def _recorded(self, shape: tuple[int, int], memory: Any) -> _Graph:
        graph = torch.cuda.CUDAGraph()
        tokens = torch.zeros(shape, dtype=torch.int32, device=self._device)
        beside = torch.cuda.Stream(self._device)
        beside.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(beside):
            for _ in range(_WARM_UP):
                self._computed(tokens)
        torch.cuda.current_stream(self._device).wait_stream(beside)
        # Another thread may load a model meanwhile, and is not to disturb this.
        with torch.cuda.graph(graph, pool=memory, capture_error_mode="thread_local"):
            logits = self._computed(tokens)
        given = torch.zeros(shape, dtype=torch.int32, pin_memory=True)
        found = torch.zeros(logits.shape, dtype=torch.float32, pin_memory=True)
        return _Graph(graph, tokens, logits, given, found)

    def _computed(self, tokens: torch.Tensor) -> torch.Tensor:
        mask = (tokens != _NOTHING)[:, None, None]
        return self._network(tokens.clamp(min=0).long(), mask).float()


def bucket(rows: int, width: int) -> tuple[int, int] | None:
    """The smallest of `SHAPES` that holds a batch of so many rows and tokens a row; None when there is none."""
    holding = [shape for shape in SHAPES if shape[0] >= rows and shape[1] >= width]
    return min(holding, key=math.prod, default=None)
