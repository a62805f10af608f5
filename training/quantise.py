"""int8 weights and activations in an ONNX graph, each token with a scale of its own.

onnxruntime's `quantize_dynamic` gives a whole batch one scale, so that a text's verdict depends on its neighbours and
one outlying token costs all others their precision. Here every row of activations has its own (LLM.int8's vector-wise
scheme, Dettmers et al. 2022, arXiv:2208.07339, without its outlier split): verdicts do not depend on the batch.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

WEIGHT_LIMIT = 127
"""Weights are symmetric, from -127 to 127, with one scale for each output channel or embedding."""

GELU_FLOOR = np.float32(-0.17004)
"""GELU is nowhere lower, so what it feeds needs no room for larger negative numbers: one bit more for the rest."""

FED_BY_GELU = ".ffn.lin2."
"""DistilBERT's name for the matrices that read GELU's output."""

_SMALLEST = np.float32(1e-12)
_ONNXRUNTIME = "com.microsoft"


def quantise(source: Path, target: Path, float_layers: Collection[int] = ()) -> None:
    """Writes the float graph at `source` to `target` with int8 matrices and embeddings.

    Matrix products of two activations (attention itself) stay as they are: they hold no weights. Int8 weights are named
    `NAME_quantized`, their float32 scales `NAME_scale`. The transformer layers of `float_layers`, counted from 0, are
    computed in floats; their weights are stored in half precision as `NAME_half`.
    """
    model = onnx.load(str(source))
    _Quantiser(model, float_layers).run()
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def quantise_weights(weights: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """int8 values and their scales; `values * scales` is `weights` to half a step. A scale covers all of `axis`."""
    largest = np.abs(weights).max(axis=axis, keepdims=True)
    scales = (np.maximum(largest, _SMALLEST) / WEIGHT_LIMIT).astype(np.float32)
    return np.rint(weights / scales).astype(np.int8), scales


class _Quantiser:
    """Rewrites one graph in place."""

    def __init__(self, model: ModelProto, float_layers: Collection[int]) -> None:
        self._model = model
        self._float_layers = tuple(f".layer.{number}." for number in float_layers)
        self._weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self._added: dict[str, TensorProto] = {}
        self._replaced: set[str] = set()
        self._nodes: list[NodeProto] = []
        self._rows: dict[str, tuple[str, str]] = {}

    def run(self) -> None:
        graph = self._model.graph
        for node in graph.node:
            weights = self._weights.get(node.input[1] if node.op_type in {"MatMul", "Gemm"} else node.input[0])
            if node.op_type in {"MatMul", "Gemm"} and weights is not None:
                self._product(node, weights)
            elif node.op_type == "Gather" and weights is not None and weights.ndim == 2:
                self._lookup(node, weights)
            else:
                self._nodes.append(node)
        kept = [tensor for tensor in graph.initializer if tensor.name not in self._replaced]
        del graph.node[:], graph.initializer[:], graph.value_info[:]
        graph.node.extend(self._nodes)
        graph.initializer.extend([*kept, *self._added.values()])
        if _ONNXRUNTIME not in {opset.domain for opset in self._model.opset_import}:
            self._model.opset_import.append(helper.make_opsetid(_ONNXRUNTIME, 1))

    def _product(self, node: NodeProto, weights: NDArray[np.float32]) -> None:
        """Activations (..., in) @ weights (in, out) -> (..., out), plus the bias of a Gemm."""
        activations, name, *bias = node.input
        (output,) = node.output
        if any(layer in name for layer in self._float_layers):
            if f"{name}_half" not in self._added:
                half = self._store(name, "_half", weights.astype(np.float16))
                self._add("Cast", [half], f"{name}_floats", to=TensorProto.FLOAT)
            node.input[1] = f"{name}_floats"
            self._nodes.append(node)
            return
        if any(attribute.name == "transB" and attribute.i for attribute in node.attribute):
            weights, name = np.ascontiguousarray(weights.T), f"{name}_transposed"
            self._replaced.add(node.input[1])
        values, scales = quantise_weights(weights, axis=0)
        floored = FED_BY_GELU in name
        rows, row_scales = self._quantise_floored(activations) if floored else self._quantise_rows(activations)
        inputs = [
            rows,
            self._store(name, "_quantized", values),
            self._constant("one", np.float32(1)),
            self._store(name, "_scale", scales[0]),
            self._constant("bottom", np.uint8(0)) if floored else self._constant("middle", np.uint8(128)),
        ]
        self._add("MatMulIntegerToFloat", inputs, f"{output}_unscaled", domain=_ONNXRUNTIME)
        if floored:
            bias = [*bias, self._store(name, "_floor", GELU_FLOOR * (values * scales).sum(axis=0, dtype=np.float32))]
        last = f"{output}_scaled" if bias else output
        self._add("Mul", [f"{output}_unscaled", row_scales], last)
        for index, addend in enumerate(bias, start=1):
            following = output if index == len(bias) else f"{output}_plus_{index}"
            self._add("Add", [last, addend], following)
            last = following

    def _lookup(self, node: NodeProto, weights: NDArray[np.float32]) -> None:
        """Rows of an embedding table, each with its own scale."""
        name, ids = node.input
        (output,) = node.output
        values, scales = quantise_weights(weights, axis=1)
        self._add("Gather", [self._store(name, "_quantized", values), ids], f"{output}_values")
        self._add("Gather", [self._store(name, "_scale", scales), ids], f"{output}_scales")
        self._add("Cast", [f"{output}_values"], f"{output}_floats", to=TensorProto.FLOAT)
        self._add("Mul", [f"{output}_floats", f"{output}_scales"], output)

    def _quantise_rows(self, name: str) -> tuple[str, str]:
        """uint8 around 128 and scales of shape (..., 1); once for all matrices that read the same activations."""
        if name not in self._rows:
            row, scale = f"{name}_row", f"{name}_row_scale"
            self._add("Abs", [name], f"{row}_abs")
            self._add("ReduceMax", [f"{row}_abs", self._constant("last", np.array([-1]))], f"{row}_largest", keepdims=1)
            self._add("Max", [f"{row}_largest", self._constant("smallest", _SMALLEST)], f"{row}_bounded")
            self._add("Mul", [f"{row}_bounded", self._constant("step", np.float32(1 / 127))], scale)
            self._add("Reciprocal", [scale], f"{row}_steps")
            self._add("Mul", [name, f"{row}_steps"], f"{row}_stretched")
            # The cast cuts towards 0, so that half a step more makes it round; the sum lies between 1.5 and 255.5.
            self._add("Add", [f"{row}_stretched", self._constant("rounding", np.float32(128.5))], f"{row}_moved")
            self._add("Cast", [f"{row}_moved"], row, to=TensorProto.UINT8)
            self._rows[name] = (row, scale)
        return self._rows[name]

    def _quantise_floored(self, name: str) -> tuple[str, str]:
        """uint8 from `GELU_FLOOR` up, and scales of shape (..., 1)."""
        row, scale = f"{name}_row", f"{name}_row_scale"
        self._add("Sub", [name, self._constant("floor", GELU_FLOOR)], f"{row}_raised")
        self._add("ReduceMax", [f"{row}_raised", self._constant("last", np.array([-1]))], f"{row}_largest", keepdims=1)
        self._add("Mul", [f"{row}_largest", self._constant("fine_step", np.float32(1 / 255))], scale)
        self._add("Reciprocal", [scale], f"{row}_steps")
        self._add("Mul", [f"{row}_raised", f"{row}_steps"], f"{row}_stretched")
        self._add("Add", [f"{row}_stretched", self._constant("half", np.float32(0.5))], f"{row}_moved")
        self._add("Cast", [f"{row}_moved"], row, to=TensorProto.UINT8)
        return row, scale

    def _store(self, name: str, suffix: str, values: NDArray[np.generic]) -> str:
        self._replaced.add(name)
        self._added[name + suffix] = numpy_helper.from_array(values, name + suffix)
        return name + suffix

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        self._added.setdefault(f"quantise.{name}", numpy_helper.from_array(np.asarray(value), f"quantise.{name}"))
        return f"quantise.{name}"

    def _add(self, kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: int) -> None:
        node = helper.make_node(kind, inputs, [output], name=f"{kind}_{output}", domain=domain)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self._nodes.append(node)
