"""`/monitor enable`, `disable`, `exempt` and `include`: every change is a rule, and is written down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import discord

from bot.audience import can_see
from bot.channels import Watchable, WithMessages, is_private_thread, place_of
from bot.commands.monitor.errors import PRIVATE_THREAD, Refused
from bot.commands.monitor.targets import RuleTarget
from bot.domain.records import AdminAction, Audited, GuildSettings, Mode, Rule, Sensitivity, TargetKind
from bot.domain.rules import Place
from bot.link.failures import REQUEST_FAILURES, is_refusal
from bot.monitoring.monitoring import Monitoring
from bot.monitoring.notice_post import NoTagAllowed
from bot.monitoring.watched_channels import watched
from bot.permissions import NO_CONTENT, for_watching, missing, what_to_click
from bot.storage.errors import DatabaseUnavailable

_NAMED = 5
"""Channels that are named one by one in an answer."""

_WATCHED_KINDS = (WithMessages, discord.ForumChannel)


@dataclass(frozen=True, slots=True)
class RuleChanges:
    """Somebody who may change what is watched, in one server."""

    monitoring: Monitoring
    guild: discord.Guild
    member: discord.Member

    async def enable(self, what: RuleTarget, tagging: bool | None, sensitivity: Sensitivity | None) -> str:
        """Watches something; None leaves as it is what was chosen before. Raises Refused and DatabaseUnavailable."""
        if not self.monitoring.content_seen:
            raise Refused(f"Nothing was enabled. {NO_CONTENT}")
        if is_private_thread(what.channel):
            raise Refused(f"Nothing was enabled. {PRIVATE_THREAD}")
        rules = self.monitoring.rules
        before = rules.rules(self.guild.id).get((what.kind, what.id))
        rule = before or Rule(self.guild.id, what.kind, what.id, Mode.WATCH)
        rule = replace(
            rule,
            mode=Mode.WATCH,
            tagging=rule.tagging if tagging is None else tagging,
            sensitivity=sensitivity or rule.sensitivity,
        )
        how = f"tagging {'on' if rule.tagging else 'off'}, sensitivity {rule.sensitivity}"
        if what.channel is None or what.holds_channels:
            await rules.set_rule(rule)
            await self.monitoring.notices.resume(self.guild.id, [channel.id for channel in self._channels_of(what)])
            said = f"I watch {what.name} now ({how}), except where a narrower rule says otherwise. "
            said += "In each channel I post a notice before I read the first message. "
            said += self._cannot_be_told(self._channels_of(what))
        else:
            said = await self._enable_channel(what.channel, rule, before, how)
        await self._write_down(AdminAction.ENABLE, what.kind, what.id)
        return said.strip()

    async def _enable_channel(self, channel: Watchable, rule: Rule, before: Rule | None, how: str) -> str:
        """The rule comes first, for it has nobody read until the notice stands; without a notice it is taken back."""
        lacking = missing(channel, for_watching(channel, tagging=rule.tagging))
        if lacking:
            raise Refused(f"Nothing was enabled: {what_to_click(channel, lacking)} Then try again.")
        place, rules = place_of(channel), self.monitoring.rules
        known = before is not None and before.mode is Mode.WATCH and place is not None
        known = known and place is not None and await self.monitoring.notices.stands(place)
        await rules.set_rule(rule)
        self.monitoring.backoff.reopen(channel.id)
        if known:
            return f"{channel.mention} was watched already; now with {how}."
        try:
            await self.monitoring.notices.resume(self.guild.id, (channel.id,))
            await self.monitoring.notices.post(channel)
        except NoTagAllowed as error:
            await self._put_back(rule, before)
            raise Refused(f"Nothing was enabled: I cannot post my notice, for {error}. Then try again.") from None
        except REQUEST_FAILURES as error:
            await self._put_back(rule, before)
            raise Refused(
                f"Nothing was enabled: I could not post my notice in {channel.mention} ({_reason(error)}). "
                "Nobody is to be watched unnoticed."
            ) from None
        except DatabaseUnavailable:
            with suppress(DatabaseUnavailable):  # it may still be away, and without a notice the rule does nothing
                await self._put_back(rule, before)
            raise
        return f"I watch {channel.mention} now ({how}). My notice stands there."

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
            raise Refused(f"{_capitalised(what.name)} is not watched.")
        if self._is_watched(what):
            # A wider rule still says so, and whoever disables a channel does not mean its category.
            await rules.set_rule(Rule(self.guild.id, what.kind, what.id, Mode.EXEMPT))
        await self._take_back_notices()
        await self._write_down(AdminAction.DISABLE, what.kind, what.id)
        still = sum(1 for _ in watched(rules, self.guild)) if what.holds_channels else 0
        are = "1 channel is" if still == 1 else f"{still} channels are"
        own = f"{are} still watched by other rules; see `/monitor status`. " if still else ""
        days = self.monitoring.services.settings.retention_days
        kept = f"Single scores from there are deleted within {days} days; sums by hour stay."
        return f"{_capitalised(what.name)} is not watched any more. {own}{kept}"

    async def exempt(self, what: RuleTarget) -> str:
        """Never reads somewhere, or people with a role. Raises DatabaseUnavailable."""
        await self._set(Rule(self.guild.id, what.kind, what.id, Mode.EXEMPT), AdminAction.EXEMPT)
        await self._take_back_notices()
        if what.kind is TargetKind.ROLE:
            return f"People with {what.name} are not read, anywhere. `/monitor include` undoes that."
        return f"{_capitalised(what.name)} is not read, whatever is watched around it. `/monitor include` undoes that."

    async def include(self, what: RuleTarget) -> str:
        """Undoes `exempt`. Raises Refused and DatabaseUnavailable."""
        rules = self.monitoring.rules
        rule = rules.rules(self.guild.id).get((what.kind, what.id))
        if rule is None or rule.mode is not Mode.EXEMPT:
            raise Refused(f"{_capitalised(what.name)} is not exempt.")
        await rules.remove_rule(self.guild.id, (what.kind, what.id))
        await self._write_down(AdminAction.INCLUDE, what.kind, what.id)
        if what.kind is TargetKind.ROLE:
            return f"People with {what.name} are read again where something is watched."
        if is_private_thread(what.channel):
            return f"{_capitalised(what.name)} is no longer exempt. {PRIVATE_THREAD}"
        now = "watched again" if self._is_watched(what) else "not watched: `/monitor enable` starts that"
        return f"{_capitalised(what.name)} is no longer exempt; it is {now}."

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
        names = ", ".join(channel.mention for channel in mute[:_NAMED])
        more = f" and {len(mute) - _NAMED} more" if len(mute) > _NAMED else ""
        return f"I cannot post it in {names}{more}, and so read nothing there; `/monitor doctor` says what to click."


def _reason(error: BaseException) -> str:
    if isinstance(error, discord.HTTPException) and is_refusal(error):
        return f"Discord says: {error.text}"
    return "Discord does not answer just now; please try again in a minute"


def _capitalised(name: str) -> str:
    return name[:1].upper() + name[1:]
