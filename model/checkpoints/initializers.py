"""The tensors that an ONNX file holds, as views of its bytes: nothing is copied, and no library is loaded for it."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

from model.checkpoints.protobuf import fields, numbers

_GRAPH, _INITIALIZER = 7, 5
_DIMENSIONS, _KIND, _FLOATS, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 4, 8, 9, 13, 14
"""Numbers of fields in ONNX's `ModelProto`, `GraphProto` and `TensorProto`."""

_KINDS = {1: "<f4", 2: "u1", 3: "i1", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}
"""Those of `TensorProto.DataType` that a network's weights may have."""


def initializers(model: bytes) -> dict[str, NDArray[np.generic]]:
    """Name -> array, of what is stored as plain bytes; tensors of other kinds, which are no weights, are left out.

    Raises ValueError for what is no ONNX file, and for weights that are in files of their own.
    """
    try:
        return dict(_found(model))
    except IndexError as error:
        raise ValueError("it isn't an ONNX file") from error


def _found(model: bytes) -> Iterator[tuple[str, NDArray[np.generic]]]:
    for number, graph in fields(memoryview(model)):
        if number == _GRAPH and isinstance(graph, memoryview):
            for inner, tensor in fields(graph):
                if inner == _INITIALIZER and isinstance(tensor, memoryview):
                    yield from _tensor(tensor)


def _tensor(data: memoryview) -> Iterator[tuple[str, NDArray[np.generic]]]:
    name, kind, raw = "", 0, None
    shape: list[int] = []
    for number, value in fields(data):
        if number in (_EXTERNAL, _LOCATION) and value:
            raise ValueError("its weights are in other files, which nothing has checked")
        if isinstance(value, int):
            if number == _DIMENSIONS:
                shape.append(value)
            elif number == _KIND:
                kind = value
        elif number == _DIMENSIONS:
            shape += numbers(value)
        elif number == _NAME:
            name = bytes(value).decode("utf-8")
        elif number == _RAW or (number == _FLOATS and _KINDS.get(kind) == "<f4"):
            raw = value
    if raw is None or kind not in _KINDS:
        return
    values = np.frombuffer(raw, _KINDS[kind])
    if len(values) != prod(shape):
        raise ValueError(f"{name[:64]} has fewer or more numbers than it says")
    yield name, values.reshape(shape)
