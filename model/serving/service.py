"""Answers lists of texts with a classifier, whatever brings them: an HTTP server of ours or a replica of Ray Serve.

It raises nothing and says nothing of a text: what goes wrong is a value, or a status with a code.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Mapping
from hashlib import sha256

from pydantic import ValidationError

from model.any_classifier import AnyClassifier
from model.classifier import Classifier
from model.concurrency import own_error
from model.errors import ModelError
from model.explain import Explanation
from model.scheduling.request import Priority
from model.serving.wire import HEALTH, MOST_BYTES, ROUTE, Asked, AskedText, reply_out
from model.verdict import Verdict

_log = logging.getLogger(__name__)

PASS_SECONDS = 15.0
"""How old the last real forward pass of a model that is well may be; one is made after five seconds without texts."""

Response = tuple[int, bytes]
"""An HTTP status, and a body of JSON."""


class ScoringService:
    """The one route and the check of its health over a classifier, which stays its opener's to close."""

    def __init__(self, classifier: Classifier, token: str = "") -> None:
        """With a `token` nobody else's texts are read than of whoever shows it."""
        self._classifier = classifier
        self._token = _digest(token) if token else b""
        self.closing = False
        """Set once it is to take in no more."""

    def before_body(self, method: str, path: str, headers: Mapping[str, str]) -> Response | None:
        """What to answer without reading any further; None: the body is wanted. Names of headers are in lower case."""
        if path == HEALTH:
            return self.health() if method in {"GET", "HEAD"} else _refused(405, "method")
        if path != ROUTE:
            return _refused(404, "path")
        if method != "POST":
            return _refused(405, "method")
        if self._token and not self._admits(headers.get("authorization", "")):
            return _refused(401, "token")
        if self.closing:
            return _refused(503, "closed")
        # A form that some page has a browser send here can have no such type.
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return _refused(415, "type")
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return _refused(411, "length")
        return _refused(413, "length") if int(length) > MOST_BYTES else None

    async def answer(self, body: bytes) -> Response:
        """Reads a list and answers it. When it is cancelled its texts leave the queue."""
        try:
            asked = Asked.model_validate_json(body)
        except (ValidationError, ValueError):
            return _refused(400, "shape")
        try:
            answers = await asyncio.gather(*(self._answer(text) for text in asked.texts))
            return 200, reply_out(answers, self._classifier.info if asked.info else None)
        except Exception as error:
            _log.error("a list of texts could not be answered (%s)", type(error).__name__)
            return _refused(500, "failed")

    def health(self) -> Response:
        """200 while the model computes: by a real forward pass, not by what is remembered."""
        why = "it's shutting down" if self.closing else unwell(self._classifier)
        return (503 if why else 200), json.dumps({"ok": not why, "said": why or "it answers"}).encode()

    def _admits(self, shown: str) -> bool:
        kind, _, token = shown.partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(_digest(token.strip()), self._token)

    async def _answer(self, asked: AskedText) -> Verdict | Explanation | ModelError:
        try:
            if asked.pieces:
                return await self._classifier.explain(
                    asked.text,
                    asked.pieces,
                    origin=asked.origin,
                    whole=Priority(asked.priority),
                    rest=Priority(asked.rest),
                )
            return await self._classifier.classify(
                asked.text, Priority(asked.priority), origin=asked.origin, within=asked.within, fresh=asked.fresh
            )
        except Exception as error:
            return own_error(error)


def unwell(classifier: AnyClassifier) -> str:
    """What is wrong with the model, without a full stop; "" for nothing."""
    health = classifier.health()
    if not health.healthy:
        return health.reason
    return f"its last forward pass is {health.since_pass:.0f} s old" if health.since_pass > PASS_SECONDS else ""


def _refused(status: int, code: str) -> Response:
    return status, json.dumps({"error": code}).encode()


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "replace")).digest()
