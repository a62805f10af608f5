"""ONNX Runtime on the CPU: the default, needs no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model.backend import granted_cpus, pad
from model.checkpoint import Checkpoint
from model.errors import CheckpointError


class OnnxBackend:
    """Runs a checkpoint's `model.onnx`."""

    name = "onnxruntime"
    device = "cpu"

    def __init__(self, checkpoint: Checkpoint, threads: int = 0) -> None:
        """`threads` computes with that many threads; 0 is as many as there are granted processors.

        Raises CheckpointError when the file cannot be loaded or is not a classifier over token ids.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or granted_cpus()
        options.inter_op_num_threads = 1
        # Spinning threads would take the event loop's processor between batches.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Shapes vary: a pattern planned for one is memory held for nothing.
        options.enable_mem_pattern = False
        # Processors without VNNI would saturate on int8 products; with this they take a slower, exact way.
        options.add_session_config_entry("session.x64quantprecision", "1")
        options.log_severity_level = 3
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

    def predict(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """See `Backend.predict`."""
        ids, mask = pad(batch, self._limit)
        (logits,) = self._session.run([self._output], {"input_ids": ids, "attention_mask": mask})
        return np.asarray(logits, dtype=np.float32)
