"""What visitors send, taken in with bounds: bytes as they arrive, seconds, and the shape of the JSON they make.

A body is read whole before the framework sees any of it. Parsed it may take seventy times its size, so how many values
it has, and how deep they lie, is counted first, in the bytes, and only until it is too much: meanwhile nobody else is
answered.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

PATIENCE_SECONDS = 10.0
"""How long nothing of a body may come."""

SLOWEST = 64 * 2**10
"""Bytes a second; each that has come gives the rest as much more time."""

MOST_PARTS = 4_000
DEEPEST = 24
"""What this page sends has about ten values, no more than six deep, and twenty strings and signs around them."""

_PART = re.compile(rb'"(?:[^"\\]++|(?:\\.)++)*+(?:"|\\?\Z)|[\[\]{},:]', re.DOTALL)
"""What JSON is made of, save numbers and names: a sign, or a string, or what is left of one that never ends."""


class Refused(Exception):
    """A body that is not taken: the status to answer with, and one sentence.

    Each is made where it is raised: one that is raised again keeps every body that it was ever raised for.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def nothing_here() -> Refused:
    """For whatever is asked for that the page does not need, or that is not there."""
    return Refused(404, "There's nothing here.")


def too_many() -> Refused:
    """For whom there is no room now."""
    return Refused(503, "Too much at once. Try again in a minute.")


class VisitorGone(Exception):
    """Whoever sent it has hung up."""


async def read_body(receive: Receive, announced: int, most: int) -> bytes:
    """The whole body, of the length that was announced. Raises Refused and VisitorGone."""
    parts: list[bytes] = []
    size = 0
    try:
        end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        async with asyncio.timeout_at(end) as patience:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise VisitorGone
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                patience.reschedule(end + size / SLOWEST)
                if size > min(announced, most):
                    raise Refused(413, "That's more than was announced. Split it and try again.")
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise Refused(408, "That took too long to arrive. Try again.") from None
    if size != announced:
        raise Refused(400, "That's less than was announced. Try again.")
    return b"".join(parts)


def check_shape(body: bytes) -> None:
    """Raises Refused for what would become too many values, or lies too deep, whether or not it is JSON."""
    depth = 0
    for number, part in enumerate(_PART.finditer(body)):
        if number > MOST_PARTS:
            raise Refused(413, "That has too many parts.")
        sign = body[part.start()]
        if sign in b"[{":
            depth += 1
            if depth > DEEPEST:
                raise Refused(413, "That's nested too deep.")
        elif sign in b"]}":
            depth -= 1
