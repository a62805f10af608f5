"""What every server has chosen, in memory: asked for each message, changed by `/monitor` a few times a year."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from math import inf

from bot.domain.notice import TELLS, Notice
from bot.domain.records import GuildSettings, Mode, Rule, TargetKind
from bot.domain.rules import Decision, Place, Rules, Target, decide
from bot.domain.snowflake import written_at
from bot.storage.guild_repository import GuildRepository
from bot.storage.notice_repository import NoticeRepository

_NO_RULES: Rules = {}
_NO_NOTICES: Mapping[int, Notice] = {}


class RuleCache:
    """Rules, the channels in which people have been told, and settings.

    A change is written to the store first and counts afterwards; methods that change or ask the store raise
    DatabaseUnavailable, and then nothing has changed.
    """

    def __init__(
        self, guilds: GuildRepository, notices: NoticeRepository, clock: Callable[[], float] = time.time
    ) -> None:
        self._guilds = guilds
        self._notices = notices
        self._clock = clock
        self._rules: dict[int, dict[Target, Rule]] = {}
        self._told: dict[int, dict[int, Notice]] = {}
        self._doubted: dict[int, float] = {}
        self._untold: set[int] = set()
        self._settings: dict[int, GuildSettings] = {}
        self.changed: Callable[[int], None] = _nothing
        """Called with a server's id when what is watched there, or where a notice stands, has changed."""
        self.language_changed: Callable[[int], None] = _nothing
        """Called with a server's id when its admins have chosen another language for what is posted there."""

    def now(self) -> float:
        """The time, in seconds since the Unix epoch, by the clock that what is kept here is dated by."""
        return self._clock()

    async def load(self) -> None:
        """Reads what decides about a message in all servers: rules, notices, languages; once, before the first."""
        for rule in await self._guilds.rules():
            self._rules.setdefault(rule.guild_id, {})[rule.target_kind, rule.target_id] = rule
        for notice in await self._notices.all():
            self.learn(notice)
            self.doubt((notice,))
        for settings in await self._guilds.with_languages():
            self._settings[settings.guild_id] = settings

    async def reload(self, guild_id: int) -> None:
        """Reads again what a server has chosen, which another process may have changed.

        A notice that is another than was known is to be asked for first, as after a start.
        """
        rules, notices = await self._guilds.rules(guild_id), await self._notices.of_server(guild_id)
        settings = await self._guilds.settings(guild_id)
        self._rules[guild_id] = {(rule.target_kind, rule.target_id): rule for rule in rules}
        known = self._told.get(guild_id, _NO_NOTICES)
        self.doubt(notice for notice in notices if known.get(notice.channel_id) != notice)
        self._told[guild_id] = {notice.channel_id: notice for notice in notices}
        for kept in (self._rules, self._told):
            if not kept[guild_id]:
                del kept[guild_id]
        if guild_id in self._settings or settings.languages:
            self._settings[guild_id] = settings
        self.changed(guild_id)

    async def reload_all(self) -> None:
        """The same for every server of this process."""
        for guild_id in self.guild_ids() | {rule.guild_id for rule in await self._guilds.rules()}:
            await self.reload(guild_id)

    def guild_ids(self) -> set[int]:
        """The servers of which `knows` is true."""
        return self._rules.keys() | self._told.keys() | self._settings.keys()

    def knows(self, guild_id: int | None) -> bool:
        """Whether a server has, or had, anything to do with monitoring."""
        return any(guild_id in kept for kept in (self._rules, self._told, self._settings))

    def rules(self, guild_id: int) -> Rules:
        """A server's rules."""
        return self._rules.get(guild_id, _NO_RULES)

    def has_exempt_roles(self, guild_id: int) -> bool:
        """Whether who is read there depends on their roles."""
        return any(kind is TargetKind.ROLE for kind, _ in self.rules(guild_id))

    def has_exempt_places(self, guild_id: int) -> bool:
        """Whether somewhere in the server nobody is to be read."""
        return any(
            rule.mode is Mode.EXEMPT and kind is not TargetKind.ROLE for (kind, _), rule in self.rules(guild_id).items()
        )

    def watches_somewhere(self, guild_id: int) -> bool:
        """Whether any rule of the server has anybody read."""
        return any(rule.mode is Mode.WATCH for rule in self.rules(guild_id).values())

    def decide(self, place: Place, roles: Iterable[int] = ()) -> Decision:
        """Whether somebody with these roles is read there."""
        return decide(self.rules(place.guild_id), place, roles)

    def wants(self, guild_id: int, language: str) -> bool:
        """Whether messages in a language, by its code, are read in a server; without one it is English."""
        settings = self._settings.get(guild_id)  # those that have chosen are known from the start
        return settings is None or settings.wants(language)

    async def set_rule(self, rule: Rule) -> None:
        """Keeps a rule in the place of the one its target had."""
        await self._guilds.set_rule(rule)
        self._rules.setdefault(rule.guild_id, {})[rule.target_kind, rule.target_id] = rule
        self.changed(rule.guild_id)

    async def remove_rule(self, guild_id: int, target: Target) -> None:
        """Removes what was said of a target, if anything was."""
        await self._guilds.remove_rule(guild_id, *target)
        self._rules.get(guild_id, {}).pop(target, None)
        self.changed(guild_id)

    def is_told(self, place: Place) -> bool:
        """Whether a notice stands where people who write there can see it: in the channel, or in the thread itself.

        False as well while that must be asked first (`Notices.stands`): it may have been deleted unseen.
        """
        return self.told_since(place) is not None

    def told_since(self, place: Place) -> float | None:
        """Since when people there have been told, in seconds since the Unix epoch; None where `is_told` is false."""
        since = [notice.since for notice in self._standing(place) if not self.is_doubted(notice)]
        return min((moment for moment in since if moment is not None), default=None)

    def history_told_since(self, place: Place) -> float | None:
        """Since when people there have been told that the history may be read, too; None: they have not."""
        since = [one.history_since for one in self._standing(place) if not self.is_doubted(one)]
        return min((moment for moment in since if moment is not None), default=None)

    def notices(self, guild_id: int) -> tuple[Notice, ...]:
        """What is known of a server's notices, those included that people have deleted."""
        return tuple(self._told.get(guild_id, _NO_NOTICES).values())

    def notice_of(self, guild_id: int, channel_id: int) -> Notice | None:
        """What is known of the notice of a channel or thread."""
        return self._told.get(guild_id, _NO_NOTICES).get(channel_id)

    def stands_since(self, place: Place) -> float | None:
        """The same as far as is known, asked or not; None where no notice is known to stand."""
        return min((one.since for one in self._standing(place) if one.since is not None), default=None)

    def stands(self, place: Place) -> bool:
        """Whether a notice stands there as far as is known, asked or not."""
        return bool(self._standing(place))

    def doubted(self, place: Place) -> list[Notice]:
        """The notices there that would count, but for having to be asked for first."""
        return [notice for notice in self._standing(place) if self.is_doubted(notice)]

    def is_doubted(self, notice: Notice) -> bool:
        """Whether a notice may have been deleted while nothing could be seen."""
        asked_from = self._doubted.get(notice.channel_id)
        return asked_from is not None and self._clock() >= asked_from

    def doubt(self, notices: Iterable[Notice], seconds: float = 0.0) -> None:
        """From now on, or from so many seconds on, these do not count until they have been asked for."""
        moment = self._clock() + seconds if seconds else -inf
        self._doubted.update((notice.channel_id, moment) for notice in notices if notice.stands)

    def trust(self, notice: Notice) -> None:
        """It was asked for, and stands."""
        self._doubted.pop(notice.channel_id, None)

    async def told(self, guild_id: int, channel_id: int, message_id: int) -> Notice:
        """Notes that a notice was posted in a channel or thread; returns the one that counts.

        That is another where another process was quicker.
        """
        posted = int(max(self._clock(), written_at(message_id)))  # nobody was told before, whatever our clock says
        counts = await self._notices.post(Notice(guild_id, channel_id, message_id, posted, tells=TELLS))
        self._untold.discard(channel_id)
        self.learn(counts)
        self.trust(counts)
        self.changed(guild_id)
        return counts

    async def look_up(self, guild_id: int, channel_id: int) -> Notice | None:
        """What the store knows of a notice, which another process may have posted: it is to be asked for first."""
        there, known = await self._notices.of(channel_id), self.notice_of(guild_id, channel_id)
        if there is None:
            self._told.get(guild_id, {}).pop(channel_id, None)
        elif known is None or known != there:
            self.learn(there)
            self.doubt((there,))
        return there

    async def found(self, notice: Notice, message_id: int) -> None:
        """Notes which message a notice is of which only the time was known."""
        self.learn(replace(notice, message_id=message_id))
        await self._notices.found(notice.channel_id, message_id)

    def learn(self, notice: Notice) -> None:
        """Keeps what is known of a notice, in memory."""
        self._told.setdefault(notice.guild_id, {})[notice.channel_id] = notice

    async def notice_deleted(self, notice: Notice) -> Notice:
        """Somebody has deleted a notice: at once, and whatever the store does, nobody is told there any more.

        Returns what is known since. Raises DatabaseUnavailable; then it must be said again.
        """
        now = int(self._clock())
        after = notice.after_deletion(now)
        self.learn(after)
        self.trust(notice)
        self.changed(notice.guild_id)
        if notice.message_id is None:
            await self._notices.remove(notice.guild_id, (notice.channel_id,))
            return after
        written = await self._notices.deleted(notice.channel_id, notice.message_id, now)
        if written is not None and written != after:
            self.learn(written)
            self.doubt((written,))
        return written or after

    def channels_told(self, guild_id: int) -> frozenset[int]:
        """The channels and threads of a server in which a notice was posted and not taken back."""
        return frozenset(self._told.get(guild_id, ()))

    async def untold(self, guild_id: int, channel_ids: Collection[int]) -> None:
        """From now on the notices there do not count: before anybody is read again, a new one is posted."""
        if channel_ids:
            await self._notices.remove(guild_id, channel_ids)
            for channel_id in channel_ids:
                self._told.get(guild_id, {}).pop(channel_id, None)
                self._doubted.pop(channel_id, None)
                self._untold.add(channel_id)
            self.changed(guild_id)

    def was_untold(self, channel_id: int) -> bool:
        """Whether a notice there was there, and has been made not to count since this process began."""
        return channel_id in self._untold

    def _standing(self, place: Place) -> list[Notice]:
        known = self._told.get(place.guild_id)
        if known is None:
            return []
        found = (known.get(number) for number in (place.channel_id, place.thread_id) if number is not None)
        return [notice for notice in found if notice is not None and notice.stands]

    async def settings(self, guild_id: int) -> GuildSettings:
        """What a server has chosen, or the defaults."""
        known = self._settings.get(guild_id)
        if known is None:
            read = await self._guilds.settings(guild_id)
            known = self._settings.setdefault(guild_id, read)  # somebody may have chosen meanwhile
        return known

    async def set_settings(self, settings: GuildSettings) -> None:
        """Keeps what a server has chosen. Raises UnknownTimezone."""
        before = self._settings.get(settings.guild_id)
        await self._guilds.set_settings(settings)
        self._settings[settings.guild_id] = settings
        if settings.language != (before.language if before is not None else ""):
            self.language_changed(settings.guild_id)

    def channel_gone(self, guild_id: int, channel_id: int) -> None:
        """A channel, category or thread was deleted; the buffer removes what the store holds about it."""
        rules = self._rules.get(guild_id, {})
        for kind in (TargetKind.CATEGORY, TargetKind.CHANNEL, TargetKind.THREAD):
            rules.pop((kind, channel_id), None)
        self._told.get(guild_id, {}).pop(channel_id, None)
        self._doubted.pop(channel_id, None)
        settings = self._settings.get(guild_id)
        if settings is not None and settings.mod_channel_id == channel_id:
            self._settings[guild_id] = replace(settings, mod_channel_id=None)

    async def role_gone(self, guild_id: int, role_id: int) -> None:
        """A role was deleted; nobody has it any more, and no alert mentions it. Raises DatabaseUnavailable."""
        if (TargetKind.ROLE, role_id) in self.rules(guild_id):
            await self.remove_rule(guild_id, (TargetKind.ROLE, role_id))
        settings = await self.settings(guild_id)
        if settings.alert_role_id == role_id and not settings.lost_zone:
            await self.set_settings(replace(settings, alert_role_id=None))

    def guild_gone(self, guild_id: int) -> None:
        """The bot has left a server; the buffer removes what the store holds about it."""
        for channel_id in self._told.get(guild_id, ()):
            self._doubted.pop(channel_id, None)
        for kept in (self._rules, self._told, self._settings):
            kept.pop(guild_id, None)


def _nothing(_guild_id: int) -> None:
    """Nobody wants to know."""
