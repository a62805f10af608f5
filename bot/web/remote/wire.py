"""The messages between a page and the bot: JSON, each after its length, of a bounded size and a known shape.

The page reads what strangers send, so the bot takes every message of it for one of a stranger's: `Asked` is made of
what was checked, and anything else is a BadMessage, which ends the page.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal, cast, get_args

import model
from bot.web.request_body import Refused, check_shape
from bot.web.second_model import NoSecondModel
from model import Explanation, InferenceFailed, Influence, Missed, ModelError, ModelInfo, Sentiment, Verdict
from model.backends.attempt import Attempt
from model.explain import MAX_PIECES

Message = dict[str, Any]

MAX_MESSAGE_BYTES = 2 * 2**20
"""The longest text that is read, in JSON's longest way of writing it."""

MAX_TEXTS = 256
"""In one message."""

_LENGTH = struct.Struct(">I")

_ERRORS = {
    kind.__name__: kind
    for kind in (NoSecondModel, *vars(model).values())
    if isinstance(kind, type) and issubclass(kind, ModelError)
}

Task = Literal["classify", "classify_many", "explain", "ask_second"]


class BadMessage(Exception):
    """The other side does not keep to the protocol."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page wants done with texts. `number` is its own name for it."""

    number: int
    task: Task
    texts: tuple[str, ...]
    within: float | None = None
    pieces: int = MAX_PIECES
    source: str = ""

    @property
    def weight(self) -> int:
        """How many texts the model reads for it at most."""
        return self.pieces + 1 if self.task == "explain" else len(self.texts)


def framed(message: Message) -> bytes:
    """A message as bytes. Raises BadMessage for one that is too long."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if len(body) > MAX_MESSAGE_BYTES:
        raise BadMessage
    return _LENGTH.pack(len(body)) + body


async def next_message(reader: asyncio.StreamReader, *, trusted: bool = False) -> tuple[Message, int]:
    """The next message and its bytes. Raises BadMessage, and EOFError when the other side is gone."""
    try:
        (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if size > MAX_MESSAGE_BYTES:
            raise BadMessage
        body = await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise EOFError from None
    return _parsed(body, trusted=trusted), size


def _parsed(body: bytes, *, trusted: bool) -> Message:
    try:
        if not trusted:
            check_shape(body)
        message = json.loads(body)
    except (Refused, ValueError, RecursionError):
        raise BadMessage from None
    if not isinstance(message, dict):
        raise BadMessage
    return message


def as_asked(message: Message) -> Asked:
    """What a page asks for. Raises BadMessage."""
    number, task, texts = message.get("id"), message.get("task"), message.get("texts")
    within, pieces, source = message.get("within"), message.get("pieces", MAX_PIECES), message.get("source", "")
    if not (
        type(number) is int
        and task in get_args(Task)
        and isinstance(texts, list)
        and 1 <= len(texts) <= (MAX_TEXTS if task == "classify_many" else 1)
        and all(isinstance(text, str) for text in texts)
        and (within is None or (isinstance(within, int | float) and isfinite(within)))
        and type(pieces) is int
        and 1 <= pieces <= MAX_PIECES
        and isinstance(source, str)
    ):
        raise BadMessage
    return Asked(number, cast("Task", task), tuple(texts), within, pieces, source)


def verdict_out(answer: Verdict | ModelError) -> Message:
    """A verdict, or an error with its sentence and what else is known of it."""
    if isinstance(answer, Verdict):
        return asdict(answer)
    known = {name: value for name, value in vars(answer).items() if isinstance(value, str | int | float | tuple)}
    kind = next((kind for kind in type(answer).__mro__ if kind.__name__ in _ERRORS), ModelError)
    return {"error": kind.__name__, "sentence": str(answer), "known": known}


def verdict_in(message: Message) -> Verdict | ModelError:
    """The same, made again."""
    if "error" in message:
        kind = _ERRORS.get(message["error"], InferenceFailed)
        error: ModelError = kind.__new__(kind, message["sentence"])  # not `__init__`, which makes the sentence
        known = message["known"].items()
        error.__dict__.update({name: tuple(value) if isinstance(value, list) else value for name, value in known})
        return error
    return Verdict(
        **{
            **message,
            "sentiment": Sentiment(message["sentiment"]),
            "probabilities": tuple(message["probabilities"]),
        }
    )


def explanation_out(explanation: Explanation) -> Message:
    """An explanation, its pieces as rows of numbers."""
    rows = [(piece.start, piece.end, piece.effect) for piece in explanation.influences]
    return {"verdict": verdict_out(explanation.verdict), "text": explanation.text, "influences": rows}


def explanation_in(message: Message) -> Explanation:
    """The same, made again."""
    verdict = verdict_in(message["verdict"])
    assert isinstance(verdict, Verdict)
    return Explanation(verdict, message["text"], tuple(Influence(*row) for row in message["influences"]))


def info_out(info: ModelInfo) -> Message:
    """Which model answers."""
    return asdict(info)


def info_in(message: Message) -> ModelInfo:
    """The same, made again."""
    labels: Sequence[str] = message["labels"]
    missed = message["missed"]
    return ModelInfo(
        **{
            **message,
            "labels": tuple(map(Sentiment, labels)),
            "missed": Missed(**missed) if missed is not None else None,
            "attempts": tuple(Attempt(**one) for one in message["attempts"]),
            "languages": tuple(message["languages"]),
        }
    )
