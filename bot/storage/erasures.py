"""What was erased is noted before it is answered, done in the database, and done again where a backup was put back.

The database knows the number of the last entry of the log that was done in it. So a database that is behind the log,
because it is a copy from before or because it was away, is known by one comparison.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Self

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.records import Mode, Rule, TargetKind
from bot.domain.snowflake import SECONDS, first_id_at, written_at
from bot.storage.changes import Changed, note_change
from bot.storage.database import Database
from bot.storage.erasure_log import FILE, KEPT_DAYS, Entry, ErasureLog, Kind
from bot.storage.errors import DatabaseUnavailable, DatabaseUnusable
from bot.storage.hourly_rollup import remove_channels, remove_guilds, remove_messages, remove_messages_in
from bot.storage.known_places import known_among
from bot.storage.people_repository import blank_admin
from bot.storage.personal_data import RepeatedEraser
from bot.storage.pseudonyms import Pseudonyms
from bot.storage.requests import note_request
from bot.storage.schema import BookkeepingRow, ChannelRuleRow, ErasureLogRow, OptOutRow
from bot.storage.tag_repository import release_tags, release_tags_in
from bot.storage.upsert import greatest, upsert

_log = logging.getLogger(__name__)

ERASERS: tuple[RepeatedEraser, ...] = (remove_messages, blank_admin, release_tags)
"""What is done, in order, for each deletion that was noted: what all features together delete."""

_WORDS = {
    Kind.ERASED: "deletions by people",
    Kind.ERASED_IN: "deletions by people in one server",
    Kind.OPTED_OUT: "opt-outs",
    Kind.OPTED_IN: "opt-ins",
    Kind.SERVER: "servers",
    Kind.CHANNEL: "channels",
    Kind.EXEMPT: "exemptions",
    Kind.NO_RULE: "rules taken back",
}


class Erasures:
    """The log, and how far the database is with it. Without a log it keeps what is noted until it is done."""

    def __init__(
        self, database: Database, log: ErasureLog | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._file = log
        self._clock = clock
        self._pending: list[Entry] = []
        self._unwritten: list[Entry] = []
        self._turn = asyncio.Lock()
        self._reached: int | None = None
        self._last = 0
        self.done_again = ""
        """What was done again at the opening, in words; empty: the database was not behind."""

    @classmethod
    async def open(
        cls,
        database: Database,
        folder: Path,
        pseudonyms: Pseudonyms,
        clock: Callable[[], float] = time.time,
        *,
        one_of_several: bool = False,
    ) -> Self:
        """Reads the log in `folder`, and does again what the database is behind with; says so in the log.

        Of each of several processes the database knows how far it is with its log. Raises DatabaseUnavailable, also
        when the log cannot be read.
        """
        log = ErasureLog(folder)
        try:
            await asyncio.to_thread(log.read)
            is_new = one_of_several and not log.identity
            if is_new:
                await asyncio.to_thread(log.name, secrets.token_hex(8))
        except OSError as error:
            for_good = isinstance(error, PermissionError | IsADirectoryError)
            kind = DatabaseUnusable if for_good else DatabaseUnavailable
            raise kind(f"I can't read {folder / FILE} ({error.strerror}).") from None
        erasures = cls(database, log, clock)
        async with database.read() as connection:
            own = select(ErasureLogRow.done).where(ErasureLogRow.log == log.identity)
            done = await connection.scalar(own) if log.identity else None
            if done is None:
                done = await connection.scalar(select(BookkeepingRow.erasures)) or 0
        await erasures._catch_up(done, pseudonyms)
        if is_new:
            await erasures._tell_others(done)
        return erasures

    @property
    def is_one_of_several(self) -> bool:
        """Whether other processes have logs of their own, or had."""
        return self._file is not None and bool(self._file.identity)

    @property
    def pending(self) -> bool:
        """Whether there is anything that was noted and is not done in the database yet."""
        return bool(self._pending)

    def forgotten(self) -> dict[bytes, int]:
        """Hashes of the people who had their data deleted, with the id up to which their messages stay unread."""
        found: dict[bytes, int] = {}
        for entry in self._entries():
            if entry.kind is Kind.ERASED:
                found.update((author, max(entry.target, found.get(author, 0))) for author in entry.authors)
        return found

    def opted_in(self) -> dict[bytes, float]:
        """Hashes of the people who opted in again, with when, in seconds since the Unix epoch; the latest of each."""
        found: dict[bytes, float] = {}
        for entry in self._entries():
            if entry.kind is Kind.OPTED_IN:
                # Entries of before ids were noted have whole seconds, rounded down.
                moment = written_at(entry.target) if entry.target else entry.time + 1.0
                found.update((author, max(moment, found.get(author, 0.0))) for author in entry.authors)
        return found

    def about(self, authors: Collection[bytes]) -> tuple[Entry, ...]:
        """What is noted about the person with these hashes, in order."""
        return tuple(entry for entry in self._entries() if any(author in authors for author in entry.authors))

    async def note(self, kind: Kind, target: int = 0, authors: Sequence[bytes] = (), key: str = "") -> bool:
        """Notes what is to be done now; whether it is on the disk, and so will be done also after a restart.

        When the disk does not take it, the log says so, and it is tried again with the next.
        """
        return await self.note_all([(kind, target, tuple(authors), key)])

    async def note_all(self, news: Sequence[tuple[Kind, int, tuple[bytes, ...], str]]) -> bool:
        """The same for several at once."""
        async with self._turn:
            now = int(self._clock())
            for one in news:
                self._last += 1
                entry = Entry(self._last, now, *one)
                self._pending.append(entry)
                self._unwritten.append(entry)
            return await self._written()

    async def note_rule(self, kind: Kind, guild_id: int, about: TargetKind, target: int) -> bool:
        """The same for a rule that has people not read (`Kind.EXEMPT`) or that is gone (`Kind.NO_RULE`)."""
        async with self._turn:
            self._last += 1
            entry = Entry(self._last, int(self._clock()), kind, target, about=about, guild_id=guild_id)
            self._pending.append(entry)
            self._unwritten.append(entry)
            return await self._written()

    @asynccontextmanager
    async def transaction(self, *, own: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction in which everything that was noted is done: where `apply` is awaited, or at the end.

        `own`: it is about servers of this process alone (`Database.write`). Nothing that was noted is done in it, since
        what people ask for is about all; it is done in the next.
        Raises DatabaseUnavailable, and then it is done in the next.
        """
        async with self._database.write(own=own) as connection:
            self._reached = None
            yield connection
            if self._reached is None and not own:
                await self.apply(connection)
            reached = self._reached
        self._pending = [entry for entry in self._pending if reached is None or entry.number > reached]

    async def apply(self, connection: AsyncConnection) -> None:
        """Does what was noted so far, in order, within a `transaction`. To do it again changes nothing more."""
        noted = tuple(self._pending)
        for entry in noted:
            await _do(connection, entry)
            if self.is_one_of_several:
                await _note_for_all(connection, entry)
        if noted:
            self._reached = noted[-1].number
            await self._mark(connection, self._reached)

    async def note_places(
        self, connection: AsyncConnection, guilds: Collection[int], channels: Collection[int]
    ) -> None:
        """Notes those of these servers and channels of which something is held and that are to go, as `note_all` does.

        Within a `transaction`.
        """
        noted = {(entry.kind, entry.target) for entry in self._pending}
        guilds = {guild for guild in guilds if (Kind.SERVER, guild) not in noted}
        channels = {channel for channel in channels if (Kind.CHANNEL, channel) not in noted}
        known_guilds, known_channels = await known_among(connection, guilds, channels)
        news: list[tuple[Kind, int, tuple[bytes, ...], str]] = [(Kind.SERVER, guild, (), "") for guild in known_guilds]
        news += [(Kind.CHANNEL, channel, (), "") for channel in known_channels]
        if news:
            await self.note_all(news)

    async def _mark(self, connection: AsyncConnection, done: int) -> None:
        """Notes up to which line of the log everything is done."""
        if self._file is not None and self.is_one_of_several:
            row = [{"log": self._file.identity, "done": done}]
            await connection.execute(greatest(connection.dialect.name, ErasureLogRow, "done"), row)
        else:
            marked = update(BookkeepingRow).where(BookkeepingRow.erasures < done)
            await connection.execute(marked.values(erasures=done))

    async def _tell_others(self, done: int) -> None:
        """What was noted while there was one process is noted where the others look. Raises DatabaseUnavailable."""
        assert self._file is not None
        async with self._database.write() as connection:
            for entry in self._file.entries:
                if entry.number <= done:
                    await _note_for_all(connection, entry)
            await self._mark(connection, done)

    async def forget_old(self, now: float) -> None:
        """Leaves out of the log what no backup may hold any more; `now` in seconds since the Unix epoch. A job.

        What is not done in the database yet stays.
        """
        if self._file is None:
            return
        before = int(now) - KEPT_DAYS * 24 * SECONDS
        async with self._turn:
            done = self._pending[0].number - 1 if self._pending else self._last
            try:
                await asyncio.to_thread(self._file.forget, before, done)
            except OSError as error:
                _log.error("%s could not be written (%s)", FILE, error.strerror)

    def _entries(self) -> list[Entry]:
        return [*(self._file.entries if self._file is not None else ()), *self._unwritten]

    async def _written(self) -> bool:
        if self._file is None:
            self._unwritten.clear()
            return False
        try:
            await asyncio.to_thread(self._file.append, tuple(self._unwritten))
        except OSError as error:
            _log.error(
                "%s cannot be written (%s): what is deleted now would come back with a backup", FILE, error.strerror
            )
            return False
        self._unwritten.clear()
        return True

    async def _catch_up(self, done: int, pseudonyms: Pseudonyms) -> None:
        assert self._file is not None
        log = self._file
        self._last = max([done, log.gone, *(entry.number for entry in log.entries)])
        self._pending = sorted((entry for entry in log.entries if entry.number > done), key=lambda entry: entry.number)
        behind = tuple(self._pending)
        if log.damaged:
            _log.warning("%d lines of %s are damaged and were passed over", log.damaged, FILE)
        if log.gone > done:
            _log.warning(
                "the database is older than %s reaches back, which is %d days: opt-outs and deletions of before may be "
                "undone; tell people, so that they can repeat them",
                FILE,
                KEPT_DAYS,
            )
        known = pseudonyms.fingerprints
        strange = sum(bool(entry.key) and entry.key not in known for entry in log.entries)
        if strange:
            _log.warning(
                "%d entries of %s were made with a key that is not in HASH_KEY or hash.key any more: who opted out by "
                "them is not recognised; put that key behind today's",
                strange,
                FILE,
            )
        if behind:
            async with self.transaction():
                pass
            counts = Counter(entry.kind for entry in behind)
            self.done_again = ", ".join(f"{words}: {counts[kind]}" for kind, words in _WORDS.items() if counts[kind])
            _log.warning("the database was behind %s, as a backup is; done again: %s", FILE, self.done_again)


