"""A loaded model: a checkpoint, its reader and the backend that runs it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.backend import Backend
from model.checkpoint import Checkpoint, open_checkpoint
from model.errors import BackendUnavailable, CheckpointError
from model.reader import Reader
from model.verdict import Verdict, decide

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything a text passes between the queue and its verdict."""

    checkpoint: Checkpoint
    reader: Reader
    backend: Backend

    def decide(self, logits: NDArray[np.float32]) -> Verdict:
        """The verdict for one text's logits, shape (windows, labels)."""
        return decide(
            logits,
            self.checkpoint.labels,
            temperature=self.checkpoint.temperature,
            abstain_below=self.checkpoint.abstain_below,
            version=self.checkpoint.version,
        )


def load_engine(source: str, device: str = "auto", threads: int = 0) -> Engine:
    """Opens, loads and warms a model. Raises a CheckpointError when any of it cannot be done."""
    checkpoint = open_checkpoint(source)
    reader = Reader(checkpoint.tokenizer, checkpoint.max_length)
    engine = Engine(checkpoint, reader, _load_backend(checkpoint, device, threads))
    _warm(engine)
    return engine


def _load_backend(checkpoint: Checkpoint, device: str, threads: int) -> Backend:
    if device not in DEVICES:
        raise BackendUnavailable(f"DEVICE is {device!r}; it can be {', '.join(DEVICES)}.")
    if checkpoint.is_onnx and device != "cuda":
        from model.onnx_backend import OnnxBackend

        return OnnxBackend(checkpoint, threads)
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("transformers") is None:
        needed = "DEVICE=cuda" if checkpoint.is_onnx else checkpoint.source
        raise BackendUnavailable(f'{needed} needs PyTorch: pip install -e ".[torch]".')
    from model.torch_backend import TorchBackend, has_gpu

    chosen = ("cuda" if has_gpu() else "cpu") if device == "auto" else device
    return TorchBackend(checkpoint, chosen, threads)


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
