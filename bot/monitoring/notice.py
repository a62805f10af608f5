"""The notice: nobody is read where it does not stand."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from math import inf

import discord

from bot.channels import Watchable, WithMessages
from bot.connection import Connection
from bot.domain.notice import TELLS, Notice
from bot.domain.records import TargetKind
from bot.domain.rules import Decision, Place
from bot.i18n import speaking
from bot.link.failures import REQUEST_FAILURES, is_refusal, kind_of_failure
from bot.link.spoken import server_language
from bot.monitoring.admin_notifier import AdminNotifier
from bot.monitoring.notice_check import Found, NoticeCheck
from bot.monitoring.notice_post import NoTagAllowed, send
from bot.monitoring.notice_reports import deleted_twice, no_tag, refused
from bot.monitoring.notice_words import notice
from bot.monitoring.rule_cache import RuleCache
from bot.refusal_backoff import Purpose, RefusalBackoff
from bot.storage.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

AWAY_SECONDS = 60.0
"""How long no notice is posted by itself after one that could not be noted, and so had to be taken back."""

ASK_AGAIN_SECONDS = 120.0
"""After which a notice is asked for again when Discord did not answer; until then it counts as it did."""

AT_ONCE = 3
"""Notices posted at once where people write: a whole server that begins to be watched is no rush on Discord."""

LONGEST_WAIT = 30.0
"""Seconds that a message waits for its channel's notice to be asked for; then the notice counts as it did."""

MOST_IN_VAIN = 5
"""Questions without an answer, one in two minutes, after which a notice does not count until there is one."""

Told = Callable[[Watchable], Awaitable[None]]


