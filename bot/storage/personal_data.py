"""What a feature keeps about people: in which tables, how it is shown to whoever it is about, and how it is deleted.

`/privacy` asks every feature for this, so a table about people that no feature answers for fails a test.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.schema import Base

_T = TypeVar("_T")

Eraser = Callable[[AsyncConnection, Sequence[bytes]], Awaitable[int]]
"""Removes what is held under these hashes of one person, within a transaction; returns how many messages that were."""


class RepeatedEraser(Protocol):
    """An `Eraser` that may be called again when the database is back, or was put back from a backup.

    Messages with ids above `up_to`, which were written after the person asked, stay. None: all go.
    """

    async def __call__(self, connection: AsyncConnection, authors: Sequence[bytes], up_to: int | None = None, /) -> int:
        """How many messages were removed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalData(Generic[_T]):
    """One kind of thing that is kept about people.

    `read` finds what is held under the hashes of one person (`Pseudonyms.authors`). Of that, `lines` says it in
    Discord's markup, with the days for which it is kept, and `entries` gives every single thing for a file, as lists or
    values by name. `deletion` says what deleting it does, as sentences: "This removes your 3 scores."; empty: there is
    nothing to delete. Without `erase` it stays when a person has their data deleted, because it is kept for their sake.
    `erase_again` is what is done again after a backup was put back, where that is not `erase` itself, and `erased` is
    called when it is done.
    """

    tables: tuple[type[Base], ...]
    read: Callable[[AsyncConnection, Sequence[bytes]], Awaitable[_T]]
    lines: Callable[[_T, int], list[str]]
    entries: Callable[[_T], Mapping[str, Any]]
    deletion: Callable[[_T], str]
    erase: Eraser | None
    erase_again: Eraser | None = None
    erased: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Holding(Generic[_T]):
    """What is held of one kind about one person."""

    data: PersonalData[_T]
    held: _T

    def lines(self, days: int) -> list[str]:
        """It, said in Discord's markup; `days` is how long single messages are kept."""
        return self.data.lines(self.held, days)

    def entries(self) -> Mapping[str, Any]:
        """Every single thing, by name: a value, or an iterable of JSON objects."""
        return self.data.entries(self.held)

    @property
    def deletion(self) -> str:
        """What deleting it does; empty when there is nothing to delete."""
        return self.data.deletion(self.held)


def erasers(data: Iterable[PersonalData[Any]]) -> tuple[Eraser, ...]:
    """Those of these kinds that can be deleted."""
    return tuple(one.erase for one in data if one.erase is not None)
