"""The int8 ONNX weights back as float tensors, so that the bundled model also runs in PyTorch, GPU included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

TRANSPOSED = ".weight_transposed"
"""How the export names a linear layer's matrix, which ONNX holds as (in, out) and torch as (out, in)."""

_TRANSPOSED_BY_QUANTISER = ".weight_Transposed"
"""The same, where onnxruntime's quantiser turned a Gemm around on its way."""


def float_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """A transformers state dict, name -> float32 array, from an exported `model.onnx`, quantised or not.

    An int8 tensor becomes (q - zero point) x scale, per output channel where the scale is a vector. Graph constants
    that are no weights are left out.
    """
    tensors = {value.name: numpy_helper.to_array(value) for value in onnx.load(str(path)).graph.initializer}
    weights: dict[str, NDArray[np.float32]] = {}
    for name, tensor in tensors.items():
        if name.endswith(("_scale", "_zero_point")):
            continue
        values = tensor
        if name.endswith("_quantized"):
            name = name.removesuffix("_quantized")  # noqa: PLW2901
            scale, zero = tensors[f"{name}_scale"], tensors[f"{name}_zero_point"]
            values = (tensor.astype(np.float32) - zero.astype(np.float32)) * scale
        if name.endswith((TRANSPOSED, _TRANSPOSED_BY_QUANTISER)):
            weights[f"{name.rpartition('.')[0]}.weight"] = np.ascontiguousarray(values.T, dtype=np.float32)
        elif name.endswith((".weight", ".bias")):
            weights[name] = values.astype(np.float32)
    return weights
