"""A loaded model: a checkpoint, its reader and the backend that runs it."""

from __future__ import annotations

import importlib.util
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.backends.base import Backend
from model.checkpoints.checkpoint import TOKENIZER, Checkpoint, open_checkpoint
from model.errors import BackendUnavailable, CheckpointError
from model.installation import needs_extra
from model.scheduling.batching import TOKEN_BUDGET
from model.text.tokenization import Reader
from model.verdict import Verdict, decide

_log = logging.getLogger(__name__)

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything a text passes between the queue and its verdict."""

    checkpoint: Checkpoint
    reader: Reader
    backend: Backend
    budget: int = TOKEN_BUDGET
    """Padded tokens a batch may hold."""

    def decide(self, logits: NDArray[np.float32]) -> Verdict:
        """The verdict for one text's logits, shape (windows, labels)."""
        return decide(
            logits,
            self.checkpoint.labels,
            temperature=self.checkpoint.temperature,
            abstain_below=self.checkpoint.abstain_below,
            version=self.checkpoint.version,
        )


def load_engine(
    source: str, device: str = "auto", threads: int = 0, before: Callable[[Checkpoint], None] | None = None
) -> Engine:
    """Opens, loads and warms a model. Raises a CheckpointError when any of it cannot be done.

    "auto" is the GPU when there is one and PyTorch is installed, else the CPU; a GPU that does not work is logged and
    left alone. "cuda" insists on it. `threads` is how many compute with ONNX Runtime, 0 as many as are granted. Nothing
    that is the whole process's is changed (PyTorch reads `OMP_NUM_THREADS` when it is imported). `before` is shown what
    was read before any of it is loaded, and may refuse it.
    """
    if device not in DEVICES:
        raise BackendUnavailable(f"DEVICE is {device!r}; it can be {', '.join(DEVICES)}.")
    checkpoint = open_checkpoint(source)
    if before is not None:
        before(checkpoint)
    reader = Reader(checkpoint.bytes_of(TOKENIZER), checkpoint.max_length)
    if device == "auto":
        if not may_use_gpu(device):
            return _engine(checkpoint, reader, "cpu", threads)
        try:
            return _engine(checkpoint, reader, "cuda", threads)
        except CheckpointError as error:
            _log.warning("the GPU is not used: %s", error)
            return _engine(checkpoint, reader, "cpu", threads)
    return _engine(checkpoint, reader, device, threads)


def has_gpu_device() -> bool:
    """Whether there is an NVIDIA device at all, found out without loading PyTorch, which takes seconds."""
    return Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi") is not None


def may_use_gpu(device: str) -> bool:
    """Whether a model for this `device` may come onto a GPU, found out in the same way."""
    return device == "cuda" or (device == "auto" and has_gpu_device() and _has_torch())


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None and importlib.util.find_spec("transformers") is not None


def _engine(checkpoint: Checkpoint, reader: Reader, device: str, threads: int) -> Engine:
    engine = Engine(checkpoint.loaded(), reader, _load_backend(checkpoint, device, threads))
    _warm(engine)
    return engine


def _load_backend(checkpoint: Checkpoint, device: str, threads: int) -> Backend:
    if checkpoint.is_onnx and device == "cpu":
        from model.backends.onnx_cpu import OnnxBackend

        return OnnxBackend(checkpoint, threads)
    if not _has_torch():
        needed = "DEVICE=cuda" if checkpoint.is_onnx else checkpoint.source
        raise BackendUnavailable(needs_extra(needed, "torch"))
    from model.backends.torch_gpu import TorchBackend

    return TorchBackend(checkpoint, device)


def _warm(engine: Engine) -> None:
    """One forward pass before the first person asks: a model that cannot answer is found out here."""
    try:
        rows: Sequence[Sequence[int]] = engine.reader.read("warm up")
        logits = engine.backend.predict(rows)
    except Exception as error:  # whatever a runtime raises, the checkpoint is unusable
        raise CheckpointError(f"{engine.checkpoint.source} was loaded but cannot compute: {error}") from error
    expected = (len(rows), len(engine.checkpoint.labels))
    if logits.shape != expected or not np.isfinite(logits).all():
        raise CheckpointError(
            f"{engine.checkpoint.source} answers with shape {logits.shape}; {expected} finite numbers were expected."
        )
