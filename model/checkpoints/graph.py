"""Whether an ONNX graph is one pass from tokens to logits, looked at without any library that loads it.

A loop may wait for one text in a million before it never ends, long after the model has passed its trial. What has no
loop takes a time that its sizes say.
"""

from __future__ import annotations

from collections.abc import Iterator

from model.errors import CheckpointError

_GRAPH, _FUNCTIONS = 7, 25
_NODE = 1
_KIND, _ATTRIBUTE, _DOMAIN = 4, 5, 7
_SUBGRAPHS = {6, 11}
"""Numbers of fields in ONNX's `ModelProto`, `GraphProto`, `NodeProto` and `AttributeProto`."""

_DOMAINS = {b"", b"ai.onnx", b"com.microsoft"}
"""Whose operations: the standard's and the runtime's."""

_MOST_NODES = 20_000
"""A DistilBERT in int8 has a thousand."""

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


def check_graph(model: bytes) -> None:
    """Raises CheckpointError for a graph with loops or branches, operations of its own, or too many of them."""
    nodes = 0
    try:
        for number, part in _fields(memoryview(model)):
            if number == _FUNCTIONS:
                raise CheckpointError("model.onnx has functions of its own, which are never run; export it without.")
            if number != _GRAPH:
                continue
            for field, node in _fields(part):
                if field == _NODE:
                    nodes += 1
                    _check_node(node)
                if nodes > _MOST_NODES:
                    raise CheckpointError(f"model.onnx has more than {_MOST_NODES:,} operations.")
    except (ValueError, IndexError) as error:
        raise CheckpointError("model.onnx is no ONNX graph; copy the whole artefact again.") from error


def _check_node(node: memoryview) -> None:
    fields = list(_fields(node))
    kind = b"".join(bytes(value) for number, value in fields if number == _KIND).decode("utf-8", "replace")[:64]
    if any(number == _DOMAIN and bytes(value) not in _DOMAINS for number, value in fields):
        raise CheckpointError(f"model.onnx asks for an operation that is not ONNX's own: {kind}.")
    for number, attribute in fields:
        if number == _ATTRIBUTE and any(field in _SUBGRAPHS for field, _ in _fields(attribute)):
            raise CheckpointError(f"model.onnx has loops or branches ({kind}), which no DistilBERT needs.")


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a protobuf message: numbers and bytes, which are empty for plain numbers."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        kind, size = key & 7, 0
        if kind == _VARINT:
            _, place = _varint(data, place)
        elif kind == _BYTES:
            size, place = _varint(data, place)
        elif kind in (_EIGHT, _FOUR):
            place += 8 if kind == _EIGHT else 4
        else:
            raise ValueError("a field of no kind")
        if place + size > len(data):
            raise ValueError("a field that ends nowhere")
        yield key >> 3, data[place : place + size]
        place += size


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise ValueError("a number that ends nowhere")
