"""Shards: the connections over which Discord spreads a bot's servers, and which of them a process serves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from bot.domain.records import Absence

_CLUSTER = re.compile(r"(\d{1,4})/(\d{1,4})")


def shard_of(guild_id: int, count: int) -> int:
    """Which of so many shards has a server: Discord's own formula."""
    return (guild_id >> 22) % count


@dataclass(frozen=True, slots=True)
class Cluster:
    """One of `of` processes that share a bot's shards, counted from 0."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """What `CLUSTER=1/4` says; None for nothing. Raises ValueError."""
        if not text.strip():
            return None
        found = _CLUSTER.fullmatch(text.strip())
        if found is None or not int(found[1]) < int(found[2]):
            raise ValueError(f"{text!r} is no cluster")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def shards(self, count: int) -> Shards:
        """Its own, of so many; of the only one these are all."""
        return Shards(count, None if self.of == 1 else frozenset(range(self.number, count, self.of)))


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards, of `count`, whose servers are this process's. `numbers` None: all, however many there are."""

    count: int = 1
    numbers: frozenset[int] | None = None

    @property
    def are_all(self) -> bool:
        """Whether one process serves all servers."""
        return self.numbers is None

    def of(self, count: int) -> Sequence[int]:
        """Their numbers in order; `count` is how many there are where these are all."""
        return range(count) if self.numbers is None else sorted(self.numbers)

    def have(self, guild_id: int) -> bool:
        """Whether a server is one of theirs."""
        return self.numbers is None or shard_of(guild_id, self.count) in self.numbers

    def see_alone(self, absence: Absence) -> bool:
        """Whether all that an absence is about is theirs."""
        if self.numbers is None:
            return True
        return absence.shard_of(self.count) in self.numbers

    def answer_for(self, absence: Absence) -> bool:
        """Whether it is theirs to say when an absence ended.

        One of all servers, or of a shard of another number of them, is for whoever has the first shard.
        """
        shard = absence.shard_of(self.count)
        return self.numbers is None or (0 if shard is None else shard) in self.numbers


ALL = Shards()
