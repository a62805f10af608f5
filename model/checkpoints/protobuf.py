"""The fields of a protobuf message, read without any library that would take it to be more than it is."""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


def fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """The number of each field and what it holds: bytes, or a plain number. Those of a fixed size are passed over.

    Raises ValueError or IndexError for what is no message.
    """
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        if key >> 32:
            raise ValueError("a key too large, which every reader cuts differently")
        kind, size = key & 7, 0
        if kind == _VARINT:
            number, place = _varint(data, place)
            yield key >> 3, number
        elif kind == _BYTES:
            size, place = _varint(data, place)
        elif kind in (_EIGHT, _FOUR):
            place += 8 if kind == _EIGHT else 4
        else:
            raise ValueError("a field of no kind")
        if place + size > len(data):
            raise ValueError("a field that ends nowhere")
        if kind == _BYTES:
            yield key >> 3, data[place : place + size]
        place += size


def numbers(data: memoryview) -> Iterator[int]:
    """The plain numbers of a field that holds several in one. Raises ValueError or IndexError as `fields` does."""
    place = 0
    while place < len(data):
        number, place = _varint(data, place)
        yield number


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise ValueError("a number that ends nowhere")