class Notices:
    """Posts notices, notes where they stand, and knows when they stand no more."""

    def __init__(
        self,
        rules: RuleCache,
        backoff: RefusalBackoff,
        admins: AdminNotifier,
        connection: Connection,
        retention_days: int,
        *,
        processes: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules
        self._backoff = backoff
        self._admins = admins
        self._retention_days = retention_days
        self._connection = connection
        self._check = NoticeCheck(connection, rules, retention_days, processes)
        self._began = rules.now()
        self._posting: set[int] = set()
        self._due: set[int] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._asking: dict[int, asyncio.Task[bool]] = {}
        self._unwritten: dict[int, Notice] = {}
        self._gone: set[int] = set()
        self._doubted_meanwhile: set[int] = set()
        self._in_vain: dict[int, int] = {}
        self._ask_from: dict[int, float] = {}
        self._clock = clock
        self._not_before = -inf
        self.blind_from: Told = _nobody_is_told
        """Called with a channel in which nothing is read any more, because no notice can be had there."""
        self.sees_again: Told = _nobody_is_told
        """Called with a channel in which a notice was posted."""

    async def stands(self, place: Place) -> bool:
        """Whether people there have been told, and no reason is known to doubt it: asked before anybody is read.

        Where the notice may have been deleted unseen Discord is asked first, once. Raises nothing.
        """
        if self._rules.is_told(place):
            return True
        for doubted in self._rules.doubted(place):
            if await self._still_stands(doubted):
                return self._rules.is_told(place)
        return False

    def kept_out(self, place: Place) -> bool:
        """Whether nobody can say if people there have been told, for Discord may not be asked now."""
        return self._check.kept_out and bool(self._rules.doubted(place))

    async def history_told_since(self, place: Place) -> float | None:
        """Since when people there have been told that the history may be read; None: they have not, or nobody can say.

        Where such a notice may have been deleted unseen Discord is asked first, as in `stands`. Raises nothing.
        """
        for doubted in self._rules.doubted(place):
            if doubted.tells_of_history:
                await self._still_stands(doubted)
        return self._rules.history_told_since(place)

    async def post(self, channel: Watchable, *, renew: bool = False, look: bool = False) -> None:
        """Posts a notice in a channel, a thread, or as a post of a forum, and notes it, unless one stands.

        `renew`: also where one stands that tells less than the present one does. `look`: the one counts that a process
        which was killed just then has posted and not noted.

        Raises NoTagAllowed, what the library raises when Discord does not take it (`REQUEST_FAILURES`), and
        DatabaseUnavailable when it cannot be noted; it is then taken back.
        """
        self._posting.add(channel.id)
        self._doubted_meanwhile.discard(channel.id)
        try:
            if channel.id in self._unwritten:
                await self._write_deletion(self._unwritten[channel.id])
            there = await self._rules.look_up(channel.guild.id, channel.id)
            if there is not None and there.stands:
                stands = not self._rules.is_doubted(there) or await self._still_stands(there)
                if stands and (not renew or there.tells >= TELLS):
                    return
            settings = await self._rules.settings(channel.guild.id)
            with speaking(server_language(channel.guild, settings)):
                words, posted = notice(self._retention_days), None
                if look and (there is None or not there.stands) and not self._rules.was_untold(channel.id):
                    posted = await self._check.posted_before(channel, words, self._began)
                posted = posted or await send(channel, words)
            try:
                counts = await self._rules.told(channel.guild.id, channel.id, posted.message_id)
            except DatabaseUnavailable:
                with suppress(*REQUEST_FAILURES):
                    await posted.take_back()
                raise
            if counts.message_id != posted.message_id:  # another process has posted one just now
                with suppress(*REQUEST_FAILURES):
                    await posted.take_back()
            if channel.id in self._doubted_meanwhile:
                self._rules.doubt((counts,))
            if counts.message_id in self._gone:
                await self.deleted(channel.guild.id, self._gone)
        finally:
            self._posting.discard(channel.id)
            if not self._posting:
                self._gone.clear()
        self._backoff.worked(channel.id, Purpose.NOTICE)
        await self.sees_again(channel)

    async def post_where_due(self, channel: WithMessages, decision: Decision) -> None:
        """Somebody wrote where a wider rule watches and no notice stands: posts it. Raises nothing of Discord's.

        None is posted where people have deleted it twice, until an admin acts.
        """
        narrow = decision.rule is not None and decision.rule.target_kind is TargetKind.THREAD
        place: Watchable = channel
        if isinstance(channel, discord.Thread) and channel.parent is not None and not narrow:
            place = channel.parent
        if self._clock() < self._not_before or place.id in self._posting or place.id in self._due:
            return
        known = self._rules.notice_of(channel.guild.id, place.id)
        if (known is not None and known.stopped) or not self._backoff.is_open(place.id, Purpose.NOTICE):
            return
        self._due.add(place.id)
        try:
            async with self._turns:
                await self.post(place, look=True)
        except (*REQUEST_FAILURES, NoTagAllowed) as error:
            await self._failed(place, error)
        except DatabaseUnavailable:
            self._not_before = self._clock() + AWAY_SECONDS
            _log.warning("a notice could not be noted, and so does not stand")
        finally:
            self._due.discard(place.id)

    async def deleted(self, guild_id: int, message_ids: Collection[int]) -> None:
        """Messages or threads of a server are gone: where one was a notice, nobody is told any more."""
        if self._posting:
            self._gone.update(message_ids)
        for known in self._rules.notices(guild_id):
            if known.message_id in message_ids:
                await self._was_deleted(known)

    def doubt(self, guild_ids: Iterable[int] | None = None, channel_id: int | None = None) -> None:
        """Notices of these servers, or of all, may have been deleted unseen: each is asked for before it counts.

        With `channel_id` that is only so of the notices there: in the channel or thread, in a thread of the channel, or
        where that is the post of a forum that is its notice.
        """
        for guild_id in self._rules.guild_ids() if guild_ids is None else guild_ids:
            known = self._rules.notices(guild_id)
            self._rules.doubt(one for one in known if channel_id is None or self._is_in(one, channel_id))
        self._doubted_meanwhile.update(self._posting, self._asking)  # what is on its way may be of before

    def language_changed(self, guild_id: int) -> None:
        """Its notices are edited as after an upgrade: each is asked for, and renewed, when somebody next writes there.

        It is the same message, so people there have been told since it was posted, in whatever language that was.
        """
        self.doubt((guild_id,))

    def _is_in(self, known: Notice, channel_id: int) -> bool:
        """Whether a notice can be seen by whoever sees this channel; so is one of which it is not known where it is."""
        guild = self._connection.get_guild(known.guild_id)
        if guild is None or channel_id in (known.channel_id, known.message_id):
            return True
        thread = guild.get_thread(known.channel_id)
        if thread is not None:
            return thread.parent_id == channel_id
        return guild.get_channel(known.channel_id) is None

    async def resume(self, guild_id: int, channel_ids: Collection[int]) -> int:
        """An admin has acted: where people had deleted notices, they are posted again. Returns how many had stopped.

        Raises DatabaseUnavailable.
        """
        theirs = [one for one in self._rules.notices(guild_id) if not one.stands and one.channel_id in channel_ids]
        await self._rules.untold(guild_id, [one.channel_id for one in theirs])
        return sum(one.stopped for one in theirs)

    async def write_deletions(self, _now: float) -> None:
        """Writes down which notices were deleted while the database was away. A job."""
        for known in tuple(self._unwritten.values()):
            if self._rules.notice_of(known.guild_id, known.channel_id) is None:  # its channel or server is gone as well
                del self._unwritten[known.channel_id]
            else:
                await self._write_deletion(known)

    async def _still_stands(self, known: Notice) -> bool:
        """Asks Discord, once for all who wait."""
        if self._clock() < self._ask_from.get(known.channel_id, -inf):
            return False
        asking = self._asking.get(known.channel_id)
        if asking is None:
            asking = asyncio.get_running_loop().create_task(self._ask(known), name="asking for a notice")
            self._asking[known.channel_id] = asking
            asking.add_done_callback(lambda _: self._asking.pop(known.channel_id, None))
        done, _ = await asyncio.wait((asking,), timeout=LONGEST_WAIT)
        if not done:
            self._rules.doubt((known,), ASK_AGAIN_SECONDS)
        return not done or (not asking.cancelled() and asking.exception() is None and asking.result())

    async def _ask(self, known: Notice) -> bool:
        self._doubted_meanwhile.discard(known.channel_id)
        found, message_id = await self._check.ask(known)
        while known.channel_id in self._doubted_meanwhile and found is not Found.GONE:
            self._doubted_meanwhile.discard(known.channel_id)
            found, message_id = await self._check.ask(known)
        if self._rules.notice_of(known.guild_id, known.channel_id) != known:
            return False  # it was deleted meanwhile, or another one stands
        if found is Found.GONE:
            await self._was_deleted(known)
        elif found is Found.UNKNOWN:
            self._in_vain[known.channel_id] = self._in_vain.get(known.channel_id, 0) + 1
            if self._in_vain[known.channel_id] >= MOST_IN_VAIN:  # it has not been seen for too long
                self._ask_from[known.channel_id] = self._clock() + ASK_AGAIN_SECONDS
                return False
            self._rules.doubt((known,), ASK_AGAIN_SECONDS)
        else:
            self._in_vain.pop(known.channel_id, None)
            self._ask_from.pop(known.channel_id, None)
            self._rules.trust(known)
            if message_id is not None and known.message_id is None:
                with suppress(DatabaseUnavailable):  # then it is looked for again after the next start
                    await self._rules.found(known, message_id)
        return found is not Found.GONE

    async def _was_deleted(self, known: Notice) -> None:
        _log.info("the notice of channel %d was deleted", known.channel_id)
        self._unwritten[known.channel_id] = known
        try:
            after = await self._write_deletion(known)
        except DatabaseUnavailable:
            after = self._rules.notice_of(known.guild_id, known.channel_id) or known
            _log.warning("that a notice was deleted could not be written yet")
        guild = self._connection.get_guild(known.guild_id)
        if after.stopped and guild is not None:
            self._admins.report(guild, "notice deleted", f"<#{known.channel_id}>", deleted_twice)
            channel = guild.get_channel_or_thread(known.channel_id)
            if isinstance(channel, Watchable):
                await self.blind_from(channel)

    async def _write_deletion(self, known: Notice) -> Notice:
        after = await self._rules.notice_deleted(known)
        self._unwritten.pop(known.channel_id, None)
        return after

    async def _failed(self, place: Watchable, error: BaseException) -> None:
        _log.info("no notice could be posted in channel %d (%s)", place.id, kind_of_failure(error))
        if not isinstance(error, NoTagAllowed) and not is_refusal(error):
            self._backoff.failed(place.id, Purpose.NOTICE)
        elif self._backoff.refused(place.id, Purpose.NOTICE):
            if isinstance(error, NoTagAllowed):
                self._admins.report(place.guild, f"tag of {place.id}", place.mention, no_tag)
            else:
                self._admins.report(place.guild, "notice refused", place.mention, refused)
            await self.blind_from(place)


async def _nobody_is_told(_channel: Watchable) -> None:
    """Nobody wants to know."""
