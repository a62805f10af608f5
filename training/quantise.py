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

ATTENTION_INPUTS = (".q_lin.", ".k_lin.", ".v_lin.")
"""What reads the attention's input. A range from each token's lowest to its highest value, instead of a symmetric one,
takes 13 % off the error of the logits here; for the other matrices it costs more time than it is worth."""

SMALLEST_RANGE = np.float32(1e-12)
"""What is all zeros has a scale all the same."""

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
    scales = (np.maximum(largest, SMALLEST_RANGE) / WEIGHT_LIMIT).astype(np.float32)
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
        self._skewed: dict[str, tuple[str, str, str]] = {}
        self._shapes: set[str] = set()

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
        row, row_scales, offsets = self._quantised(activations, name, weights.shape[0])
        inputs = [
            row,
            self._store(name, "_quantized", values),
            self._constant("one", np.float32(1)),
            self._store(name, "_scale", scales[0]),
            self._constant("middle", np.uint8(128)) if offsets is None else self._constant("bottom", np.uint8(0)),
        ]
        last = self._add("MatMulIntegerToFloat", inputs, f"{output}_unscaled", domain=_ONNXRUNTIME)
        last = self._add("Mul", [last, row_scales], f"{output}_scaled")
        if offsets is not None:
            sums = self._store(name, "_sums", (values * scales).sum(axis=0, dtype=np.float32))
            last = self._add("Sub", [last, self._add("Mul", [offsets, sums], f"{output}_offset")], f"{output}_moved")
        for addend in bias:
            last = self._add("Add", [last, addend], f"{output}_plus")
        self._add("Reshape", [last, self._shape(activations, weights.shape[1])], output)

    def _lookup(self, node: NodeProto, weights: NDArray[np.float32]) -> None:
        """Rows of an embedding table, each with its own scale."""
        name, ids = node.input
        (output,) = node.output
        values, scales = quantise_weights(weights, axis=1)
        self._add("Gather", [self._store(name, "_quantized", values), ids], f"{output}_values")
        self._add("Gather", [self._store(name, "_scale", scales), ids], f"{output}_scales")
        self._add("Cast", [f"{output}_values"], f"{output}_floats", to=TensorProto.FLOAT)
        self._add("Mul", [f"{output}_floats", f"{output}_scales"], output)

    def _quantised(self, activations: str, name: str, width: int) -> tuple[str, str, str | None]:
        if FED_BY_GELU in name:
            return self._quantise_skewed(activations, width, self._constant("floor", GELU_FLOOR))
        if any(one in name for one in ATTENTION_INPUTS):
            return self._quantise_skewed(activations, width)
        return self._quantise_rows(activations, width)

    def _quantise_rows(self, name: str, width: int) -> tuple[str, str, None]:
        """uint8 around 128, one row for each token, and scales of shape (tokens, 1); once for all that read `name`."""
        if name not in self._rows:
            flat, row = self._flat(name, width), f"{name}_row"
            depth = self._add("Neg", [self._extreme("ReduceMin", flat)], f"{row}_depth")
            largest = self._add("Max", [self._extreme("ReduceMax", flat), depth, self._smallest()], f"{row}_largest")
            scale = self._add("Mul", [largest, self._constant("step", np.float32(1 / 127))], f"{row}_scale")
            shape = self._add("Shape", [scale], f"{row}_count")
            middles = self._add("Expand", [self._constant("middle", np.uint8(128)), shape], f"{row}_middles")
            self._add("QuantizeLinear", [flat, scale, middles], row, axis=0)
            self._rows[name] = row, self._column(scale)
        return *self._rows[name], None

    def _quantise_skewed(self, name: str, width: int, floor: str = "") -> tuple[str, str, str]:
        """uint8 from `floor`, or else from each token's lowest value; and the scales times where 0 lies."""
        if name not in self._skewed:
            flat, row = self._flat(name, width), f"{name}_skewed"
            lowest = floor or self._add("Min", [self._extreme("ReduceMin", flat), self._nothing()], f"{row}_lowest")
            highest = self._add("Max", [self._extreme("ReduceMax", flat), self._smallest()], f"{row}_highest")
            reach = self._add("Sub", [highest, lowest], f"{row}_reach")
            scale = self._add("Mul", [reach, self._constant("fine_step", np.float32(1 / 255))], f"{row}_scale")
            below = self._add("Neg", [self._add("Div", [lowest, scale], f"{row}_quotient")], f"{row}_below")
            zero = self._add("Round", [below], f"{row}_zero")
            self._add("Cast", [zero], f"{row}_zero_byte", to=TensorProto.UINT8)
            self._add("QuantizeLinear", [flat, scale, f"{row}_zero_byte"], row, axis=0)
            offset = self._add("Mul", [zero, scale], f"{row}_offset")
            self._skewed[name] = row, self._column(scale), self._column(offset)
        return self._skewed[name]

    def _smallest(self) -> str:
        return self._constant("smallest", SMALLEST_RANGE)

    def _nothing(self) -> str:
        return self._constant("nothing", np.float32(0))

    def _flat(self, name: str, width: int) -> str:
        """The activations of all tokens as one matrix."""
        shape = self._constant(f"rows_of_{width}", np.array([-1, width]))
        return self._add("Reshape", [name, shape], f"{name}_flat")

    def _extreme(self, kind: str, flat: str) -> str:
        return self._add(kind, [flat, self._constant("last", np.array([-1]))], f"{flat}_{kind}", keepdims=0)

    def _column(self, values: str) -> str:
        return self._add("Unsqueeze", [values, self._constant("column", np.array([1]))], f"{values}_column")

    def _shape(self, name: str, width: int) -> str:
        """The shape of `name` with another width; once for all that ask."""
        shape = f"{name}_as_{width}"
        if shape not in self._shapes:
            self._shapes.add(shape)
            leading = self._add("Shape", [name], f"{shape}_leading", start=0, end=-1)
            self._add("Concat", [leading, self._constant(f"width_{width}", np.array([width]))], shape, axis=0)
        return shape

    def _store(self, name: str, suffix: str, values: NDArray[np.generic]) -> str:
        self._replaced.add(name)
        self._added[name + suffix] = numpy_helper.from_array(values, name + suffix)
        return name + suffix

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        self._added.setdefault(f"quantise.{name}", numpy_helper.from_array(np.asarray(value), f"quantise.{name}"))
        return f"quantise.{name}"

    def _add(self, kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: int) -> str:
        node = helper.make_node(kind, inputs, [output], name=f"{kind}_{output}", domain=domain)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self._nodes.append(node)
        return output
