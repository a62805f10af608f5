"""DistilBERT's classifier as an OpenVINO graph, made of the weights that are in `model.onnx`.

The exported graph itself would serve badly: each token's scale is worked out anew before each product, which pays
where products are of int8, and costs more than the product where they are of bfloat16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import Node
from openvino import opset13 as ops

from model.backends.dequantise import StoredWeights

_LAYER_NORM_EPSILON = 1e-12
_NOTHING = np.float32(-3e38)
"""What is added to the attention that a token pays to padding."""


def distilbert(weights: StoredWeights, sizes: Mapping[str, Any]) -> openvino.Model:
    """From what `Packed` holds, in its order, to logits of shape (rows, labels).

    The tokens of all rows are one long list, which has no padding, except in attention, where each row looks at itself.
    `sizes` are those of `network_in`. Raises KeyError for weights that are not there, and what OpenVINO does for those
    that do not fit.
    """
    build = _Builder(weights, sizes["dim"], sizes["n_heads"])
    shapes = {"tokens": [-1], "places": [-1], "spread": [-1, -1], "shown": [-1, -1], "joined": [-1], "firsts": [-1]}
    given = {name: ops.parameter(shape, np.int32, name=name) for name, shape in shapes.items()}
    for name, parameter in given.items():
        parameter.output(0).set_names({name})
    nothing = ops.equal(ops.unsqueeze(given["shown"], _numbers(1, 2)), ops.constant(np.int32(0)))
    bias = ops.select(nothing, ops.constant(_NOTHING), ops.constant(np.float32(0)))
    hidden = build.embedded(given["tokens"], given["places"])
    for layer in range(sizes["n_layers"]):
        name = f"distilbert.transformer.layer.{layer}"
        attended = build.attention(hidden, given["spread"], given["joined"], bias, f"{name}.attention")
        hidden = build.normalised(ops.add(attended, hidden), f"{name}.sa_layer_norm")
        inner = build.linear(hidden, f"{name}.ffn.lin1")
        inner = ops.gelu(inner, "erf") if sizes["activation"] == "gelu" else ops.relu(inner)
        hidden = build.normalised(ops.add(build.linear(inner, f"{name}.ffn.lin2"), hidden), f"{name}.output_layer_norm")
    first = ops.gather(hidden, given["firsts"], _numbers(0))
    pooled = ops.relu(build.linear(first, "pre_classifier"))
    return openvino.Model([build.linear(pooled, "classifier")], list(given.values()), "distilbert")


class Packed(NamedTuple):
    """The rows of a piece as `distilbert` takes them, all int32."""

    tokens: NDArray[np.int32]
    """Of all rows, one after the other; then a few that are no row's."""
    places: NDArray[np.int32]
    """Where in its row each is."""
    spread: NDArray[np.int32]
    """Of shape (rows, width): which of `tokens` stands there, and 0 beyond a row's end."""
    shown: NDArray[np.int32]
    """Of the same shape: 1 for a token, 0 beyond the end."""
    joined: NDArray[np.int32]
    """Of each of `tokens`, its number in `spread`."""
    firsts: NDArray[np.int32]
    """Which of `tokens` begin a row."""


STEP = 16
"""Widths are multiples of it: so many numbers of bfloat16 are summed at a time in attention. At others, padding changes
how a row's numbers are rounded, and with it a text's logits by up to 0.02: its neighbours would have a say in its
verdict. So are lengths of the whole list, because each length takes kernels of its own."""


def packed(rows: Sequence[Sequence[int]]) -> Packed:
    """At least one row, of token ids."""
    lengths = np.array([len(row) for row in rows])
    count, width = int(lengths.sum()), _whole(int(lengths.max()))
    firsts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    shown = np.arange(width) < lengths[:, None]
    tokens, places, joined = np.zeros((3, _whole(count)), dtype=np.int32)
    tokens[:count] = np.concatenate([np.asarray(row, dtype=np.int32) for row in rows])
    joined[:count] = np.flatnonzero(shown)
    places[:count] = joined[:count] % width
    spread = np.zeros(shown.shape, dtype=np.int32)
    spread[shown] = np.arange(count)
    return Packed(tokens, places, spread, shown.astype(np.int32), joined, firsts.astype(np.int32))


def _whole(length: int) -> int:
    return -(-length // STEP) * STEP


class _Builder:
    def __init__(self, weights: StoredWeights, width: int, heads: int) -> None:
        self._weights = weights
        self._width = width
        self._heads = heads

    def embedded(self, tokens: Node, places: Node) -> Node:
        words = self._looked_up("distilbert.embeddings.word_embeddings.weight", tokens)
        position = self._looked_up("distilbert.embeddings.position_embeddings.weight", places)
        return self.normalised(ops.add(words, position), "distilbert.embeddings.LayerNorm")

    def attention(self, hidden: Node, spread: Node, joined: Node, bias: Node, name: str) -> Node:
        """Query, key and value are one product, and each row's are brought together for what it pays to itself."""
        parts = [f"{name}.{part}_lin" for part in "qkv"]
        matrix = np.concatenate([self._weights.floats(f"{part}.weight") for part in parts])
        offset = np.concatenate([self._weights.floats(f"{part}.bias") for part in parts])
        all_three = ops.add(ops.matmul(hidden, _floats(matrix), False, True), _floats(offset))
        rows = ops.gather(all_three, spread, _numbers(0))
        by_head = ops.reshape(rows, _numbers(0, 0, 3, self._heads, self._width // self._heads), True)
        turned = ops.transpose(by_head, _numbers(2, 0, 3, 1, 4))
        query, key, value = (
            ops.squeeze(part, _numbers(0)) for part in ops.split(turned, ops.constant(np.int64(0)), 3).outputs()
        )
        attended = ops.transpose(ops.scaled_dot_product_attention(query, key, value, bias), _numbers(0, 2, 1, 3))
        flat = ops.reshape(attended, _numbers(-1, self._width), False)
        return self.linear(ops.gather(flat, joined, _numbers(0)), f"{name}.out_lin")

    def linear(self, given: Node, name: str) -> Node:
        product = ops.matmul(given, _floats(self._weights.floats(f"{name}.weight")), False, True)
        return ops.add(product, _floats(self._weights.floats(f"{name}.bias")))

    def _looked_up(self, name: str, ids: Node) -> Node:
        """Rows of an embedding table; int8 stays int8, a quarter of the memory."""
        stored = self._weights.quantised(name)
        if stored is None:
            return ops.gather(_floats(self._weights.floats(name)), ids, _numbers(0))
        values, scales = stored
        rows = ops.convert(ops.gather(ops.constant(values), ids, _numbers(0)), np.float32)
        return ops.multiply(rows, ops.gather(_floats(scales), ids, _numbers(0)))

    def normalised(self, given: Node, name: str) -> Node:
        centred = ops.mvn(given, _numbers(-1), True, _LAYER_NORM_EPSILON, "inside_sqrt")
        scaled = ops.multiply(centred, _floats(self._weights.floats(f"{name}.weight")))
        return ops.add(scaled, _floats(self._weights.floats(f"{name}.bias")))


def _floats(values: NDArray[np.float32]) -> Node:
    return ops.constant(np.ascontiguousarray(values, dtype=np.float32))


def _numbers(*values: int) -> Node:
    return ops.constant(np.array(values, dtype=np.int64))
