"""A notice as it is known: where it stands, since when, and whether people keep deleting it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.snowflake import DISCORD_EPOCH

AGAIN_SECONDS = 86_400
"""A notice that was posted again and is deleted within this time is not wanted there: no third is posted."""

MOST_DELETIONS = 2


@dataclass(frozen=True, slots=True)
class Notice:
    """The notice of a channel or thread.

    `message_id` is the message, or in a forum the post; None when only the time is known. `posted` is in seconds since
    the Unix epoch, None while no notice stands. `deletions` counts those in a row, each within `AGAIN_SECONDS` of its
    notice, that brought it so far; at `MOST_DELETIONS` the bot stops there until an admin acts.
    """

    guild_id: int
    channel_id: int
    message_id: int | None
    posted: int | None
    deletions: int = 0

    @property
    def stands(self) -> bool:
        """Whether people can read it, as far as is known."""
        return self.posted is not None

    @property
    def stopped(self) -> bool:
        """Whether it was deleted so often that none is posted any more."""
        return not self.stands and self.deletions >= MOST_DELETIONS

    @property
    def since(self) -> float | None:
        """Since when it stands, in seconds since the Unix epoch: by Discord's clock where the message is known."""
        if self.posted is None:
            return None
        return self.posted if self.message_id is None else ((self.message_id >> 22) + DISCORD_EPOCH) / 1000

    def after_deletion(self, now: int) -> Notice:
        """What is known once somebody has deleted it; `now` is in seconds since the Unix epoch."""
        again = self.deletions > 0 and self.posted is not None and now - self.posted < AGAIN_SECONDS
        deletions = min(self.deletions + 1, MOST_DELETIONS) if again else 1
        return replace(self, message_id=None, posted=None, deletions=deletions)
