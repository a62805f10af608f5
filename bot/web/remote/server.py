"""The bot's side of a page in another process: it asks the classifier for it, within a quota and behind people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from bot.presentation.error_words import LONGEST_WAIT
from bot.settings import Settings
from bot.web.bulk_scoring import ORIGIN
from bot.web.remote.wire import (
    Asked,
    BadMessage,
    Message,
    as_asked,
    explanation_out,
    framed,
    info_out,
    next_message,
    verdict_out,
)
from bot.web.second_model import NOT_OFFERED, NoSecondModel, ask_second, offered
from model import ModelInfo, Overloaded, Priority
from model.any_classifier import AnyClassifier
from model.concurrency import own_error

MAX_ASKED = 16
"""What a page may have asked for at a time; its own limits keep it at seven."""

MAX_TEXTS_IN_FLIGHT = 1_024
MAX_BYTES_IN_FLIGHT = 4 * 2**20
"""Of all its visitors together."""

MESSAGES_A_SECOND = 200
_BURST_SECONDS = 0.25
"""How fast the bot's loop listens to a page, whatever it says: answering takes far longer."""

INFORMED_SECONDS = 1.0
"""After how long a page knows of another model."""

PING_SECONDS = 10.0
DEAF_SECONDS = 60.0
"""How often a page is asked whether it is there, and how long it may say nothing."""

_AGAIN = 1.0
"""Seconds after which a refused page may ask again."""


class Deaf(Exception):
    """The page has stopped answering."""


class ClassifierServer:
    """Serves one page over one connection, in the running loop. What its visitors asked for ends with it."""

    def __init__(
        self,
        classifier: AnyClassifier,
        settings: Settings,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        hear: Callable[[Message], None],
    ) -> None:
        """`hear` is told what is no question: that the page is ready, or why it is not. It may raise BadMessage."""
        self._classifier = classifier
        self._offered = offered(settings)
        self._settings = settings
        self._reader = reader
        self._writer = writer
        self._hear = hear
        self._asked: dict[int, asyncio.Task[None]] = {}
        self._texts = self._bytes = 0
        self._heard = asyncio.get_running_loop().time()

    async def serve(self) -> None:
        """Until the page is gone. Raises BadMessage for one that does not keep to the protocol, and Deaf."""
        info = self._classifier.info
        self._tell({"info": info_out(info)})
        informing = asyncio.ensure_future(self._keep_informed(info))
        listening = asyncio.ensure_future(self._listen())
        try:
            done, _ = await asyncio.wait((informing, listening), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            tasks = (informing, listening, *self._asked.values())
            for task in tasks:
                task.cancel()
            self._writer.close()
            for task in tasks:
                task.add_done_callback(_seen)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        turn = loop.time()
        while True:
            try:
                message, size = await next_message(self._reader)
            except EOFError:
                return
            self._heard = now = loop.time()
            turn = max(turn, now - _BURST_SECONDS) + 1 / MESSAGES_A_SECOND
            self._take(message, size)
            try:
                await self._writer.drain()  # whoever takes no answers is not listened to either
            except ConnectionError:
                return
            await asyncio.sleep(max(0.0, turn - now))

    def _take(self, message: Message, size: int) -> None:
        if "task" in message:
            self._begin(as_asked(message), size)
        elif "cancel" in message:
            if (task := self._asked.get(_number(message["cancel"]))) is not None:
                task.cancel()
        elif "pong" not in message:
            self._hear(message)

    def _begin(self, asked: Asked, size: int) -> None:
        if asked.number in self._asked:
            raise BadMessage
        if (
            len(self._asked) >= MAX_ASKED
            or self._texts + asked.weight > MAX_TEXTS_IN_FLIGHT
            or self._bytes + size > MAX_BYTES_IN_FLIGHT
        ):
            self._tell({"id": asked.number, **verdict_out(Overloaded(_AGAIN))})
            return
        self._texts += asked.weight
        self._bytes += size
        task = self._asked[asked.number] = asyncio.ensure_future(self._answer(asked))

        def done(task: asyncio.Task[None]) -> None:
            del self._asked[asked.number]
            self._texts -= asked.weight
            self._bytes -= size
            _seen(task)

        task.add_done_callback(done)

    async def _answer(self, asked: Asked) -> None:
        """It counts as asked until its answer is on its way: a page that takes none gets no more."""
        try:
            frame = framed({"id": asked.number, **await self._answered(asked)})
        except Exception as error:  # an answer that is too long among them
            frame = framed({"id": asked.number, **verdict_out(own_error(error))})
        with suppress(ConnectionError):
            self._writer.write(frame)
            await self._writer.drain()

    async def _answered(self, asked: Asked) -> Message:
        """Nothing of it is as urgent as a command, and all of it is of one origin. Raises what the classifier does."""
        text = asked.texts[0]
        if asked.task == "explain":
            explanation = await self._classifier.explain(
                text, asked.pieces, origin=ORIGIN, rest=Priority.PASSIVE, whole=Priority.PASSIVE
            )
            return {"explanation": explanation_out(explanation)}
        if asked.task == "classify_many":
            answers = await self._classifier.classify_many(asked.texts, Priority.PASSIVE, origin=ORIGIN)
            return {"answers": [verdict_out(answer) for answer in answers]}
        if asked.task == "ask_second":
            if asked.source not in self._offered:
                raise NoSecondModel(NOT_OFFERED)
            verdict = await ask_second(asked.source, text, self._settings, self._classifier.info.budget)
            return {"answers": [verdict_out(verdict)]}
        within = LONGEST_WAIT if asked.within is None else min(asked.within, LONGEST_WAIT)
        verdict = await self._classifier.classify(text, Priority.PASSIVE, origin=ORIGIN, within=within)
        return {"answers": [verdict_out(verdict)]}

    async def _keep_informed(self, known: ModelInfo) -> None:
        loop = asyncio.get_running_loop()
        asked = loop.time()
        while True:
            await asyncio.sleep(INFORMED_SECONDS)
            if (info := self._classifier.info) != known:
                known = info
                self._tell({"info": info_out(info)})
            if loop.time() - self._heard > DEAF_SECONDS:
                raise Deaf
            if loop.time() - asked > PING_SECONDS:
                asked = loop.time()
                self._tell({"ping": True})

    def _tell(self, message: Message) -> None:
        self._writer.write(framed(message))


def _number(value: object) -> int:
    if type(value) is not int:
        raise BadMessage
    return value


def _seen(task: asyncio.Task[None]) -> None:
    """Takes note of an error after which nobody asks: asyncio would log it in full."""
    if not task.cancelled():
        task.exception()
