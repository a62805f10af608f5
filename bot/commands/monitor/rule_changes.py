"""`/monitor enable`, `disable`, `exempt` and `include`: every change is a rule, and is written down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import discord

from bot.audience import can_see
from bot.channels import Watchable, WithMessages, is_private_thread, place_of
from bot.commands.monitor.errors import PRIVATE_THREAD, Refused
from bot.commands.monitor.rule_words import (
    EXEMPT,
    INCLUDED,
    INCLUDED_AND_WATCHED,
    NO_LONGER_WATCHED,
    NO_TAG,
    NOT_EXEMPT,
    NOT_WATCHED,
    NOW_WATCHED,
    how_in_words,
    not_posted,
)
from bot.commands.monitor.targets import RuleTarget, about
from bot.domain.records import AdminAction, Audited, GuildSettings, Mode, Rule, Sensitivity, TargetKind
from bot.domain.rules import Place
from bot.i18n import gettext, ngettext
from bot.link.failures import REQUEST_FAILURES
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.notice_post import NoTagAllowed
from bot.monitoring.watched_channels import watched
from bot.permissions import NO_CONTENT, for_watching, missing, what_to_click
from bot.storage.errors import DatabaseUnavailable, UnknownTimezone

_NAMED = 5
"""Channels that are named one by one in an answer."""

_WATCHED_KINDS = (WithMessages, discord.ForumChannel)


@dataclass(frozen=True, slots=True)
class RuleChanges:
    """Somebody who may change what is watched, in one server."""

    monitoring: Monitoring
    guild: discord.Guild
    member: discord.Member

    async def enable(
        self,
        what: RuleTarget,
        tagging: bool | None,
        sensitivity: Sensitivity | None,
        alert_messages: int | None = None,
        alert_authors: int | None = None,
    ) -> str:
        """Watches something; None leaves as it is what was chosen before, and 0 goes by the server's settings again.

        Raises Refused and DatabaseUnavailable.
        """
        if not self.monitoring.content_seen:
            raise Refused(" ".join((gettext("Nothing was enabled."), gettext(NO_CONTENT))))
        if is_private_thread(what.channel):
            raise Refused(" ".join((gettext("Nothing was enabled."), gettext(PRIVATE_THREAD))))
        rules = self.monitoring.rules
        before = rules.rules(self.guild.id).get((what.kind, what.id))
        rule = before or Rule(self.guild.id, what.kind, what.id, Mode.WATCH)
        rule = replace(
            rule,
            mode=Mode.WATCH,
            tagging=rule.tagging if tagging is None else tagging,
            sensitivity=sensitivity or rule.sensitivity,
            alert_messages=rule.alert_messages if alert_messages is None else alert_messages or None,
            alert_authors=rule.alert_authors if alert_authors is None else alert_authors or None,
        )
        how = how_in_words(rule)
        if what.channel is None or what.holds_channels:
            await rules.set_rule(rule)
            await self.monitoring.notices.resume(self.guild.id, [channel.id for channel in self._channels_of(what)])
            notices = gettext("I'll post a notice in each channel before I keep anything there.")
            mute = self._cannot_be_told(self._channels_of(what))
            said = " ".join(filter(None, (about(what, NOW_WATCHED, how=how), notices, mute)))
        else:
            said = await self._enable_channel(what.channel, rule, before, how)
        await self._write_down(AdminAction.ENABLE, what.kind, what.id)
        return said

    async def _enable_channel(self, channel: Watchable, rule: Rule, before: Rule | None, how: str) -> str:
        """The rule comes first, for it has nobody read until the notice stands; without a notice it is taken back."""
        lacking = missing(channel, for_watching(channel, tagging=rule.tagging))
        if lacking:
            click = what_to_click(channel, lacking)
            raise Refused(gettext("Nothing was enabled: {what_to_click} Then try again.", what_to_click=click))
        place, rules = place_of(channel), self.monitoring.rules
        known = before is not None and before.mode is Mode.WATCH and place is not None
        known = known and place is not None and await self.monitoring.notices.stands(place)
        await rules.set_rule(rule)
        self.monitoring.backoff.reopen(channel.id)
        if known:
            return gettext("I was already watching {place}; now with {how}.", place=channel.mention, how=how)
        try:
            await self.monitoring.notices.resume(self.guild.id, (channel.id,))
            await self.monitoring.notices.post(channel)
        except NoTagAllowed:
            await self._put_back(rule, before)
            raise Refused(gettext(NO_TAG, forum=channel.mention)) from None
        except REQUEST_FAILURES as error:
            await self._put_back(rule, before)
            raise Refused(not_posted(channel, error)) from None
        except DatabaseUnavailable:
            with suppress(DatabaseUnavailable):  # it may still be away, and without a notice the rule does nothing
                await self._put_back(rule, before)
            raise
        return gettext("Now watching {place} ({how}). I posted a notice there.", place=channel.mention, how=how)

    async def _put_back(self, rule: Rule, before: Rule | None) -> None:
        if before is not None:
            await self.monitoring.rules.set_rule(before)
        else:
            await self.monitoring.rules.remove_rule(rule.guild_id, (rule.target_kind, rule.target_id))

    async def disable(self, what: RuleTarget) -> str:
        """Stops watching something. Raises Refused and DatabaseUnavailable."""
        rules = self.monitoring.rules
        before = rules.rules(self.guild.id).get((what.kind, what.id))
        if before is not None and before.mode is Mode.WATCH:
            await rules.remove_rule(self.guild.id, (what.kind, what.id))
        elif not self._is_watched(what):
            raise Refused(about(what, NOT_WATCHED))
        if self._is_watched(what):
            # A wider rule still says so, and whoever disables a channel does not mean its category.
            await rules.set_rule(Rule(self.guild.id, what.kind, what.id, Mode.EXEMPT))
        await self._take_back_notices()
        await self._write_down(AdminAction.DISABLE, what.kind, what.id)
        still = sum(1 for _ in watched(rules, self.guild)) if what.holds_channels else 0
        own = ngettext(
            "{count:,} channel is still watched by other rules; see `/monitor status`.",
            "{count:,} channels are still watched by other rules; see `/monitor status`.",
            still,
        )
        kept = ngettext(
            "Per-message scores are gone within {count:,} day; hourly totals stay.",
            "Per-message scores are gone within {count:,} days; hourly totals stay.",
            self.monitoring.services.settings.retention_days,
        )
        return " ".join((about(what, NO_LONGER_WATCHED), *([own] if still else []), kept))

    async def exempt(self, what: RuleTarget) -> str:
        """Never reads somewhere, or people with a role. Raises DatabaseUnavailable."""
        await self._set(Rule(self.guild.id, what.kind, what.id, Mode.EXEMPT), AdminAction.EXEMPT)
        await self._take_back_notices()
        return about(what, EXEMPT)

    async def include(self, what: RuleTarget) -> str:
        """Undoes `exempt`. Raises Refused and DatabaseUnavailable."""
        rules = self.monitoring.rules
        rule = rules.rules(self.guild.id).get((what.kind, what.id))
        if rule is None or rule.mode is not Mode.EXEMPT:
            raise Refused(about(what, NOT_EXEMPT))
        await rules.remove_rule(self.guild.id, (what.kind, what.id))
        await self._write_down(AdminAction.INCLUDE, what.kind, what.id)
        if is_private_thread(what.channel):
            return " ".join((gettext("{place} is no longer exempt.", place=what.name), gettext(PRIVATE_THREAD)))
        return about(what, INCLUDED_AND_WATCHED if self._is_watched(what) else INCLUDED)

    async def _take_back_notices(self) -> None:
        """Where nobody is read any more, a notice of the past tells nobody who comes later."""
        rules, over = self.monitoring.rules, set()
        for number in rules.channels_told(self.guild.id):
            place = place_of(self.guild.get_channel_or_thread(number))
            if place is not None and not rules.decide(place).watched:
                over.add(number)
        await rules.untold(self.guild.id, over)

    async def choose(self, settings: GuildSettings) -> None:
        """Keeps the server's settings. Raises UnknownTimezone and DatabaseUnavailable."""
        if settings.lost_zone:  # which the store would refuse as well, but in English
            raise UnknownTimezone(
                gettext(
                    "There's no time zone {name}. They look like Europe/Berlin or America/New_York.",
                    name=repr(settings.timezone[:64]),
                )
            )
        await self.monitoring.rules.set_settings(settings)
        for channel in (*self.guild.channels, *self.guild.threads):
            self.monitoring.backoff.reopen(channel.id)  # another emoji may work where the last did not
        if settings.mod_channel_id is not None:
            self.monitoring.services.mod_channels.reopen(settings.mod_channel_id)
        await self.write_down(AdminAction.SETTINGS)

    async def write_down(self, action: AdminAction, what: RuleTarget | None = None) -> None:
        """Notes what was done. Raises DatabaseUnavailable."""
        await self._write_down(action, what.kind if what else None, what.id if what else None)

    async def _set(self, rule: Rule, action: AdminAction) -> None:
        await self.monitoring.rules.set_rule(rule)
        await self._write_down(action, rule.target_kind, rule.target_id)

    async def _write_down(self, action: AdminAction, kind: TargetKind | None, number: int | None) -> None:
        storage = self.monitoring.storage
        actor, now = storage.pseudonyms.author(self.member.id), int(storage.clock.now())
        await storage.guilds.add_audit(Audited(self.guild.id, now, actor, action, kind, number))

    def _is_watched(self, what: RuleTarget) -> bool:
        """Whether people are read there, in a category where no channel says otherwise."""
        if is_private_thread(what.channel):
            return False
        place = place_of(what.channel)
        if isinstance(what.channel, discord.CategoryChannel):
            place = Place(self.guild.id, what.id, what.id)
        return place is not None and self.monitoring.rules.decide(place).watched

    def _channels_of(self, what: RuleTarget) -> Sequence[Watchable]:
        inside = what.channel.channels if isinstance(what.channel, discord.CategoryChannel) else self.guild.channels
        return [channel for channel in inside if isinstance(channel, _WATCHED_KINDS)]

    def _cannot_be_told(self, channels: Sequence[Watchable]) -> str:
        """What keeps the bot from posting its notice, in those of the channels that whoever asks can see."""
        seen = [channel for channel in channels if can_see(self.member, channel)]
        mute = [channel for channel in seen if missing(channel, for_watching(channel))]
        if not mute:
            return ""
        names, more = ", ".join(channel.mention for channel in mute[:_NAMED]), len(mute) - _NAMED
        if more <= 0:
            return gettext(
                "I can't post it in {places}, so I won't read anything there. `/monitor doctor` says what to click.",
                places=names,
            )
        return ngettext(
            "I can't post it in {places} and {count:,} more, so I won't read anything there. `/monitor doctor` says "
            "what to click.",
            "I can't post it in {places} and {count:,} more, so I won't read anything there. `/monitor doctor` says "
            "what to click.",
            more,
            places=names,
        )
