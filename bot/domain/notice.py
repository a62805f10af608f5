"""A notice as it is known: where it stands, since when, and whether people keep deleting it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.snowflake import written_at

AGAIN_SECONDS = 86_400
"""A notice that was posted again and is deleted within this time is not wanted there: no third is posted."""

MOST_DELETIONS = 2

_CLOCKS_APART = 60
"""Seconds by which our clock may be behind Discord's: a notice that was posted only so much earlier is the same one."""

TELLS = 1
"""What the present notice tells: from 1 on, that an admin may have the history read."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The notice of a channel or thread.

    `message_id` is the message, or in a forum the post; None when only the time is known. `posted` is since when one
    stands there, in seconds since the Unix epoch: the first, where it was renewed; None while none does. `deletions`
    counts those in a row, each within `AGAIN_SECONDS` of its notice, that brought it so far; at `MOST_DELETIONS` the
    bot stops there until an admin acts. `tells` is which of the notices it is, `TELLS` for the present one: one of
    before says less.
    """

    guild_id: int
    channel_id: int
    message_id: int | None
    posted: int | None
    deletions: int = 0
    tells: int = 0

    @property
    def stands(self) -> bool:
        """Whether people can read it, as far as is known."""
        return self.posted is not None

    @property
    def tells_of_history(self) -> bool:
        """Whether it stands and says that an admin may have the history read."""
        return self.stands and self.tells >= 1

    @property
    def stopped(self) -> bool:
        """Whether it was deleted so often that none is posted any more."""
        return not self.stands and self.deletions >= MOST_DELETIONS

    @property
    def since(self) -> float | None:
        """Since when people have been told, in seconds since the Unix epoch, be it by the one that this has renewed."""
        itself = self._itself_since
        renewed = itself is not None and self.posted is not None and itself - self.posted > _CLOCKS_APART
        return self.posted if renewed else itself

    @property
    def history_since(self) -> float | None:
        """Since when it says that an admin may have the history read; one that it has renewed did not."""
        return self._itself_since if self.tells_of_history else None

    @property
    def _itself_since(self) -> float | None:
        """Since when this message stands: by Discord's clock where it is known."""
        return self.posted if self.posted is None or self.message_id is None else written_at(self.message_id)

    def after_deletion(self, now: int) -> Notice:
        """What is known once somebody has deleted it; `now` is in seconds since the Unix epoch."""
        itself = max(self.posted or 0, self._itself_since or 0)
        again = self.deletions > 0 and self.stands and now - itself < AGAIN_SECONDS
        deletions = min(self.deletions + 1, MOST_DELETIONS) if again else 1
        return replace(self, message_id=None, posted=None, deletions=deletions)
