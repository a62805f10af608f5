"""What has happened and is not written yet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self

from bot.domain.disclosure import told_from
from bot.domain.records import UNREAD
from bot.domain.snowflake import hour_of
from model.errors import Unreadable
from model.verdict import SENTIMENTS, Verdict


class Scored(NamedTuple):
    """What is kept of one version of one message.

    A message in a thread belongs to the channel that the thread is in. `edited` is when this version was written, in
    milliseconds since the Unix epoch, 0 for the first; of two versions the newer counts, whichever comes first.
    """

    message_id: int
    guild_id: int
    channel_id: int
    thread_id: int | None
    author: bytes
    edited: int
    score: int
    sentiment: int
    model: str


def kept_of(verdict: Verdict | Unreadable) -> tuple[int, int, str]:
    """The score in thousandths, the sentiment and the model's version that are kept of an answer.

    In a text in which somebody may be in danger, what the network takes for positive counts as negative. It is kept
    like any negative message: nothing marks its author as somebody in danger.
    """
    if isinstance(verdict, Unreadable):
        return 0, UNREAD, ""
    negative, _, positive = verdict.probabilities
    score = -(negative + positive) if verdict.danger else verdict.score
    return round(score * 1000), SENTIMENTS.index(verdict.sentiment), verdict.model[:64]


class Pending:
    """News for the database: servers and channels that are gone, messages that were deleted, and scores after those.

    `emptied` are messages that said nothing since some moment: only what was written until then is removed. `in_time`
    are those of which a version was written before their hour could be told: only such a message is counted anew.
    """

    def __init__(self) -> None:
        self.scores: dict[int, Scored] = {}
        self.deleted: set[int] = set()
        self.emptied: dict[int, int] = {}
        self.channels: set[int] = set()
        self.guilds: set[int] = set()
        self.in_time: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self.scores or self.deleted or self.emptied or self.channels or self.guilds)

    @property
    def removals(self) -> int:
        """How many messages, channels and servers are to be removed."""
        return sum(map(len, (self.deleted, self.emptied, self.channels, self.guilds)))

    def put(self, scored: Scored, *, missed: bool = False) -> None:
        """Keeps it, unless a newer version is here. One that was `missed` could not be counted while it was news."""
        if missed or scored.edited < told_from(hour_of(scored.message_id)) * 1000:
            self.in_time.add(scored.message_id)
        known = self.scores.get(scored.message_id)
        if known is None or known.edited <= scored.edited:
            self.scores[scored.message_id] = scored

    def empty(self, message_id: int, edited: int) -> None:
        """Forgets the versions of a message up to that moment, and has a row of one of them removed."""
        self.emptied[message_id] = max(edited, self.emptied.get(message_id, edited))
        known = self.scores.get(message_id)
        if known is None or known.edited <= edited:
            self.scores.pop(message_id, None)
            self.in_time.discard(message_id)

    def delete(self, message_ids: Iterable[int]) -> None:
        """Forgets these messages' scores, and has their rows removed."""
        for message_id in message_ids:
            self.scores.pop(message_id, None)
            self.deleted.add(message_id)

    def remove_guilds(self, guild_ids: Iterable[int]) -> None:
        """Forgets these servers' scores so far, and has everything of theirs removed."""
        gone = set(guild_ids)
        if gone:
            self.guilds |= gone
            self.drop(lambda scored: scored.guild_id in gone)

    def drop(self, which: Callable[[Scored], bool]) -> None:
        """Forgets the scores so far of which this is true."""
        self.scores = {key: scored for key, scored in self.scores.items() if not which(scored)}

    def kept(self) -> list[Scored]:
        """The scores that are not in a channel or thread which is gone."""
        gone = self.channels
        if not gone:
            return list(self.scores.values())
        return [one for one in self.scores.values() if one.channel_id not in gone and one.thread_id not in gone]

    def followed_by(self, later: Pending) -> Self:
        """Itself, with what has happened since. The work is proportional to `later`, unless a server is gone."""
        self.remove_guilds(later.guilds)
        self.channels |= later.channels
        self.delete(later.deleted)
        for message_id, edited in later.emptied.items():
            self.empty(message_id, edited)
        self.in_time |= later.in_time
        for scored in later.scores.values():
            self.put(scored)
        return self


class Remembered:
    """The ids that were added last, at most `limit` of them, each with a moment."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ids: OrderedDict[int, int] = OrderedDict()

    def __contains__(self, number: object) -> bool:
        return number in self._ids

    def moment(self, number: int) -> int:
        """What was given with an id that is here; -1 for another."""
        return self._ids.get(number, -1)

    def add(self, number: int, moment: int = 0) -> None:
        """Remembers it as the newest; the oldest is forgotten where there is no room."""
        self._ids[number] = max(moment, self.moment(number))
        self._ids.move_to_end(number)
        if len(self._ids) > self._limit:
            self._ids.popitem(last=False)

    def discard(self, number: int) -> None:
        """Forgets it, if it is there."""
        self._ids.pop(number, None)
