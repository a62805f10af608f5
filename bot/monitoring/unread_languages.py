"""In which languages watched messages were that could not be read, or that a server does not want read.

It is counted in memory alone, since the start, and forgotten with the process: which message was in which language is
kept nowhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.disclosure import BASE
from bot.domain.records import FEWEST_AUTHORS
from bot.presentation.language_words import NAMES

MOST_LANGUAGES = 20
"""Of one server; what comes beyond is `OTHER`."""

FEWEST_MESSAGES = 20
"""Messages in a language under which nothing is said of it; fewer people than `FEWEST_AUTHORS` are too few as well."""

OTHER = "other"
"""In the place of a language of which no name is known, for which there is no room, or of which nothing may be told."""

_KNOWN = frozenset(NAMES.values())
_MARKS = 2**16


@dataclass(slots=True)
class _Count:
    """Messages in a language. `marks` are those of the people who wrote them, until there are enough."""

    messages: int = 0
    marks: set[int] = field(default_factory=set)

    def add(self, author: bytes) -> None:
        self.messages += 1
        if len(self.marks) < FEWEST_AUTHORS:
            # Two bytes of a hash with a secret of this process: many people share one, so that it tells of nobody.
            self.marks.add(hash(author) % _MARKS)

    @property
    def may_be_told(self) -> bool:
        return self.messages >= FEWEST_MESSAGES and len(self.marks) >= FEWEST_AUTHORS


class UnreadLanguages:
    """Counts by server, for its admins, and in all servers together, for the operator."""

    def __init__(self) -> None:
        self._of: dict[int, dict[str, _Count]] = {}
        self._totals = Counter({OTHER: 0})

    def note(self, guild_id: int, language: str, author: bytes) -> None:
        """A message in a language, by its English name, was not read; "" is one that is not known."""
        name = language if language in _KNOWN else OTHER
        counts = self._of.setdefault(guild_id, {})
        if name not in counts and len(counts) >= MOST_LANGUAGES:
            name = OTHER
        count = counts.setdefault(name, _Count())
        count.add(author)
        self._totals[name if count.may_be_told else OTHER] += 1

    def forget(self, guild_id: int) -> None:
        """The bot has left a server: only the sums of all go on."""
        self._of.pop(guild_id, None)

    def told_of(self, guild_id: int) -> Mapping[str, int]:
        """How many messages there were by language, the most first, in steps of `BASE`; nothing of a few people."""
        counts = {name: one.messages for name, one in self._of.get(guild_id, {}).items() if one.may_be_told}
        ranked = sorted(counts.items(), key=lambda one: (one[0] == OTHER, -one[1], one[0]))
        return {name: count // BASE * BASE for name, count in ranked}

    def totals(self) -> Mapping[str, int]:
        """How many there were in all servers together, none of which ever becomes less.

        A message counts by its language once a server may be told of that, and as `OTHER` before.
        """
        return dict(self._totals)
