"""What is said over the route: lists of texts in JSON, answered by values in the same order, errors among them by code.

Both sides take what comes for a stranger's: its size is bounded before it is read, its shape before anything else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from model.checkpoints.checkpoint import Missed
from model.errors import (
    ClassifierClosed,
    DeadlinePassed,
    InferenceFailed,
    ModelError,
    NothingToRead,
    Overloaded,
    TextTooLong,
    Unreadable,
    printable,
)
from model.explain import MAX_PIECES, Explanation, Influence
from model.model_manager import ModelInfo
from model.scheduling.request import Priority
from model.verdict import Sentiment, Verdict

ROUTE, HEALTH = "/score", "/healthz"

MOST_TEXTS = 64
"""Texts that are read for one list; an explanation counts as many as it has pieces, and one."""

MOST_BYTES = 2 * 2**20
"""Of a list: the longest text that is read, in JSON's longest way of writing it."""

MOST_REPLY_BYTES = 4 * 2**20

MOST_RETRY_SECONDS = 3600.0
"""After how long somebody who was refused is told to come back at most."""

_SUMS_TO = 1e-3
"""By how much the probabilities of a verdict may miss 1."""

_Name = Annotated[str, Field(max_length=400)]
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Language = Annotated[str, Field(pattern="^(|[a-z]{2})$")]
_Count = Annotated[int, Field(ge=0, le=1_000_000)]
_Code = Literal[
    "nothing_to_read",
    "unreadable",
    "text_too_long",
    "overloaded",
    "deadline_passed",
    "inference_failed",
    "closed",
]

