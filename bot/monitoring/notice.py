"""The notice: nobody is read where it does not stand."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf

import discord

from bot.channels import Watchable, WithMessages
from bot.domain.records import TargetKind
from bot.domain.rules import Decision
from bot.domain.snowflake import written_at
from bot.monitoring.admin_notifier import AdminNotifier
from bot.monitoring.rule_cache import RuleCache
from bot.refusal_backoff import Purpose, RefusalBackoff
from bot.storage.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

AWAY_SECONDS = 60.0
"""How long no notice is posted by itself after one that could not be noted, and so had to be taken back."""

FORUM_TITLE = "The mood of this forum is read"


def notice(retention_days: int) -> str:
    """What people read where they are watched: what is kept, for how long, and how to get out of it."""
    days = f"{retention_days} days" if retention_days > 1 else "a day"
    return (
        "**From now on I read the mood of what is written here**, because an admin of this server has asked for it.\n"
        "- I keep a score for each message, with its id, its channel, its hour, and a scrambled id of its author. "
        "**Never its text**, which does not leave the machine of whoever runs this bot. "
        "I read English: what's in another language gets no score and is only counted.\n"
        f"- Single scores are deleted after {days}. After that only sums by hour are left, with nobody in them.\n"
        "- Nobody can ask about another person. An hour with fewer than 5 people in it is not shown.\n"
        "- You would rather not? Use `/privacy opt-out`, and your messages are not read, in any server. "
        "`/privacy see` shows what is kept about you, and `/privacy delete` deletes it."
    )


class Notices:
    """Posts notices and notes where they stand."""

    def __init__(
        self,
        rules: RuleCache,
        backoff: RefusalBackoff,
        admins: AdminNotifier,
        retention_days: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules
        self._backoff = backoff
        self._admins = admins
        self._words = notice(retention_days)
        self._posting: set[int] = set()
        self._clock = clock
        self._not_before = -inf

    async def post(self, channel: Watchable) -> None:
        """Posts a notice in a channel, a thread, or as a post of a forum, and notes it.

        Raises discord.HTTPException when Discord does not take it, and DatabaseUnavailable when it cannot be noted; it
        is then taken back.
        """
        self._posting.add(channel.id)
        try:
            posted = await self._send(channel)
            try:
                await self._rules.told(channel.guild.id, channel.id, written_at(posted.id))
            except DatabaseUnavailable:
                with suppress(discord.HTTPException):
                    await posted.delete()
                raise
        finally:
            self._posting.discard(channel.id)
        self._backoff.worked(channel.id, Purpose.NOTICE)

    async def _send(self, channel: Watchable) -> discord.Message | discord.Thread:
        if isinstance(channel, discord.ForumChannel):
            tags = channel.available_tags[:1] if channel.flags.require_tag else []
            return (await channel.create_thread(name=FORUM_TITLE, content=self._words, applied_tags=tags)).thread
        if isinstance(channel, WithMessages):
            return await channel.send(self._words)
        raise TypeError("a category holds no messages")

    async def post_where_due(self, channel: WithMessages, decision: Decision) -> None:
        """Somebody wrote where a wider rule watches and no notice stands yet: posts it. Raises nothing of Discord's."""
        narrow = decision.rule is not None and decision.rule.target_kind is TargetKind.THREAD
        place: Watchable = channel
        if isinstance(channel, discord.Thread) and channel.parent is not None and not narrow:
            place = channel.parent
        if self._clock() < self._not_before or place.id in self._posting:
            return
        if not self._backoff.is_open(place.id, Purpose.NOTICE):
            return
        try:
            await self.post(place)
        except discord.HTTPException as error:
            _log.info("no notice could be posted in channel %d (%s)", place.id, error.code)
            if self._backoff.refused(place.id, Purpose.NOTICE):
                await self._admins.tell(
                    channel.guild,
                    f"I am to watch {place.mention} but cannot post my notice there, so I read nothing in it. "
                    "`/monitor doctor` says what to click.",
                )
        except DatabaseUnavailable:
            self._not_before = self._clock() + AWAY_SECONDS
            _log.warning("a notice could not be noted, and was taken back")
