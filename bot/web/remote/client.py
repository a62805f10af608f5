"""The bot's classifier, as a page in another process has it."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Hashable, Iterator, Sequence
from typing import Self

from bot.web.remote.wire import (
    Message,
    explanation_in,
    framed,
    info_in,
    next_message,
    verdict_in,
)
from model import ClassifierClosed, Explanation, ModelError, ModelInfo, Overloaded, Priority, TextTooLong, Verdict
from model.classifier import MAX_CHARACTERS
from model.explain import MAX_PIECES


class RemoteClassifier:
    """Speaks with the bot in one event loop, and may be asked in any.

    The bot decides on priority and origin, whatever is asked for here. What waits when it goes fails with
    ClassifierClosed, and so does whatever is asked afterwards.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, info: ModelInfo) -> None:
        """Made by `connect`."""
        self._reader = reader
        self._writer = writer
        self._info = info
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._is_over = False

    @classmethod
    async def connect(cls, connection: socket.socket) -> Self:
        """Waits for the bot to say which model answers. Raises EOFError and BadMessage."""
        reader, writer = await asyncio.open_connection(sock=connection)
        message, _ = await next_message(reader, trusted=True)
        return cls(reader, writer, info_in(message["info"]))

    async def serve(self) -> None:
        """Takes the bot's answers until it is gone."""
        try:
            while True:
                message, _ = await next_message(self._reader, trusted=True)
                if "info" in message:
                    self._info = info_in(message["info"])
                elif "ping" in message:
                    self.tell({"pong": True})
                elif (waiting := self._waiting.get(message.get("id", -1))) is not None and not waiting.done():
                    waiting.set_result(message)
        except EOFError:
            return
        finally:
            self._is_over = True
            self._writer.close()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ClassifierClosed())

    def tell(self, message: Message) -> None:
        """Says something to the bot to which there is no answer; from the loop of `connect`."""
        self._writer.write(framed(message))

    @property
    def info(self) -> ModelInfo:
        """What answered a moment ago; the bot says when it is another."""
        return self._info

    async def classify(
        self,
        text: str,
        priority: Priority = Priority.PASSIVE,
        *,
        origin: Hashable = None,
        within: float | None = None,
    ) -> Verdict:
        """See `Classifier.classify`."""
        del priority, origin
        return await self._verdict({"task": "classify", "texts": [_short(text)], "within": within})

    async def classify_many(
        self, texts: Sequence[str], priority: Priority = Priority.PASSIVE, *, origin: Hashable = None
    ) -> list[Verdict | ModelError]:
        """See `Classifier.classify_many`; at most `wire.MAX_TEXTS` at a time."""
        del priority, origin
        sent = [text for text in texts if len(text) <= MAX_CHARACTERS]
        answers: Iterator[Verdict | ModelError] = iter(())
        if sent:
            try:
                answers = map(verdict_in, (await self._ask({"task": "classify_many", "texts": sent}))["answers"])
            except Overloaded as refused:
                answers = iter([refused.again() for _ in sent])
        return [
            next(answers) if len(text) <= MAX_CHARACTERS else TextTooLong(len(text), MAX_CHARACTERS) for text in texts
        ]

    async def explain(
        self,
        text: str,
        pieces: int = MAX_PIECES,
        *,
        origin: Hashable = None,
        rest: Priority = Priority.PASSIVE,
    ) -> Explanation:
        """See `Classifier.explain`."""
        del origin, rest
        answer = await self._ask({"task": "explain", "texts": [_short(text)], "pieces": pieces})
        return explanation_in(answer["explanation"])

    async def ask_second(self, source: str, text: str) -> Verdict:
        """What another model says, which the bot opens for it. Raises NoSecondModel and what opening it raises."""
        return await self._verdict({"task": "ask_second", "texts": [_short(text)], "source": source})

    async def _verdict(self, message: Message) -> Verdict:
        answer = verdict_in((await self._ask(message))["answers"][0])
        if isinstance(answer, ModelError):
            raise answer
        return answer

    async def _ask(self, message: Message) -> Message:
        """The bot's answer. Raises the error that it answers with."""
        if asyncio.get_running_loop() is self._loop:
            answer = await self._exchange(message)
        else:
            answer = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._exchange(message), self._loop))
        if "error" in answer:
            error = verdict_in(answer)
            assert isinstance(error, ModelError)
            raise error
        return answer

    async def _exchange(self, message: Message) -> Message:
        if self._is_over:
            raise ClassifierClosed
        number = next(self._numbers)
        waiting = self._waiting[number] = self._loop.create_future()
        try:
            self.tell({**message, "id": number})
            await self._writer.drain()
            answer: Message = await waiting
            return answer
        except ConnectionError:
            raise ClassifierClosed from None
        except asyncio.CancelledError:
            if not self._is_over:
                self.tell({"cancel": number})
            raise
        finally:
            del self._waiting[number]
            if waiting.done() and not waiting.cancelled():
                waiting.exception()  # heard of: nobody may be left to ask


def _short(text: str) -> str:
    """Raises TextTooLong, here and not after it was sent."""
    if len(text) > MAX_CHARACTERS:
        raise TextTooLong(len(text), MAX_CHARACTERS)
    return text
