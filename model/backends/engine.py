"""A loaded model: a checkpoint, its reader and the backend that runs it."""

from __future__ import annotations

import importlib.util
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from model.backends.attempt import Attempt
from model.backends.base import Backend
from model.checkpoints.checkpoint import TOKENIZER, Checkpoint, open_checkpoint
from model.checkpoints.joint import joint, languages_of, sources_in
from model.errors import BackendUnavailable, CheckpointError, Unreadable
from model.installation import needs_extra
from model.register import Traits
from model.scheduling.batching import TOKEN_BUDGET
from model.text.languages import ENGLISH, names_of
from model.text.tokenization import Reader
from model.verdict import Verdict, decide

_log = logging.getLogger(__name__)

DEVICES = ("auto", "cpu", "cuda")
BACKENDS = ("auto", "onnxruntime", "openvino", "torch")

_NEEDED = {"openvino": ("openvino",), "torch": ("torch", "transformers")}
"""What has to be installed for a backend; the extra is called as it is."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything a text passes between the queue and its verdict.

    Two models that answer as one are an engine with two `parts`, each an engine of its own: what is known of them
    together is in `checkpoint`, and the other fields are the first's.
    """

    checkpoint: Checkpoint
    reader: Reader
    backend: Backend
    budget: int = TOKEN_BUDGET
    """Padded tokens a batch may hold."""
    attempts: tuple[Attempt, ...] = ()
    """The backends that were tried when this one was chosen; none where there was no choice."""
    parts: tuple[Engine, ...] = ()
    """The models of which it is put together; none where it is one."""

    @property
    def each(self) -> tuple[Engine, ...]:
        """Its parts, or itself."""
        return self.parts or (self,)

    def part(self, language: str = "", version: str = "") -> Engine:
        """The one that reads a language, "" being English, or the one of that `version` if there is such a part.

        Raises Unreadable where none reads it.
        """
        if version and (named := next((part for part in self.parts if part.checkpoint.version == version), None)):
            return named
        wanted = language or ENGLISH
        for part in self.each:
            if wanted in (part.checkpoint.languages or (ENGLISH,)):
                return part
        raise Unreadable(*names_of([wanted]), reads=names_of(self.checkpoint.languages))

    def named(self, language: str = "") -> str:
        """A language as verdicts name it: English has no name where nothing else is read."""
        return language or (ENGLISH if self.checkpoint.languages else "")

    def traits(self, rows: Sequence[Sequence[int]]) -> Traits:
        """What a text's windows of token ids tell of its register, as far as this model asks for it."""
        return self.reader.traits(rows) if self.checkpoint.register else Traits()

    def answer(self, text: str, language: str = "") -> Verdict:
        """The verdict for one text in that language, each window computed alone; the worker does it better.

        Raises NothingToRead and Unreadable.
        """
        if self.parts:
            return self.part(language).answer(text, language)
        rows = self.reader.read(text)
        logits = np.concatenate([self.backend.predict([row]) for row in rows])
        return self.decide(logits, self.traits(rows), language)

    def decide(self, logits: NDArray[np.float32], traits: Traits, language: str = "") -> Verdict:
        """The verdict for the logits, shape (windows, labels), and the `traits` of one text in that language."""
        named = self.named(language)
        return decide(
            logits,
            self.checkpoint.labels,
            temperature=self.checkpoint.languages.get(named, self.checkpoint.temperature),
            abstain_below=self.checkpoint.abstain_below,
            version=self.checkpoint.version,
            register=self.checkpoint.register,
            traits=traits,
            language=named,
        )


def load_engine(
    source: str,
    device: str = "auto",
    threads: int = 0,
    before: Callable[[Checkpoint], None] | None = None,
    backend: str = "auto",
) -> Engine:
    """Opens, loads and warms a model, or two. Raises a CheckpointError when any of it cannot be done.

    A device of "auto" is the GPU when there is one and PyTorch is installed, else the CPU; a GPU that does not work is
    logged and left alone. "cuda" insists on it. A backend of "auto" is PyTorch on a GPU and for safetensors, else ONNX
    Runtime; `BackendChoice` is how a faster one is found. `threads` is how many compute with ONNX Runtime or OpenVINO,
    0 as many as are granted. Nothing that is the whole process's is changed (PyTorch reads `OMP_NUM_THREADS` when it is
    imported). `before` is shown what was read before any of it is loaded, and may refuse it.
    """
    check_backend(device, backend)

    def one(wanted: str) -> Engine:
        checkpoint = open_checkpoint(wanted)
        if before is not None:
            before(checkpoint)
        return engine_of(checkpoint, device, threads, backend)

    return put_together(source, one)


