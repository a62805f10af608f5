"""The int8 ONNX weights back as floats, so that the bundled model also runs elsewhere than in ONNX Runtime."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.checkpoints.initializers import initializers

TRANSPOSED = ".weight_transposed"
"""How the export names a linear layer's matrix, which ONNX holds as (in, out) and torch as (out, in)."""

_STORED = ("", "_quantized", "_half")
"""Behind a tensor's name: in which of these ways it is stored."""


class StoredWeights:
    """What an exported `model.onnx` holds, quantised or not, by the names that transformers has for it.

    An int8 tensor is q x scale, where the scales are those of its output channels or embeddings; one in half precision
    is widened. Graph constants that are no weights are left out.
    """

    def __init__(self, model: bytes) -> None:
        """Raises ValueError for weights that are in files of their own."""
        self._tensors = initializers(model)

    def names(self) -> list[str]:
        """Of all weights, in the order of the file."""
        plain = (
            next((name.removesuffix(end) for end in _STORED[1:] if name.endswith(end)), name) for name in self._tensors
        )
        whole = (name.removesuffix("_transposed") if name.endswith(TRANSPOSED) else name for name in plain)
        return list(dict.fromkeys(name for name in whole if name.endswith((".weight", ".bias"))))

    def floats(self, name: str) -> NDArray[np.float32]:
        """A tensor as torch has it. Raises KeyError for one that is not there."""
        transposed = f"{name}_transposed"
        if any(transposed + end in self._tensors for end in _STORED):
            return np.ascontiguousarray(self._values(transposed).T)
        return self._values(name)

    def quantised(self, name: str) -> tuple[NDArray[np.int8], NDArray[np.float32]] | None:
        """An embedding's int8 values and the scales of its rows; None where it is stored otherwise."""
        values, scales = self._tensors.get(f"{name}_quantized"), self._tensors.get(f"{name}_scale")
        if values is None or scales is None or values.dtype != np.int8 or scales.shape != (len(values), 1):
            return None
        return values.astype(np.int8, copy=False), scales.astype(np.float32, copy=False)

    def _values(self, name: str) -> NDArray[np.float32]:
        if (quantised := self._tensors.get(f"{name}_quantized")) is not None:
            scales = self._tensors[f"{name}_scale"].astype(np.float32, copy=False)
            return quantised.astype(np.float32) * scales
        half = self._tensors.get(f"{name}_half")
        return (self._tensors[name] if half is None else half).astype(np.float32)


def float_weights(model: bytes) -> dict[str, NDArray[np.float32]]:
    """A transformers state dict, name -> float32 array, of `StoredWeights`. Raises ValueError as it does."""
    stored = StoredWeights(model)
    return {name: stored.floats(name) for name in stored.names()}
