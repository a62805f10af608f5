"""ONNX Runtime on the CPU: the default, needs no torch."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from weakref import finalize

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model.backend import granted_cpus, pad
from model.batching import shares
from model.checkpoint import Checkpoint
from model.errors import CheckpointError
from model.handover import Lane

_PRODUCT = base64.b64decode(
    "CAgSADp2ChgKAWEKAXcSAXkiDU1hdE11bEludGVnZXISAWcqKwgICAQQA0IBd0ogf39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39aFAoBYRIP"
    "Cg0IAhIJCgMSAW4KAggIYhQKAXkSDwoNCAYSCQoDEgFuCgIIBEIECgAQDQ=="
)
"""An ONNX graph of one node: a (n, 8) of uint8 times an (8, 4) of int8, all of them 127."""


class OnnxBackend:
    """Runs a checkpoint's `model.onnx`.

    Each thread computes rows of its own, from the first layer to the last. Threads that share each operation wait for
    one another two hundred times a batch, and pad all rows to the longest.
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
        if saturates():
            options.add_session_config_entry("session.x64quantprecision", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                str(checkpoint.weights), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's exceptions share no public base
            raise CheckpointError(f"{checkpoint.weights.name} could not be loaded: {error}") from error
        inputs = {value.name for value in self._session.get_inputs()}
        if inputs != {"input_ids", "attention_mask"}:
            raise CheckpointError(
                f"{checkpoint.weights.name} takes {', '.join(sorted(inputs))}; a DistilBERT classifier takes "
                "input_ids and attention_mask."
            )
        self._output = self._session.get_outputs()[0].name
        self._limit = checkpoint.max_length
        self._threads = threads or granted_cpus()
        # The caller's thread computes a share, too.
        self._lanes = [Lane("inference-share") for _ in range(self._threads - 1)]
        for lane in self._lanes:
            finalize(self, lane.close)

    def predict(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """See `Backend.predict`."""
        own, *others = shares([len(row) for row in batch], self._threads)
        running = [
            lane.submit(partial(_run, self._session, self._output, [batch[row] for row in rows], self._limit))
            for lane, rows in zip(self._lanes, others, strict=False)
        ]
        logits = [
            _run(self._session, self._output, [batch[row] for row in own], self._limit),
            *(one.result() for one in running),
        ]
        order = np.concatenate([own, *others])
        found = np.empty((len(batch), logits[0].shape[1]), dtype=np.float32)
        found[order] = np.concatenate(logits)
        return found


def _run(
    session: onnxruntime.InferenceSession, output: str, rows: Sequence[Sequence[int]], limit: int
) -> NDArray[np.float32]:
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
