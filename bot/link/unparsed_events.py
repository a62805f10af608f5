"""One event that the library cannot read costs that event, and not the session or the process.

What a parser raises would end the shard that got the event, and with it the client: a field that Discord leaves out
once, or a kind of thing that is newer than the library, would take the bot off the air.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, MutableMapping
from typing import Any

_log = logging.getLogger(__name__)

Parser = Callable[[Any], None]

_NEEDED = {"READY"}
"""Without it nothing that follows makes sense, so its failure must be heard."""


class UnparsedEvents:
    """Stands between events and the library's parsers, and counts what they could not read: by event and error."""

    def __init__(
        self, parsers: MutableMapping[str, Parser], left_out: Callable[[str, int | None], object] | None = None
    ) -> None:
        """Changes the parsers in their place. `left_out` is called with an event and its server's id, if known."""
        self._left_out = left_out
        self.counts: Counter[tuple[str, str]] = Counter()
        for event, parse in tuple(parsers.items()):
            if event not in _NEEDED:
                parsers[event] = self._contained(event, parse)

    def _contained(self, event: str, parse: Parser) -> Parser:
        def contained(data: Any) -> None:
            try:
                parse(data)
            except Exception as error:  # its message may hold somebody's words: only its kind is told
                self._count(event, type(error).__name__)
                if self._left_out is not None:
                    self._left_out(event, _guild_of(event, data))

        return contained

    def _count(self, event: str, kind: str) -> None:
        """Tells of the first, the tenth, the hundredth, so that many of them do not drown the log."""
        self.counts[event, kind] += 1
        times = self.counts[event, kind]
        if str(times).strip("0") == "1":
            _log.warning("an event %s cannot be read (%s) and is left out; %d so far", event, kind, times)


def _guild_of(event: str, data: Any) -> int | None:
    """The server that an event is of; None where it does not say so."""
    where = "id" if event in {"GUILD_CREATE", "GUILD_DELETE"} else "guild_id"
    found = data.get(where) if isinstance(data, dict) else None
    return int(found) if isinstance(found, int | str) and str(found).isdecimal() else None
