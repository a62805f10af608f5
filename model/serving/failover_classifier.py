"""A classifier whose model is on other machines, with a small one here that answers while none of them does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from math import inf
from typing import Any, NoReturn, Self, TypeVar

import aiohttp

from model.acceptance import GoldenFailure
from model.checkpoints.checkpoint import Missed
from model.classifier import MAX_CHARACTERS, QUEUE_LIMIT, Classifier
from model.concurrency import Mailboxes
from model.errors import ModelError, Overloaded, ReloadRefused, TextTooLong
from model.explain import MAX_PIECES, Explanation
from model.model_manager import ModelInfo, Reloaded
from model.scheduling.preparer import Preparer
from model.scheduling.request import Priority
from model.scheduling.shadow import ShadowReport
from model.scheduling.stats import Health, Stats
from model.serving.dispatcher import Dispatcher
from model.serving.endpoint import Endpoint, connected
from model.text.identification import Languages
from model.text.preprocessing import Prepared, prepare_at_once
from model.verdict import Verdict

ELSEWHERE = (
    "The model isn't in this process but at INFERENCE_URL. Change it there: set MODEL of `vibecheck score-server` and "
    "restart it, or send it SIGHUP to load the same one again."
)

_THEIRS = "the inference server's model"

_AT_A_TIME = 256
"""Texts of many that are asked for at a time."""

_TURN_SECONDS = 0.01
"""For how long the event loop cleans many texts before others have their turn."""

_T = TypeVar("_T")


class FailoverClassifier:
    """An `AnyClassifier`: servers of texts are asked first. For the loop it was opened in, and may be asked in any.

    A text is cleaned here and sent as the network reads it: without mentions, ids, quotes and blocks of code. One that
    is not to be read, such as one in another language, is not sent at all.
    """

    def __init__(self, local: Classifier, dispatcher: Dispatcher, session: aiohttp.ClientSession) -> None:
        """Made by `open`; takes over all three."""
        self._local = local
        self._dispatcher = dispatcher
        self._session = session
        self._preparer = Preparer()
        self._mailboxes = Mailboxes()
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(
        cls, local: Classifier, urls: Sequence[str], token: str = "", *, queue_limit: int = QUEUE_LIMIT
    ) -> Self:
        """Asks the servers at these addresses, one after the other in turn, and `local` while none of them answers.

        It is opened whether or not one does now. `local` is closed with it.
        """
        session = connected()
        stand_in = local.info.version
        endpoints = [Endpoint(url, token, session, stand_in=stand_in) for url in urls]
        dispatcher = Dispatcher(local, endpoints, queue_limit)
        try:
            await dispatcher.begin()
        except BaseException:
            await dispatcher.close()
            await session.close()
            raise
        return cls(local, dispatcher, session)

    @property
    def info(self) -> ModelInfo:
        """What answers now; while it is the model here it says for which it stands in, and why."""
        for endpoint in self._dispatcher.endpoints:
            if endpoint.breaker.is_closed and endpoint.info is not None:
                return endpoint.info
        return replace(self._local.info, missed=Missed(_THEIRS, self._dispatcher.endpoints[0].why))

    async def classify(
        self,
        text: str,
        priority: Priority = Priority.INTERACTIVE,
        *,
        origin: Hashable = None,
        within: float | None = None,
    ) -> Verdict:
        """See `Classifier.classify`."""
        deadline = inf if within is None else self._dispatcher.clock() + within
        prepared = await self._prepared(text, priority, origin)
        if len(prepared.text) > MAX_CHARACTERS:  # its signs have become so many words that no server would take it
            return await self._local.classify(text, priority, origin=origin, within=within)
        return await self._mailboxes.here().expect(self._dispatcher.submit(prepared, priority, origin, deadline))

    async def classify_many(
        self, texts: Sequence[str], priority: Priority = Priority.INTERACTIVE, *, origin: Hashable = None
    ) -> list[Verdict | ModelError]:
        """See `Classifier.classify_many`."""
        answers: dict[int, Verdict | ModelError] = {}
        waiting = iter(enumerate(texts))
        turn, since = asyncio.Lock(), time.perf_counter()

        async def ask() -> None:
            nonlocal since
            for place, text in waiting:
                try:
                    async with turn:
                        if time.perf_counter() - since > _TURN_SECONDS:
                            await asyncio.sleep(0)
                            since = time.perf_counter()
                    answers[place] = await self.classify(text, priority, origin=origin)
                except ModelError as error:
                    answers[place] = error.again()

        await asyncio.gather(*(ask() for _ in range(min(_AT_A_TIME, len(texts)))))
        return [answers[place] for place in range(len(texts))]

    async def explain(
        self,
        text: str,
        pieces: int = MAX_PIECES,
        *,
        origin: Hashable = None,
        whole: Priority = Priority.INTERACTIVE,
        rest: Priority = Priority.INTERACTIVE,
    ) -> Explanation:
        """See `Classifier.explain`."""
        prepared = await self._prepared(text, whole, origin)
        if len(prepared.text) > MAX_CHARACTERS:
            return await self._local.explain(text, pieces, origin=origin, whole=whole, rest=rest)
        return await self._at_home(self._dispatcher.explain(prepared, pieces, origin=origin, whole=whole, rest=rest))

    async def reload(self, source: str = "", progress: Callable[[str], None] | None = None) -> Reloaded:
        """Raises ReloadRefused, which says where that is done; so do all other changes of the model."""
        del source, progress
        refuse()

    async def rollback(self) -> Reloaded:
        """See `reload`."""
        refuse()

    async def golden(self) -> tuple[int, list[GoldenFailure]]:
        """See `reload`."""
        refuse()

    async def start_shadow(self, source: str, share: float = 1.0) -> ModelInfo:
        """See `reload`."""
        del source, share
        refuse()

    def shadow_report(self) -> ShadowReport:
        """See `reload`."""
        refuse()

    async def promote_shadow(self) -> Reloaded:
        """See `reload`."""
        refuse()

    async def stop_shadow(self) -> ShadowReport:
        """See `reload`."""
        refuse()

    def stats(self) -> Stats:
        """Counts since the start, of all texts; what was computed is that of the model here."""
        return self._dispatcher.stats()

    def health(self) -> Health:
        """Whether anything answers, here or elsewhere."""
        local, remote = self._local.health(), self._dispatcher.is_remote
        backends = {"remote": remote, "local": local.healthy}
        if not remote:
            return replace(local, backends=backends)
        since = min(endpoint.since_answer for endpoint in self._dispatcher.endpoints if endpoint.breaker.is_closed)
        return replace(
            local, healthy=True, reason="", since_pass=min(since, local.since_pass), since_look=0.0, backends=backends
        )

    async def close(self) -> None:
        """What waits fails with ClassifierClosed at once. Safe to call again."""
        self._preparer.close()
        await self._dispatcher.close()
        await self._session.close()
        await self._local.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def _languages(self) -> Languages:
        """What whoever answers now reads: a server of an earlier version says of none, and reads English."""
        for endpoint in self._dispatcher.endpoints:
            if endpoint.breaker.is_closed and endpoint.info is not None:
                return endpoint.info.languages
        return self._local.languages

    async def _prepared(self, text: str, priority: Priority, origin: Hashable) -> Prepared:
        """See `Classifier`, which does the same with a text that it reads itself."""
        if len(text) > MAX_CHARACTERS:
            raise TextTooLong(len(text), MAX_CHARACTERS)
        prepared = prepare_at_once(text, self._languages)
        return await asyncio.wrap_future(self._look_closer(text, priority, origin)) if prepared is None else prepared

    def _look_closer(self, text: str, priority: Priority, origin: Hashable) -> Future[Prepared]:
        try:
            return self._preparer.submit(text, priority, origin, self._languages)
        except Overloaded:
            self._dispatcher.count_refused()
            raise

    async def _at_home(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Does it in the loop that the connections are of."""
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


def refuse() -> NoReturn:
    """Raises ReloadRefused: there is no model here to change."""
    raise ReloadRefused(ELSEWHERE)
