"""One server of texts, as who asks it sees it: a list is sent, and its values come back or a typed failure."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from urllib.parse import urlsplit

import aiohttp
from pydantic import ValidationError

from model.errors import ModelError
from model.explain import Explanation
from model.model_manager import ModelInfo
from model.scheduling.request import Priority
from model.serving.circuit_breaker import SLOW_SECONDS, CircuitBreaker
from model.serving.wire import MOST_REPLY_BYTES, Replied, asked_out
from model.verdict import Verdict

_log = logging.getLogger(__name__)

CONNECT_SECONDS = 1.0
PROBE_LIMIT = 2.0

IDLE_SECONDS = 5.0
"""After how long without an answer it is asked something, so that it is known whether there is one."""

BUSY_SECONDS = 1.0
"""The same while somebody waits for it, or after it has failed."""

_AT_ONCE = 2**19
"""Bytes of a body that are handed over whole; the library warns of more, and sends others by and by."""

_PROBE, _LATE = "good", "it takes too long"


class Failure(Exception):
    """A server gave no answer that can be used; the message says why, in a few words and without a full stop.

    `kind` is for whoever looks after it.
    """

    def __init__(self, said: str, kind: str = "") -> None:
        super().__init__(said)
        self.kind = kind or type(self).__name__


class Unreachable(Failure):
    """There was no connection, or it ended before the answer."""


class TooSlow(Failure):
    """The answer did not come in time."""


class BadAnswer(Failure):
    """What came is no list of verdicts, or not of as many as were asked for."""


class TokenRefused(Failure):
    """It wants another token."""


class Refused(Failure):
    """It answered with another status than 200."""


class LeftAlone(Failure):
    """It has failed others meanwhile, and nobody waits for it any more."""


class Endpoint:
    """A server at one address. For one event loop."""

    def __init__(
        self,
        url: str,
        token: str,
        session: aiohttp.ClientSession,
        clock: Callable[[], float] = time.monotonic,
        *,
        stand_in: str = "",
    ) -> None:
        """The session stays its opener's to close. `stand_in` is the version of the model that answers instead."""
        parts = urlsplit(url)
        self.name = parts.netloc.rpartition("@")[2]
        """Its host and port, for the log."""
        self.breaker = CircuitBreaker(clock)
        self.info: ModelInfo | None = None
        """What answered there last; None: nobody knows yet."""
        self._last: Failure = LeftAlone("it wasn't asked yet")
        self._url = url
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._session = session
        self._clock = clock
        self._stale = False
        """Whether another model than that of `info` has answered since."""
        self._probed_at = float("-inf")
        self._attempts: set[asyncio.Task[Replied]] = set()
        self._probing: asyncio.Task[None] | None = None
        self._stand_in = stand_in
        self._differs = ""

    @property
    def why(self) -> str:
        """Why it is left alone."""
        return str(self._last)

    @property
    def since_answer(self) -> float:
        """Seconds since it has answered last."""
        return self._clock() - self.breaker.passed_at

    async def ask(
        self, body: bytes, count: int, limit: float, *, spare: float | None = None
    ) -> list[Verdict | Explanation | ModelError]:
        """The values for the `count` texts of a list, within `limit` seconds. Raises a Failure.

        `spare` is how many seconds such a list may take beyond what is called slow; None: how long it took says
        nothing.
        """
        begun = self._clock()
        try:
            replied = await self._attempted(body, count, limit)
        except TooSlow as failure:
            # With less than about half of the time that is called slow it may be well all the same.
            if spare is not None and limit - spare >= 0.45 * SLOW_SECONDS:
                self._leave_alone(failure, self.breaker.failed(late=limit - spare >= 0.9 * SLOW_SECONDS))
            raise
        except LeftAlone:
            raise
        except Failure as failure:
            self._leave_alone(failure, self.breaker.failed(waited=spare is not None))
            raise
        seconds = None if spare is None else self._clock() - begun - spare
        self._leave_alone(TooSlow(_LATE), self.breaker.passed(seconds))
        values = replied.values()
        self._stale = self._stale or any(map(self._is_of_another_model, values))
        return values

    async def probe(self) -> bool:
        """Whether it computes a text now; what answers is known then, and nobody leaves it alone any more."""
        text = {"text": _PROBE, "priority": int(Priority.INTERACTIVE), "within": PROBE_LIMIT, "fresh": True}
        begun, was_closed = self._clock(), self.breaker.is_closed
        self._probed_at, self._stale = begun, False
        try:
            replied = await self._attempted(asked_out([text], info=True), 1, PROBE_LIMIT)
            if not isinstance(replied.values()[0], Verdict) or replied.info is None:
                raise Refused("its model doesn't answer")
        except LeftAlone:
            return False
        except Failure as failure:
            self._last = _without_traceback(failure)
            if was_closed:
                self._leave_alone(failure, self.breaker.failed(late=isinstance(failure, TooSlow)))
            else:
                self.breaker.probed(well=False)
            return False
        self.info = replied.info.value()
        self._say_if_they_differ(self.info.version)
        if was_closed:
            self._leave_alone(TooSlow(_LATE), self.breaker.passed(self._clock() - begun))
        else:
            self.breaker.probed(well=True)
            _log.info("texts are scored at %s again, by model %s", self.name, self.info.version)
        return True

    def _say_if_they_differ(self, version: str) -> None:
        """Once for each version: scores change whenever the model here stands in."""
        if self._stand_in and version not in (self._stand_in, self._differs):
            _log.warning(
                "model %s answers at %s, and while it doesn't, %s does here", version, self.name, self._stand_in
            )
            self._differs = version

    async def begin(self) -> bool:
        """The first probe. A server that does not pass it is left alone until one does."""
        well = await self.probe()
        if not well:
            self._leave_alone(self._last, self.breaker.open())
        return well

    def look(self) -> None:
        """Begins a probe if one is due: to be called again and again."""
        if self._probing is not None and not self._probing.done():
            return
        if self._is_probe_due():
            self._probing = asyncio.ensure_future(self._probe_quietly())

    async def close(self) -> None:
        """Breaks off what is asked."""
        left = [*self._attempts, *([self._probing] if self._probing is not None else [])]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=CONNECT_SECONDS)

    def _is_probe_due(self) -> bool:
        if not self.breaker.is_closed:
            return self.breaker.is_probe_due
        now = self._clock()
        busy = bool(self._attempts) or self.breaker.failing
        unknown = now - self.breaker.timed_at > (BUSY_SECONDS if busy else IDLE_SECONDS)
        return unknown or (self._stale and now - self._probed_at > BUSY_SECONDS)

    def _is_of_another_model(self, value: Verdict | Explanation | ModelError) -> bool:
        """Two models that answer as one give English ones the version that the first has alone, but name English."""
        verdict = value.verdict if isinstance(value, Explanation) else value
        if not isinstance(verdict, Verdict) or self.info is None:
            return False
        return verdict.model not in self.info.versions or bool(verdict.language) != bool(self.info.languages)

    async def _probe_quietly(self) -> None:
        with suppress(asyncio.CancelledError):
            await self.probe()

    def _leave_alone(self, why: Failure, opened: bool) -> None:
        """Says so once, and has those who wait for it ask elsewhere."""
        if not opened:
            return
        self._last = _without_traceback(why)
        _log.warning("texts are not scored at %s for now: %s (%s)", self.name, self.why, why.kind)
        for attempt in self._attempts:
            attempt.cancel()

    async def _attempted(self, body: bytes, count: int, limit: float) -> Replied:
        """Raises a Failure; of one who stops waiting the connection is closed, so that the server can see it."""
        attempt = asyncio.ensure_future(self._post(body))
        self._attempts.add(attempt)
        attempt.add_done_callback(self._over)
        try:
            done, _ = await asyncio.wait((attempt,), timeout=limit)
        except asyncio.CancelledError:
            attempt.cancel()
            raise
        if not done:
            attempt.cancel()
            raise TooSlow(_LATE)
        if attempt.cancelled():
            raise LeftAlone("it has failed others")
        replied = attempt.result()
        if len(replied.answers) != count:
            raise BadAnswer("it answered with another number of texts")
        return replied

    def _over(self, attempt: asyncio.Task[Replied]) -> None:
        self._attempts.discard(attempt)
        if not attempt.cancelled():
            attempt.exception()  # heard of: nobody may be left to raise it to

    async def _post(self, body: bytes) -> Replied:
        try:
            data = body if len(body) < _AT_ONCE else BytesIO(body)
            async with self._session.post(
                self._url, data=data, headers=self._headers, allow_redirects=False
            ) as response:
                if response.status in {401, 403}:
                    raise TokenRefused("it refuses INFERENCE_TOKEN")
                if response.status != 200:
                    raise Refused(f"it answers with status {response.status}")
                received = await _received(response.content)
        except (aiohttp.ClientError, OSError, EOFError) as error:
            raise Unreachable("it can't be reached", type(error).__name__) from None
        try:
            return Replied.model_validate_json(received)
        except (ValidationError, ValueError):
            raise BadAnswer("it answered with something that's no verdict") from None


def connected() -> aiohttp.ClientSession:
    """A session for all servers, without cookies and proxies, and with as many connections as there are lists."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS),
    )


def _without_traceback(failure: Failure) -> Failure:
    """The same to be kept: the traceback of one that was raised leads to the texts that were asked for."""
    return type(failure)(str(failure), failure.kind)


async def _received(content: aiohttp.StreamReader) -> bytes:
    """A whole body. Raises BadAnswer for one without end."""
    parts: list[bytes] = []
    size = 0
    async for part in content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MOST_REPLY_BYTES:
            raise BadAnswer("it answered without end")
    return b"".join(parts)
