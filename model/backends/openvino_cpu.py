"""OpenVINO on the CPU (extra `openvino`): bfloat16 where the processor multiplies it, as those with AMX do."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import openvino
from numpy.typing import NDArray

from model.backends.base import Batch, granted_cpus
from model.backends.dequantise import StoredWeights
from model.backends.openvino_graph import distilbert, packed
from model.backends.pieces import InPieces
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.values import network_in
from model.concurrency import Crew
from model.errors import CheckpointError

_CPU = "CPU"


class OpenVinoBackend(InPieces):
    """Runs the network whose weights are in `model.onnx`, whatever precision they are stored in.

    Each piece of a batch is a request of its own, and as many are computed at a time as there are threads. The weights
    are there once.
    """

    name = "openvino"
    device = "cpu"
    piece = 512
    """Tiles want larger matrices than other products, and there is no padding that smaller pieces would spare."""

    def __init__(self, checkpoint: Checkpoint, threads: int = 0) -> None:
        """`threads` is as for `OnnxBackend`. Raises CheckpointError when the weights are no DistilBERT classifier's."""
        threads = threads or granted_cpus()
        data = checkpoint.bytes_of(checkpoint.weights.name)
        core = openvino.Core()
        self.precision = "bf16" if "BF16" in core.get_property(_CPU, "OPTIMIZATION_CAPABILITIES") else "fp32"
        options = {
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
            "NUM_STREAMS": threads,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # which processor a thread has is for the system to say
        }
        try:
            sizes = network_in(json.loads(checkpoint.bytes_of("config.json")), len(data))
            network = distilbert(StoredWeights(data), sizes)
            if network.output(0).get_partial_shape()[1].get_length() != len(checkpoint.labels):
                raise ValueError("it has another number of labels")
            self._compiled = core.compile_model(network, _CPU, options)
        except (ValueError, RuntimeError, KeyError, RecursionError) as error:
            reason = str(error).strip().splitlines()[-1].strip()[:300] if str(error).strip() else type(error).__name__
            raise CheckpointError(f"{checkpoint.weights.name} isn't a whole DistilBERT classifier: {reason}") from error
        self._idle: list[openvino.InferRequest] = []
        # Threads of OpenVINO's own compute, and know nothing of who is in a hurry: half of them are always left.
        super().__init__(threads, Crew("inference-aside", max(1, threads // 2)))

    def padded_tokens(self, lengths: Sequence[int]) -> int:
        """See `Backend.padded_tokens`: in all but attention none is padded."""
        return sum(lengths)

    def _computing(self, rows: Batch) -> Callable[[], NDArray[np.float32]]:
        return partial(_run, self._compiled, self._idle, rows)


def _run(compiled: openvino.CompiledModel, idle: list[openvino.InferRequest], rows: Batch) -> NDArray[np.float32]:
    try:
        request = idle.pop()
    except IndexError:  # others have them; there are never more than threads
        request = compiled.create_infer_request()
    request.infer(list(packed(rows)), share_inputs=True)
    logits = np.array(request.get_output_tensor(0).data, dtype=np.float32)
    idle.append(request)  # one that failed is not used again
    return logits
