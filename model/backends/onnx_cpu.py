"""ONNX Runtime on the CPU: the default, needs no torch."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model.backends.base import Batch, granted_cpus, pad
from model.backends.pieces import InPieces
from model.checkpoints.checkpoint import Checkpoint
from model.concurrency import Crew
from model.errors import CheckpointError

_PRODUCT = base64.b64decode(
    "CAgSADp2ChgKAWEKAXcSAXkiDU1hdE11bEludGVnZXISAWcqKwgICAQQA0IBd0ogf39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39aFAoBYRIP"
    "Cg0IAhIJCgMSAW4KAggIYhQKAXkSDwoNCAYSCQoDEgFuCgIIBEIECgAQDQ=="
)
"""An ONNX graph of one node: a (n, 8) of uint8 times an (8, 4) of int8, all of them 127."""


_NOWHERE = str(Path(os.devnull) / "nowhere")
"""A folder that there cannot be."""

_NICE = 15
"""How far the threads stand behind that compute what is in no hurry: they get a thirtieth where all are busy."""


class OnnxBackend(InPieces):
    """Runs a checkpoint's `model.onnx`."""

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
            raise CheckpointError(f"{checkpoint.weights.name} can't be loaded: {str(error)[:300]}") from error
        inputs = {value.name for value in self._session.get_inputs()}
        if inputs != {"input_ids", "attention_mask"}:
            raise CheckpointError(
                f"{checkpoint.weights.name} takes {', '.join(sorted(inputs))}. A DistilBERT classifier takes "
                "input_ids and attention_mask."
            )
        self._output = self._session.get_outputs()[0].name
        self._limit = checkpoint.max_length
        threads = threads or granted_cpus()
        super().__init__(threads, Crew("inference-aside", threads, nice=_NICE))

    def _computing(self, rows: Batch) -> Callable[[], NDArray[np.float32]]:
        return partial(_run, self._session, self._output, rows, self._limit)


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
