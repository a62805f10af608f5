"""Small batches on a GPU as recorded graphs: to start each kernel from Python takes longer than all of them compute."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import torch

_log = logging.getLogger(__name__)

Network = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Logits of shape (rows, labels) for token ids of shape (rows, width) and a mask of shape (rows, 1, 1, width)."""

_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)
_WIDTHS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512)
_MOST_TOKENS = 4096
"""Larger batches keep the GPU busy for longer than their kernels take to start."""

_WARM_UP = 3


@dataclass(frozen=True, slots=True)
class _Graph:
    graph: torch.cuda.CUDAGraph
    ids: torch.Tensor
    mask: torch.Tensor
    logits: torch.Tensor


class GraphedNetwork:
    """Runs batches padded to one of a few dozen shapes, each recorded when it comes up first. Safe between threads."""

    def __init__(self, network: Network, device: torch.device) -> None:
        self._network = network
        self._device = device
        self._graphs: dict[tuple[int, int], _Graph] = {}
        self._lock = threading.Lock()
        self._works = True

    def __call__(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor | None:
        """Logits on the CPU, in floats, for ids and mask of shape (rows, width) there; None for a shape it has not."""
        rows, width = ids.shape
        shape = bucket(rows, width)
        if shape is None or not self._works:
            return None
        with self._lock:
            graph = self._graphs.get(shape) or self._record(shape)
            if graph is None:
                return None
            graph.mask.zero_()
            graph.mask[:, 0, 0, 0] = True  # no row without anything to look at
            graph.ids[:rows, :width].copy_(ids, non_blocking=True)
            graph.mask[:rows, 0, 0, :width].copy_(mask, non_blocking=True)
            graph.graph.replay()
            return graph.logits[:rows].cpu()

    def _record(self, shape: tuple[int, int]) -> _Graph | None:
        rows, width = shape
        ids = torch.zeros(shape, dtype=torch.long, device=self._device)
        mask = torch.ones((rows, 1, 1, width), dtype=torch.bool, device=self._device)
        try:
            graph = torch.cuda.CUDAGraph()
            beside = torch.cuda.Stream(self._device)
            beside.wait_stream(torch.cuda.current_stream(self._device))
            with torch.cuda.stream(beside):
                for _ in range(_WARM_UP):
                    self._network(ids, mask)
            torch.cuda.current_stream(self._device).wait_stream(beside)
            # Another thread may load a model meanwhile, and is not to disturb this.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                logits = self._network(ids, mask).float()
        except RuntimeError as error:
            self._works = False
            _log.warning("no CUDA graphs: %s", str(error).splitlines()[0])
            return None
        found = self._graphs[shape] = _Graph(graph, ids, mask, logits)
        return found


def bucket(rows: int, width: int) -> tuple[int, int] | None:
    """The smallest recorded shape that holds a batch of so many rows and tokens a row; None when there is none."""
    taller = next((size for size in _ROWS if size >= rows), None)
    wider = next((size for size in _WIDTHS if size >= width), None)
    if taller is None or wider is None or taller * wider > _MOST_TOKENS:
        return None
    return taller, wider