_CODES: Mapping[type[ModelError], _Code] = {
    NothingToRead: "nothing_to_read",
    Unreadable: "unreadable",
    TextTooLong: "text_too_long",
    Overloaded: "overloaded",
    DeadlinePassed: "deadline_passed",
    InferenceFailed: "inference_failed",
    ClassifierClosed: "closed",
}


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class _ReplyShape(BaseModel):
    """What is in it besides may be of a newer version, and is nothing to us."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


class AskedText(_Shape):
    """One text of a list.

    `origin` is whoever it is for, under a name that only its sender understands; `within` is in seconds from now on,
    as in `Classifier.classify`, and `fresh` too. With `pieces` an explanation is wanted, whose other passes have the
    priority `rest`.
    """

    text: str
    origin: str = Field("", max_length=64)
    priority: int = Field(0, ge=0, le=max(Priority))
    within: float | None = Field(None, ge=0, le=3600, allow_inf_nan=False)
    fresh: bool = False
    pieces: int = Field(0, ge=0, le=MAX_PIECES)
    rest: int = Field(0, ge=0, le=max(Priority))

    @property
    def weight(self) -> int:
        """How many texts are read for it at most."""
        return 1 + self.pieces


class Asked(_Shape):
    """A list of texts; with `info` it is also said which model answers. It may be empty then."""

    texts: tuple[AskedText, ...] = Field(max_length=MOST_TEXTS)
    info: bool = False

    @model_validator(mode="after")
    def _is_bounded(self) -> Asked:
        if sum(text.weight for text in self.texts) > MOST_TEXTS:
            raise ValueError("too many texts")
        return self


class _VerdictShape(_ReplyShape):
    sentiment: Literal["negative", "neutral", "positive"]
    probabilities: tuple[_Share, _Share, _Share]
    windows: _Count
    skipped: _Count
    model: _Name
    danger: bool
    temperature: float = Field(gt=0, allow_inf_nan=False)
    language: _Language = ""
    error: None = None

    @model_validator(mode="after")
    def _sums_to_one(self) -> _VerdictShape:
        if abs(sum(self.probabilities) - 1) > _SUMS_TO:
            raise ValueError("these are no probabilities")
        return self

    def value(self) -> Verdict:
        return Verdict(
            Sentiment(self.sentiment),
            self.probabilities,
            self.windows,
            self.model,
            self.skipped,
            self.danger,
            self.temperature,
            self.language,
        )


class _ErrorShape(_ReplyShape):
    error: _Code
    language: str = Field("", max_length=40)
    reads: tuple[Annotated[str, Field(max_length=40)], ...] = Field((), max_length=64)
    length: int = Field(0, ge=0)
    limit: int = Field(0, ge=0)
    retry_after: float = Field(1.0, ge=0, allow_inf_nan=False)

    def value(self) -> ModelError:
        match self.error:
            case "nothing_to_read":
                return NothingToRead()
            case "unreadable":
                return Unreadable(printable(self.language), reads=tuple(map(printable, self.reads)))
            case "text_too_long":
                return TextTooLong(self.length, self.limit)
            case "overloaded":
                return Overloaded(min(MOST_RETRY_SECONDS, self.retry_after))
            case "deadline_passed":
                return DeadlinePassed()
            case "closed":
                return ClassifierClosed()
        return InferenceFailed("The model failed on this text.")


class _ExplanationShape(_ReplyShape):
    verdict: _VerdictShape
    text: str
    influences: tuple[tuple[int, int, Annotated[float, Field(allow_inf_nan=False)]], ...] = Field(max_length=MAX_PIECES)

    @model_validator(mode="after")
    def _lies_in_the_text(self) -> _ExplanationShape:
        if any(not 0 <= start < end <= len(self.text) for start, end, _ in self.influences):
            raise ValueError("a piece lies outside the text")
        return self

    def value(self) -> Explanation:
        return Explanation(self.verdict.value(), self.text, tuple(Influence(*row) for row in self.influences))


class _MissedShape(_ReplyShape):
    source: _Name
    reason: _Name

    def value(self) -> Missed:
        return Missed(printable(self.source), printable(self.reason))


class _InfoShape(_ReplyShape):
    version: _Name
    source: _Name
    backend: _Name
    device: _Name
    labels: tuple[Literal["negative", "neutral", "positive"], ...] = Field(max_length=3)
    metrics: dict[_Name, Annotated[float, Field(allow_inf_nan=False)]] = Field(max_length=100)
    age: float = Field(ge=0, allow_inf_nan=False)
    budget: _Count
    missed: _MissedShape | None = None
    languages: tuple[_Language, ...] = Field((), max_length=64)

    def value(self) -> ModelInfo:
        return ModelInfo(
            version=self.version,
            source=printable(self.source),
            backend=printable(self.backend),
            device=printable(self.device),
            labels=tuple(map(Sentiment, self.labels)),
            metrics=self.metrics,
            since=time.perf_counter() - self.age,
            budget=self.budget,
            missed=None if self.missed is None else self.missed.value(),
            languages=self.languages,
        )


class Replied(_ReplyShape):
    """What a list is answered with: a value for each of its texts, and which model answers, if that was asked."""

    answers: tuple[
        Annotated[_VerdictShape | _ErrorShape | _ExplanationShape, Field(union_mode="left_to_right")], ...
    ] = Field(max_length=MOST_TEXTS)
    info: _InfoShape | None = None

    def values(self) -> list[Verdict | Explanation | ModelError]:
        """The answers, in the order of the texts."""
        return [answer.value() for answer in self.answers]


def asked_out(texts: Iterable[Mapping[str, Any]], *, info: bool = False) -> bytes:
    """A list as it is sent; each text is the fields of `AskedText`. Half of a surrogate pair cannot be sent."""
    return _body({"texts": list(texts), "info": info})


def reply_out(answers: Sequence[Verdict | Explanation | ModelError], info: ModelInfo | None = None) -> bytes:
    """What a list is answered with."""
    return _body({"answers": list(map(_out, answers)), "info": None if info is None else _info_out(info)})


def _out(answer: Verdict | Explanation | ModelError) -> dict[str, Any]:
    if isinstance(answer, Verdict):
        return {
            "sentiment": answer.sentiment.value,
            "probabilities": answer.probabilities,
            "windows": answer.windows,
            "skipped": answer.skipped,
            "model": answer.model,
            "danger": answer.danger,
            "temperature": answer.temperature,
            "language": answer.language,
        }
    if isinstance(answer, Explanation):
        rows = [(piece.start, piece.end, piece.effect) for piece in answer.influences]
        return {"verdict": _out(answer.verdict), "text": answer.text, "influences": rows}
    code = next((_CODES[kind] for kind in type(answer).__mro__ if kind in _CODES), "inference_failed")
    match answer:
        case Unreadable():
            return {"error": code, "language": answer.language, "reads": answer.reads}
        case TextTooLong():
            return {"error": code, "length": answer.length, "limit": answer.limit}
        case Overloaded():
            return {"error": code, "retry_after": min(MOST_RETRY_SECONDS, answer.retry_after)}
    return {"error": code}  # never the sentence, which may be anybody's


def _info_out(info: ModelInfo) -> dict[str, Any]:
    missed = info.missed and {"source": info.missed.source[:400], "reason": info.missed.reason[:400]}
    return {
        "version": info.version,
        "source": info.source[:400],
        "backend": info.backend,
        "device": info.device[:400],
        "labels": [label.value for label in info.labels],
        "metrics": info.metrics,
        "age": max(0.0, time.perf_counter() - info.since),
        "budget": info.budget,
        "missed": missed,
        "languages": info.languages,
    }


def _body(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
