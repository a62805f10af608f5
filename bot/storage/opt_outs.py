"""Who must not be read: in the database, and in memory so that asking costs no time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sqlalchemy import delete, insert, select

from bot.domain.snowflake import first_id_at, written_at
from bot.storage.database import Database
from bot.storage.erasure_log import Kind
from bot.storage.erasures import Erasures
from bot.storage.errors import DatabaseUnavailable
from bot.storage.pseudonyms import Pseudonyms, in_server
from bot.storage.requests import read_requests
from bot.storage.schema import OptOutRow
from bot.storage.sign_of_life import final_sign_of_life


class OptOuts:
    """The people who opted out, by their hashes. `load` must have been called before anybody is asked for.

    Whoever opted out in one server alone is there by a hash of both (`in_server`), which is else treated like any: so
    it is noted, done again after a backup and carried over to a new key in the same way.
    """

    def __init__(
        self,
        database: Database,
        pseudonyms: Pseudonyms,
        clock: Callable[[], float] = time.time,
        erasures: Erasures | None = None,
    ) -> None:
        self._database = database
        self._pseudonyms = pseudonyms
        self._clock = clock
        self._erasures = erasures or Erasures(database)
        self._authors: set[bytes] = set()
        self._recognised: dict[bytes, bytes] = {}
        self._in_again: dict[bytes, float] = {}
        self._unwritten: set[bytes] = set()
        self._readings: list[set[bytes]] = []
        self.erased: dict[bytes, int] = {}
        """Up to which ids people have had their messages deleted, as it was read last."""

    def __contains__(self, author: object) -> bool:
        return author in self._authors

    def __len__(self) -> int:
        return len(self._authors)

    async def load(self) -> None:
        """Reads who is out and who is in again, from the database and the log of erasures. Raises DatabaseUnavailable.

        It may be called again, after another process has had somebody's say. Whoever opts out here meanwhile, or did
        without the database's taking it, is out whatever it says.
        """
        written_meanwhile: set[bytes] = set()
        self._readings.append(written_meanwhile)
        try:
            async with self._database.read() as connection:
                authors = set((await connection.execute(select(OptOutRow.author))).scalars())
                requests = await read_requests(connection)
        finally:
            self._readings = [one for one in self._readings if one is not written_meanwhile]
        self._recognised = {today: former for today, former in self._recognised.items() if former in authors}
        self._unwritten -= authors
        self._authors = authors | self._recognised.keys() | self._unwritten | written_meanwhile
        since = {author: written_at(one.in_from) for author, one in requests.items() if one.in_from}
        for author, moment in self._erasures.opted_in().items():
            since[author] = max(moment, since.get(author, 0.0))
        self._in_again = since
        self.erased = {author: one.erased_to for author, one in requests.items() if one.erased_to}

    def includes(self, user_id: int, guild_id: int | None = None) -> bool:
        """Whether this person must not be read, anywhere or in that server.

        For the event loop, before anything is done with their message. Somebody who is known under a former key only is
        remembered under today's, too (`carry_over`).
        """
        if not self._authors:
            return False
        return self.is_out(user_id) or (guild_id is not None and self.is_out(user_id, guild_id))

    def is_out(self, user_id: int, guild_id: int | None = None) -> bool:
        """Whether somebody has opted out everywhere, or of that server alone: just of what is named."""
        return self._finds(self._hashes(user_id, guild_id))

    def _finds(self, authors: Sequence[bytes]) -> bool:
        known = next((author for author in authors if author in self._authors), None)
        if known is not None and known != authors[0]:
            self._authors.add(authors[0])
            self._recognised[authors[0]] = known
        return known is not None

    def _hashes(self, user_id: int, guild_id: int | None = None) -> tuple[bytes, ...]:
        """Those of somebody everywhere, or in one server alone; today's key first."""
        authors = self._pseudonyms.authors(user_id)
        return authors if guild_id is None else tuple(in_server(author, guild_id) for author in authors)

    def _in_again_since(self, user_id: int, guild_id: int | None = None) -> float:
        """When somebody has opted in again within the log's days, in seconds since the Unix epoch; 0: they did not."""
        if not self._in_again:
            return 0.0
        everywhere = self._hashes(user_id)
        there = self._hashes(user_id, guild_id) if guild_id is not None else ()
        return max(self._in_again.get(author, 0.0) for author in (*everywhere, *there))

    def was_out(self, user_id: int, message_id: int, guild_id: int | None = None) -> bool:
        """Whether a message is from before its author opted in again: it is not read later, nor when it is edited."""
        return written_at(message_id) < self._in_again_since(user_id, guild_id)

    async def add(self, user_id: int, guild_id: int | None = None) -> None:
        """Opts somebody out, everywhere or of one server: in memory at once and in any case.

        It is noted, so that a backup does not undo it. When the database does not do it but the log of erasures has it,
        it is kept, and done as soon as it does. Raises DatabaseUnavailable when neither has it: it is not kept over a
        restart.
        """
        author, since = self._hashes(user_id, guild_id)[0], int(self._clock())
        self._authors.add(author)
        self._unwritten.add(author)
        noted = await self._erasures.note(Kind.OPTED_OUT, since, (author,), self._pseudonyms.fingerprint)
        try:
            async with self._erasures.transaction():
                pass  # what was noted is done in it
        except DatabaseUnavailable:
            if not noted:
                raise
        else:
            self._unwritten.discard(author)
            for reading in self._readings:
                reading.add(author)

    async def remove(self, user_id: int, since_id: int | None = None, guild_id: int | None = None) -> None:
        """Opts somebody in again, everywhere or in one server, whichever they were out of.

        It holds for messages with ids from `since_id` on; None: from now on. For somebody who was not out nothing
        changes. Raises DatabaseUnavailable, and then they are still out.
        """
        authors, key = self._hashes(user_id, guild_id), self._pseudonyms.fingerprint
        since = first_id_at(self._clock()) if since_id is None else since_id
        noted = False
        try:
            async with self._erasures.transaction() as connection:
                gone = await connection.execute(delete(OptOutRow).where(OptOutRow.author.in_(authors)))
                if not gone.rowcount and self._authors.isdisjoint(authors):
                    return
                noted = True
                if not await self._erasures.note(Kind.OPTED_IN, since, authors, key):
                    await final_sign_of_life(connection, self._clock())
        except BaseException:
            if noted:  # or it would be done later, with nobody told
                await self._erasures.note(Kind.OPTED_OUT, int(self._clock()), authors[:1], key)
            raise
        self._in_again.update(dict.fromkeys(authors, written_at(since)))
        self._authors.difference_update(authors)
        for author in authors:
            self._recognised.pop(author, None)
            for kept in (self._unwritten, *self._readings):
                kept.discard(author)

    async def carry_over(self) -> int:
        """Writes down under today's key who was recognised under a former one; returns how many.

        Meant for once a day. Raises DatabaseUnavailable, and then they are written next time.
        """
        recognised = dict(self._recognised)
        if not recognised:
            return 0
        carried = []
        async with self._database.write() as connection:
            for author, former in recognised.items():
                known = select(OptOutRow.since).where(OptOutRow.author == former)
                since = await connection.scalar(known)
                there = await connection.scalar(select(OptOutRow.since).where(OptOutRow.author == author))
                if since is not None and there is None:
                    await connection.execute(insert(OptOutRow).values(author=author, since=since))
                    carried.append((Kind.OPTED_OUT, since, (author,), self._pseudonyms.fingerprint))
        if carried:
            await self._erasures.note_all(carried)
        for author in recognised:
            self._recognised.pop(author, None)
        return len(recognised)
