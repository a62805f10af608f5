"""PyTorch and transformers: GPUs, and any DistilBERT checkpoint on a CPU (extra `torch`)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from model.backends.base import Batch, InTurn, pad, padded_length
from model.backends.cuda_graphs import GraphedNetwork
from model.checkpoints.checkpoint import Checkpoint
from model.checkpoints.values import network_in
from model.errors import BackendUnavailable, CheckpointError


class TorchBackend(InTurn):
    """Runs a checkpoint's `model.safetensors`, or an exported `model.onnx` turned back into floats."""

    name = "torch"
    step = 8  # what a GPU's matrix units work in

    def __init__(self, checkpoint: Checkpoint, device: str) -> None:
        """`device` is "cpu" or "cuda"; how many threads compute on a CPU is for the process to say (`OMP_NUM_THREADS`).

        Raises BackendUnavailable without that device, CheckpointError when the weights cannot be loaded.
        """
        if device == "cuda" and not torch.cuda.is_available():
            raise BackendUnavailable("DEVICE=cuda, but PyTorch finds no working GPU. Use DEVICE=auto or cpu.")
        try:
            weights = _weights(checkpoint)
            config = json.loads(checkpoint.bytes_of("config.json"))
            sizes = network_in(config, len(checkpoint.bytes_of(checkpoint.weights.name)))
            sizes["num_labels"] = len(checkpoint.labels)
            network = DistilBertForSequenceClassification(DistilBertConfig(**sizes))
            network.load_state_dict(weights)
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise CheckpointError(f"{checkpoint.weights.name} isn't a whole DistilBERT classifier: {reason}") from error
        try:
            # What a GPU's matrix units are for; its 11 bits keep more of the verdicts than bfloat16's 8.
            self._network = network.eval().to(device, torch.float16 if device == "cuda" else torch.float32)
        except RuntimeError as error:  # a driver that is too old, a GPU in use by another
            raise BackendUnavailable(f"The model doesn't fit onto {device}: {str(error).splitlines()[0]}") from error
        self._device = torch.device(device)
        self._limit = checkpoint.max_length
        self.device = torch.cuda.get_device_name() if device == "cuda" else "cpu"
        self._graphs = GraphedNetwork(partial(_forward, self._network), self._device) if device == "cuda" else None

    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """See `Backend.predict`."""
        ids, mask = pad(batch, self._limit, self.step)
        recorded = None if self._graphs is None else self._graphs(ids, mask)
        if recorded is not None:
            return recorded
        with torch.inference_mode():
            logits = _forward(self._network, self._moved(ids), self._moved(mask)[:, None, None].bool())
            return np.asarray(logits.float().cpu().numpy())

    def padded_tokens(self, lengths: Sequence[int]) -> int:
        """See `Backend.padded_tokens`."""
        rows, width = len(lengths), padded_length(max(lengths), self.step)
        shape = None if self._graphs is None else self._graphs.shape(rows, width)
        return math.prod(shape or (rows, width))

    def _moved(self, array: NDArray[np.int64]) -> torch.Tensor:
        tensor = torch.from_numpy(array)
        if self._device.type != "cuda":
            return tensor
        return tensor.pin_memory().to(self._device, non_blocking=True)


def _forward(network: DistilBertForSequenceClassification, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Not a method: graphs that lead back to their backend would keep a dropped one, and the GPU's memory, for long."""
    logits: torch.Tensor = network(input_ids=ids, attention_mask=mask).logits
    return logits


def _weights(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    data = checkpoint.bytes_of(checkpoint.weights.name)
    if not checkpoint.is_onnx:
        return load(data)
    from model.backends.dequantise import float_weights

    return {name: torch.from_numpy(values.copy()) for name, values in float_weights(data).items()}