async def _note_for_all(connection: AsyncConnection, entry: Entry) -> None:
    """What no process may write against from now on."""
    if entry.kind is Kind.ERASED:
        await note_request(connection, entry.authors, entry.time, erased_to=entry.target)
    elif entry.kind is Kind.OPTED_IN:
        since = entry.target or first_id_at(entry.time + 1)
        await note_request(connection, entry.authors, entry.time, in_from=since)


async def _do(connection: AsyncConnection, entry: Entry) -> None:
    if entry.authors:
        await note_change(connection, Changed.PEOPLE)
    elif entry.kind in (Kind.EXEMPT, Kind.NO_RULE):
        await note_change(connection, Changed.SERVER, entry.guild_id)
    match entry.kind:
        case Kind.ERASED:
            for erase in ERASERS:
                await erase(connection, entry.authors, entry.target)
        case Kind.ERASED_IN:
            up_to = first_id_at(entry.time + 1)
            await remove_messages_in(connection, entry.authors, entry.target, up_to)
            await release_tags_in(connection, entry.authors, entry.target, up_to)
        case Kind.OPTED_OUT:
            rows = [{"author": author, "since": entry.target} for author in entry.authors]
            await connection.execute(upsert(connection.dialect.name, OptOutRow), rows)
        case Kind.OPTED_IN:
            await connection.execute(delete(OptOutRow).where(OptOutRow.author.in_(entry.authors)))
        case Kind.EXEMPT:
            rule = Rule(entry.guild_id, TargetKind(entry.about), entry.target, Mode.EXEMPT)
            await connection.execute(upsert(connection.dialect.name, ChannelRuleRow, "mode"), [asdict(rule)])
        case Kind.NO_RULE:
            target = (entry.guild_id, entry.about, entry.target)
            key = (ChannelRuleRow.guild_id, ChannelRuleRow.target_kind, ChannelRuleRow.target_id)
            await connection.execute(delete(ChannelRuleRow).where(tuple_(*key) == target))
        case Kind.SERVER:
            await remove_guilds(connection, [entry.target])
        case Kind.CHANNEL:
            await remove_channels(connection, [entry.target])
