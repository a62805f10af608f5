"""Channels that are watched and of which nothing is seen: a gap of each, and one note to the admins for all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import discord

from bot.channels import Watchable, place_of
from bot.connection import Connection
from bot.domain.discord_clock import DiscordClock
from bot.domain.records import Absence, GapCause
from bot.i18n import gettext
from bot.monitoring.admin_notifier import AdminNotifier
from bot.monitoring.downtime import Downtime
from bot.monitoring.rule_cache import RuleCache
from bot.monitoring.watched_channels import watched

_log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often servers are looked at in which something has changed: one change of a role comes with many of channels."""

QUIET_SECONDS = 3600.0
"""How long the admins of a server are told nothing more after a note; what is still so then is told."""


class BlindSpots:
    """Finds what the bot may not see any more, and is told where nothing is read because no notice stands.

    A channel counts once a notice has stood in it: of one that was never read nothing is missing.
    """

    def __init__(
        self, rules: RuleCache, downtime: Downtime, admins: AdminNotifier, connection: Connection, clock: DiscordClock
    ) -> None:
        self._rules = rules
        self._downtime = downtime
        self._admins = admins
        self._connection = connection
        self._clock = clock
        self._changed: dict[int, float] = {}
        self._untold: dict[int, set[int]] = {}
        self._quiet_until: dict[int, float] = {}
        self.shown_again: Callable[[Iterable[int], int], None] = _nobody_is_told
        """Called with a server, in a list, and a channel that was hidden: its notice may have been deleted unseen."""
        self.last_alive: int | None = None
        """When the bot was alive before this start; what has been away since then ended there if it does so no more."""

    def look_soon(self, guild_id: int) -> None:
        """Something has changed in a server that may hide channels of it, or show them."""
        if self._rules.knows(guild_id):
            self._changed.setdefault(guild_id, self._clock.steady())

    async def blind_from(self, channel: Watchable) -> None:
        """Nothing is read there from now on, because no notice stands and none can be posted."""
        absence = _absence(GapCause.UNTOLD, channel)
        if absence is not None:
            self._downtime.away(absence)

    async def sees_again(self, channel: Watchable) -> None:
        """A notice stands there again. What was written before it is nobody's to read."""
        absence = _absence(GapCause.UNTOLD, channel)
        if absence is not None:
            await self._downtime.over(absence)

    async def look(self, _now: float) -> None:
        """Looks at the servers in which something has changed. A job."""
        changed, self._changed = self._changed, {}
        for guild_id, since in changed.items():
            guild = self._connection.get_guild(guild_id)
            if guild is not None and not guild.unavailable:  # one that is not there is looked at when it is
                await self._look_at(guild, since)
        for guild_id in tuple(self._untold):
            await self._tell(guild_id)

    def forget(self, guild_id: int) -> None:
        """The bot has left a server."""
        for kept in (self._changed, self._untold, self._quiet_until):
            kept.pop(guild_id, None)

    async def _look_at(self, guild: discord.Guild, since: float) -> None:
        watching, hidden, standing = set(), set(), set()
        for one in watched(self._rules, guild):
            channel, told, place = one.channel, one.told, place_of(one.channel)
            if place is None:
                continue
            untold = Absence(GapCause.UNTOLD, guild.id, place.channel_id)
            if told or self._downtime.knows(untold) or self._downtime.left(untold):
                watching.add(place.channel_id)
            if told:
                standing.add(place.channel_id)
            if told and not sees(channel):
                hidden.add(place.channel_id)
            if not told and self._downtime.left(untold):
                self._downtime.away(untold)
        for channel_id in hidden:
            if self._downtime.away(Absence(GapCause.HIDDEN, guild.id, channel_id), since):
                self._untold.setdefault(guild.id, set()).add(channel_id)
        for absence, _ in tuple(self._downtime.lasting(guild.id)):
            if absence.channel_id is None or absence.guild_id is None:
                continue
            seen = absence.cause is GapCause.HIDDEN and absence.channel_id not in hidden
            noticed = absence.cause is GapCause.UNTOLD and absence.channel_id in standing
            if seen:
                self.shown_again((guild.id,), absence.channel_id)
            if seen or noticed or absence.channel_id not in watching:
                await self._downtime.over(absence)
        self._downtime.settled(guild.id, self.last_alive)

    async def _tell(self, guild_id: int) -> None:
        """One note about all that is hidden and was not told of yet; not soon after the last one."""
        guild = self._connection.get_guild(guild_id)
        if self._clock.steady() < self._quiet_until.get(guild_id, 0.0) and guild is not None:
            return
        channels = self._untold.pop(guild_id)
        still = sorted(one for one in channels if self._downtime.knows(Absence(GapCause.HIDDEN, guild_id, one)))
        if guild is None or not still:
            return
        self._quiet_until[guild_id] = self._clock.steady() + QUIET_SECONDS
        _log.info("in server %d, %d watched channels are hidden from the bot", guild_id, len(still))
        await self._admins.tell_of(guild, [f"<#{channel}>" for channel in still], _hidden_in_words)


def sees(channel: Watchable) -> bool:
    """Whether Discord shows the bot what is written in a channel."""
    granted = channel.permissions_for(channel.guild.me)
    parent = channel.parent if isinstance(channel, discord.Thread) else channel
    speaks = isinstance(parent, discord.VoiceChannel | discord.StageChannel)
    return granted.view_channel and (granted.connect or not speaks)


def _nobody_is_told(_guild_ids: Iterable[int], _channel_id: int) -> None:
    """Nobody wants to know."""


def _absence(cause: GapCause, channel: Watchable) -> Absence | None:
    place = place_of(channel)
    return None if place is None else Absence(cause, place.guild_id, place.channel_id)


def _hidden_in_words(places: str) -> str:
    return gettext(
        "I should watch {places}, but I can't see its messages any more. From now on that's a gap in its mood. "
        "`/monitor doctor` says what to click.",
        places=places,
    )