def put_together(source: str, load: Callable[[str], Engine]) -> Engine:
    """The engine that `load` makes of a source, or of the two that are joined in it, as one."""
    first, *others = map(load, sources_in(source))
    if not others:
        return first
    second = others[0]
    checkpoint = joint(first.checkpoint, second.checkpoint)
    return replace(first, checkpoint=checkpoint, parts=(_telling_languages(first), _telling_languages(second)))


def _telling_languages(part: Engine) -> Engine:
    """Beside another, a model for English alone says so of what it reads."""
    known = MappingProxyType(languages_of(part.checkpoint))
    return replace(part, checkpoint=replace(part.checkpoint, languages=known))


def engine_of(checkpoint: Checkpoint, device: str = "auto", threads: int = 0, backend: str = "auto") -> Engine:
    """An engine of a checkpoint that was opened; the rest is as for `load_engine`."""
    reader = Reader(checkpoint.bytes_of(TOKENIZER), checkpoint.max_length)
    if device == "auto":
        if not may_use_gpu(device, backend):
            return _engine(checkpoint, reader, "cpu", threads, backend)
        try:
            return _engine(checkpoint, reader, "cuda", threads, backend)
        except CheckpointError as error:
            _log.warning("the GPU is not used: %s", error)
            return _engine(checkpoint, reader, "cpu", threads, backend)
    return _engine(checkpoint, reader, device, threads, backend)


def check_backend(device: str, backend: str) -> None:
    """Raises BackendUnavailable for a device or a backend that there is not, is not installed, or does not fit."""
    if device not in DEVICES:
        raise BackendUnavailable(f"DEVICE is {device!r}. It can be {', '.join(DEVICES)}.")
    if backend not in BACKENDS:
        raise BackendUnavailable(f"BACKEND is {backend!r}. It can be {', '.join(BACKENDS)}.")
    if not is_installed(backend):
        raise BackendUnavailable(needs_extra(f"BACKEND={backend}", backend))
    if device == "cuda" and backend in ("onnxruntime", "openvino"):
        raise BackendUnavailable(f"BACKEND={backend} only runs on the CPU. With DEVICE=cuda use torch or auto.")


def has_gpu_device() -> bool:
    """Whether there is an NVIDIA device at all, found out without loading PyTorch, which takes seconds."""
    return Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi") is not None


def may_use_gpu(device: str, backend: str = "auto") -> bool:
    """Whether a model for this `device` and `backend` may come onto a GPU, found out in the same way."""
    if backend not in ("auto", "torch"):
        return False
    return device == "cuda" or (device == "auto" and has_gpu_device() and is_installed("torch"))


def is_installed(backend: str) -> bool:
    """Whether what a backend needs is there, found out without importing it."""
    return all(importlib.util.find_spec(package) is not None for package in _NEEDED.get(backend, ()))


def _engine(checkpoint: Checkpoint, reader: Reader, device: str, threads: int, backend: str) -> Engine:
    engine = Engine(checkpoint.loaded(), reader, _load_backend(checkpoint, device, threads, backend))
    _warm(engine)
    return engine


def _load_backend(checkpoint: Checkpoint, device: str, threads: int, backend: str) -> Backend:
    if backend in ("onnxruntime", "openvino") and not checkpoint.is_onnx:
        raise BackendUnavailable(
            f"{checkpoint.source} holds safetensors, which BACKEND={backend} doesn't read. Export it as ONNX, or "
            "leave BACKEND=auto."
        )
    if backend == "openvino":
        try:
            from model.backends.openvino_cpu import OpenVinoBackend
        except (ImportError, OSError) as error:  # for another system, or half installed
            raise BackendUnavailable(f"OpenVINO is installed but can't be loaded: {error}") from error
        return OpenVinoBackend(checkpoint, threads)
    if backend == "onnxruntime" or (backend == "auto" and checkpoint.is_onnx and device == "cpu"):
        from model.backends.onnx_cpu import OnnxBackend

        return OnnxBackend(checkpoint, threads)
    if not is_installed("torch"):
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
        raise CheckpointError(f"{engine.checkpoint.source} was loaded but can't compute: {error}") from error
    expected = (len(rows), len(engine.checkpoint.labels))
    if logits.shape != expected or not np.isfinite(logits).all():
        raise CheckpointError(
            f"{engine.checkpoint.source} answers with shape {logits.shape}, instead of {expected} finite numbers."
        )
