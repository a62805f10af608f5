"""A classifier whose model is on other machines, with a small one here that answers while none of them does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import replace
from typing import Any, NoReturn, Self, TypeVar

import aiohttp

from model.acceptance import GoldenFailure
from model.checkpoints.checkpoint import Missed
from model.classifier import MAX_CHARACTERS, QUEUE_LIMIT, Classifier
from model.concurrency import Mailboxes
from model.errors import ModelError, ReloadRefused, TextTooLong
from model.explain import MAX_PIECES, Explanation
from model.model_manager import ModelInfo, Reloaded
from model.scheduling.request import Priority
from model.scheduling.shadow import ShadowReport
from model.scheduling.stats import Health, Stats
from model.serving.dispatcher import Dispatcher
from model.serving.endpoint import Endpoint, connected
from model.verdict import Verdict

ELSEWHERE = (
    "The model isn't in this process but at INFERENCE_URL. Change it there: set MODEL of `vibecheck score-server` and "
    "restart it, or send it SIGHUP to load the same one again."
)

_THEIRS = "the inference server's model"

_AT_A_TIME = 256
"""Texts of many that are asked for at a time."""

_T = TypeVar("_T")


class FailoverClassifier:
    """An `AnyClassifier`: servers of texts are asked first. For the loop it was opened in, and may be asked in any."""

    def __init__(self, local: Classifier, dispatcher: Dispatcher, session: aiohttp.ClientSession) -> None:
        """Made by `open`; takes over all three."""
        self._local = local
        self._dispatcher = dispatcher
        self._session = session
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
        await dispatcher.begin()
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
        _check_length(text)
        return await self._mailboxes.here().expect(self._dispatcher.submit(text, priority, origin, within))

    async def classify_many(
        self, texts: Sequence[str], priority: Priority = Priority.INTERACTIVE, *, origin: Hashable = None
    ) -> list[Verdict | ModelError]:
        """See `Classifier.classify_many`."""
        answers: dict[int, Verdict | ModelError] = {}
        waiting = iter(enumerate(texts))

        async def ask() -> None:
            for place, text in waiting:
                try:
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
        _check_length(text)
        return await self._at_home(self._dispatcher.explain(text, pieces, origin=origin, whole=whole, rest=rest))

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
        await self._dispatcher.close()
        await self._session.close()
        await self._local.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _at_home(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Does it in the loop that the connections are of."""
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


def refuse() -> NoReturn:
    """Raises ReloadRefused: there is no model here to change."""
    raise ReloadRefused(ELSEWHERE)


def _check_length(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise TextTooLong(len(text), MAX_CHARACTERS)
