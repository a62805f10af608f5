"""Whether an ONNX graph is one pass from tokens to logits, looked at without any library that loads it.

A loop may wait for one text in a million before it never ends, and a size that is computed from tokens may take all
memory for one, long after the model has passed its trial. What has neither takes a time and a room that its sizes say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model.checkpoints.protobuf import fields
from model.errors import CheckpointError

_GRAPH, _FUNCTIONS = 7, 25
_NODE = 1
_INPUT, _OUTPUT, _KIND, _ATTRIBUTE, _DOMAIN = 1, 2, 4, 5, 7
_SUBGRAPHS = {6, 11}
"""Numbers of fields in ONNX's `ModelProto`, `GraphProto`, `NodeProto` and `AttributeProto`."""

_DOMAINS = {b"", b"ai.onnx", b"com.microsoft"}
"""Whose operations: the standard's and the runtime's."""

_KINDS = {
    "Abs", "Add", "And", "Attention", "BiasGelu", "Cast", "CastLike", "Ceil", "Clip", "Concat", "Constant",
    "ConstantOfShape", "CumSum", "DequantizeLinear", "Div", "Dropout", "DynamicQuantizeLinear", "DynamicQuantizeMatMul",
    "EmbedLayerNormalization", "Equal", "Erf", "Exp", "Expand", "FastGelu", "Flatten", "Floor", "FusedMatMul", "Gather",
    "GatherElements", "GatherND", "Gelu", "Gemm", "Greater", "GreaterOrEqual", "Identity", "IsInf", "IsNaN",
    "LayerNormalization", "Less", "LessOrEqual", "Log", "MatMul", "MatMulInteger", "MatMulInteger16",
    "MatMulIntegerToFloat", "MatMulNBits", "Max", "Min", "Mod", "Mul", "MultiHeadAttention", "Neg", "Not", "Or", "Pad",
    "Pow", "QAttention", "QGemm", "QLinearAdd", "QLinearMatMul", "QLinearMul", "QLinearSoftmax", "QuickGelu",
    "QuantizeLinear", "Range", "Reciprocal", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Relu", "Reshape",
    "Round", "ScatterElements", "ScatterND", "Shape", "Sigmoid", "Size", "SkipLayerNormalization", "Slice", "Softmax",
    "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Tile", "Transpose", "Trilu", "Unsqueeze", "Where", "Xor",
}  # fmt: skip
"""What a DistilBERT is exported as, whole, quantised or optimised. What they give is as large as their sizes say."""

_ALL = frozenset(range(64))
_SIZES = {
    "Attention": frozenset({4, 6}),
    "ConstantOfShape": _ALL,
    "Expand": frozenset({1}),
    "MultiHeadAttention": frozenset({6, 7, 8, 9}),
    "Pad": frozenset({1, 3}),
    "Range": _ALL,
    "ReduceMax": frozenset({1}),
    "ReduceMean": frozenset({1}),
    "ReduceMin": frozenset({1}),
    "ReduceSum": frozenset({1}),
    "Reshape": frozenset({1}),
    "Slice": frozenset({1, 2, 3, 4}),
    "Split": frozenset({1}),
    "Squeeze": frozenset({1}),
    "Tile": frozenset({1, 2}),
    "Unsqueeze": frozenset({1}),
}
"""Which inputs of an operation say how large its outputs are."""

_MEASURES = {"Shape", "Size"}
"""What gives the size of something, whatever is in it."""

_TEXT = (b"input_ids", b"attention_mask")
"""Inputs of a graph; one with others is not loaded."""

_MOST_NODES = 20_000
"""A DistilBERT in int8 has a thousand."""

_OTHER_FORMAT = b"ORTM"
"""At the fifth byte, of the runtime's own format, which it would read however the rest looks to us."""


@dataclass(frozen=True, slots=True)
class _Node:
    kind: str
    inputs: tuple[bytes, ...]
    outputs: tuple[bytes, ...]


def check_graph(model: bytes) -> None:
    """Raises CheckpointError for a graph that does more than a DistilBERT does.

    That is loops or branches, operations of another kind or too many of them, and sizes that come of the text's words.
    """
    if model[4:8] == _OTHER_FORMAT:
        raise CheckpointError("model.onnx is no ONNX graph but a model in the runtime's own format; export it as ONNX.")
    nodes: list[_Node] = []
    try:
        for number, part in _fields(memoryview(model)):
            if number == _FUNCTIONS:
                raise CheckpointError("model.onnx has functions of its own, which are never run; export it without.")
            if number != _GRAPH:
                continue
            for field, node in _fields(part):
                if field == _NODE:
                    nodes.append(_checked(node))
                if len(nodes) > _MOST_NODES:
                    raise CheckpointError(f"model.onnx has more than {_MOST_NODES:,} operations.")
    except (ValueError, IndexError) as error:
        raise CheckpointError("model.onnx is no ONNX graph; copy the whole artefact again.") from error
    _check_sizes(nodes)


def _checked(data: memoryview) -> _Node:
    found = list(_fields(data))
    (kind,) = (bytes(value).decode("utf-8", "replace")[:64] for number, value in found if number == _KIND)
    if any(number == _DOMAIN and bytes(value) not in _DOMAINS for number, value in found):
        raise CheckpointError(f"model.onnx asks for an operation that isn't ONNX's own: {kind}.")
    for number, attribute in found:
        if number == _ATTRIBUTE and any(field in _SUBGRAPHS for field, _ in _fields(attribute)):
            raise CheckpointError(f"model.onnx has loops or branches ({kind}), which no DistilBERT needs.")
    if kind not in _KINDS:
        raise CheckpointError(f"model.onnx asks for an operation that no DistilBERT needs: {kind}.")
    inputs, outputs = (tuple(bytes(value) for number, value in found if number == one) for one in (_INPUT, _OUTPUT))
    return _Node(kind, inputs, outputs)


def _check_sizes(nodes: Sequence[_Node]) -> None:
    """Follows what comes of the text's tokens, in whatever order the operations are written."""
    asking: dict[bytes, list[tuple[_Node, int]]] = {}
    for node in nodes:
        for place, name in enumerate(node.inputs):
            asking.setdefault(name, []).append((node, place))
    found, left = set(_TEXT), list(_TEXT)
    while left:
        for node, place in asking.get(left.pop(), ()):
            if place in _SIZES.get(node.kind, ()):
                raise CheckpointError(f"model.onnx has sizes that depend on a text's words ({node.kind}).")
            if node.kind not in _MEASURES:
                left += (name for name in node.outputs if name not in found)
                found.update(node.outputs)


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a protobuf message that hold bytes. Plain numbers are passed over."""
    return ((number, value) for number, value in fields(data) if isinstance(value, memoryview))
