"""What every server has chosen, in memory: asked for each message, changed by `/monitor` a few times a year."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from bot.domain.records import AdminAction, Audited, GuildSettings, Rule, TargetKind
from bot.domain.rules import Decision, Place, Rules, Target, decide
from bot.storage.guild_repository import GuildRepository

_NO_RULES: Rules = {}


class RuleCache:
    """Rules, the channels in which people have been told, and settings.

    A change is written to the store first and counts afterwards; methods that change or ask the store raise
    DatabaseUnavailable, and then nothing has changed.
    """

    def __init__(self, guilds: GuildRepository, clock: Callable[[], float] = time.time) -> None:
        self._guilds = guilds
        self._clock = clock
        self._rules: dict[int, dict[Target, Rule]] = {}
        self._told: dict[int, set[int]] = {}
        self._settings: dict[int, GuildSettings] = {}
        self.changed: Callable[[int], None] = _nothing
        """Called with a server's id when what is watched there, or where a notice stands, has changed."""

    async def load(self) -> None:
        """Reads the rules of all servers, and where notices were posted; once, before the first message."""
        for rule in await self._guilds.rules():
            self._rules.setdefault(rule.guild_id, {})[rule.target_kind, rule.target_id] = rule
        for guild_id, channel_id in await self._guilds.notices():
            self._told.setdefault(guild_id, set()).add(channel_id)

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

    def decide(self, place: Place, roles: Iterable[int] = ()) -> Decision:
        """Whether somebody with these roles is read there."""
        return decide(self.rules(place.guild_id), place, roles)

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
        """Whether a notice stands where people who write there can see it: in the channel, or in the thread itself."""
        told = self._told.get(place.guild_id, ())
        return place.channel_id in told or place.thread_id in told

    async def told(self, guild_id: int, channel_id: int) -> None:
        """Notes that a notice was posted in a channel or thread."""
        kind = TargetKind.CHANNEL
        await self._guilds.add_audit(Audited(guild_id, int(self._clock()), None, AdminAction.NOTICE, kind, channel_id))
        self._told.setdefault(guild_id, set()).add(channel_id)
        self.changed(guild_id)

    def channels_told(self, guild_id: int) -> frozenset[int]:
        """The channels and threads of a server in which a notice was posted and counts."""
        return frozenset(self._told.get(guild_id, ()))

    async def untold(self, guild_id: int, channel_ids: Collection[int]) -> None:
        """From now on the notices there do not count: before anybody is read again, a new one is posted."""
        if channel_ids:
            await self._guilds.remove_notices(guild_id, channel_ids)
            self._told.get(guild_id, set()).difference_update(channel_ids)
            self.changed(guild_id)

    async def settings(self, guild_id: int) -> GuildSettings:
        """What a server has chosen, or the defaults."""
        known = self._settings.get(guild_id)
        if known is None:
            read = await self._guilds.settings(guild_id)
            known = self._settings.setdefault(guild_id, read)  # somebody may have chosen meanwhile
        return known

    async def set_settings(self, settings: GuildSettings) -> None:
        """Keeps what a server has chosen. Raises UnknownTimezone."""
        await self._guilds.set_settings(settings)
        self._settings[settings.guild_id] = settings

    def channel_gone(self, guild_id: int, channel_id: int) -> None:
        """A channel, category or thread was deleted; the buffer removes what the store holds about it."""
        rules = self._rules.get(guild_id, {})
        for kind in (TargetKind.CATEGORY, TargetKind.CHANNEL, TargetKind.THREAD):
            rules.pop((kind, channel_id), None)
        self._told.get(guild_id, set()).discard(channel_id)
        settings = self._settings.get(guild_id)
        if settings is not None and settings.mod_channel_id == channel_id:
            self._settings[guild_id] = replace(settings, mod_channel_id=None)

    async def role_gone(self, guild_id: int, role_id: int) -> None:
        """A role was deleted; nobody has it any more."""
        if (TargetKind.ROLE, role_id) in self.rules(guild_id):
            await self.remove_rule(guild_id, (TargetKind.ROLE, role_id))

    def guild_gone(self, guild_id: int) -> None:
        """The bot has left a server; the buffer removes what the store holds about it."""
        for kept in (self._rules, self._told, self._settings):
            kept.pop(guild_id, None)


def _nothing(_guild_id: int) -> None:
    """Nobody wants to know."""
