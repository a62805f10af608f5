"""The write buffer: the event loop says what has happened, and every few seconds it is written in one transaction."""

from __future__ import annotations

import asyncio
import logging
import time
from array import array
from collections.abc import AsyncIterator, Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from math import inf

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.backlog import Backlog
from bot.storage.database import Database
from bot.storage.erasure_log import Kind
from bot.storage.erasures import Erasures
from bot.storage.errors import DatabaseUnavailable, ErasureWaits, ShardsTaken
from bot.storage.hourly_rollup import remove_messages, write_pending
from bot.storage.leases import Leases
from bot.storage.pending_writes import Pending, Remembered, Scored, kept_of
from bot.storage.personal_data import Eraser
from bot.storage.pseudonyms import HASH_BYTES, in_server
from bot.storage.retention import oldest_kept
from bot.storage.sign_of_life import Shard, final_sign_of_life, give_signs
from bot.storage.write_counts import Counts
from model.errors import Unreadable
from model.histogram import Histogram
from model.verdict import Verdict

_log = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0
LIMIT = 200_000
"""Messages that may wait to be written, about 60 MB; and as many deletions, and ids that are remembered as deleted."""
LATER = 10
"""How many times as many deletions may wait behind those, as bare numbers of 8 bytes: nobody would repeat them."""
ALIVE_SECONDS = 60.0
"""How often a sign of life is written when there is nothing else to write."""

_HIGHEST = 2**63

_FLUSHES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)


