"""What the page has in hand for its visitors, with a bound for each in number, bytes and minutes.

A visitor asks with one request and listens for the answer with another. Whoever does not listen, or no longer, has the
work dropped; whoever stays away for long is forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.web.gradio_sessions import Work
from bot.web.request_body import nothing_here, too_many
from bot.web.table_parser import MAX_LINES

_log = logging.getLogger(__name__)

MAX_VISITORS = 200
"""Visitors who are remembered; anybody can make up more, and then those who wait for nothing are forgotten first."""

MAX_EVENTS = 48
MAX_EVENTS_OF_ONE = 16
"""Questions whose answers have not been fetched, in all and of one address; many people may be behind one."""

MAX_HELD_BYTES = 160 * 2**20
MAX_HELD_BYTES_OF_ONE = 64 * 2**20
"""What may come of them; a file of the largest size comes to 53 MB."""

LINE_BYTES = 480
"""What is made of one line, besides its text: a row of the table, and one of the download."""

MAX_STREAMS_OF_ONE = 3
"""Streams of one visitor; the page has one."""

LISTEN_SECONDS = 30.0
"""How soon somebody who asked must listen; the page does so at once."""

ANSWER_SECONDS = 30 * 60.0
"""How long anybody may listen to one stream, which ends with the last answer."""

REMEMBERED_SECONDS = 30 * 60.0
"""After which a visitor who does nothing is forgotten, and with them the columns of their file."""


def largest_result(size: int) -> int:
    """How large the result of a question of `size` bytes can be: its text twice, and what is made of each line."""
    return 2 * size + LINE_BYTES * min(size // 2, MAX_LINES)


@dataclass(slots=True)
class _Visitor:
    address: str
    events: dict[str, int] = field(default_factory=dict)
    """How large the result of each question can be that has not been answered yet, in bytes."""
    streams: int = 0
    timer: asyncio.TimerHandle | None = None


class Stream:
    """Somebody who listens. A stream that has `ended` by itself is not one that somebody has left."""

    def __init__(self, fetched: Callable[[], None]) -> None:
        self._fetched = fetched
        self.ended = False

    def sent(self, *, last: bool) -> None:
        """One more piece has been sent; it may have been the end of an answer."""
        self.ended = self.ended or last
        self._fetched()


class Visitors:
    """Everybody who has asked something. All of it happens in the page's loop."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._known: OrderedDict[str, _Visitor] = OrderedDict()
        self._dropping: dict[str, asyncio.Task[None]] = {}
        self._asked = 0

    def __len__(self) -> int:
        return len(self._known)

    @property
    def held_bytes(self) -> int:
        """What may come of all questions that are not answered yet."""
        return sum(sum(visitor.events.values()) for visitor in self._known.values())

    @contextmanager
    def asking(self, session: str, address: str, size: int) -> Iterator[list[str]]:
        """Room for one more question of `size` bytes; its name goes into the list once there is one. Raises Refused."""
        size = largest_result(size)
        self._check_room(address, size)
        if session in self._dropping:
            raise too_many()
        visitor = self._known.get(session) or self._new(session, address)
        self._known.move_to_end(session)
        self._asked += 1
        reserved, named = f"asking {self._asked}", list[str]()
        visitor.events[reserved] = size
        try:
            yield named
        finally:
            visitor.events.pop(reserved, None)
            visitor.events |= dict.fromkeys(named, size)
            self._fetched(session)
            self._plan(session)

    @contextmanager
    def listening(self, session: str) -> Iterator[Stream]:
        """While somebody listens for a visitor's answers. Raises Refused where there is nothing to wait for."""
        visitor = self._known.get(session)
        if visitor is None or not visitor.events:
            raise nothing_here()
        if visitor.streams == MAX_STREAMS_OF_ONE:
            raise too_many()
        visitor.streams += 1
        self._plan(session)
        stream = Stream(lambda: self._fetched(session))
        try:
            yield stream
        finally:
            visitor.streams -= 1
            self._fetched(session)
            if visitor.events and not visitor.streams and not stream.ended:
                self._abandon(session)  # whoever hangs up is told nothing any more
            self._plan(session)

    def _fetched(self, session: str) -> None:
        """Looks which of a visitor's answers have been sent."""
        visitor = self._known.get(session)
        if visitor is None:
            return
        left = self._work.unfetched(session)
        for name in [name for name in visitor.events if name not in left and not name.startswith("asking ")]:
            del visitor.events[name]

    def _check_room(self, address: str, size: int) -> None:
        events, held = Counter[str](), Counter[str]()
        for visitor in self._known.values():
            events[visitor.address] += len(visitor.events)
            held[visitor.address] += sum(visitor.events.values())
        if (
            events.total() >= MAX_EVENTS
            or events[address] >= MAX_EVENTS_OF_ONE
            or held.total() + size > MAX_HELD_BYTES
            or held[address] + size > MAX_HELD_BYTES_OF_ONE
        ):
            raise too_many()

    def _new(self, session: str, address: str) -> _Visitor:
        if len(self._known) >= MAX_VISITORS:
            # Of the address that has most of them, so that whoever makes up many makes room for their own.
            of_address = Counter(visitor.address for visitor in self._known.values())
            idle = [name for name, one in self._known.items() if not one.events and not one.streams]
            if not idle:
                raise too_many()
            self._forget(max(idle, key=lambda name: of_address[self._known[name].address]))
        return self._known.setdefault(session, _Visitor(address))

    def _plan(self, session: str) -> None:
        """Sets the timer anew for what is due next: listening, or coming back at all."""
        visitor = self._known.get(session)
        if visitor is None:
            return
        if visitor.timer is not None:
            visitor.timer.cancel()
            visitor.timer = None
        if visitor.streams:
            return
        seconds, due = (LISTEN_SECONDS, self._abandon) if visitor.events else (REMEMBERED_SECONDS, self._forget)
        visitor.timer = asyncio.get_running_loop().call_later(seconds, due, session)

    def _abandon(self, session: str) -> None:
        """Nobody listens: what is in hand is dropped."""
        visitor = self._known[session]
        visitor.events = {name: size for name, size in visitor.events.items() if name.startswith("asking ")}
        self._plan(session)
        self._drop(session)

    def _forget(self, session: str) -> None:
        visitor = self._known.pop(session)
        if visitor.timer is not None:
            visitor.timer.cancel()
        self._drop(session)
        self._work.forget(session)

    def _drop(self, session: str) -> None:
        async def drop() -> None:
            try:
                await self._work.drop(session)
            except Exception as error:
                _log.error("work that nobody waits for could not be dropped: %s", type(error).__name__)
            finally:
                del self._dropping[session]

        if session not in self._dropping:
            self._dropping[session] = asyncio.ensure_future(drop())
