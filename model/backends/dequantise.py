"""The int8 ONNX weights back as float tensors, so that the bundled model also runs in PyTorch, GPU included."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import external_data_helper, numpy_helper

TRANSPOSED = ".weight_transposed"
"""How the export names a linear layer's matrix, which ONNX holds as (in, out) and torch as (out, in)."""


def float_weights(model: bytes) -> dict[str, NDArray[np.float32]]:
    """A transformers state dict, name -> float32 array, from what an exported `model.onnx` holds, quantised or not.

    An int8 tensor becomes q x scale, where the scales are those of its output channels or embeddings; one in half
    precision is widened. Graph constants that are no weights are left out. Raises ValueError for weights that are in
    files of their own.
    """
    found = onnx.load_from_string(model).graph.initializer
    if any(map(external_data_helper.uses_external_data, found)):
        raise ValueError("its weights are in other files, which nothing has checked")
    tensors = {value.name: numpy_helper.to_array(value) for value in found}
    weights: dict[str, NDArray[np.float32]] = {}
    for name, tensor in tensors.items():
        values = tensor
        if name.endswith("_quantized"):
            name = name.removesuffix("_quantized")  # noqa: PLW2901
            values = tensor.astype(np.float32) * tensors[f"{name}_scale"]
        if name.endswith("_half"):
            name = name.removesuffix("_half")  # noqa: PLW2901
        if name.endswith(TRANSPOSED):
            weights[name.removesuffix("_transposed")] = np.ascontiguousarray(values.T, dtype=np.float32)
        elif name.endswith((".weight", ".bias")):
            weights[name] = values.astype(np.float32)
    return weights
