"""ONNX Runtime on the CPU: the default, needs no torch."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from weakref import finalize

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model.backends.base import Batch, granted_cpus, pad, padded_length
from model.checkpoints.checkpoint import Checkpoint
from model.concurrency import Crew, refuse, settle
from model.errors import CheckpointError
from model.scheduling.batching import pieces

_PRODUCT = base64.b64decode(
    "CAgSADp2ChgKAWEKAXcSAXkiDU1hdE11bEludGVnZXISAWcqKwgICAQQA0IBd0ogf39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39aFAoBYRIP"
    "Cg0IAhIJCgMSAW4KAggIYhQKAXkSDwoNCAYSCQoDEgFuCgIIBEIECgAQDQ=="
)
"""An ONNX graph of one node: a (n, 8) of uint8 times an (8, 4) of int8, all of them 127."""


_NOWHERE = str(Path(os.devnull) / "nowhere")
"""A folder that there cannot be."""

_NICE = 15
"""How far the threads stand behind that compute what is in no hurry: they get a thirtieth where all are busy."""


class OnnxBackend:
    """Runs a checkpoint's `model.onnx`.

    Each thread computes rows of its own, from the first layer to the last: small pieces of a batch, of like lengths.
    Threads that share each operation wait for one another two hundred times a batch, and pad all rows to the longest.
    """

    name = "onnxruntime"
    device = "cpu"

    def __init__(self, checkpoint: Checkpoint, threads: int = 0) -> None:
        """`threads` computes with that many threads; 0 is as many as there are granted processors.

        Raises CheckpointError when the file cannot be loaded or is not a classifier over token ids.
        """
        options = _options()
        # Shapes vary: a pattern planned for one is memory held for nothing.
        options.enable_mem_pattern = False
        # Weights beside the graph would be read without a hash; without this, from the working directory.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NOWHERE)
        if saturates():
            options.add_session_config_entry("session.x64quantprecision", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                checkpoint.bytes_of(checkpoint.weights.name), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's exceptions share no public base
            raise CheckpointError(f"{checkpoint.weights.name} could not be loaded: {str(error)[:300]}") from error
        inputs = {value.name for value in self._session.get_inputs()}
        if inputs != {"input_ids", "attention_mask"}:
            raise CheckpointError(
                f"{checkpoint.weights.name} takes {', '.join(sorted(inputs))}; a DistilBERT classifier takes "
                "input_ids and attention_mask."
            )
        self._output = self._session.get_outputs()[0].name
        self._limit = checkpoint.max_length
        self._threads = threads or granted_cpus()
        self._crew = Crew("inference-piece", self._threads)
        self._aside = Crew("inference-aside", self._threads, nice=_NICE)
        finalize(self, self._crew.close)
        finalize(self, self._aside.close)

    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """See `Backend.predict`."""
        found = self._pieces(batch)
        if len(found) > 1:
            return self._start(batch, found).result()
        return _run(self._session, self._output, batch, self._limit)

    def start(self, batch: Batch) -> Future[NDArray[np.float32]]:
        """See `Backend.start`. No thread waits for the others at a batch's end: it goes on with the next batch."""
        return self._start(batch, self._pieces(batch))

    def start_aside(self, batch: Batch) -> Future[NDArray[np.float32]]:
        """See `Backend.start_aside`. A long row takes a thread tens of milliseconds, and cannot be broken off."""
        return self._start(batch, self._pieces(batch), aside=True)

    def _start(self, batch: Batch, found: list[list[int]], *, aside: bool = False) -> Future[NDArray[np.float32]]:
        crew = self._aside if aside else self._crew
        computed = _Computed(len(batch), len(found))
        for rows in found:
            run = partial(_run, self._session, self._output, [batch[row] for row in rows], self._limit)
            crew.submit(partial(computed.add, rows, run))
        return computed.logits

    def padded_tokens(self, lengths: Sequence[int]) -> int:
        """See `Backend.padded_tokens`."""
        found = pieces(lengths, self._threads)
        return sum(len(rows) * padded_length(max(lengths[row] for row in rows)) for rows in found)

    def _pieces(self, batch: Batch) -> list[list[int]]:
        return pieces([len(row) for row in batch], self._threads)


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


def _run(session: onnxruntime.InferenceSession, output: str, rows: Batch, limit: int) -> NDArray[np.float32]:
    ids, mask = pad(rows, limit)
    (logits,) = session.run([output], {"input_ids": ids, "attention_mask": mask})
    return np.asarray(logits, dtype=np.float32)


def saturates() -> bool:
    """Whether this processor's int8 products are cut off at 16 bits, as those of x64 without VNNI are.

    The runtime then has to be asked for a way around it that is exact and slower. Where it is not needed it costs half
    of the speed, so it is tried rather than asked for in any case.
    """
    session = onnxruntime.InferenceSession(_PRODUCT, _options(), providers=["CPUExecutionProvider"])
    (product,) = session.run(None, {"a": np.full((4, 8), 255, dtype=np.uint8)})
    return bool((np.asarray(product) != 8 * 255 * 127).any())


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options