class WriteBuffer:
    """What happened, until it is in the database.

    All methods are for one event loop. Those that are not `async` only touch memory. In whatever order a message's
    versions and its deletion come, and however they fall into writes, the database ends as if only the surviving
    messages had ever been there: a deletion is final, and of two versions the newer counts. What a failed write held is
    put back under what has come since.
    """

    def __init__(
        self,
        database: Database,
        opted_out: Container[bytes] = (),
        *,
        retention_days: int = 7,
        interval: float = FLUSH_SECONDS,
        limit: int = LIMIT,
        clock: Callable[[], float] = time.time,
        erasures: Erasures | None = None,
        leases: Leases | None = None,
    ) -> None:
        self.counts = Counts()
        self.flush_seconds = Histogram(_FLUSHES)
        """How long each write took, in seconds."""
        self.sees = False
        """Whether events reach the bot: only then is there a sign of life, for the time before it must become a gap."""
        self.unseen_since: Callable[[], float] = lambda: inf
        """Since when something is not seen of which no gap is written yet; infinity for never."""
        self.unseen_by_shard: Callable[[], Mapping[Shard, float]] = dict
        """The same of each shard, where there are several."""
        self._database = database
        self._opted_out = opted_out
        self._retention_days = retention_days
        self._interval = interval
        self._limit = limit
        self._clock = clock
        self._pending = Pending()
        self._in_flight = Pending()
        self._flushing = asyncio.Lock()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._alive = float("-inf")
        self._flushed: float | None = None
        self._in_hand: dict[object, float] = {}
        self._deleted = Remembered(limit)
        self._later_deleted = array("q")
        self._emptied = Remembered(limit)
        self._channels_gone = Remembered(limit)
        self._guilds_gone = Remembered(limit)
        self._erasures = erasures or Erasures(database, clock=clock)
        self._leases = leases
        self.backlog = Backlog()
        self._forgotten = self._erasures.forgotten()

    def __len__(self) -> int:
        """Messages whose scores are not written yet."""
        return len(self._pending.scores) + len(self._in_flight.scores)

    @contextmanager
    def in_hand(self) -> Iterator[None]:
        """Something that Discord has told is being dealt with: a sign of life says nothing of what comes after it."""
        event = object()
        self._in_hand[event] = self._clock()
        try:
            yield
        finally:
            del self._in_hand[event]

    def scored(
        self,
        message_id: int,
        guild_id: int,
        channel_id: int,
        author: bytes,
        verdict: Verdict | Unreadable,
        *,
        thread_id: int | None = None,
        edited: int = 0,
        missed: bool = False,
        former: Sequence[bytes] = (),
    ) -> bool:
        """A message, new or edited, was read, or could not be. `author` is a hash of `Pseudonyms.author`.

        `channel_id` is the channel that counts it: for a message in a thread that is the thread's parent, and
        `thread_id` the thread. `edited` is the time of the edit in milliseconds since the Unix epoch, 0 for a message
        as it was first written; one that was `missed` is read afterwards, edited or not. `former` are the author's
        hashes under former keys, under which they may have had their data deleted. False when it is not kept; `counts`
        says why. Raises ValueError for what is no hash.
        """
        if len(author) != HASH_BYTES or not 0 < message_id < _HIGHEST:
            raise ValueError("an author is a hash of 16 bytes, and a message's id fits 63 bits")
        scored = Scored(message_id, guild_id, channel_id, thread_id, author, edited, *kept_of(verdict))
        if self.refuses(scored, former):
            self.counts.refused += 1
            return False
        if message_id not in self._pending.scores and len(self) >= self._limit:
            self.counts.dropped += 1
            self.backlog.dropped(len(self))
            return False
        self._pending.put(scored, missed=missed)
        return True

    def refuses(self, one: Scored, former: Sequence[bytes] = ()) -> bool:
        """Whether a score is not to be kept: its author does not want it, or its message or place is gone."""
        return (
            one.author in self._opted_out
            or in_server(one.author, one.guild_id) in self._opted_out
            or one.message_id in self._deleted
            or one.edited <= self._emptied.moment(one.message_id)
            or one.channel_id in self._channels_gone
            or one.thread_id in self._channels_gone
            or one.guild_id in self._guilds_gone
            or any(one.message_id <= self._forgotten.get(author, 0) for author in (one.author, *former))
        )

    @asynccontextmanager
    async def between_writes(self) -> AsyncIterator[AsyncConnection]:
        """A transaction of somebody else's, in turn with the buffer's own: what waits is written before it.

        It is about servers of this process alone. Raises DatabaseUnavailable.
        """
        await self.flush()
        async with (
            self._database.patience.turn(self._flushing),
            self._erasures.transaction(own=self._is_about_own()) as connection,
        ):
            if self._leases is not None:
                await self._leases.require_own(connection)
            yield connection

    def deleted(self, message_ids: Iterable[int]) -> None:
        """These messages are gone, whether or not they were ever read."""
        for message_id in message_ids:
            self._deleted.add(message_id)
            if len(self._pending.deleted) + len(self._in_flight.deleted) < self._limit:
                self._pending.delete((message_id,))
                continue
            self._pending.scores.pop(message_id, None)
            if len(self._later_deleted) < LATER * self._limit:
                self._later_deleted.append(message_id)
            else:
                if not self.counts.dropped_deletions:
                    _log.error("too many deletions wait for the database: some rows stay until they are looked for")
                self.counts.dropped_deletions += 1

    def emptied(self, message_id: int, edited: int) -> None:
        """A message was edited at that time, in milliseconds, until it said nothing: what came later counts again."""
        self._emptied.add(message_id, edited)
        self._pending.empty(message_id, edited)

    def channel_gone(self, channel_id: int) -> None:
        """A channel, category or thread was deleted, and with it everything that was in it."""
        self._channels_gone.add(channel_id)
        self._pending.channels.add(channel_id)

    def guild_gone(self, guild_id: int) -> None:
        """The bot has left a server, or it was deleted: everything of it goes, settings and rules too."""
        self._guilds_gone.add(guild_id)
        self._pending.remove_guilds((guild_id,))

    async def guild_joined(self, guild_id: int) -> None:
        """The bot is in a server, perhaps again: what it was told before is removed first, what comes now is kept.

        Raises DatabaseUnavailable; what comes now is then kept all the same.
        """
        if guild_id in self._guilds_gone:
            self._guilds_gone.discard(guild_id)
            await self.flush()

    async def forget(
        self, authors: Sequence[bytes], up_to: int, erasers: Sequence[Eraser] = (remove_messages,), *, key: str = ""
    ) -> int:
        """Removes every message of somebody's, written or waiting; `authors` are their hashes (`Pseudonyms.authors`).

        All `erasers` work in one transaction: nothing is deleted by halves. It is noted first, with the fingerprint of
        today's `key`, so that neither a restart nor a backup undoes it.

        Messages with ids up to `up_to`, such as the id of the interaction that asked for it, are refused from now on: a
        score that is still being computed, or an edit, does not bring them back, also after a restart. Returns how many
        were in the database. When that does not do it, those in it are still there: raises ErasureWaits when they go as
        soon as it does, also after a restart, and else another DatabaseUnavailable.
        """
        theirs = frozenset(authors)
        self._forgotten.update((author, max(up_to, self._forgotten.get(author, 0))) for author in theirs)
        for waiting in (self._pending, self._in_flight):  # before it is noted: what is noted is done before these
            waiting.drop(lambda scored: scored.author in theirs)
        noted = await self._erasures.note(Kind.ERASED, up_to, authors, key)
        try:
            async with self._database.patience.turn(self._flushing), self._erasures.transaction() as connection:
                if not noted:
                    await final_sign_of_life(connection, self._clock())
                return sum([await erase(connection, list(theirs)) for erase in erasers])
        except DatabaseUnavailable as error:
            if noted:
                raise ErasureWaits(str(error)) from error
            raise

    async def forget_in(self, authors: Sequence[bytes], guild_id: int, *, key: str = "") -> None:
        """The same for somebody's messages and tags in one server, who has opted out of it before.

        So what is still being computed is refused as theirs, and need not be by its id. Raises as `forget` does.
        """
        theirs = frozenset(authors)
        for waiting in (self._pending, self._in_flight):
            waiting.drop(lambda scored: scored.author in theirs and scored.guild_id == guild_id)
        noted = await self._erasures.note(Kind.ERASED_IN, guild_id, authors, key)
        try:
            async with self._database.patience.turn(self._flushing), self._erasures.transaction() as connection:
                if not noted:
                    await final_sign_of_life(connection, self._clock())
        except DatabaseUnavailable as error:
            if noted:
                raise ErasureWaits(str(error)) from error
            raise

    def forgotten_too(self, up_to: Mapping[bytes, int]) -> None:
        """These people have had their messages deleted, up to these ids, through another process."""
        news = {author: last for author, last in up_to.items() if last > self._forgotten.get(author, 0)}
        self._forgotten.update(news)
        if news:
            self._pending.drop(lambda scored: scored.message_id <= news.get(scored.author, 0))

    def since_flush(self) -> float | None:
        """Seconds since all that was there was written, or there was nothing to write, or since the start.

        None: it has not been started.
        """
        return None if self._flushed is None else time.monotonic() - self._flushed

    async def flush(self) -> None:
        """Writes what is there now, in one transaction. Raises DatabaseUnavailable, and then it is all still here."""
        async with self._database.patience.turn(self._flushing):
            begun = time.monotonic()
            wrote = await self._flush_in_turn()
            self._flushed = time.monotonic()
            if wrote:
                self.flush_seconds.observe(self._flushed - begun)

    async def _flush_in_turn(self) -> bool:
        """Whether there was anything to write."""
        now = self._clock()
        while self._later_deleted and len(self._pending.deleted) < self._limit:
            self._pending.delete((self._later_deleted.pop(),))
        quiet = not self.sees or abs(now - self._alive) < ALIVE_SECONDS
        if quiet and not self._pending and not self._erasures.pending:
            return False
        try:
            await self._write(now, own=self._is_about_own())
        except ShardsTaken:
            await self._write(now, own=False)
        return True

    async def _write(self, now: float, *, own: bool) -> None:
        """Writes what waits; `own` as in `Database.write`: raises ShardsTaken where that is not true any more."""
        sees = self.sees
        in_hand = next(iter(self._in_hand.values()), now)
        unseen_since = min(in_hand, self.unseen_since())
        by_shard = {shard: min(in_hand, unseen) for shard, unseen in self.unseen_by_shard().items()}
        self._in_flight, self._pending = self._pending, Pending()
        try:
            async with self._erasures.transaction(own=own) as connection:
                if not own:  # first of all, since a server may have been joined again: what is written after it stays
                    await self._erasures.note_places(connection, self._in_flight.guilds, self._in_flight.channels)
                    await self._erasures.apply(connection)
                others = await self._leave_to_others(connection, own=own)
                several, oldest = self._erasures.is_one_of_several, oldest_kept(self._retention_days, now)
                left_out = await write_pending(connection, self._in_flight, oldest, one_of_several=several)
                if sees:
                    signs = {shard: unseen for shard, unseen in by_shard.items() if shard[0] not in others}
                    await give_signs(connection, self._database.shards, now, unseen_since, signs)
        except BaseException as error:
            self.counts.failures += not isinstance(error, ShardsTaken)
            self._pending = self._in_flight.followed_by(self._pending)
            raise
        else:
            self.backlog.passed()
            if sees:
                self._alive = now
            self.counts.late += left_out.late
            self.counts.edits += left_out.edits
            self.counts.refused += left_out.refused
            self.counts.written += len(self._in_flight.scores) - sum(left_out)
        finally:
            self._in_flight = Pending()

    def start(self) -> None:
        """Flushes every few seconds from now on, in a task of its own, until `close`."""
        self._flushed = time.monotonic()  # from now on it is looked for
        self._task = asyncio.get_running_loop().create_task(self._flush_now_and_then(), name="mood-buffer")

    async def close(self) -> None:
        """Writes what is left and ends the task; what cannot be written is counted in the log."""
        self._closing.set()
        if self._task is not None:
            await self._task
        try:
            await self.flush()
            while self._later_deleted:
                await self.flush()
        except DatabaseUnavailable as error:
            _log.error("%s", error)
            self.say_what_is_unwritten()

    def say_what_is_unwritten(self) -> None:
        """Counts in the log what waits, at the end, if anything does."""
        removals = self._pending.removals + self._in_flight.removals + len(self._later_deleted)
        if len(self) or removals:
            _log.error("%d messages and %d removals could not be written before the end", len(self), removals)
        self.backlog.count_losses()

    def give_up(self, shards: Container[int]) -> None:
        """Forgets what was read in shards that another process has taken, which reads it itself."""
        if self._leases is not None:
            shard_of = self._leases.shard_of
            for waiting in (self._pending, self._in_flight):
                before = len(waiting.scores)
                waiting.drop(lambda scored: shard_of(scored.guild_id) in shards)
                self.counts.refused += before - len(waiting.scores)

    def _is_about_own(self) -> bool:
        """Whether what is to be written is about servers of this process alone.

        Not what people have asked for. Of a deletion only the message is known: it is once all shards are still held.
        """
        if self._leases is None or not self._leases.has_all:
            return False
        return not (self._erasures.pending or self._pending.guilds or self._pending.channels)

    async def _leave_to_others(self, connection: AsyncConnection, *, own: bool) -> Container[int]:
        """Shards of which nothing may be written, since a message may have been deleted when another heard of it.

        Deletions are right whoever writes them, where nobody else writes meanwhile.
        """
        if self._leases is None:
            return ()
        others = await self._leases.taken_by_others(connection)
        if own and not others.isdisjoint(self._leases.held):
            raise ShardsTaken
        self.give_up(others)
        return others

    async def _flush_now_and_then(self) -> None:
        while not self._closing.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._closing.wait()
            try:
                await self.flush()
            except DatabaseUnavailable as error:
                self.backlog.failed(error, len(self))
            except Exception:  # a mistake of ours must not end the task: the next write may pass
                _log.exception("the mood buffer could not be written")
